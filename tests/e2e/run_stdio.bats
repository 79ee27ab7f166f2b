#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Streams and terminals of run.

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

@test "stdout and stderr stay apart" {
    run --separate-stderr minidock run --rm busybox sh -c 'echo out; echo err >&2'
    exited 0
    [ "$output" = out ]
    [ "$stderr" = err ]
}

@test "eight megabytes of any bytes pass in and out unchanged" {
    head -c 8388608 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    minidock run --rm -i busybox cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    cat "$BATS_TEST_TMPDIR/in" | minidock run --rm -i busybox cat | cmp - "$BATS_TEST_TMPDIR/in"
}

@test "all 256 bytes pass unchanged" {
    "$E2E_PYTHON" -c 'import sys; sys.stdout.buffer.write(bytes(range(256)))' >"$BATS_TEST_TMPDIR/in"
    minidock run --rm -i busybox cat <"$BATS_TEST_TMPDIR/in" | cmp - "$BATS_TEST_TMPDIR/in"
}

@test "without -i the program's stdin is empty and the caller's is not touched" {
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/in"
    run bash -c 'minidock run --rm busybox cat; cat' <"$BATS_TEST_TMPDIR/in"
    exited 0
    [ "$output" = "$(printf 'one\ntwo')" ]
}

@test "end of input reaches the program" {
    run bash -c 'printf "a\nb\n" | minidock run --rm -i busybox wc -l'
    exited 0
    [ "${output// /}" = 2 ]
}

@test "a program that does not read its input ends all the same" {
    run bash -c 'head -c 10000000 /dev/zero | timeout 20 minidock run --rm -i busybox true'
    exited 0
}

@test "a program that ends while stdin stays open ends the run" {
    mkfifo "$BATS_TEST_TMPDIR/open"
    run timeout 20 minidock run --rm -i busybox echo quick 0<>"$BATS_TEST_TMPDIR/open"
    exited 0
    [ "$output" = quick ]
}

@test "output after a reader has gone does not hang" {
    # To a process 1 SIGPIPE does nothing: it sees the error, and says so on stderr.
    run --separate-stderr timeout 20 bash -c 'minidock run --rm busybox yes | head -n 1'
    exited 0
    [ "$output" = y ]
}

@test "output of the last moment is not lost" {
    for ((i = 0; i < 20; i++)); do
        run minidock run --rm busybox sh -c 'seq 1 1000; echo last >&2'
        exited 0
        [ "${#lines[@]}" -eq 1001 ]
    done
}

@test "closed standard streams of the caller are the container's /dev/null" {
    run bash -c 'minidock run --rm busybox sh -c "ls -l /proc/self/fd" <&-'
    exited 0
    run bash -c 'minidock run --rm busybox sh -c "exit 6" <&- >&- 2>&-'
    exited 6
}

@test "ten megabytes on stdout and ten on stderr, at once, arrive unchanged and apart" {
    for stream in out err; do
        head -c 10000000 /dev/urandom >"$BATS_TEST_TMPDIR/$stream"
    done
    minidock run --rm -v "$BATS_TEST_TMPDIR:/data:ro" busybox sh -c 'cat /data/err >&2 & cat /data/out; wait' \
        >"$BATS_TEST_TMPDIR/got-out" 2>"$BATS_TEST_TMPDIR/got-err"
    cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/got-out"
    cmp "$BATS_TEST_TMPDIR/err" "$BATS_TEST_TMPDIR/got-err"
}

@test "a slow reader of one stream loses nothing of the other, nor of its own" {
    mkfifo "$BATS_TEST_TMPDIR/slow"
    minidock run --rm busybox sh -c 'seq 1 100000; echo over >&2' >"$BATS_TEST_TMPDIR/slow" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    runner=$!
    exec 9<"$BATS_TEST_TMPDIR/slow"
    # Not read yet: what does not fit into the pipes waits in the program.
    [ ! -s "$BATS_TEST_TMPDIR/err" ]
    seq 1 100000 | cmp - <(cat <&9)
    exec 9<&-
    wait "$runner"
    [ "$(cat "$BATS_TEST_TMPDIR/err")" = over ]
}

@test "D18: a pipe of the caller that does not block is written whole, and stays as it was" {
    cat >"$BATS_TEST_TMPDIR/nonblocking.py" <<'END'
import fcntl, os, subprocess, sys, time
reader, writer = os.pipe()
os.set_blocking(writer, False)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
got = b""
while child.poll() is None or len(got) < 588895:
    got += os.read(reader, 4096) if len(got) < 588895 else b""
assert got == b"".join(b"%d\n" % i for i in range(1, 100001)), len(got)
assert not os.get_blocking(writer)
sys.exit(child.wait())
END
    run timeout 30 "$E2E_PYTHON" "$BATS_TEST_TMPDIR/nonblocking.py" minidock run --rm busybox seq 1 100000
    exited 0
}

@test "output that cannot be written is told, and the status is not success" {
    run -125 --separate-stderr bash -c 'minidock run --rm busybox echo lost >/dev/full'
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ "$stderr" == "minidock: "*"No space left on device"* ]]
    # The program goes on, and where it failed by itself its status stays.
    run -3 bash -c 'minidock run --name full busybox sh -c "echo lost; echo kept >&2; exit 3" 2>&1 >/dev/full'
    said kept
    said "No space left on device"
    [ "$(minidock logs full 2>/dev/null)" = lost ]
    minidock rm full
}

@test "-t gives the program a terminal of its own, with the caller's size" {
    run in_terminal minidock run --rm -it busybox sh <<'END'
expect #
type stty size; tty; test -t 0 && test -t 1 && test -t 2 && echo all three; echo end
expect 41 123
expect /dev/pts/0
expect all three
expect end
type exit 3
END
    exited 3
}

@test "the size is right from the first moment" {
    run in_terminal minidock run --rm -t busybox stty size </dev/null
    exited 0
    said "41 123"
}

@test "every change of the window reaches the program" {
    run in_terminal minidock run --rm -it busybox sh -c 'trap "stty size" WINCH; echo ready
        while read -t 1 word || [ $? -ne 0 ]; do [ "$word" = over ] && exit 4; done' <<'END'
expect ready
resize 30 90
expect 30 90
resize 31 91
expect 31 91
type over
END
    exited 4
}

@test "Ctrl-C goes to the program in front, not to minidock" {
    run in_terminal minidock run --rm -it busybox sh <<'END'
expect #
type sh -c 'echo st""arted; exec sleep 100'
expect started
key c
expect #
type echo still here $((40 + 2))
expect still here 42
type exit 5
END
    exited 5
}

@test "Ctrl-C ends a process 1 without a handler: 130" {
    # Not through a shell: that would have a handler up to its exec.
    run in_terminal minidock run --rm -it busybox sleep 100 <<'END'
await raw
key c
END
    exited 130
}

@test "Ctrl-D is the end of input" {
    run in_terminal minidock run --rm -it busybox cat <<'END'
type hello
expect hello
expect hello
key d
END
    exited 0
}

@test "the terminal is as before, also after a failure and after a signal" {
    run in_terminal minidock run --rm -it busybox no-such-program </dev/null
    exited 127
    run in_terminal minidock run --rm -it busybox sh -c 'stty raw -echo; echo x; sleep 100' <<'END'
expect x
signal TERM
END
    exited 143
    run in_terminal minidock run --rm -it busybox sh -c 'stty raw -echo; exit 0' </dev/null
    exited 0
}

@test "a stop signal gives the terminal back, and going on takes it again" {
    run in_terminal minidock run --rm -it busybox sh -c 'echo up; read word; echo "got $word"; exit 7' <<'END'
expect up
await raw
signal TSTP
await stopped
await restored
signal CONT
await raw
type on
expect got on
END
    exited 7
}

@test "-t without a terminal is a note, and pipes" {
    run --separate-stderr bash -c 'echo hello | minidock run --rm -i -t busybox sh -c "cat; tty; echo err >&2"'
    exited 0
    [ "$output" = "$(printf 'hello\nnot a tty')" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ "${stderr_lines[0]}" == *terminal* ]]
    [ "${stderr_lines[1]}" = err ]
}

@test "TERM is set with -t only" {
    run in_terminal minidock run --rm -t busybox sh -c 'echo "TERM=$TERM."' </dev/null
    said "TERM=xterm."
    run minidock run --rm busybox sh -c 'echo "TERM=$TERM."'
    [ "$output" = "TERM=." ]
}

@test "the console is the container's, and /dev/console is it" {
    run in_terminal minidock run --rm -t busybox sh -c 'ls -l /dev/console; echo to console >/dev/console' </dev/null
    exited 0
    said "to console"
}

@test "when run has ended nothing holds the caller's descriptors or directory any more" {
    mkdir "$BATS_TEST_TMPDIR/mnt"
    mount -t tmpfs none "$BATS_TEST_TMPDIR/mnt"
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/mnt/root"
    : >"$BATS_TEST_TMPDIR/lock"
    (
        exec 9>"$BATS_TEST_TMPDIR/lock"
        flock -n 9
        cd "$BATS_TEST_TMPDIR/mnt"
        # Many files, so that deleting them takes a while.
        minidock run --rm --rootfs root sh -c 'i=0; while [ $i -lt 2000 ]; do : >/f$i; i=$((i + 1)); done'
    )
    flock -n "$BATS_TEST_TMPDIR/lock" true
    umount "$BATS_TEST_TMPDIR/mnt"
}
