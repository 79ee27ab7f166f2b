#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container is kept from: the list of what it sees, compared with what is promised.

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

# mounts_match: reads mountinfo; every mount must be on the list, with these flags, and all that is required there.
mounts_match() {
    "$E2E_PYTHON" "$E2E_LIB/mounts.py" "$@"
}

@test "mountinfo is the golden list" {
    minidock run --rm busybox cat /proc/self/mountinfo >"$BATS_TEST_TMPDIR/mounts"
    mounts_match "$MINIDOCK_ROOT" <"$BATS_TEST_TMPDIR/mounts"
}

@test "with -t there is a console besides" {
    in_terminal minidock run --rm -t busybox cat /proc/self/mountinfo </dev/null >"$BATS_TEST_TMPDIR/mounts"
    mounts_match "$MINIDOCK_ROOT" console <"$BATS_TEST_TMPDIR/mounts"
}

@test "only descriptors 0, 1 and 2 are open, whatever the caller has open" {
    # Files, directories and a socket, none of them closed by exec; one has a high number.
    cat >"$BATS_TEST_TMPDIR/many.py" <<'END'
import os, resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, 2048))
kept = socket.socketpair()
for path in ["/", "/etc/passwd", "/dev/null"] * 70:
    os.set_inheritable(os.open(path, os.O_RDONLY), True)
os.dup2(os.open("/", os.O_PATH), 1999)
for end in kept:
    end.set_inheritable(True)
os.execvp(sys.argv[1], sys.argv[1:])
END
    for how in "" -i; do
        # shellcheck disable=SC2086
        run "$E2E_PYTHON" "$BATS_TEST_TMPDIR/many.py" minidock run --rm $how busybox ls /proc/self/fd </dev/null
        exited 0
        # 3 is the directory that ls reads.
        [ "$(echo $output)" = "0 1 2 3" ]
    done
    run "$E2E_PYTHON" "$BATS_TEST_TMPDIR/many.py" minidock run --rm busybox \
        sh -c 'for fd in 0 1 2; do readlink /proc/1/fd/$fd; done'
    [[ "$(echo $output)" =~ ^(/dev/null|pipe:\[[0-9]+\])\ pipe:\[[0-9]+\]\ pipe:\[[0-9]+\]$ ]]
    run in_terminal "$E2E_PYTHON" "$BATS_TEST_TMPDIR/many.py" minidock run --rm -t busybox ls /proc/self/fd </dev/null
    [ "$(echo $output)" = "0 1 2 3" ]
}

@test "capabilities are podman's eleven, for root and for nobody" {
    run minidock run --rm busybox grep Cap /proc/self/status
    exited 0
    [ "$(echo $output)" = "CapInh: 0000000000000000 CapPrm: 00000000800405fb CapEff: 00000000800405fb CapBnd: 00000000800405fb CapAmb: 0000000000000000" ]
    run minidock run --rm -u 65534 busybox grep Cap /proc/self/status
    [ "$(echo $output)" = "CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 00000000800405fb CapAmb: 0000000000000000" ]
}

@test "what root may and may not do" {
    run minidock run --rm busybox sh -c '
        chown 5 /tmp && echo chown; mount -t tmpfs x /tmp; mknod /tmp/disk b 8 0; hostname other
        umount /proc; chroot / true && echo chroot; ip link add dummy0 type dummy; date -s 2001-01-01; echo end'
    exited 0
    [ "$(printf '%s\n' "${lines[@]}" | grep -xE 'chown|chroot|end' | tr '\n' ' ')" = "chown chroot end " ]
    [ "$(printf '%s\n' "${lines[@]}" | grep -ciE "not permitted|permission denied|must be superuser")" -ge 5 ]
}

@test "masked paths are empty, read-only ones cannot be written, and neither can be undone" {
    run minidock run --rm busybox sh -c '
        for path in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do
            [ -e $path ] && cat $path
        done
        for path in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
            [ -d $path ] && ls -A $path
        done
        for path in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/irq/default_smp_affinity \
            /sys/kernel/mm/transparent_hugepage/enabled; do
            [ -e $path ] && echo h >$path && echo "wrote $path"
        done 2>/dev/null
        umount /proc/kcore 2>/dev/null && echo unmounted
        mount -o remount,rw /sys 2>/dev/null && echo remounted
        echo end'
    exited 0
    [ "$output" = end ]
}

@test "devices are docker's list, and no other node can be opened" {
    run minidock run --rm busybox sh -c 'ls -l /dev | grep "^[bc]" | while read m l o g a b r; do echo "$m $a$b ${r##* }"; done'
    exited 0
    [ "$(printf '%s\n' "${lines[@]}" | sort)" = "$(sort <<'END'
crw-rw-rw- 1,7 full
crw-rw-rw- 1,3 null
crw-rw-rw- 1,8 random
crw-rw-rw- 5,0 tty
crw-rw-rw- 1,9 urandom
crw-rw-rw- 1,5 zero
END
)" ]
    run minidock run --rm busybox sh -c 'for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done'
    [ "$(echo $output)" = "/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx" ]
}

@test "a device in the image cannot be opened" {
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/nodes"
    mknod "$BATS_TEST_TMPDIR/nodes/zero" c 1 5
    chmod 666 "$BATS_TEST_TMPDIR/nodes/zero"
    minidock import "$BATS_TEST_TMPDIR/nodes" nodes >/dev/null
    run minidock run --rm nodes head -c 1 /zero
    exited 1
    said "ermission denied"
}

@test "the old root is gone: nothing lies above the root" {
    run minidock run --rm busybox sh -c '
        [ "$(stat -c %d:%i /)" = "$(stat -c %d:%i /..)" ] && echo top
        readlink /proc/1/root /proc/1/cwd
        mkdir /in && chroot /in /../bin/busybox 2>/dev/null && echo "out of a chroot"
        grep -c . /proc/mounts >/dev/null && echo end'
    exited 0
    [ "${lines[0]}" = top ]
    [ "${lines[-1]}" = end ]
    said_not "out of"
}

@test "C24: the caller's terminal is never the program's" {
    run in_terminal minidock run --rm -i busybox sh -c 'tty; test -t 0 || test -t 1 || test -t 2 || echo none; cat </dev/tty' </dev/null
    [ "$status" -ne 0 ]
    said "not a tty"
    said none
    said "No such device or address"
}

@test "C32: a working directory is never a descriptor of minidock" {
    exec 7</
    for ((fd = 3; fd < 40; fd++)); do
        run minidock run --rm -w "/proc/self/fd/$fd" busybox sh -c 'pwd; ls -d etc/shadow ../etc/shadow ../../etc/shadow'
        [ "$status" -ne 0 ]
        said_not "(unreachable)"
        [[ "$output" != *etc/shadow$'\n'* ]]
    done
    exec 7<&-
}

@test "C25: minidock itself cannot be run or written by way of /proc/self/exe" {
    before="$(sha256sum "$MINIDOCK")"
    printf '#!/proc/self/exe\n' >"$BATS_TEST_TMPDIR/script"
    chmod 755 "$BATS_TEST_TMPDIR/script"
    run minidock run --rm --entrypoint /proc/self/exe busybox --version
    exited 126
    said_not version
    run minidock run --rm -v "$BATS_TEST_TMPDIR/script:/script" busybox /script --version
    exited 126
    said_not version
    [ "$(sha256sum "$MINIDOCK")" = "$before" ]
}

@test "every namespace but the user's is the container's own" {
    for kind in mnt pid net ipc uts cgroup; do
        run minidock run --rm busybox readlink "/proc/self/ns/$kind"
        exited 0
        [ "$output" != "$(readlink "/proc/self/ns/$kind")" ]
    done
}

@test "--network host is the host's network, and nothing else is" {
    run minidock run --rm --network host busybox readlink /proc/self/ns/net
    [ "$output" = "$(readlink /proc/self/ns/net)" ]
    run minidock run --rm --network host busybox readlink /proc/self/ns/uts
    [ "$output" != "$(readlink /proc/self/ns/uts)" ]
}

@test "--network none has one interface, loopback, and it is up" {
    run minidock run --rm --network none busybox ip -o link
    [ "${#lines[@]}" -eq 1 ]
    said "LOOPBACK,UP"
    run minidock run --rm busybox sh -c 'nc -l -p 80 & for i in $(seq 1 200); do
        echo hello | nc 127.0.0.1 80 && break; usleep 50000; done 2>/dev/null; wait'
    said hello
}

@test "the cgroup path of the host does not show" {
    run minidock run --rm busybox cat /proc/self/cgroup
    exited 0
    for line in "${lines[@]}"; do
        [[ "$line" == *:/ ]]
    done
}

@test "signals, umask and limits are as a program expects them" {
    run minidock run --rm busybox sh -c 'grep -E "Sig(Blk|Ign|Cgt)" /proc/self/status; umask'
    exited 0
    [ "$(echo $output)" = "SigBlk: 0000000000000000 SigIgn: 0000000000000000 SigCgt: 0000000000000000 0022" ]
    run bash -c 'trap "" PIPE CHLD USR1; umask 077; minidock run --rm busybox sh -c "grep SigIgn /proc/self/status; umask"'
    [ "$(echo $output)" = "SigIgn: 0000000000000000 0022" ]
}

@test "the environment is what is promised and nothing of the host's" {
    run env SECRET=x minidock run --rm -h box busybox env
    exited 0
    [ "$(printf '%s\n' "${lines[@]}" | sort | tr '\n' ' ')" = \
        "HOME=/root HOSTNAME=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin " ]
}

@test "the host's devices keep their owner and mode" {
    before="$(stat -c '%n %a %u %g' /dev/null /dev/zero /dev/full /dev/tty /dev/random)"
    minidock run --rm -u bob busybox sh -c 'chmod 600 /dev/null; true' 2>/dev/null
    minidock run --rm busybox sh -c 'chmod 600 /dev/null; chown 5 /dev/zero; true' 2>/dev/null
    [ "$(stat -c '%n %a %u %g' /dev/null /dev/zero /dev/full /dev/tty /dev/random)" = "$before" ]
}
