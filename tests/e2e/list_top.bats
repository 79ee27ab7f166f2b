#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# top and port.

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

@test "top shows the processes of the container and no others" {
    start_sleeper one -u bob busybox sleep 100
    start_sleeper two busybox sleep 200
    run minidock top two
    exited 0
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
    [[ "${lines[1]}" =~ ^root\ +$INIT\ .*\ 00:00:00\ +sleep\ 200$ ]]
    run minidock top one -o user,args
    [[ "${lines[1]}" =~ \ sleep\ 100$ ]]
    kill %1 %2
    wait || true
}

@test "top has ps's aux and -o, and refuses what it does not know" {
    start_sleeper one busybox sleep 100
    run minidock top one aux
    [[ "${lines[0]}" =~ ^USER\ +PID\ +%CPU\ +%MEM\ +VSZ\ +RSS\ +TTY\ +STAT\ +START\ +TIME\ +COMMAND$ ]]
    [[ "${lines[1]}" =~ ^root\ +$INIT\ +[0-9]+\.[0-9]\ +[0-9]+\.[0-9]\ +[0-9]+\ +[0-9]+\ +\?\ +S.*\ sleep\ 100$ ]]
    run minidock top one -eo pid,comm -o ppid
    [[ "${lines[0]}" =~ ^PID\ +COMMAND\ +PPID$ ]]
    [[ "${lines[1]}" =~ ^$INIT\ +sleep\ +[0-9]+$ ]]
    run minidock top one -o nope
    exited 125
    said nope
    run minidock top one --sort=pid
    exited 125
    said "--sort=pid"
    kill "$RUNNER"
    wait "$RUNNER" || true
}

@test "top shows children, and those in namespaces of their own" {
    start_sleeper one busybox sh -c '(exec sleep 300) & exec sleep 100'
    "$E2E_PYTHON" - "$MINIDOCK" <<'END'
import subprocess, sys, time
for _ in range(200):
    out = subprocess.run([sys.argv[1], "top", "one", "-o", "cmd"], stdout=subprocess.PIPE, text=True).stdout
    if [line.strip() for line in out.splitlines()] == ["CMD", "sleep 100", "sleep 300"]:
        break
    time.sleep(0.05)
else:
    sys.exit(out)
END
    kill "$RUNNER"
    wait "$RUNNER" || true
}

@test "top of what does not run, and of what is not there, fails" {
    minidock run --name one busybox true
    run minidock top one
    exited 1
    said "container $(minidock inspect -f '{{.Id}}' one) is not running"
    run minidock top nothing
    exited 1
    said "No such container: nothing"
}

@test "port prints nothing, as nothing is published" {
    minidock run --name one busybox true
    run minidock port one
    exited 0
    [ -z "$output" ]
    run minidock port one 80
    exited 1
    said "no public port '80/tcp' published for one"
    run minidock port nothing
    exited 1
    said "No such container: nothing"
}
