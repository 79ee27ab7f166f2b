#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: statuses, streams, environment, users, terminals; states of the container.

bats_require_minimum_version 1.5.0
load helpers
load roots
load life
load exec

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

@test "every exit status comes back" {
    sleeper box
    for code in $(seq 0 255); do
        status=0
        minidock exec box sh -c "exit $code" || status=$?
        exited "$code"
    done
}

@test "a signal's end is 128 and its number" {
    sleeper box
    run minidock exec box sh -c 'kill -TERM $$'
    exited 143
    run minidock exec box sh -c 'kill -KILL $$'
    exited 137
}

@test "what is not there is 127, what is no program 126" {
    sleeper box
    run -127 minidock exec box nowhere
    said 'exec: "nowhere": executable file not found in $PATH'
    run -127 minidock exec box /bin/nowhere
    run minidock exec box /etc
    exited 126
    said 'exec: "/etc": is a directory'
    run minidock exec box /etc/passwd
    exited 126
}

@test "the container is named by name, id or the beginning of its id" {
    sleeper box
    local id

    id="$(field box .Id)"
    [ "$(minidock exec box echo one)" = one ]
    [ "$(minidock exec "$id" echo two)" = two ]
    [ "$(minidock exec "${id:0:10}" echo three)" = three ]
    [ "$(minidock container exec box echo four)" = four ]
}

@test "one that does not run is not entered: status 1, docker's words" {
    run minidock exec nobody true
    exited 1
    said "No such container: nobody"
    sleeper box
    minidock stop box
    run minidock exec box true
    exited 1
    said "is not running"
    minidock create --name fresh busybox true >/dev/null
    run minidock exec fresh true
    exited 1
    said "is not running"
}

@test "one that is paused is not entered, and afterwards it is" {
    sleeper box
    minidock pause box
    run within 20 minidock exec box true
    exited 1
    said "is paused, unpause the container before exec"
    minidock unpause box
    minidock exec box true
}

@test "bad usage is 125" {
    sleeper box
    for bad in "" "box" "--nope box true" "--detach-keys ctrl-7 box true" "-w relative box true" \
        "-u nobody:nogroup box true" "-u 99999999999 box true" "-e =x box true" "--env-file /nowhere box true"; do
        # shellcheck disable=SC2086
        run minidock exec $bad
        exited 125
    done
    run minidock exec -u stranger box true
    exited 125
    said "unable to find user stranger: no matching entries in passwd file"
}

@test "stdout and stderr are apart" {
    sleeper box
    run --separate-stderr minidock exec box sh -c 'echo out; echo err >&2'
    exited 0
    [ "$output" = out ]
    [ "$stderr" = err ]
}

@test "ten megabytes go in and out byte by byte" {
    sleeper box
    head -c 10485760 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    minidock exec -i box cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    minidock exec -i box sha256sum <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/sum"
    [ "$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/sum")" = "$(sha256sum <"$BATS_TEST_TMPDIR/in" | cut -d ' ' -f 1)" ]
}

@test "without -i nothing is read from the caller" {
    sleeper box
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/in"
    {
        [ "$(minidock exec box cat)" = "" ]
        read -r line
        [ "$line" = one ]
    } <"$BATS_TEST_TMPDIR/in"
}

@test "it returns when the program ends, whoever else holds its streams" {
    sleeper box
    run within 20 minidock exec box sh -c 'sleep 900 & echo done'
    exited 0
    said done
    has box "sleep 900"
}

@test "the environment is the container's, and what is given" {
    printf '# comment\nFILE=file\nBOTH=file\nTAKEN\nABSENT\n' >"$BATS_TEST_TMPDIR/vars"
    sleeper box -e OF=container -e GONE=yes -h host
    run env TAKEN=taken minidock exec -e BOTH=word -e EMPTY= -e GONE --env-file "$BATS_TEST_TMPDIR/vars" box env
    exited 0
    [ "$(sort <<<"$output")" = "$(sort <<'END'
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOSTNAME=host
HOME=/root
OF=container
FILE=file
BOTH=word
TAKEN=taken
EMPTY=
END
)" ]
}

@test "HOME is that of the user, unless it was given" {
    sleeper plain
    sleeper given -e HOME=/given
    sleeper bob -u bob
    [ "$(variable HOME plain)" = /root ]
    [ "$(variable HOME -u bob plain)" = /home/bob ]
    [ "$(variable HOME -u bob -e HOME=/tmp plain)" = /tmp ]
    [ "$(variable HOME -u bob given)" = /given ]
    [ "$(variable HOME bob)" = /home/bob ]
    [ "$(variable HOME -u root bob)" = /root ]
}

@test "TERM is there with -t only" {
    run minidock run -d --name box -t busybox sleep 1000
    run minidock exec box env
    said_not TERM
    run in_terminal minidock exec -t box sh -c 'echo "$TERM"' </dev/null
    exited 0
    [ "$output" = xterm ]
    run in_terminal minidock exec -t -e TERM=screen box sh -c 'echo "$TERM"' </dev/null
    [ "$output" = screen ]
}

@test "the user and its groups are looked up in the container as it is now" {
    sleeper box
    [ "$(minidock exec box id -u)" = 0 ]
    run minidock exec -u bob box id
    said "uid=1000(bob) gid=1000(bob) groups=29(audio),44(video),1000(bob)"
    run minidock exec -u bob:audio box id
    said "uid=1000(bob) gid=29(audio) groups=29(audio)"
    run minidock exec -u 4711:4712 box sh -c 'id -u; id -g; id -G'
    [ "$(echo $output)" = "4711 4712 4712" ]
    minidock exec box sh -c 'echo late:x:77:78:::/bin/sh >>/etc/passwd'
    [ "$(minidock exec -u late box sh -c 'id -u; id -g' | xargs)" = "77 78" ]
}

@test "the working directory is the container's, or -w" {
    sleeper box -w /var
    [ "$(minidock exec box pwd)" = /var ]
    [ "$(minidock exec -w /etc box pwd)" = /etc ]
    run minidock exec -w /nowhere box pwd
    exited 125
    said 'cannot enter the working directory: cannot open "/nowhere"'
    run minidock exec -w /etc/passwd box pwd
    exited 125
    minidock exec box sh -c 'mkdir -m 700 /closed'
    run minidock exec -u bob -w /closed/x box pwd
    exited 125
}

@test "it is a process of the container" {
    sleeper box
    for kind in pid net ipc uts cgroup mnt user; do
        [ "$(minidock exec box readlink /proc/self/ns/$kind)" = "$(minidock exec box readlink /proc/1/ns/$kind)" ]
    done
    # A host with cgroup v2 shows it in the container's own.
    run minidock exec box sh -c 'grep "^0::" /proc/1/cgroup; grep "^0::" /proc/self/cgroup'
    [ "${lines[0]:-}" = "${lines[1]:-}" ]
    [ "$(minidock exec box hostname)" = "$(minidock exec box cat /etc/hostname)" ]
    minidock exec box sh -c 'echo kept >/tmp/file'
    [ "$(minidock exec box cat /tmp/file)" = kept ]
}

@test "with a terminal: its name, its size, its changes, raw and restored" {
    sleeper box
    run in_terminal minidock exec -it box sh <<'END'
await raw
type tty; stty size
expect /dev/pts/0
expect 41 123
resize 20 60
type stty size
expect 20 60
type exit 9
END
    exited 9
}

@test "the examples of README" {
    minidock run -d --name web busybox httpd -f -h /etc >/dev/null
    run in_terminal minidock exec -it web sh <<'END'
await raw
type exit 6
END
    exited 6
    run minidock exec -u nobody web id
    said "uid=65534(nobody)"
}

@test "ctrl-c in a terminal is the program's" {
    sleeper box
    run in_terminal minidock exec -it box sh <<'END'
await raw
type trap "echo caught" INT; echo re""ady
expect ready
key c
expect caught
type exit 4
END
    exited 4
}

@test "the detach keys leave it running, with its terminal" {
    sleeper box
    # What it writes afterwards is read by nobody, and does not make it wait.
    run in_terminal minidock exec -it box sh -c 'echo up; until [ -e /go ]; do sleep 0.05; done; seq 100000; exec sleep 999' <<'END'
await raw
expect up
key p
key q
END
    exited 0
    minidock exec box touch /go
    has box "sleep 999"
    run in_terminal minidock exec -it --detach-keys ctrl-x,x box sh -c 'echo up; exec sleep 1001' <<'END'
await raw
expect up
key x
type x
END
    exited 0
    has box "sleep 1001"
    within 20 minidock stop box
}

@test "without a terminal -t is left out, with a note" {
    sleeper box
    run minidock exec -t box sh -c '[ -t 0 ] || [ -t 1 ] || echo none' </dev/null
    exited 0
    said "no terminal here"
    said none
}

@test "-d returns at once, and the program is the container's" {
    sleeper box
    run within 20 minidock exec -d box sh -c 'echo $PPID >/tmp/parent; exec sleep 1002'
    exited 0
    [ -z "$output" ]
    minidock exec box sh -c 'until [ -s /tmp/parent ]; do sleep 0.05; done'
    [ "$(minidock exec box cat /tmp/parent)" = 1 ]
    has box "sleep 1002"
    run within 20 minidock exec -dt box sh -c 'tty >/tmp/tty; exec sleep 1003'
    exited 0
    minidock exec box sh -c 'until [ -s /tmp/tty ]; do sleep 0.05; done'
    [[ "$(minidock exec box cat /tmp/tty)" = /dev/pts/* ]]
    has box "sleep 1003"
    within 20 minidock stop box
}

@test "-d says why it cannot" {
    sleeper box
    run -127 minidock exec -d box nowhere
    run minidock exec -d box /etc
    exited 126
    run minidock exec -d -w /nowhere box true
    exited 125
}

@test "fifty at a time" {
    sleeper box
    local pids=() pid

    for number in $(seq 50); do
        minidock exec box sh -c "echo $number; exit $number" >"$BATS_TEST_TMPDIR/out.$number" 3>&- &
        pids+=("$!")
    done
    for number in $(seq 50); do
        pid="${pids[number - 1]}"
        wait "$pid" && status=0 || status=$?
        exited "$number"
        [ "$(cat "$BATS_TEST_TMPDIR/out.$number")" = "$number" ]
    done
    [ "$(minidock exec box ps -o pid | wc -l)" -eq 3 ]
}

@test "with --init, and in the foreground of another command, it works too" {
    sleeper first --init
    [ "$(minidock exec first sh -c 'cat /proc/1/comm')" = init ]
    start_sleeper second busybox sleep 1000
    [ "$(minidock exec second echo in)" = in ]
    kill "$RUNNER"
    ends "$RUNNER"
}
