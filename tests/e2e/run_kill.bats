#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A runner that is killed takes its container with it.

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
    MOUNTS="$(cat /proc/self/mountinfo)"
}

teardown() {
    can_run || return 0
    leave_nothing
}

# kill_runner [PID]: -9; within ten seconds none of its processes and no mount is left.
kill_runner() {
    local children child

    children="$(pgrep -P "$RUNNER")"
    kill -KILL "${1:-$RUNNER}"
    wait "$RUNNER" 2>/dev/null || true
    gone "$INIT"
    for child in $children; do
        gone "$child"
    done
    [ "$(cat /proc/self/mountinfo)" = "$MOUNTS" ]
}

# nothing_left: nor a directory of a container. No command of minidock is asked: one would mend.
nothing_left() {
    settled ls -A "$MINIDOCK_ROOT/.containers"
    soon_no_residue
}

@test "kill -9 of minidock run leaves nothing of a container with --rm" {
    start_sleeper victim --rm busybox sleep 100
    kill_runner
    nothing_left
}

@test "the same when process 1 has become another user" {
    start_sleeper victim --rm -u bob busybox sleep 100
    [ "$(stat -c %u "/proc/$INIT")" = 1000 ]
    kill_runner
    nothing_left
}

@test "the same when process 1 became another user by a program that may" {
    # A change of user clears the parent-death signal: prctl(2).
    start_sleeper victim --rm busybox su -s /bin/sh bob -c 'exec sleep 100'
    [ "$(stat -c %u "/proc/$INIT")" = 1000 ]
    kill_runner
    nothing_left
}

@test "the same when process 1 is a setuid program" {
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/setuid"
    cp "$BATS_TEST_TMPDIR/setuid/bin/busybox" "$BATS_TEST_TMPDIR/setuid/usr/bin/busybox"
    ln "$BATS_TEST_TMPDIR/setuid/usr/bin/busybox" "$BATS_TEST_TMPDIR/setuid/usr/bin/sleep"
    chmod 4755 "$BATS_TEST_TMPDIR/setuid/usr/bin/sleep"
    minidock import "$BATS_TEST_TMPDIR/setuid" setuid >/dev/null
    start_sleeper victim --rm -u bob setuid /usr/bin/sleep 100
    kill_runner
    nothing_left
}

@test "the same with children that ignore every signal that can be ignored" {
    start_sleeper victim --rm busybox sh -c 'trap "" TERM INT HUP; sleep 4712 & setsid sleep 4712 & exec sleep 100'
    kill_runner
    settled pgrep -f 'sleep 4712'
    nothing_left
}

@test "the same when it and its whole process group are killed" {
    set -m
    start_sleeper victim --rm busybox su -s /bin/sh bob -c 'exec sleep 100'
    set +m
    [ "$(ps -o pgid= "$RUNNER" | tr -d ' ')" = "$RUNNER" ]
    kill_runner "-$RUNNER"
    nothing_left
}

@test "the same when the container is stopped" {
    start_sleeper victim --rm busybox sleep 100
    kill -STOP "$INIT"
    kill_runner
    nothing_left
}

@test "the same with a terminal, which is as before then" {
    run in_terminal minidock run --rm -it busybox sh -c 'stty -echo; echo up; exec sleep 4714' <<'END'
await raw
expect up
signal KILL
END
    exited 137
    settled pgrep -f 'sleep 4714'
    nothing_left
}

@test "the same with a terminal and another user" {
    run in_terminal minidock run --rm -it busybox su -s /bin/sh bob -c 'echo up; exec sleep 4715' <<'END'
expect up
signal KILL
END
    exited 137
    settled pgrep -f 'sleep 4715'
    nothing_left
}

# kill_both: runner and watcher, so that nobody is left who could clean up; process 1 lives on.
kill_both() {
    local children

    children="$(pgrep -P "$RUNNER" | grep -vx "$INIT")"
    [ -n "$children" ]
    # shellcheck disable=SC2086
    kill -KILL $children "$RUNNER"
    wait "$RUNNER" 2>/dev/null || true
    for child in $children; do
        gone "$child"
    done
}

@test "when the watcher is killed too, the next command mends" {
    start_sleeper victim --rm busybox su -s /bin/sh bob -c 'exec sleep 100'
    kill_both
    kill -0 "$INIT"
    [ -n "$(ls -A "$MINIDOCK_ROOT/.containers")" ]
    run minidock ps -aq
    exited 0
    [ -z "$output" ]
    gone "$INIT"
    nothing_left
}

@test "when the watcher is killed too, a container without --rm is listed as ended" {
    start_sleeper victim busybox su -s /bin/sh bob -c 'exec sleep 100'
    kill_both
    run minidock ps -a --format '{{.Names}} {{.Status}}'
    exited 0
    [[ "$output" =~ ^victim\ Exited\ \((-?[0-9]+)\)\  ]]
    # How it ended nobody knows; never as if all had gone well.
    [ "${BASH_REMATCH[1]}" -ne 0 ]
    gone "$INIT"
    minidock rm victim
    nothing_left
}

@test "a watcher that is killed alone changes nothing" {
    start_sleeper victim --rm busybox sleep 100
    kill -KILL "$(pgrep -P "$RUNNER" | grep -vx "$INIT")"
    [ "$(minidock ps --format '{{.Names}}')" = victim ]
    kill -TERM "$RUNNER"
    ends "$RUNNER"
    [ "$status" -eq 143 ]
    gone "$INIT"
    nothing_left
}

@test "a container without --rm that was killed is listed as exited, and its logs stay" {
    start_sleeper victim busybox sh -c 'echo before; exec sleep 100'
    appears before "$BATS_TEST_TMPDIR/victim.out"
    kill_runner
    run minidock ps -a --format '{{.Names}} {{.Status}}'
    exited 0
    [[ "$output" =~ ^victim\ Exited\ \(137\) ]]
    run minidock ps -q
    [ -z "$output" ]
    run minidock logs victim
    [ "$output" = before ]
    minidock rm victim
    nothing_left
}

@test "killed at many points, a run leaves neither process nor mount nor container" {
    for ((us = 0; us < 12000; us += 400)); do
        minidock run --rm --name "point$us" busybox sleep 4713 </dev/null >/dev/null 2>&1 3>&- &
        RUNNER=$!
        "$E2E_PYTHON" -c "import time; time.sleep($us / 1e6)"
        kill -KILL "$RUNNER"
        wait "$RUNNER" 2>/dev/null || true
    done
    settled pgrep -f 'sleep 4713'
    # Before there is a watcher, it is the next command that cleans up.
    settled minidock ps -aq
    nothing_left
    [ "$(cat /proc/self/mountinfo)" = "$MOUNTS" ]
    run minidock run --rm busybox echo works
    [ "$output" = works ]
}
