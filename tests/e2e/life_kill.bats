#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill -9 of each process of a container in the background, at each step of its life; and what the
# next command makes of it.

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

# The processes: the supervisor, process 1, both at once.
VICTIMS="super init both"

# kill_victim NAME WHICH: -9, and until they are gone.
kill_victim() {
    local super init pids

    super="$(supervisor "$1")"
    init="$(field "$1" .State.Pid)"
    case "$2" in
    super) pids=$super ;;
    init) pids=$init ;;
    both) pids="$super $init" ;;
    esac
    # A container that is restarting has no process 1.
    # shellcheck disable=SC2086
    [ "$pids" = 0 ] || kill -KILL ${pids/ 0/}
    for pid in $pids; do
        [ "$pid" = 0 ] || [ "$2$pid" = "super$init" ] || gone "$pid"
    done
}

# All right afterwards: not running, startable, removable, and nothing left of the old life.
check_after() {
    local name="$1"

    becomes "$name" .State.Running false
    [ "$(field "$name" .State.ExitCode)" -ne 0 ]
    [ -z "$(minidock ps -q)" ]
    settled pgrep -f "sleep $SLEEP"
    minidock start "$name"
    [ "$(status_of "$name")" = running ]
    minidock rm -f "$name"
    settled pgrep -f "sleep $SLEEP"
    run minidock inspect "$name"
    exited 1
}

SLEEP=4821

@test "killed while it runs" {
    for victim in $VICTIMS; do
        minidock run -d --name "one-$victim" busybox sleep "$SLEEP"
        kill_victim "one-$victim" "$victim"
        check_after "one-$victim"
    done
}

@test "killed while it runs as a user that process 1 became by itself" {
    # That clears the parent-death signal: prctl(2). The next command ends it.
    for victim in $VICTIMS; do
        minidock run -d --name "one-$victim" busybox su -s /bin/sh bob -c "exec sleep $SLEEP"
        for ((tries = 0; tries < 200; tries++)); do
            [ "$(cat "/proc/$(field "one-$victim" .State.Pid)/comm")" != sleep ] || break
            sleep 0.05
        done
        kill_victim "one-$victim" "$victim"
        check_after "one-$victim"
    done
}

@test "killed while it is paused" {
    for victim in $VICTIMS; do
        minidock run -d --name "one-$victim" busybox sleep "$SLEEP"
        minidock pause "one-$victim"
        kill_victim "one-$victim" "$victim"
        check_after "one-$victim"
    done
}

@test "killed with a terminal, with an init, with children" {
    minidock run -dt --name one busybox sh -c "sleep $SLEEP & sleep $SLEEP"
    kill_victim one super
    check_after one
    minidock run -d --init --name two busybox sh -c "setsid sleep $SLEEP & sleep $SLEEP"
    kill_victim two super
    check_after two
    minidock run -d --init --name three busybox sh -c "setsid sleep $SLEEP & sleep $SLEEP"
    kill_victim three both
    check_after three
}

@test "killed between two starts of a policy" {
    minidock run -d --name one --restart always busybox false
    becomes one .RestartCount 3
    becomes one .State.Status restarting
    kill -KILL "$(supervisor one)"
    gone "$(supervisor one)"
    [ "$(status_of one)" = exited ]
    minidock start one
    becomes one .RestartCount 1
    minidock rm -f one
}

@test "killed while it is being stopped" {
    for victim in $VICTIMS; do
        minidock run -d --name "one-$victim" busybox sh -c "trap '' TERM; echo up; while :; do sleep 0.05; done"
        logged "one-$victim" up
        minidock stop -t 60 "one-$victim" >/dev/null 3>&- &
        local stop=$!
        for ((tries = 0; tries < 200; tries++)); do
            [ ! -e "$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/one-$victim")/request" ] || break
            sleep 0.02
        done
        kill_victim "one-$victim" "$victim"
        gone "$stop" # stop sees the end at once, whoever brought it about
        wait "$stop" || true
        [ "$(field "one-$victim" .State.Running)" = false ]
        minidock rm -f "one-$victim"
    done
}

@test "with --rm nothing stays of a killed one but its tombstone" {
    for victim in $VICTIMS; do
        minidock run -d --rm --name "one-$victim" busybox sh -c "echo words; exec sleep $SLEEP"
        logged "one-$victim" words
        kill_victim "one-$victim" "$victim"
        settled minidock ps -aq
        settled pgrep -f "sleep $SLEEP"
        [ "$(minidock logs --last "one-$victim" 2>/dev/null)" = words ]
        [ "$(minidock ps --gone --format '{{.Names}}' | head -1)" = "one-$victim" ]
    done
}

@test "a supervisor that is stopped does not keep stop, rm -f and wait waiting" {
    minidock run -d --name one busybox sleep "$SLEEP"
    kill -STOP "$(supervisor one)"
    within 9 minidock stop one
    [ "$(field one .State.Running)" = false ]
    minidock start one
    kill -STOP "$(supervisor one)"
    within 9 minidock rm -f one
    run minidock inspect one
    exited 1
    minidock run -d --restart always --name two busybox sleep "$SLEEP"
    kill -STOP "$(supervisor two)"
    within 9 minidock rm -f two
    settled pgrep -f "sleep $SLEEP"
}

@test "killed at many points of run -d, nothing is left that the next command does not mend" {
    for ((us = 0; us < 16000; us += 400)); do
        minidock run -d --name "point$us" busybox sleep "$SLEEP" </dev/null >/dev/null 2>&1 3>&- &
        RUNNER=$!
        "$E2E_PYTHON" -c "import time; time.sleep($us / 1e6)"
        kill -KILL "$RUNNER" 2>/dev/null || true
        wait "$RUNNER" 2>/dev/null || true
    done
    for ((us = 0; us < 16000; us += 400)); do
        # Either it was made and can be used, or its name is free.
        minidock rm -f "point$us" >/dev/null
        minidock run -d --name "point$us" busybox true >/dev/null
    done
}

@test "the supervisor killed at many points of its start" {
    for ((us = 0; us < 12000; us += 400)); do
        minidock run -d --name "point$us" busybox sleep "$SLEEP" </dev/null >/dev/null 2>&1 3>&- &
        RUNNER=$!
        "$E2E_PYTHON" -c "import time; time.sleep($us / 1e6)"
        # Stopped, so that the supervisor is still its child when that is looked for.
        kill -STOP "$RUNNER" 2>/dev/null || true
        pgrep -P "$RUNNER" | xargs -r kill -KILL
        kill -CONT "$RUNNER" 2>/dev/null || true
        wait "$RUNNER" 2>/dev/null || true
        minidock rm -f "point$us" >/dev/null
        settled other_sockets
        settled other_cgroups
    done
    settled pgrep -f "sleep $SLEEP"
}

@test "state that is cut in half or lies is no reason to kill a stranger" {
    minidock run -d --name one busybox sleep "$SLEEP"
    local dir stranger
    dir="$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/one")"
    cp "$dir/state.json" "$BATS_TEST_TMPDIR/state"
    minidock stop one
    sleep 4822 3>&- &
    stranger=$!
    # As after a reboot, or a reused pid: running, and the pid is somebody else's.
    "$E2E_PYTHON" - "$BATS_TEST_TMPDIR/state" "$dir/state.json" "$stranger" <<'END'
import json, sys
with open(sys.argv[1]) as source:
    state = json.load(source)
for name in ("init", "runner"):
    state[name]["pid"] = int(sys.argv[3])
with open(sys.argv[2], "w") as target:
    json.dump(state, target)
END
    [ "$(status_of one)" = exited ]
    minidock stop one
    run minidock kill one
    exited 1
    minidock rm -f one
    kill -0 "$stranger"
    minidock run -d --name two busybox true
    minidock wait two
    dir="$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/two")"
    head -c 40 "$dir/state.json" >"$BATS_TEST_TMPDIR/half"
    cp "$BATS_TEST_TMPDIR/half" "$dir/state.json"
    run minidock stop two
    exited 1
    said "state.json"
    minidock rm -f two
    kill -0 "$stranger"
    kill "$stranger"
}

@test "rm -f ends and removes one whose state was damaged while it ran" {
    minidock run -d --name cc --restart always busybox sleep 100
    local init
    init="$(field cc .State.Pid)"
    truncate -s 20 "$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/cc")/state.json"
    run minidock ps -a
    [[ "$output" != *"Up "* ]]
    minidock rm -f cc
    [ ! -e "/proc/$init" ]
    [ -z "$(minidock ps -aq)" ]
}
