#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# stats: docker's columns and field names, with figures that are true.

bats_require_minimum_version 1.5.0
load helpers
load roots
load life

setup_file() {
    busybox_store
}

teardown_file() {
    drop_scratch
}

setup() {
    life_setup
}

teardown() {
    life_teardown
}

@test "the table has docker's columns, and a row for each container that runs" {
    minidock run -d --name one busybox sleep 1000 >/dev/null
    minidock run -d --name two busybox sleep 1000 >/dev/null
    minidock create --name three busybox true >/dev/null
    run minidock stats --no-stream
    exited 0
    [[ "${lines[0]}" =~ ^CONTAINER\ ID\ +NAME\ +CPU\ %\ +MEM\ USAGE\ /\ LIMIT\ +MEM\ %\ +NET\ I/O\ +BLOCK\ I/O\ +PIDS$ ]]
    [ "${#lines[@]}" = 3 ]
    said one
    said two
    said_not three
    run minidock stats --no-stream -a --format '{{.Name}} {{.PIDs}}'
    [ "$(sort <<<"$output" | xargs)" = "one 1 three 0 two 1" ]
}

@test "one line of JSON has docker's names" {
    minidock run -d --name one busybox sleep 1000 >/dev/null
    run minidock stats --no-stream --format json one
    exited 0
    "$E2E_PYTHON" - "$output" <<'END'
import json, sys
row = json.loads(sys.argv[1])
assert sorted(row) == ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"], row
assert row["Container"] == row["Name"] == "one" and len(row["ID"]) == 12, row
END
    run minidock stats --no-stream --no-trunc --format '{{.ID}}' one
    [ "$output" = "$(field one .Id)" ]
    run minidock stats --no-stream --format '{{.Nope}}' one
    exited 125
}

@test "a busy process counts, an idle one does not" {
    minidock run -d --name busy busybox sh -c 'while :; do :; done' >/dev/null
    minidock run -d --name idle busybox sleep 1000 >/dev/null
    run minidock stats --no-stream --format '{{.Name}} {{.CPUPerc}}'
    exited 0
    "$E2E_PYTHON" - "$output" <<'END'
import sys
used = dict(line.split() for line in sys.argv[1].splitlines())
assert float(used["busy"].rstrip("%")) > 5, used
assert float(used["idle"].rstrip("%")) < 5, used
END
}

@test "memory and processes are counted" {
    minidock run -d --name big busybox sh -c 'head -c 50000000 /dev/zero | tail -c 49999999 | sleep 1000 & sleep 1001 & echo up; wait' >/dev/null
    minidock run -d --name small busybox sleep 1000 >/dev/null
    logged big up
    # tail keeps what it reads.
    enough() {
        minidock stats --no-stream --format '{{.MemUsage}}' big | grep -qE '^[3-9][0-9]\.?[0-9]*MiB / ' || echo "not yet"
    }
    settled enough
    [ "$(minidock stats --no-stream --format '{{.PIDs}}' small)" = 1 ]
    run minidock stats --no-stream --format '{{.MemUsage}} {{.MemPerc}}' small
    [[ "$output" =~ ^[0-9.]+(B|KiB|MiB)\ /\ [0-9.]+[GM]iB\ [0-9.]+%$ ]]
}

@test "an unknown container is an error" {
    run minidock stats --no-stream nobody
    exited 1
    said "No such container: nobody"
}

@test "it goes on every second until it is interrupted" {
    minidock run -d --name one busybox sleep 1000 >/dev/null
    minidock stats --format '{{.Name}}' >"$BATS_TEST_TMPDIR/out" 3>&- &
    local client=$!

    three() {
        [ "$(grep -c one "$BATS_TEST_TMPDIR/out")" -ge 3 ] || echo "not yet"
    }
    settled three
    kill -INT "$client" || kill -TERM "$client"
    kill -TERM "$client"
    wait "$client" || true
    ! grep -q $'\033' "$BATS_TEST_TMPDIR/out"
    run in_terminal minidock stats <<'END'
expect CONTAINER ID
expect one
expect CONTAINER ID
key c
END
    exited 130
    said $'\033[H'
}
