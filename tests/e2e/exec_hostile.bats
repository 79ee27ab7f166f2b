#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: the same confinement as process 1; a container that wants more; ends of all kinds.

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

# What of a process's status says what it may do.
WORDS='^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters|Umask|SigIgn|SigBlk):'

@test "capabilities, filter, umask, limits and user are those of process 1" {
    sleeper root
    sleeper bob -u bob
    for name in root bob; do
        minidock exec "$name" grep -E "$WORDS" /proc/1/status >"$BATS_TEST_TMPDIR/first"
        minidock exec "$name" grep -E "$WORDS" /proc/self/status >"$BATS_TEST_TMPDIR/ours"
        diff "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/ours"
        diff <(minidock exec "$name" cat /proc/1/limits) <(minidock exec "$name" cat /proc/self/limits)
        diff <(minidock exec "$name" cat /proc/1/mountinfo) <(minidock exec "$name" cat /proc/self/mountinfo)
    done
    # Whatever the caller's are.
    diff <(minidock exec root cat /proc/1/limits) \
        <(ulimit -S -n 77; ulimit -S -c 0; umask 077; minidock exec root cat /proc/self/limits)
    # Hard limits can be raised only with CAP_SYS_RESOURCE.
    run bash -c 'ulimit -n 77; minidock exec root sh -c "ulimit -n"'
    exited 0
    [ "$output" = 77 ] || [ "$output" = "$(minidock exec root sh -c 'ulimit -n')" ]
    [ "$(umask 077; minidock exec root sh -c umask)" = 0022 ]
}

@test "a user who is not root has no capabilities, with --privileged neither" {
    sleeper box
    for how in "" --privileged; do
        # shellcheck disable=SC2086
        run minidock exec $how -u bob box grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status
        [ "$(cut -f 2 <<<"$output" | sort -u)" = 0000000000000000 ]
    done
}

@test "--privileged gives root all capabilities that the caller has" {
    sleeper box
    local all

    all="$(awk '/^CapBnd/ { print $2 }' /proc/self/status)"
    run minidock exec --privileged box awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' /proc/self/status
    exited 0
    [ "$(sort -u <<<"$output")" = "$all" ]
    run minidock exec box awk '/^CapBnd/ { print $2 }' /proc/self/status
    [ "$output" = 00000000800405fb ]
}

@test "only descriptors 0, 1 and 2 are open, whatever the caller has open" {
    sleeper box
    cat >"$BATS_TEST_TMPDIR/many.py" <<'END'
import os, sys
for path in ["/", "/etc/passwd", "/dev/null"] * 70:
    os.set_inheritable(os.open(path, os.O_RDONLY), True)
os.dup2(os.open("/", os.O_PATH), 999)
os.execvp(sys.argv[1], sys.argv[1:])
END
    for how in "" -i; do
        # shellcheck disable=SC2086
        run "$E2E_PYTHON" "$BATS_TEST_TMPDIR/many.py" minidock exec $how box ls /proc/self/fd </dev/null
        exited 0
        # 3 is the directory that ls reads.
        [ "$(echo $output)" = "0 1 2 3" ]
    done
    "$E2E_PYTHON" "$BATS_TEST_TMPDIR/many.py" minidock exec -d box sh -c 'ls /proc/self/fd >/tmp/fds; echo end >>/tmp/fds'
    minidock exec box sh -c 'until grep -q end /tmp/fds; do sleep 0.05; done'
    [ "$(minidock exec box cat /tmp/fds | xargs)" = "0 1 2 3 end" ]
    run minidock exec box readlink /proc/self/fd/0
    [ "$output" = /dev/null ]
}

@test "the working directory is never outside: descriptors, links to them, links up" {
    sleeper box
    for number in $(seq 0 40); do
        run minidock exec -w "/proc/self/fd/$number" box pwd
        exited 125
    done
    minidock exec box sh -c 'ln -s /proc/self/fd/7 /seven; ln -s /proc/1/cwd /one; ln -s /../../../.. /up'
    run minidock exec -w /seven box pwd
    exited 125
    run minidock exec -w /one box pwd
    exited 125
    run minidock exec -w /up box sh -c 'pwd; ls -di . /'
    exited 0
    [ "${lines[0]}" = / ]
    [ "$(awk '{ print $1 }' <<<"${lines[1]}")" = "$(awk '{ print $1 }' <<<"${lines[2]}")" ]
    run minidock exec -w /proc/self/cwd box pwd
    exited 125
}

@test "our own program is never executed inside" {
    sleeper box
    minidock exec box sh -c 'printf "#!/proc/self/exe\n" >/bin/again; chmod +x /bin/again; ln -s /proc/self/exe /bin/self'
    before="$(sha256sum "$MINIDOCK")"
    for program in again self /proc/self/exe; do
        run minidock exec box "$program"
        exited 126
    done
    [ "$(sha256sum "$MINIDOCK")" = "$before" ]
}

@test "nobody inside can look into what enters" {
    # Looks at every process that comes, as fast as it can, and keeps what it could read of those that
    # are on their way: their program is ours, their root or a descriptor is the host's.
    minidock run -d --name box busybox sh -c '
        while [ ! -e /tmp/end ]; do
            for d in /proc/[0-9]*; do
                [ "$d" != /proc/1 ] || continue
                exe=$(readlink "$d/exe") || continue
                case "$exe" in /bin/busybox) ;; *) echo "$d exe $exe" >>/tmp/seen ;; esac
                case "$(readlink "$d/root")" in /|"") ;; *) echo "$d root" >>/tmp/seen ;; esac
            done
        done
        touch /tmp/over; sleep 1000' >/dev/null
    for _ in $(seq 150); do
        minidock exec box true
    done
    minidock exec box touch /tmp/end
    minidock exec box sh -c 'until [ -e /tmp/over ]; do sleep 0.05; done'
    run minidock exec box cat /tmp/seen
    exited 1
    said "No such file or directory"
}

@test "a /dev/null or terminal of the container's making is not used" {
    sleeper box
    minidock exec box sh -c 'rm /dev/null; echo precious >/dev/null'
    run within 20 minidock exec box cat
    exited 125
    said "the container's /dev/null is not the null device"
    minidock exec -i box sh -c 'rm /dev/null; mkfifo /dev/null' </dev/null
    run within 20 minidock exec -d box true
    exited 125
    minidock exec -i box sh -c 'rm /dev/null; ln -s /etc/passwd /dev/null' </dev/null
    run within 20 minidock exec box true
    exited 125
    said "is not the null device"
    [ "$(stat -c %t:%T /dev/null)" = 1:3 ]
}

@test "a passwd that is no file is refused, and none means numbers only" {
    sleeper box
    minidock exec box sh -c 'mv /etc/passwd /etc/kept; mkfifo /etc/passwd'
    run within 20 minidock exec -u bob box true
    exited 125
    said "not a regular file"
    minidock exec -i box true </dev/null || true
    run within 20 minidock exec -u 0 box sh -c true
    exited 125
}

@test "a process 1 that changes its root does not keep others out" {
    minidock run -d --name box busybox sh -c 'mkdir -p /jail/bin; cp /bin/busybox /jail/bin; exec chroot /jail /bin/busybox sleep 1000' >/dev/null
    run minidock exec box sh -c 'until [ -d /jail/bin ]; do sleep 0.05; done; ls -d /jail /etc'
    exited 0
}

@test "kill -9 of minidock exec ends what it started, and its process group" {
    sleeper box
    minidock exec box sh -c 'sleep 1004 & sleep 1005' >/dev/null 3>&- &
    local client=$!

    has box "sleep 1004"
    has box "sleep 1005"
    kill -KILL "$client"
    wait "$client" || true
    lacks box "sleep 1004"
    lacks box "sleep 1005"
    [ "$(status_of box)" = running ]
}

@test "a signal to minidock exec goes to the program" {
    sleeper box
    minidock exec box sh -c 'trap "echo got it; exit 5" TERM; echo up; while :; do sleep 0.05; done' \
        >"$BATS_TEST_TMPDIR/out" 3>&- &
    local client=$!

    appears up "$BATS_TEST_TMPDIR/out"
    kill -TERM "$client"
    ends "$client"
    exited 5
    appears "got it" "$BATS_TEST_TMPDIR/out"
    minidock exec box sh -c 'echo up; exec sleep 1006' >"$BATS_TEST_TMPDIR/next" 3>&- &
    client=$!
    appears up "$BATS_TEST_TMPDIR/next"
    kill -INT "$client"
    ends "$client"
    exited 130
    # As after a ctrl-c in a terminal it is for the whole process group.
    minidock exec box sh -c 'echo up; sleep 1009; echo not this' >"$BATS_TEST_TMPDIR/group" 3>&- &
    client=$!
    appears up "$BATS_TEST_TMPDIR/group"
    has box "sleep 1009"
    kill -INT "$client"
    ends "$client"
    exited 130
    lacks box "sleep 1009"
}

@test "when the container ends, all clients return with 137" {
    sleeper box
    local clients=()

    for number in 1 2 3 4 5; do
        minidock exec box sh -c 'echo up; exec sleep 1007' >"$BATS_TEST_TMPDIR/out.$number" 3>&- &
        clients+=("$!")
    done
    for number in 1 2 3 4 5; do
        appears up "$BATS_TEST_TMPDIR/out.$number"
    done
    within 20 minidock kill box
    for client in "${clients[@]}"; do
        ends "$client"
        exited 137
    done
    becomes box .State.Status exited
}

@test "a client that is stopped does not keep the container from ending" {
    sleeper box
    minidock exec box sh -c 'echo up; exec sleep 1008' >"$BATS_TEST_TMPDIR/out" 3>&- &
    local client=$!

    appears up "$BATS_TEST_TMPDIR/out"
    kill -STOP "$client"
    within 20 minidock stop box
    ends "$client"
    exited 137
}

@test "enters and ends meet: never the host, never a hang" {
    local here

    here="$(readlink /proc/self/ns/mnt)"
    for _ in $(seq 15); do
        minidock run -d --rm --name box busybox sleep 1000 >/dev/null
        for number in 1 2 3; do
            within 30 minidock exec box readlink /proc/self/ns/mnt >"$BATS_TEST_TMPDIR/out.$number" 2>&1 3>&- &
        done
        within 30 minidock rm -f box >/dev/null
        wait
        for number in 1 2 3; do
            ! grep -qF "$here" "$BATS_TEST_TMPDIR/out.$number"
        done
    done
}
