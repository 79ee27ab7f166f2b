#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Containers in the background: started, stopped, waited for, removed.

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

@test "run -d prints the id and returns while the program runs" {
    run --separate-stderr minidock run -d --name one busybox sleep 100
    exited 0
    [[ "$output" =~ ^[0-9a-f]{64}$ ]]
    [ -z "$stderr" ]
    [ "$(field one .Id)" = "$output" ]
    [ "$(status_of one)" = running ]
    [ "$(cat "/proc/$(field one .State.Pid)/comm")" = sleep ]
}

@test "nothing of the caller's is kept: a command substitution and a pipe end at once" {
    : >"$BATS_TEST_TMPDIR/lock"
    (
        exec 9>"$BATS_TEST_TMPDIR/lock"
        flock -n 9
        cd "$BATS_TEST_TMPDIR"
        within 10 bash -c 'id=$(minidock run -d --name one busybox sleep 100 2>&1); [ -n "$id" ]'
        within 10 bash -c 'minidock run -d --name two busybox sleep 100 2>&1 | cat' >/dev/null
    )
    flock -n "$BATS_TEST_TMPDIR/lock" true
    run readlink "/proc/$(supervisor one)/cwd"
    [ "$output" = / ]
}

@test "a container in the background outlives its caller's session, group and terminal" {
    run in_terminal sh -c 'minidock run -d --name one busybox sleep 100; exit 0' </dev/null
    exited 0
    [ "$(status_of one)" = running ]
    set -m
    minidock run -d --name two busybox sleep 100 &
    wait $!
    kill -HUP "-$!" 2>/dev/null || true
    set +m
    [ "$(status_of two)" = running ]
    local sup
    sup="$(supervisor one)"
    [ "$(ps -o sid= "$sup" | tr -d ' ')" = "$sup" ]
    [ "$(ps -o tty= "$sup" | tr -d ' ')" = '?' ]
}

@test "a program that cannot be executed is the caller's error, with its exit status" {
    run --separate-stderr minidock run -d --name one busybox no-such-program
    exited 127
    [[ "$output" =~ ^[0-9a-f]{64}$ ]]
    [[ "$stderr" == *no-such-program* ]]
    [ "$(status_of one)" = created ]
    [ "$(field one .State.ExitCode)" = 127 ]
    run minidock run -d --name two busybox /etc
    exited 126
    run minidock start one
    exited 127
    said no-such-program
    # One that has run before has ended, and keeps its log.
    minidock run -d --name three -v "$BATS_TEST_TMPDIR/dir:/dir:create" busybox echo words
    minidock wait three
    rmdir "$BATS_TEST_TMPDIR/dir"
    : >"$BATS_TEST_TMPDIR/dir"
    run minidock start three
    [ "$status" -ne 0 ]
    [ "$(status_of three)" = exited ]
    [ "$(minidock logs three)" = words ]
    run minidock run -d --rm busybox no-such-program
    exited 127
    [ "$(minidock ps -aq | wc -l)" = 3 ]
}

@test "its supervisor is one process and small" {
    minidock run -d --name one busybox sleep 100
    local sup pss limit=1024
    sup="$(supervisor one)"
    [ "$(ps -o pid= --ppid "$sup" | wc -l)" = 1 ]
    [ -z "${MINIDOCK_SANITIZED:-}" ] || limit=65536 # shadow memory
    # Soon after the start, when it has nothing to do, it gives back what starting took.
    for _ in $(seq 100); do
        pss="$(awk '/^Pss:/ { print $2 }' "/proc/$sup/smaps_rollup")"
        [ "$pss" -gt "$limit" ] || break
        sleep 0.1
    done
    echo "PSS $pss kB"
    [ "$pss" -le "$limit" ]
}

@test "output goes to the log as docker's JSON lines" {
    minidock run -d --name one busybox sh -c 'echo out; echo err >&2'
    [ "$(minidock wait one)" = 0 ]
    run --separate-stderr minidock logs one
    [ "$output" = out ]
    [ "$stderr" = err ]
    "$E2E_PYTHON" - "$MINIDOCK_ROOT"/.containers/*/log <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert sorted(lines[0]) == ["log", "stream", "time"], lines
assert {(l["stream"], l["log"]) for l in lines} == {("stdout", "out\n"), ("stderr", "err\n")}
END
}

@test "wait prints the exit status: of one that runs, that has ended, that was made with --rm" {
    minidock run -d --name one busybox sh -c 'sleep 0.3; exit 3'
    run minidock wait one
    exited 0
    [ "$output" = 3 ]
    run minidock wait one
    [ "$output" = 3 ]
    minidock run -d --rm --name two busybox sh -c 'sleep 0.3; exit 4'
    run minidock wait two
    exited 0
    [ "$output" = 4 ]
    run minidock wait nobody
    exited 1
    said "No such container: nobody"
}

@test "stop ends a program that does nothing about the signal at once" {
    minidock run -d --name one busybox sleep 100
    run within 5 minidock stop one
    exited 0
    [ "$output" = one ]
    [ "$(status_of one)" = exited ]
    [ "$(field one .State.ExitCode)" = 143 ]
    [ "$(field one .State.Reason)" = "SIGTERM by minidock stop" ]
    run minidock stop one
    exited 0
    [ "$output" = one ]
}

@test "stop lets a program that handles the signal end by itself" {
    minidock run -d --name one busybox sh -c 'trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'
    logged one up
    minidock stop one
    [ "$(field one .State.ExitCode)" = 9 ]
    logged one bye
}

@test "stop kills a program that ignores the signal after its time" {
    minidock run -d --name one busybox sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
    logged one up
    run within 9 minidock stop -t 1 one
    exited 0
    [ "$(field one .State.ExitCode)" = 137 ]
    minidock start one
    run within 9 minidock stop --time=0 one
    exited 0
    run minidock stop -t -5 one
    exited 125
    run minidock stop -s NOSUCH one
    exited 125
    said "Invalid signal: NOSUCH"
}

@test "stop sends the image's signal, --stop-signal's or -s's, and --stop-timeout is its time" {
    minidock import -c 'STOPSIGNAL SIGUSR1' "$SOURCE_ROOT" signalled >/dev/null
    local script='for s in USR1 USR2 INT; do trap "echo $s; exit 0" $s; done; echo up; while :; do sleep 0.05; done'
    minidock run -d --name one signalled sh -c "$script"
    minidock run -d --name two --stop-signal USR2 signalled sh -c "$script"
    minidock run -d --name three signalled sh -c "$script"
    minidock run -d --name four --stop-timeout 1 busybox sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
    for name in one two three four; do
        logged "$name" up
    done
    minidock stop one two
    minidock stop -s int three
    run within 9 minidock stop four
    exited 0
    [ "$(minidock logs one)" = "$(printf 'up\nUSR1')" ]
    [ "$(minidock logs two)" = "$(printf 'up\nUSR2')" ]
    [ "$(minidock logs three)" = "$(printf 'up\nINT')" ]
    run minidock run -d --stop-signal NOSUCH busybox true
    exited 125
}

@test "kill sends a signal, and ends what does nothing about one that ends" {
    minidock run -d --name one busybox sh -c 'trap "echo hup" HUP; echo up; while :; do sleep 0.05; done'
    logged one up
    run minidock kill -s HUP one
    exited 0
    [ "$output" = one ]
    logged one hup
    [ "$(status_of one)" = running ]
    minidock kill one
    becomes one .State.Status exited
    [ "$(field one .State.ExitCode)" = 137 ]
    [ "$(field one .State.Reason)" = "SIGKILL by minidock kill" ]
    run minidock kill one
    exited 1
    said "cannot kill container: one: container $(field one .Id) is not running"
    run minidock kill nobody
    exited 1
    said "No such container: nobody"
}

@test "start starts again with what was there: files, environment, options" {
    KEPT=value minidock run -d --name one -e KEPT -w /tmp --read-only=false busybox \
        sh -c 'echo "$KEPT $(pwd) $(cat /file 2>/dev/null)"; echo again >/file'
    minidock wait one
    KEPT=other run minidock start one
    exited 0
    [ "$output" = one ]
    minidock wait one
    [ "$(minidock logs one)" = "$(printf 'value /tmp \nvalue /tmp again')" ]
}

@test "starting what runs changes nothing, and what does not exist fails" {
    minidock run -d --name one busybox sleep 100
    local pid
    pid="$(field one .State.Pid)"
    run minidock start one nobody
    exited 1
    said one
    said "No such container: nobody"
    [ "$(field one .State.Pid)" = "$pid" ]
}

@test "restart ends and starts again, also what does not run" {
    minidock run -d --name one busybox sleep 100
    local pid
    pid="$(field one .State.Pid)"
    run within 9 minidock restart one
    exited 0
    [ "$output" = one ]
    [ "$(field one .State.Pid)" != "$pid" ]
    minidock stop one
    minidock restart -t 0 one
    [ "$(status_of one)" = running ]
}

@test "create makes a container that start runs; --rm counts from its end on" {
    run minidock create --name one busybox sh -c 'echo hello; exit 2'
    exited 0
    [[ "$output" =~ ^[0-9a-f]{64}$ ]]
    [ "$(status_of one)" = created ]
    run minidock start -a one
    exited 2
    [ "$output" = hello ]
    minidock create --rm --name two busybox true
    minidock ps -a >/dev/null
    [ "$(status_of two)" = created ]
    minidock start -a two
    run minidock inspect two
    exited 1
}

@test "rm refuses what runs, and rm -f ends it" {
    minidock run -d --name one busybox sleep 100
    run minidock rm one
    exited 1
    said 'cannot remove container "/one": container is running: stop the container before removing or force remove'
    [ "$(status_of one)" = running ]
    run within 9 minidock rm -f one nobody
    exited 0
    [ "$output" = one ]
    run minidock rm nobody
    exited 1
}

@test "pause freezes all processes, and stop, kill and rm -f thaw them" {
    minidock run -d --name one busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.01; done'
    logged one 2
    run minidock pause one
    exited 0
    [ "$output" = one ]
    [ "$(status_of one)" = paused ]
    [[ "$(minidock ps --format '{{.Status}}')" == *"(Paused)" ]]
    local before
    before="$(minidock logs -n 1 one)"
    sleep 0.3
    [ "$(minidock logs -n 1 one)" = "$before" ]
    run minidock pause one
    exited 1
    said "is already paused"
    run minidock start one
    exited 1
    said "cannot start a paused container, try unpause instead"
    run minidock rm one
    exited 1
    said "container is paused"
    minidock unpause one
    [ "$(status_of one)" = running ]
    run minidock unpause one
    exited 1
    said "is not paused"
    minidock pause one
    within 5 minidock stop one
    [ "$(field one .State.ExitCode)" = 143 ]
    run minidock pause one
    exited 1
    said "is not running"
    minidock start one
    minidock pause one
    within 5 minidock rm -f one
}

@test "pause works where there is only the freezer of cgroup v1" {
    grep -q ' - cgroup .*freezer' /proc/self/mountinfo || skip "no v1 freezer here"
    cat >"$BATS_TEST_TMPDIR/v1" <<'END'
set -eu
for point in $(awk '$0 ~ / - cgroup2 / { print $5 }' /proc/self/mountinfo); do umount "$point"; done
minidock run -d --name one busybox sleep 100
minidock pause one
[ "$(minidock inspect -f '{{.State.Status}}' one)" = paused ]
grep -q "freezer:/$" "/proc/$(pgrep -f -- '--name one busybox sleep 100' | head -1)/cgroup"
minidock stop one
minidock start one
minidock pause one
minidock rm -f one
END
    run within 30 unshare -m bash "$BATS_TEST_TMPDIR/v1"
    exited 0
}

@test "where no cgroup can be made run works and pause says why it cannot" {
    cat >"$BATS_TEST_TMPDIR/ro" <<'END'
set -eu
for point in $(awk '$0 ~ / - cgroup2? / { print $5 }' /proc/self/mountinfo); do mount -o remount,ro,bind "$point"; done
minidock run -d --name one busybox sleep 100
minidock pause one
END
    run within 30 unshare -m bash "$BATS_TEST_TMPDIR/ro"
    exited 1
    said "no cgroup"
    [ "$(status_of one)" = running ]
}

@test "rename gives another name, while it runs too, and only that" {
    minidock run -d --name one busybox sleep 100
    minidock create --name other busybox true
    run minidock rename one two
    exited 0
    [ -z "$output" ]
    [ "$(field two .Name)" = /two ]
    run minidock inspect one
    exited 1
    run minidock rename two other
    exited 1
    said 'Error when allocating new name: Conflict. The container name "/other" is already in use'
    run minidock rename two two
    [ "$status" -ne 0 ]
    run minidock rename two 'not/a/name'
    [ "$status" -ne 0 ]
    minidock stop two
    [ "$(field two .State.Status)" = exited ]
    minidock run -d --rm --name three busybox sleep 100
    minidock rename three four
    minidock stop four
    # Its name goes with it, the one of now.
    minidock run -d --rm --name four busybox sleep 100
    minidock rm -f four
}

@test "--cidfile, --pidfile, --label, --label-file and --replace" {
    printf 'from=file\n# comment\nboth=file\n' >"$BATS_TEST_TMPDIR/labels"
    minidock run -d --name one --cidfile "$BATS_TEST_TMPDIR/cid" --pidfile "$BATS_TEST_TMPDIR/pid" \
        -l empty --label both=line --label-file "$BATS_TEST_TMPDIR/labels" busybox sleep 100
    [ "$(cat "$BATS_TEST_TMPDIR/cid")" = "$(field one .Id)" ]
    [ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(field one .State.Pid)" ]
    [ "$(field one 'index .Config.Labels "from"') $(field one 'index .Config.Labels "both"')" = "file line" ]
    run minidock run -d --name two --cidfile "$BATS_TEST_TMPDIR/cid" busybox true
    exited 125
    said "container ID file found, make sure the other container isn't running or delete"
    run minidock inspect two
    exited 1
    minidock run -d --name one --replace busybox sleep 100
    [ "$(cat "$BATS_TEST_TMPDIR/cid")" != "$(field one .Id)" ]
    [ "$(minidock ps -q | wc -l)" = 1 ]
}

@test "--status-fd reports JSON lines, also of one in the background" {
    minidock run -d --rm --status-fd 9 busybox sh -c 'exit 6' 9>"$BATS_TEST_TMPDIR/status" >/dev/null
    appears exited "$BATS_TEST_TMPDIR/status"
    "$E2E_PYTHON" - "$BATS_TEST_TMPDIR/status" <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert [line["event"] for line in lines] == ["created", "started", "exited"], lines
assert lines[1]["pid"] > 1 and lines[2]["exit_code"] == 6, lines
END
    run minidock run --rm --status-fd 77 busybox true
    exited 125
}

@test "--preserve-fds gives the program descriptors, and only those" {
    run bash -c 'minidock run --rm --preserve-fds 1 busybox sh -c "cat <&3; ls /proc/self/fd | wc -l" 3<<<three 4<<<four'
    exited 0
    [ "${lines[0]}" = three ]
    run minidock run --rm --preserve-fds 200 busybox true
    exited 125
}

@test "--init reaps orphans, passes signals on and ends as the program does" {
    minidock run -d --name one --init busybox sh -c 'trap "exit 5" TERM; (sleep 0.1 & exec sleep 0.2) & echo up; while :; do sleep 0.05; done'
    logged one up
    [ "$(cat "/proc/$(field one .State.Pid)/comm")" = init ]
    sleep 0.5
    run ps -o stat= --ppid "$(field one .State.Pid)"
    said_not Z
    minidock stop one
    [ "$(field one .State.ExitCode)" = 5 ]
    # A program that does nothing about it dies of the signal, as it is not process 1.
    minidock run -d --name two --init busybox sleep 100
    within 5 minidock stop two
    [ "$(field two .State.ExitCode)" = 143 ]
    run minidock run --rm --init busybox no-such-program
    exited 127
    run minidock run --rm --init busybox sh -c 'exit 8'
    exited 8
    run minidock run --rm --init busybox cat /proc/1/cmdline
    said_not busybox
}

@test "an option that contradicts another is refused, and nothing is made" {
    run minidock run --rm --restart always busybox true
    exited 125
    said "conflicting options: cannot specify both --restart and --rm"
    run minidock run -d -a stdout busybox true
    exited 125
    said "conflicting options: cannot specify both --attach and --detach"
    run minidock run --timeout -1 busybox true
    exited 125
    run minidock run --log-driver journald busybox true
    exited 125
    run minidock run --restart sometimes busybox true
    exited 125
    said "invalid restart policy: unknown policy 'sometimes'"
    [ -z "$(minidock ps -aq)" ]
}

@test "--timeout kills and says so" {
    run within 20 minidock run --rm --timeout 1 busybox sleep 100
    exited 124
    said "exited 124: timeout of 1 s reached"
    minidock run -d --name one --timeout 1 busybox sleep 100
    becomes one .State.Status exited
    [ "$(field one .State.ExitCode)" = 124 ]
    [ "$(field one .State.Reason)" = "timeout of 1 s reached" ]
}

@test "a service in the background, as README shows it" {
    cd "$BATS_TEST_TMPDIR"
    minidock run -d --name web --restart unless-stopped busybox httpd -f -vv -h /etc
    [ "$(status_of web)" = running ]
    [ "$(
        minidock exec web wget -qO- http://localhost/hostname
    )" = "$(minidock exec web hostname)" ]
    logged web "url:/hostname"
    minidock logs web
    [[ "$(
        minidock stats --no-stream
    )" == *web* ]]
    minidock stop web
    [ "$(status_of web)" = exited ]
    minidock restart web
    [ "$(status_of web)" = running ]
    minidock cp web:/etc/passwd .
    grep -q nobody passwd
    minidock commit web web:1
    [ "$(minidock run --rm web:1 cat /etc/passwd)" = "$(cat passwd)" ]
    minidock rmi web:1
    run within 1 minidock attach web </dev/null
    exited 124 # and what ended it went to the container
    becomes web .State.Status exited
    minidock start web
    minidock kill -s HUP web
    becomes web .State.Running true
    minidock rm -f web
    minidock ps --gone
    run minidock logs --last
    [ "$status" -le 1 ]
}

@test "twenty loops of run --rm in parallel lose nothing" {
    run "$E2E_PYTHON" -B "$E2E_LIB/drive.py" together 20 -- sh -c \
        'for i in 1 2 3 4 5; do [ "$(minidock run --rm busybox echo $i)" = $i ] || exit 1; done'
    exited 0
    [ -z "$(minidock ps -aq)" ]
}

@test "stop and rm of many at once, each from two commands: one winner, no failure that is not said" {
    for name in aa bb cc dd ee; do
        minidock run -d --name "$name" busybox sleep 100 >/dev/null
    done
    minidock stop aa bb cc dd ee >"$BATS_TEST_TMPDIR/first" &
    local first=$!
    minidock stop ee dd cc bb aa >"$BATS_TEST_TMPDIR/second"
    wait "$first"
    [ "$(sort "$BATS_TEST_TMPDIR/first")" = "$(sort "$BATS_TEST_TMPDIR/second")" ]
    minidock rm aa bb cc dd ee >"$BATS_TEST_TMPDIR/first" 2>&1 &
    first=$!
    minidock rm ee dd cc bb aa >"$BATS_TEST_TMPDIR/second" 2>&1 || true
    wait "$first" || true
    for name in aa bb cc dd ee; do
        grep -qx "$name" "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
    done
    [ -z "$(minidock ps -aq)" ]
}
