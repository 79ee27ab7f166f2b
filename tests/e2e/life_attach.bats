#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Clients of containers in the background: attach, start -a, run -t; detach keys.

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

# Reads words and answers each with "got <word>"; ends with 7 after "end".
ECHOES='echo up; while read -r word; do echo "got $word"; [ "$word" != end ] || exit 7; done; echo "no more"; exit 3'

# tell NAME WORD: types it, without the container's end of input; until it was answered.
tell() {
    echo "$2" | minidock attach --sig-proxy=false "$1" >/dev/null 3>&- &
    logged "$1" "got $2"
    kill -TERM $!
    wait $! || true
}

# attached NAME FILE: the client that writes to FILE gets what the container writes from now on.
attached() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        tell "$1" "try$tries"
        ! grep -q try "$2" || return 0
    done
    return 1
}

@test "attach passes output, input and the exit status" {
    minidock run -di --name one busybox sh -c "$ECHOES"
    run bash -c 'printf "hello\nend\n" | minidock attach one'
    exited 7
    said "got hello"
    said "got end"
    [ "$(minidock logs one)" = "$(printf 'up\ngot hello\ngot end')" ]
}

@test "the end of an attached client's input does not end that of the container" {
    minidock run -di --name one busybox sh -c "$ECHOES"
    tell one first
    [ "$(status_of one)" = running ]
    run bash -c 'echo end | minidock attach one'
    exited 7
}

@test "several clients see the same, and one that goes does not disturb the others" {
    minidock run -di --name one busybox sh -c "$ECHOES"
    minidock attach --no-stdin one >"$BATS_TEST_TMPDIR/first" 3>&- &
    local first=$!
    minidock attach --no-stdin one >"$BATS_TEST_TMPDIR/second" 3>&- &
    local second=$!
    minidock attach --no-stdin one >"$BATS_TEST_TMPDIR/third" 3>&- &
    local third=$!
    # Each once it is attached: what was written before is in the log only.
    for client in first second third; do
        attached one "$BATS_TEST_TMPDIR/$client"
    done
    kill -KILL "$third"
    run bash -c 'printf "all\nend\n" | minidock attach one'
    exited 7
    ends "$first"
    exited 7
    ends "$second"
    exited 7
    appears "got all" "$BATS_TEST_TMPDIR/first"
    appears "got all" "$BATS_TEST_TMPDIR/second"
}

@test "start -ai connects input and output from the first byte on" {
    minidock create -i --name one busybox sh -c "$ECHOES"
    run bash -c 'printf "hello\n" | minidock start -ai one'
    exited 3
    [ "$output" = "$(printf 'up\ngot hello\nno more')" ]
    run bash -c 'printf "end\n" | minidock start -ai one'
    exited 7
    run minidock start -a one one
    [ "$status" -ne 0 ]
}

@test "what cannot be attached to says why, in docker's words" {
    run minidock attach nobody
    exited 1
    said "No such container: nobody"
    minidock create --name one busybox true
    run minidock attach one
    exited 1
    said "You cannot attach to a stopped container, start it first"
    minidock run -d --name two busybox sleep 100
    minidock pause two
    run minidock attach two
    exited 1
    said "You cannot attach to a paused container, unpause it first"
    start_sleeper three busybox sleep 100
    run minidock attach three
    exited 1
    said "is in the foreground of another command"
    kill -TERM "$RUNNER"
    ends "$RUNNER"
}

@test "a reader that stops reading does not block the container for ever, and is told" {
    minidock run -d --name two busybox sh -c 'cat /dev/zero | tr "\000" x | head -c 30000000; echo; echo done; sleep 100'
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    minidock attach --no-stdin two >"$BATS_TEST_TMPDIR/pipe" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
    local client=$!
    exec 8<"$BATS_TEST_TMPDIR/pipe" # and never read from
    for ((tries = 0; tries < 300; tries++)); do
        [ "$(minidock logs -n 1 two | tail -c 5)" != done ] || break
        sleep 0.1
    done
    [ "$(minidock logs -n 1 two)" = done ]
    [ "$(status_of two)" = running ]
    exec 8<&-
    ends "$client"
    exited 1
    grep -q "its output was not read" "$BATS_TEST_TMPDIR/said" || {
        cat "$BATS_TEST_TMPDIR/said"
        false
    }
}

@test "a terminal: keys, window size and exit status, attached and from the start" {
    minidock run -dit --name one busybox sh
    run in_terminal minidock attach one <<'END'
await raw
type stty size; tty
expect 41 123
expect /dev/
resize 30 100
type stty size
expect 30 100
type exit 4
END
    exited 4
    run in_terminal minidock start -ai one <<'END'
type stty size; exit 5
expect 41 123
END
    exited 5
}

@test "ctrl-p ctrl-q leaves a shell running: attached, run in the foreground, started" {
    run in_terminal minidock run -it --name one busybox sh <<'END'
await raw
type echo in$((1 + 1))
expect in2
key P
key Q
END
    exited 0
    [ "$(status_of one)" = running ]
    run in_terminal minidock attach one <<'END'
await raw
type echo still$((1 + 1))
expect still2
key P
key Q
END
    exited 0
    [ "$(status_of one)" = running ]
    minidock stop one
    run in_terminal minidock start -ai one <<'END'
await raw
key P
key Q
END
    exited 0
    [ "$(status_of one)" = running ]
}

@test "the first detach key goes through at once, and alone it detaches nobody" {
    minidock run -dit --name one busybox sh -c 'stty raw -echo; echo up; dd bs=1 count=1 2>/dev/null | od -An -tx1; dd bs=1 count=1 2>/dev/null | od -An -tx1; sleep 100'
    logged one up
    run in_terminal minidock attach one <<'END'
await raw
key P
expect 10
key A
expect 01
key P
key Q
END
    exited 0
    [ "$(status_of one)" = running ]
}

@test "--detach-keys chooses other keys" {
    run in_terminal minidock run -it --name one --detach-keys ctrl-a,x busybox sh <<'END'
await raw
key P
key Q
type echo still$((1 + 1))
expect still2
key A
type x
END
    exited 0
    [ "$(status_of one)" = running ]
    run minidock attach --detach-keys ctrl-1 one
    [ "$status" -ne 0 ]
    said "invalid detach keys"
}

@test "a foreground run with a terminal that is killed takes its container along" {
    run in_terminal minidock run -it --name one busybox sh <<'END'
await raw
signal KILL
END
    exited 137
    becomes one .State.Status exited
    [ "$(field one .State.Reason)" = "the command that it was in the foreground of was killed" ]
}

# takes_signals PID: that minidock has its signals under control by now.
takes_signals() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [ "$(sed -n 's/^SigBlk:\t//p' "/proc/$1/status")" = 0000000000000000 ] || return 0
        sleep 0.05
    done
    return 1
}

@test "signals to a client go to the container, unless --sig-proxy=false" {
    minidock run -d --name one busybox sh -c 'trap "echo usr1" USR1; trap "exit 6" TERM; echo up; while :; do sleep 0.05; done'
    logged one up
    minidock attach one </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local client=$!
    takes_signals "$client"
    kill -USR1 "$client"
    appears usr1 "$BATS_TEST_TMPDIR/out"
    kill -TERM "$client"
    ends "$client"
    exited 6
    minidock start one
    minidock attach --sig-proxy=false one </dev/null >"$BATS_TEST_TMPDIR/out2" 2>&1 3>&- &
    client=$!
    takes_signals "$client"
    kill -TERM "$client"
    ends "$client"
    exited 143
    [ "$(status_of one)" = running ]
}

@test "-a passes on only the streams it names; the log gets all" {
    run --separate-stderr minidock run --name one -a stderr busybox sh -c 'echo out; echo err >&2'
    exited 0
    [ -z "$output" ]
    [ "$stderr" = err ]
    run --separate-stderr minidock logs one
    [ "$output" = out ]
    run bash -c 'echo in | minidock run --rm -i -a stdout busybox cat'
    exited 0
    [ -z "$output" ]
    run minidock run --rm -a nothing busybox true
    exited 125
}
