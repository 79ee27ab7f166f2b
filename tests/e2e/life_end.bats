#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How containers end, what is kept of them, and who starts them again.

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

# last_boot NAME: as if it had run before the last reboot.
last_boot() {
    "$E2E_PYTHON" - "$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/$1")/state.json" <<'END'
import json, sys
with open(sys.argv[1]) as source:
    state = json.load(source)
state["boot_id"] = "00000000-0000-0000-0000-000000000000"
with open(sys.argv[1], "w") as target:
    json.dump(state, target)
END
}

@test "on-failure starts again what fails, so many times" {
    minidock run -d --name one --restart on-failure:2 busybox sh -c 'echo life; exit 4'
    minidock run -d --name two --restart on-failure busybox sh -c 'echo life; [ -e /again ] && exit 0; : >/again; exit 1'
    becomes one .RestartCount 2
    becomes one .State.Status exited
    [ "$(minidock logs one | wc -l)" = 3 ]
    [ "$(field one .State.ExitCode)" = 4 ]
    becomes two .State.Status exited
    [ "$(minidock logs two | wc -l)" = 2 ]
    [ "$(field two .HostConfig.RestartPolicy.Name)" = on-failure ]
    minidock start two
    [ "$(field two .RestartCount)" = 0 ]
}

@test "always starts again what succeeds, until it is stopped, killed or removed by hand" {
    minidock run -d --name one --restart always busybox true
    minidock run -d --name two --restart unless-stopped busybox sh -c 'echo up; exec sleep 100'
    minidock run -d --name three --restart always busybox sleep 100
    becomes one .RestartCount 2
    logged two up
    [ "$(field one .State.Running)" = true ]
    within 5 minidock stop one two
    minidock kill three
    becomes three .State.Status exited
    [ "$(status_of one)" = exited ]
    [ "$(status_of two)" = exited ]
    minidock start one
    becomes one .RestartCount 1
    within 5 minidock rm -f one
}

@test "a process that dies of a signal from outside is started again" {
    minidock run -d --name one --restart always busybox sleep 100
    local pid
    pid="$(field one .State.Pid)"
    kill -KILL "$pid"
    becomes one .RestartCount 1
    becomes one .State.Status running
    [ "$(field one .State.Pid)" != "$pid" ]
}

@test "between two starts it is restarting, for docker and for ps" {
    minidock run -d --name one --restart always busybox false
    becomes one .RestartCount 4
    becomes one .State.Status restarting
    [ "$(field one .State.Restarting)" = true ]
    [[ "$(minidock ps --format '{{.Status}}')" == "Restarting (1)"* ]]
    run minidock attach one
    exited 1
    said "You cannot attach to a restarting container"
    run minidock pause one
    exited 1
    run minidock start one
    exited 0
    run minidock rm one
    exited 1
    within 5 minidock rm -f one
}

@test "update --restart changes the policy of what runs" {
    minidock run -d --name one --restart always busybox false
    becomes one .RestartCount 1
    minidock update --restart no one
    becomes one .State.Status exited
    minidock run -d --name two busybox sh -c 'sleep 0.5; exit 1'
    minidock update --restart on-failure:1 two
    becomes two .RestartCount 1
    run minidock update two
    exited 125
    run minidock update --restart sometimes two
    exited 125
}

@test "start --boot starts what ran before the reboot and is to outlive it" {
    minidock run -d --name one --restart always busybox sleep 100
    minidock run -d --name two --restart unless-stopped busybox sleep 100
    minidock run -d --name three --restart unless-stopped busybox sleep 100
    minidock run -d --name four busybox sleep 100
    minidock run -d --name five --restart always busybox sleep 100
    minidock create --name six --restart always busybox sleep 100
    minidock stop one two three four five
    for name in one three four; do
        last_boot "$name"
    done
    minidock start two
    # As a power cut leaves it.
    local dir
    dir="$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/two")"
    cp "$dir/state.json" "$BATS_TEST_TMPDIR/state"
    minidock stop two
    cp "$BATS_TEST_TMPDIR/state" "$dir/state.json"
    last_boot two
    run minidock ps -a --format '{{.Names}} {{.Status}}'
    said_not "two Up"
    run minidock start --boot
    exited 0
    [ "$(echo "$output" | sort)" = "$(printf 'one\ntwo')" ]
    [ "$(status_of one) $(status_of two)" = "running running" ]
    [ "$(status_of three) $(status_of four) $(status_of five) $(status_of six)" = "exited exited exited created" ]
    run minidock start --boot
    exited 0
    [ -z "$output" ]
}

@test "a policy that is to outlive a reboot says what it needs" {
    ! compgen -G '/etc/systemd/system/*.wants/minidock.service' >/dev/null || skip "the unit is enabled here"
    run --separate-stderr minidock run -d --restart always busybox sleep 100
    exited 0
    [[ "$stderr" == *"systemctl enable minidock"* ]]
    [ "${#stderr_lines[@]}" = 1 ]
    run --separate-stderr minidock run -d --restart on-failure busybox sleep 100
    [ -z "$stderr" ]
    grep -q 'ExecStart=.*/minidock start --boot' "$MINIDOCK_BUILD/docs/minidock.service"
}

@test "log options bound the log, and none keeps none" {
    minidock run -d --name one --log-opt max-size=4k --log-opt max-file=2 busybox sh -c 'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i + 1)); done'
    minidock wait one
    local dir
    dir="$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/one")"
    [ "$(cd "$dir" && echo log*)" = "log log.1" ]
    [ "$(cat "$dir"/log* | wc -c)" -le 8192 ]
    [ "$(minidock logs -n 1 one)" = "line 499" ]
    minidock run -d --name two --log-driver none busybox echo hidden
    minidock wait two
    run minidock logs two
    exited 1
    said "configured logging driver does not support reading"
    minidock run -d --name three --log-driver local busybox echo kept
    minidock wait three
    [ "$(minidock logs three)" = kept ]
    [ "$(field two .HostConfig.LogConfig.Type) $(field one 'index .HostConfig.LogConfig.Config "max-size"')" = "none 4k" ]
    for bad in max-size=x max-file=0 max-file=1000 other=1 max-size=1; do
        run minidock run --rm --log-opt "$bad" busybox true
        exited 125
    done
}

@test "a container made with --rm leaves its log and its status" {
    run minidock run --rm --name job busybox sh -c 'echo words; echo complaint >&2; exit 9'
    exited 9
    run --separate-stderr minidock logs --last
    exited 0
    [ "$output" = words ]
    [[ "$stderr" == *"job ("*") exited 9"* ]]
    [[ "$stderr" == *complaint* ]]
    minidock run --rm --name other busybox echo more
    [ "$(minidock logs --last 2>/dev/null)" = more ]
    [ "$(minidock logs --last job 2>/dev/null)" = words ]
    [ "$(minidock ps --gone --format '{{.Names}} {{.State}}' | head -2)" = "$(printf 'other exited\njob exited')" ]
    [[ "$(minidock ps --gone --format '{{.Status}}' | sed -n 2p)" == "Exited (9)"* ]]
    run minidock logs --last nobody
    exited 1
    run minidock logs
    exited 125
    [ -z "$(minidock ps -aq)" ]
}

@test "a tombstone says who ended it, and holds no more than the end of a long log" {
    minidock run -d --rm --name one busybox sh -c 'i=0; while [ $i -lt 5000 ]; do echo "line $i"; i=$((i + 1)); done; exec sleep 100'
    logged one "line 4999"
    minidock kill one
    for ((tries = 0; tries < 100; tries++)); do
        minidock inspect one >/dev/null 2>&1 || break
        sleep 0.05
    done
    run minidock logs --last one
    said "exited 137: SIGKILL by minidock kill"
    [ "${lines[-1]}" = "line 4999" ]
    [[ "${lines[1]}" =~ ^line\ [0-9]+$ ]]
    [ "$(cat "$MINIDOCK_ROOT"/.gone/*/log | wc -c)" -le $((20 * 65536)) ]
    [ "$(stat -c %s "$MINIDOCK_ROOT/.gone/$(minidock ps --gone --no-trunc -q | head -1)/log")" -le 65536 ]
}

@test "the last twenty are kept" {
    for ((i = 0; i < 23; i++)); do
        minidock run --rm --name "job$i" busybox true
    done
    [ "$(minidock ps --gone -q | wc -l)" = 20 ]
    [ "$(minidock ps --gone --format '{{.Names}}' | head -1)" = job22 ]
    settled sh -c 'test "$(ls "$MINIDOCK_ROOT/.gone" | wc -l)" = 20 || echo more'
}

@test "one line says why it ended where that was not its own doing" {
    run minidock run --rm busybox sh -c 'exit 1'
    [ -z "$output" ]
    start_sleeper one busybox sleep 100
    minidock stop one
    ends "$RUNNER"
    exited 143
    appears "exited 143: SIGTERM by minidock stop" "$BATS_TEST_TMPDIR/one.out"
    start_sleeper two busybox sleep 100
    kill -KILL "$INIT"
    ends "$RUNNER"
    exited 137
    appears "exited 137: SIGKILL from outside" "$BATS_TEST_TMPDIR/two.out"
    # What this command passed on is no news.
    start_sleeper three busybox sleep 100
    kill -TERM "$RUNNER"
    ends "$RUNNER"
    exited 143
    run cat "$BATS_TEST_TMPDIR/three.out"
    [ -z "$output" ]
    run minidock run --name four busybox sh -c 'kill -SEGV $$; exit 2'
    exited 2 # process 1 does not die of its own signals
}

@test "what keeps a program from being executed is named" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/no/such/shell\n' >"$BATS_TEST_TMPDIR/bin/script"
    printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/plain"
    printf '\177ELF\002\001\001' >"$BATS_TEST_TMPDIR/bin/cut"
    chmod 755 "$BATS_TEST_TMPDIR/bin/script" "$BATS_TEST_TMPDIR/bin/cut"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/bin:/x" busybox /x/script
    exited 127
    said 'its interpreter "/no/such/shell" is not there'
    run minidock run --rm -v "$BATS_TEST_TMPDIR/bin:/x" busybox /x/plain
    exited 126
    said "it has no execute bit"
    run minidock run --rm --tmpfs /x:noexec busybox sh -c 'cp /bin/busybox /x/true; chmod 755 /x/true; exec /x/true'
    exited 126
    chmod 755 "$BATS_TEST_TMPDIR/bin/plain"
    mkdir "$BATS_TEST_TMPDIR/noexec"
    mount -t tmpfs -o noexec none "$BATS_TEST_TMPDIR/noexec"
    cp "$BATS_TEST_TMPDIR/bin/plain" "$BATS_TEST_TMPDIR/noexec/"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/noexec:/x" busybox /x/plain
    umount "$BATS_TEST_TMPDIR/noexec"
    exited 126
    said "it is on a file system that is mounted noexec"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/bin:/x" busybox /x/cut
    exited 126
}
