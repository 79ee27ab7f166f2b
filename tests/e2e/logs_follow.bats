#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# logs: followed, bounded, of any content.

bats_require_minimum_version 1.5.0
load helpers
load roots

setup_file() {
    busybox_store
}

teardown_file() {
    drop_scratch
}

setup() {
    need_containers
}

teardown() {
    can_run || return 0
    leave_nothing
}

# start NAME COMMAND...: a container of busybox in the background; its runner is in $RUNNER.
start() {
    local name="$1"

    shift
    minidock run --name "$name" busybox "$@" </dev/null >/dev/null 2>&1 3>&- &
    RUNNER=$!
    appears_in_ps "$name"
}

appears_in_ps() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [ -z "$(minidock ps -q -f "name=^$1\$")" ] || return 0
        sleep 0.05
    done
    minidock ps -a >&2
    return 1
}

# log_of NAME: the path of its log.
log_of() {
    minidock inspect -f '{{.LogPath}}' "$1"
}

@test "logs -f goes on until the container ends, and loses nothing of its end" {
    start one sh -c 'echo first; while [ ! -e /go ]; do sleep 0.1; done; seq 1 20000; printf end'
    minidock logs -f one >"$BATS_TEST_TMPDIR/out" 3>&- &
    follower=$!
    appears first "$BATS_TEST_TMPDIR/out"
    touch "/proc/$(minidock inspect -f '{{.State.Pid}}' one)/root/go"
    ends "$follower"
    [ "$status" -eq 0 ]
    { echo first; seq 1 20000; printf end; } | cmp - "$BATS_TEST_TMPDIR/out"
    wait "$RUNNER"
}

# Less than what is kept of a log, or it would depend on who is faster.
@test "logs -f across rotations has each line once" {
    start one sh -c 'echo first; while [ ! -e /go ]; do sleep 0.1; done; seq 1 350000'
    minidock logs -f one 3>&- | sha256sum >"$BATS_TEST_TMPDIR/sum" &
    follower=$!
    touch "/proc/$(minidock inspect -f '{{.State.Pid}}' one)/root/go"
    wait "$RUNNER"
    wait "$follower"
    [ "$(cat "$BATS_TEST_TMPDIR/sum")" = "$({ echo first; seq 1 350000; } | sha256sum)" ]
    # There was something to rotate.
    [ -e "$(log_of one).1" ]
}

@test "logs -f ends when the runner is killed, and when the container is removed" {
    start_sleeper one busybox sleep 100
    minidock logs -f one 3>&- &
    follower=$!
    kill -KILL "$RUNNER"
    ends "$follower"
    [ "$status" -eq 0 ]
    wait "$RUNNER" || true
    start_sleeper two busybox sleep 100
    minidock logs -f two 3>&- &
    follower=$!
    minidock rm -f two
    ends "$follower"
    [ "$status" -eq 0 ]
    wait "$RUNNER" || true
}

@test "logs -f of one that has ended prints what there is, and ends" {
    minidock run --name one busybox seq 1 5 >/dev/null
    run minidock logs -f -n 2 one
    exited 0
    [ "$output" = "$(printf '4\n5')" ]
    run minidock logs -f -n 0 one
    exited 0
    [ -z "$output" ]
}

@test "logs -f keeps the streams apart" {
    minidock run --name one busybox sh -c 'echo out; echo err >&2' >/dev/null 2>&1
    run --separate-stderr minidock logs -f one
    [ "$output" = out ]
    [ "$stderr" = err ]
}

@test "logs --since and --until take docker's forms" {
    minidock run --name one busybox true
    for hour in 01 02 03; do
        printf '{"log":"%s\\n","stream":"stdout","time":"2026-01-02T%s:00:00.5Z"}\n' "$hour" "$hour"
    done >"$(log_of one)"
    [ "$(minidock logs --since 2026-01-02T02:00:00Z one | tr '\n' ' ')" = "02 03 " ]
    [ "$(minidock logs --since 2026-01-02T02:00:00.6Z one | tr '\n' ' ')" = "03 " ]
    [ "$(minidock logs --since 2026-01-02T04:00:00+02:00 one | tr '\n' ' ')" = "02 03 " ]
    [ "$(TZ=UTC minidock logs --until 2026-01-02T02:00 one | tr '\n' ' ')" = "01 " ]
    [ "$(minidock logs --since 1767315600 --until 1767319200.5 one | tr '\n' ' ')" = "01 02 " ]
    [ -z "$(minidock logs --until 2026-01-01 one)" ]
    [ "$(minidock logs --since 2026-01-01 one | wc -l)" -eq 3 ]
    [ "$(minidock logs --until 1h30m one | wc -l)" -eq 3 ]
    [ -z "$(minidock logs --since 10m one)" ]
    [ "$(minidock logs --tail all -t --until 2026-01-02T01:30Z one)" = "2026-01-02T01:00:00.500000000Z 01" ]
    for time in x 10 10x; do
        run minidock logs --since "$time" one
        [ "$time" = 10 ] && exited 0 || exited 125
    done
    run minidock logs -n x one
    exited 125
}

@test "logs -f --until ends when that time is over" {
    start_sleeper one busybox sleep 100
    run timeout 20 minidock logs -f --until 0s one
    exited 0
    kill "$RUNNER"
    wait "$RUNNER" || true
}

@test "a log of anything takes bounded memory, and what is whole is printed" {
    minidock run --name one busybox true
    log="$(log_of one)"
    line='{"log":"whole\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}'
    { echo "$line"; head -c 300000000 /dev/zero; echo; echo "$line"
      printf '{"log":"x'; head -c 300000000 /dev/zero | tr '\0' x; printf '\n%s\n{"log":"cut' "$line"; } >"$log"
    for option in '' -f '-n 3'; do
        # shellcheck disable=SC2086
        run bash -c '[ -n "$MINIDOCK_SANITIZED" ] || ulimit -v 200000; exec minidock logs '"$option"' one'
        exited 0
        [ "$(grep -c '^whole$' <<<"$output")" -ge 1 ]
    done
    run minidock logs one
    [ "$(grep -c '^whole$' <<<"$output")" -eq 3 ]
    [ "${#output}" -lt 100 ]
}

@test "logs of one that has none prints nothing, and of a name that is none fails" {
    minidock run --name one busybox true
    rm -f "$(log_of one)"
    run minidock logs one
    exited 0
    [ -z "$output" ]
    run minidock logs -f one
    exited 0
    run minidock logs nothing
    exited 1
    said "No such container: nothing"
}
