#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container sees of files: its root, volumes, tmpfs; and that images stay as they are.

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

@test "whatever a container does to its root, the image stays as it is" {
    before="$(tree_hash "$ROOTFS")"
    inodes="$(find "$ROOTFS" -printf '%i %n %p\n' | sort | sha256sum)"
    run minidock run --rm busybox sh -c '
        echo x >>/etc/passwd; rm /bin/ls; chmod 4777 /bin/busybox; chown 5:6 /etc/group; mkdir /new
        mv /home /house; ln /etc/group /hard; rm -rf /var; touch -d 2001-01-01 /tmp; ls /new; echo done'
    exited 0
    said done
    [ "$(tree_hash "$ROOTFS")" = "$before" ]
    [ "$(find "$ROOTFS" -printf '%i %n %p\n' | sort | sha256sum)" = "$inodes" ]
}

@test "what one container writes, another does not see" {
    minidock run --rm busybox sh -c 'echo x >/written'
    run minidock run --rm busybox cat /written
    exited 1
}

@test "files of a container without --rm lie in its upper directory" {
    minidock run --name writer busybox sh -c 'echo x >/written'
    id="$(minidock ps -aq --no-trunc)"
    [ "$(cat "$MINIDOCK_ROOT/.containers/$id/upper/written")" = x ]
    minidock rm writer
    [ ! -e "$MINIDOCK_ROOT/.containers/$id" ]
}

@test "--read-only makes the root read-only, and only the root" {
    run minidock run --rm --read-only --tmpfs /tmp -v "$BATS_TEST_TMPDIR:/data" busybox sh -c 'touch /x; touch /etc/x
        for dir in /tmp /data /dev/shm; do touch $dir/x && echo $dir; done; mount -o remount,rw / && echo remounted'
    [ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
    [ "$(grep -x '/.*' <<<"$output" | tr '\n' ' ')" = "/tmp /data /dev/shm " ]
    said_not remounted
}

@test "--rootfs runs a directory and does not write to it" {
    before="$(tree_hash "$SOURCE_ROOT")"
    run minidock run --rm --rootfs "$SOURCE_ROOT" /bin/sh -c 'echo x >/written; cat /written; rm -r /bin/ls'
    exited 0
    [ "$output" = x ]
    [ "$(tree_hash "$SOURCE_ROOT")" = "$before" ]
}

@test "--rootfs takes a directory whose name has commas, colons and blanks" {
    odd="$BATS_TEST_TMPDIR/a,b:c d\\e"
    cp -a "$SOURCE_ROOT" "$odd"
    run minidock run --rm --rootfs "$odd" /bin/echo fine
    exited 0
    [ "$output" = fine ]
}

@test "--rootfs that holds the store is refused" {
    run minidock run --rm --rootfs / /bin/true
    exited 125
    run minidock run --rm --rootfs "$MINIDOCK_ROOT" /bin/true
    exited 125
}

@test "a store whose path has commas, colons and blanks works" {
    MINIDOCK_ROOT="$BATS_TEST_TMPDIR/s,t:o re" minidock import "$SOURCE_ROOT" busybox >/dev/null
    MINIDOCK_ROOT="$BATS_TEST_TMPDIR/s,t:o re" run minidock run --rm busybox echo fine
    exited 0
    [ "$output" = fine ]
}

@test "-v shows a directory of the host, both ways" {
    mkdir "$BATS_TEST_TMPDIR/data"
    echo from host >"$BATS_TEST_TMPDIR/data/file"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/data:/data" busybox sh -c 'cat /data/file; echo back >/data/new'
    exited 0
    [ "$output" = "from host" ]
    [ "$(cat "$BATS_TEST_TMPDIR/data/new")" = back ]
}

@test "--read-only holds for /etc/hosts and its kin too" {
    for name in hosts hostname resolv.conf; do
        run minidock run --rm --read-only busybox sh -c "echo x >>/etc/$name"
        exited 1
        said "Read-only file system"
    done
    run minidock run --rm busybox sh -c 'echo x >>/etc/hosts && tail -n 1 /etc/hosts'
    [ "$output" = x ]
}

@test "-v with ro is read-only" {
    mkdir "$BATS_TEST_TMPDIR/data"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/data:/data:ro" busybox touch /data/x
    exited 1
    said "Read-only file system"
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/data")" ]
}

@test "-v of a file, of several, and below one another" {
    mkdir -p "$BATS_TEST_TMPDIR/data"
    echo file >"$BATS_TEST_TMPDIR/file"
    run minidock run --rm -v "$BATS_TEST_TMPDIR/data:/a/b/c" -v "$BATS_TEST_TMPDIR/file:/a/b/c/file" \
        -v "$BATS_TEST_TMPDIR/file:/etc/motd" busybox sh -c 'cat /a/b/c/file /etc/motd'
    exited 0
    [ "$output" = "$(printf 'file\nfile')" ]
}

@test "-v makes a missing target, but not in the image" {
    run minidock run --rm -v "$BATS_TEST_TMPDIR:/deep/er/target" busybox ls -d /deep/er/target
    exited 0
    [ ! -e "$ROOTFS/deep" ]
}

@test "-v of a path that is not there names it and its nearest parent" {
    run minidock run --rm -v "$BATS_TEST_TMPDIR/not/here:/x" busybox true
    exited 125
    said "\"$BATS_TEST_TMPDIR/not/here\""
    said "\"$BATS_TEST_TMPDIR\""
    [ ! -e "$BATS_TEST_TMPDIR/not" ]
    # :create makes it.
    run minidock run --rm -v "$BATS_TEST_TMPDIR/not/here:/x:create" busybox touch /x/made
    exited 0
    [ -e "$BATS_TEST_TMPDIR/not/here/made" ]
}

@test "-v of a directory onto a file, twice onto one place, onto the root: refused, and nothing runs" {
    for options in "-v $BATS_TEST_TMPDIR:/etc/passwd" "-v $BATS_TEST_TMPDIR:/x -v /tmp:/x" "-v /tmp:/" "-v /tmp:x" \
        "-v $BATS_TEST_TMPDIR:/x --tmpfs /x" "-v /etc/passwd:/etc" "-v /tmp:/x:no-such-option"; do
        # shellcheck disable=SC2086
        run minidock run --rm $options busybox echo ran
        exited 125
        [ "${#lines[@]}" -eq 1 ]
        [ "$output" != ran ]
    done
}

@test "C21: nothing is mounted over /proc or /sys" {
    for target in /proc /proc/self /proc/sys /tmp/../proc /sys /sys/fs; do
        run minidock run --rm -v "$BATS_TEST_TMPDIR:$target" busybox echo ran
        exited 125
        run minidock run --rm --tmpfs "$target" busybox echo ran
        exited 125
    done
}

@test "-v onto a symlink in the image stays inside the container" {
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/evil"
    mkdir "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/data"
    ln -s "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/evil/abs"
    ln -s ../../../../../../../../../../../../..$BATS_TEST_TMPDIR/outside "$BATS_TEST_TMPDIR/evil/rel"
    minidock import "$BATS_TEST_TMPDIR/evil" evil >/dev/null
    run minidock run --rm -v "$BATS_TEST_TMPDIR/data:/abs/x" -v "$BATS_TEST_TMPDIR/data:/rel/y" evil \
        sh -c 'touch /abs/x/1 /rel/y/2'
    exited 0
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/outside")" ]
    [ "$(ls "$BATS_TEST_TMPDIR/data")" = "$(printf '1\n2')" ]
}

@test "symlinks where minidock mounts lead nowhere outside" {
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/evil"
    mkdir "$BATS_TEST_TMPDIR/outside"
    echo mine >"$BATS_TEST_TMPDIR/outside/hosts"
    for name in proc sys dev; do
        rm -rf "${BATS_TEST_TMPDIR:?}/evil/$name"
        ln -s "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/evil/$name"
    done
    for name in hosts hostname resolv.conf; do
        ln -sf "$BATS_TEST_TMPDIR/outside/hosts" "$BATS_TEST_TMPDIR/evil/etc/$name"
    done
    minidock import "$BATS_TEST_TMPDIR/evil" evil2 >/dev/null
    run minidock run --rm evil2 sh -c 'echo changed >/etc/hosts; echo changed >/etc/hostname; echo end'
    [ "$(cat "$BATS_TEST_TMPDIR/outside/hosts")" = mine ]
    [ "$(ls "$BATS_TEST_TMPDIR/outside")" = hosts ]
}

@test "--tmpfs is empty, writable, and of the size that was asked for" {
    run minidock run --rm --tmpfs /scratch:size=1m,mode=1777 busybox sh -c \
        'mount | grep " /scratch "; ls -A /scratch; ls -ld /scratch; dd if=/dev/zero of=/scratch/x bs=64k count=32 2>&1'
    [ "$status" -ne 0 ]
    said "tmpfs on /scratch type tmpfs"
    said "size=1024k"
    said "drwxrwxrwt"
    said "No space left"
}

@test "no mount goes from the container to the host, nor the other way, where the host shares its mounts" {
    mkdir -p "$BATS_TEST_TMPDIR/data/point"
    mkfifo "$BATS_TEST_TMPDIR/in"
    # In a mount namespace with shared propagation, as systemd makes the first one.
    cat >"$BATS_TEST_TMPDIR/host.sh" <<'END'
before="$(cat /proc/self/mountinfo)"
[[ "$before" == *shared:* ]]
exec 9<>"$TMP/in"
minidock run --rm -i -v "$TMP/data:/data" busybox sh -c 'echo up; read word; ls -A /data /data/point; echo end' \
    <"$TMP/in" >"$TMP/out" 9>&- &
appears up "$TMP/out"
[ "$(cat /proc/self/mountinfo)" = "$before" ]
mount -t tmpfs none "$TMP/data/point"
touch "$TMP/data/point/late"
echo go >&9
wait $!
umount "$TMP/data/point"
[ "$(cat /proc/self/mountinfo)" = "$before" ]
END
    export -f appears
    run env TMP="$BATS_TEST_TMPDIR" unshare -m --propagation shared bash -eu "$BATS_TEST_TMPDIR/host.sh"
    exited 0
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "$(printf '%s\n' up /data: point '' /data/point: end)" ]
}
