#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What ps, inspect, logs and top show of containers in the background, in each of their states.

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

# names OPTION...: those that ps lists, sorted, on one line.
names() {
    minidock ps --format '{{.Names}}' "$@" | sort | tr '\n' ' '
}

@test "ps has each state in docker's words, and its filter finds it" {
    minidock create --name made busybox true >/dev/null
    minidock run -d --name alive busybox sleep 100 >/dev/null
    minidock run -d --name frozen busybox sleep 100 >/dev/null
    minidock pause frozen >/dev/null
    minidock run -d --name again --restart always busybox sh -c 'sleep 1; exit 3' >/dev/null
    minidock run -d --name over busybox sh -c 'exit 4' >/dev/null
    becomes over .State.Status exited
    [ "$(minidock ps -a --format '{{.Status}}' -f name=made)" = Created ]
    [[ "$(minidock ps --format '{{.State}} {{.Status}}' -f name=alive)" == "running Up "* ]]
    [[ "$(minidock ps --format '{{.State}} {{.Status}}' -f name=frozen)" == "paused Up "*" (Paused)" ]]
    [[ "$(minidock ps -a --format '{{.Status}}' -f name=over)" =~ ^Exited\ \(4\)\ .*ago$ ]]
    [ "$(names -f status=created)" = "made " ]
    [ "$(names -f status=paused)" = "frozen " ]
    [ "$(names -f status=exited)" = "over " ]
    [[ "$(names)" == *"alive frozen "* ]]
    # It is back and away all the time: both states are seen.
    seen_again "running Up "
    seen_again "restarting Restarting (3) "
    [ "$(minidock inspect -f '{{.State.Running}} {{.State.Paused}}' frozen)" = "true true" ]
    [ "$(field again '.HostConfig.RestartPolicy.Name')" = always ]
    minidock unpause frozen >/dev/null
}

# seen_again TEXT: within ten seconds ps shows "again" so.
seen_again() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [[ "$(minidock ps --format '{{.State}} {{.Status}}' -f name=again)" != "$1"* ]] || return 0
        sleep 0.05
    done
    minidock ps -a >&2
    return 1
}

@test "labels given to run are shown and can be asked for" {
    minidock run -d --name one -l tier=web -l 'note=a,b' busybox sleep 100 >/dev/null
    [ "$(names -f label=tier=web -f label=note)" = "one " ]
    [ "$(minidock ps --format '{{.Label "note"}}')" = a,b ]
    [ "$(field one '.Config.Labels.tier')" = web ]
    [ "$(field one '.Config.AttachStdout')" = false ]
}

@test "logs of a container with --log-driver none fail in docker's words" {
    minidock run --name one --log-driver none busybox echo x
    for follow in "" -f; do
        # shellcheck disable=SC2086
        run minidock logs $follow one
        exited 1
        said "configured logging driver does not support reading"
    done
    [ -z "$(field one .LogPath)" ]
}

@test "logs -f follows a container in the background through its restarts, and loses nothing" {
    minidock run -d --name one --restart on-failure:2 busybox sh -c 'echo line; exit 3' >/dev/null
    run timeout 60 minidock logs -f one
    exited 0
    [ "$output" = "$(printf 'line\nline\nline')" ]
}

@test "logs -f follows a log of small files across its rotations" {
    minidock run -d --name one --log-opt max-size=64k --log-opt max-file=3 busybox \
        sh -c 'echo first; while [ ! -e /go ]; do sleep 0.1; done; i=0; while [ $i -lt 6000 ]; do echo $i; i=$((i+1)); done' >/dev/null
    minidock logs -f one >"$BATS_TEST_TMPDIR/out" 3>&- &
    follower=$!
    appears first "$BATS_TEST_TMPDIR/out"
    touch "/proc/$(field one .State.Pid)/root/go"
    ends "$follower"
    [ "$status" -eq 0 ]
    # Files of 64 KiB may be gone before they were read; then lines are missing, but none comes twice
    # or out of order.
    tail -n +2 "$BATS_TEST_TMPDIR/out" | sort -nuc
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = 5999 ]
}

@test "top shows a paused container too, and ps -s counts what runs" {
    minidock run -d --name one busybox sh -c 'head -c 5000 /dev/zero >/f; exec sleep 100' >/dev/null
    minidock pause one >/dev/null
    run minidock top one -o comm
    exited 0
    minidock unpause one >/dev/null
    logged_size one 5000
}

# logged_size NAME BYTES: within ten seconds that is what it has written.
logged_size() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [ "$(minidock inspect -s -f '{{.SizeRw}}' "$1")" != "$2" ] || return 0
        sleep 0.05
    done
    minidock inspect -s -f '{{.SizeRw}}' "$1" >&2
    return 1
}
