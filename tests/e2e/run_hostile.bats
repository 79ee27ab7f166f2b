#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A83, C28, C29: a root file system that has traps where minidock mounts, makes and reads files.

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
    need_containers || return 1
    # What a trap leads to: outside of every root, with what a mount or a write would change.
    CANARY="$BATS_TEST_TMPDIR/canary"
    mkdir -p "$CANARY"/{etc,dev,proc,sys,run,pts,shm,mqueue,fs,self}
    for name in hosts hostname resolv.conf mtab null console passwd sysrq-trigger; do
        echo mine >"$CANARY/$name"
        echo mine >"$CANARY/etc/$name"
        echo mine >"$CANARY/dev/$name"
    done
}

teardown() {
    can_run || return 0
    leave_nothing
}

# unchanged: the canary, and what of the host might be hit instead, with change time and links.
unchanged() {
    find "$CANARY" -printf '%p %y %i %m %U %G %n %s %T@ %C@\n' | LC_ALL=C sort
    stat -c '%n %F %t:%T %a %u %g %h %i' /dev/null /dev/zero /dev/ptmx /dev/console /dev/shm /etc /etc/hosts /etc/hostname \
        /etc/resolv.conf /proc/sysrq-trigger /proc/sys/kernel/core_pattern 2>&1 || true
    sha256sum /etc/hosts /etc/hostname /etc/resolv.conf /proc/sys/kernel/core_pattern 2>&1 || true
    cat /proc/self/mountinfo
}

# trap_root DIR NAME KIND: a root file system in which NAME is of that kind.
trap_root() {
    local path="$1/$2" up=../../../../../../../../../../../../../../../..

    mkdir -p "$1"/{bin,etc,dev,proc,sys,run,tmp}
    ln -f "$SOURCE_ROOT/bin/busybox" "$1/bin/busybox"
    ln -sf busybox "$1/bin/sh"
    rm -rf "$path"
    mkdir -p "$(dirname "$path")"
    case "$3" in
    absolute) ln -s "$CANARY/$(basename "$2")" "$path" ;;
    relative) ln -s "$up$CANARY/$(basename "$2")" "$path" ;;
    root) ln -s / "$path" ;;
    magic) ln -s "/proc/self/fd/3$CANARY" "$path" ;;
    dangling) ln -s "$CANARY/not-there/x" "$path" ;;
    loop) ln -s "$(basename "$2")" "$path" ;;
    directory) mkdir "$path" && touch "$path/in-it" ;;
    fifo) mkfifo "$path" ;;
    device) mknod -m 666 "$path" c 1 5 ;;
    socket) "$E2E_PYTHON" -c 'import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))' "$path" ;;
    file) echo "of the image" >"$path" ;;
    missing) ;;
    esac
}

# A container that does its worst to all these names, and then tells whether its world is right.
WORST='
busybox=/bin/busybox
for name in hosts hostname resolv.conf mtab; do
    [ -p /etc/$name ] || echo changed >/etc/$name
    $busybox chmod 777 /etc/$name
done 2>/dev/null
for name in null console; do $busybox chmod 600 /dev/$name; $busybox rm -f /dev/$name; done 2>/dev/null
for dir in dev dev/shm dev/pts dev/mqueue run proc sys etc .; do echo changed >/$dir/new; done 2>/dev/null
for file in sysrq-trigger sys/kernel/core_pattern; do echo changed >/proc/$file; done 2>/dev/null
[ "$($busybox stat -f -c %T /proc)" = proc ] || echo "wrong: /proc"
[ "$($busybox readlink /proc/self/exe)" = /bin/busybox ] || echo "wrong: another /proc"
[ "$($busybox stat -f -c %T /sys)" = sysfs ] || echo "wrong: /sys"
[ "$($busybox stat -f -c %T /dev)" = tmpfs ] || echo "wrong: /dev"
[ "$($busybox stat -c %t:%T /dev/zero)" = 1:5 ] || echo "wrong: /dev/zero"
$busybox grep -q " /dev/pts devpts " /proc/mounts || echo "wrong: /dev/pts"
$busybox grep -q " /dev/shm tmpfs " /proc/mounts || echo "wrong: /dev/shm"
echo end'

# tried DIR: runs the worst in that root. It is refused, in one sentence, or all is right; in both
# cases nothing outside has changed, and nothing hangs.
tried() {
    local before

    before="$(unchanged)"
    run timeout 20 minidock run --rm --rootfs "$1" /bin/sh -c "$WORST" 3<&-
    if [ "$status" -eq 0 ]; then
        [ "$output" = end ] || { echo "$1: $output" >&2; return 1; }
    else
        exited 125 && [ "${#lines[@]}" -eq 1 ] || { echo "$1: $output" >&2; return 1; }
        said "minidock: "
    fi
    unchanged | diff <(echo "$before") - >&2 || { echo "$1 changed that" >&2; return 1; }
}

KINDS="absolute relative root magic dangling loop directory fifo device socket file missing"

# each_kind NAME...: every kind of trap at each name; a file or directory where one belongs must run.
each_kind() {
    local name kind dir

    for name in "$@"; do
        for kind in $KINDS; do
            dir="$BATS_TEST_TMPDIR/${name//\//_}-$kind"
            trap_root "$dir" "$name" "$kind"
            tried "$dir"
            case "$kind" in
            missing) exited 0 ;;
            file | directory) [ -z "${ORDINARY:-}" ] || [ "$kind" != "$ORDINARY" ] || exited 0 ;;
            esac
            rm -rf "$dir"
        done
    done
}

@test "A83: /etc/hosts, /etc/hostname and /etc/resolv.conf as anything" {
    ORDINARY=file each_kind etc/hosts etc/hostname etc/resolv.conf
}

@test "A83: /etc/mtab and /.dockerenv as anything" {
    ORDINARY=file each_kind etc/mtab .dockerenv
}

@test "A83: /etc and /run as anything" {
    ORDINARY=directory each_kind etc run
}

@test "A83, C28: /proc and /sys as anything" {
    ORDINARY=directory each_kind proc sys
}

@test "A83, C30: /dev as anything" {
    ORDINARY=directory each_kind dev
}

@test "A83, C29: what the image has below /dev, /proc and /sys does not matter" {
    for kind in $KINDS; do
        for name in dev/null dev/zero dev/console dev/ptmx dev/pts dev/shm dev/mqueue dev/fd proc/self proc/sys sys/fs; do
            trap_root "$BATS_TEST_TMPDIR/$kind" "$name" "$kind"
        done
        tried "$BATS_TEST_TMPDIR/$kind"
        exited 0
    done
}

@test "A83: -v, --tmpfs and -w onto traps stay inside" {
    mkdir "$BATS_TEST_TMPDIR/data"
    for kind in absolute relative root magic dangling loop fifo device socket; do
        trap_root "$BATS_TEST_TMPDIR/$kind" run "$kind"
        before="$(unchanged)"
        for options in "-v $BATS_TEST_TMPDIR/data:/run" "-v $BATS_TEST_TMPDIR/data:/run/deep/er" "--tmpfs /run" \
            "--tmpfs /run/deep/er" "-w /run" "-w /run/deep/er" "-v $CANARY/hosts:/run:ro"; do
            # shellcheck disable=SC2086
            run timeout 20 minidock run --rm $options --rootfs "$BATS_TEST_TMPDIR/$kind" /bin/sh -c 'echo end'
            [ "$status" -eq 0 ] || exited 125
        done
        [ -z "$(ls -A "$BATS_TEST_TMPDIR/data" | grep -vx -e deep)" ]
        unchanged | diff <(echo "$before") - >&2
        rm -rf "$BATS_TEST_TMPDIR/$kind"
    done
}

@test "A83: imported, the same traps lead nowhere either" {
    trap_root "$BATS_TEST_TMPDIR/evil" etc/hosts absolute
    for name in hostname resolv.conf; do
        ln -sf "$CANARY/$name" "$BATS_TEST_TMPDIR/evil/etc/$name"
    done
    minidock import "$BATS_TEST_TMPDIR/evil" evil >/dev/null
    hash="$(tree_hash "$(minidock image path evil)")"
    before="$(unchanged)"
    run minidock run --rm evil /bin/sh -c "$WORST"
    [ "$status" -eq 0 ] || exited 125
    unchanged | diff <(echo "$before") - >&2
    [ "$(tree_hash "$(minidock image path evil)")" = "$hash" ]
}

@test "C26: nothing of the image is run or loaded outside" {
    trap_root "$BATS_TEST_TMPDIR/evil" run directory
    mkdir -p "$BATS_TEST_TMPDIR/evil"/{lib,lib64,usr/bin,usr/lib,sbin}
    for name in bin/nsenter bin/mount bin/unpigz usr/bin/newuidmap sbin/ldconfig lib/libnss_files.so.2 etc/ld.so.preload; do
        printf '#!/bin/sh\necho %s >>%s/ran\n' "$name" "$CANARY" >"$BATS_TEST_TMPDIR/evil/$name"
        chmod 755 "$BATS_TEST_TMPDIR/evil/$name"
    done
    printf 'intruder:x:5:5::/:\n' >"$BATS_TEST_TMPDIR/evil/etc/passwd"
    before="$(unchanged)"
    run env LD_LIBRARY_PATH=/lib minidock run --rm -e LD_PRELOAD=/lib/libnss_files.so.2 -u intruder \
        --rootfs "$BATS_TEST_TMPDIR/evil" /bin/busybox id -u
    exited 0
    [ "${lines[-1]}" = 5 ]
    unchanged | diff <(echo "$before") - >&2
}
