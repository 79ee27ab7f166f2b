#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Users of run: numbers, and names of the image's own passwd and group.

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


# image_with NAME: an image of the BusyBox root that the function change, given the root, has changed.
image_with() {
    cp -a "$SOURCE_ROOT" "$BATS_TEST_TMPDIR/$1"
    change "$BATS_TEST_TMPDIR/$1"
    minidock import "$BATS_TEST_TMPDIR/$1" "$1" >/dev/null
}

@test "the default is root, with root's groups of the image" {
    run minidock run --rm busybox id
    exited 0
    [ "$output" = "uid=0(root) gid=0(root) groups=0(root),44(video)" ] ||
        [ "$output" = "uid=0(root) gid=0(root) groups=44(video),0(root)" ] ||
        [ "$output" = "uid=0(root) gid=0(root) groups=44(video)" ]
}

@test "a name is looked up with its group, its other groups and its home" {
    run minidock run --rm -u bob busybox sh -c 'id -u; id -g; id -G; echo $HOME'
    exited 0
    [ "${lines[0]}" = 1000 ]
    [ "${lines[1]}" = 1000 ]
    [[ " ${lines[2]} " == *" 29 "* && " ${lines[2]} " == *" 44 "* ]]
    [ "${lines[3]}" = /home/bob ]
}

@test "numbers need no entry; the group of an unknown one is 0" {
    run minidock run --rm -u 4711 busybox sh -c 'id -u; id -g; id -G; echo $HOME'
    exited 0
    [ "$(echo $output)" = "4711 0 0 /" ]
    run minidock run --rm -u 4711:815 busybox sh -c 'id -u; id -g; id -G'
    [ "$(echo $output)" = "4711 815 815" ]
}

@test "name and group, by name and by number" {
    run minidock run --rm -u bob:audio busybox sh -c 'id -u; id -g'
    [ "$(echo $output)" = "1000 29" ]
    run minidock run --rm -u 0:bob busybox sh -c 'id -u; id -g'
    [ "$(echo $output)" = "0 1000" ]
}

@test "the image's own USER is used, and -u wins" {
    minidock import -c 'USER bob' "$SOURCE_ROOT" bobs >/dev/null
    run minidock run --rm bobs id -un
    [ "$output" = bob ]
    run minidock run --rm -u root bobs id -un
    [ "$output" = root ]
}

@test "unknown names, numbers out of range and malformed ones are refused by name" {
    for user in stranger bob:strangers 4294967295 4294967296 -1 +1 1e3 0x0 : bob: :audio \
        99999999999999999999 'a b' ' 1' '1 ' 'bob:audio:video' 1000:nogroup bob:-1 bob:4294967296; do
        run minidock run --rm -u "$user" busybox true
        exited 125
    done
    run minidock run --rm -u stranger busybox true
    said stranger
}

@test "A76: a name of digits is a number, whatever passwd says" {
    change() { printf '1234:x:0:0::/root:/bin/sh\n99999999999:x:0:0::/root:/bin/sh\n' >>"$1/etc/passwd"; }
    image_with digits
    run minidock run --rm -u 1234 digits id -u
    exited 0
    [ "$output" = 1234 ]
    run minidock run --rm -u 99999999999 digits id -u
    exited 125
}

@test "a name of the host is no name of the image" {
    grep -q '^daemon:' /etc/passwd
    run minidock run --rm -u daemon busybox true
    exited 125
    said daemon
}

@test "the groups of the caller are not the program's" {
    run setpriv --groups 4,24,1234 "$(command -v minidock)" run --rm -u 4711 busybox id -G
    [ "$output" = 0 ]
}

@test "a passwd that is a symlink out of the image is read inside, or not at all" {
    change() { ln -sf /proc/self/root/etc/passwd "$1/etc/passwd"; }
    image_with magic
    run minidock run --rm -u daemon magic true
    exited 125
    printf 'intruder:x:0:0::/:/bin/sh\n' >"$BATS_TEST_TMPDIR/outside"
    change() { ln -sf "$BATS_TEST_TMPDIR/outside" "$1/etc/passwd"; }
    image_with absolute
    run minidock run --rm -u intruder absolute true
    exited 125
    change() { ln -sf "../../../../../../../../../../../..$BATS_TEST_TMPDIR/outside" "$1/etc/passwd"; }
    image_with relative
    run minidock run --rm -u intruder relative true
    exited 125
}

@test "a passwd that is a symlink inside the image is followed" {
    change() { mv "$1/etc/passwd" "$1/usr/users"; ln -s /usr/users "$1/etc/passwd"; }
    image_with moved
    run minidock run --rm -u bob moved id -u
    exited 0
    [ "$output" = 1000 ]
}

@test "a passwd that is a fifo, a directory or a device does not hang" {
    change() { rm "$1/etc/passwd"; mkfifo "$1/etc/passwd"; }
    image_with fifo
    run timeout 10 minidock run --rm -u bob fifo true
    exited 125
    run timeout 10 minidock run --rm -u 1000 fifo true
    [ "$status" -ne 124 ]
    change() { rm "$1/etc/passwd"; mkdir "$1/etc/passwd"; }
    image_with directory
    run timeout 10 minidock run --rm -u bob directory true
    exited 125
    change() { rm "$1/etc/passwd"; mknod "$1/etc/passwd" c 1 5; }
    image_with device
    run timeout 10 minidock run --rm -u bob device true
    exited 125
}

@test "no passwd at all: numbers work" {
    change() { rm "$1/etc/passwd" "$1/etc/group"; }
    image_with none
    run minidock run --rm -u 7:8 none sh -c 'id -u; id -g'
    exited 0
    [ "$(echo $output)" = "7 8" ]
    run minidock run --rm none id -u
    [ "$output" = 0 ]
}

@test "odd lines of passwd are passed over, and a line without end is read" {
    change() {
        printf '\n#c\nbad\n:x:0:0::/:\nbig:x:99999999999:1::/:\nneg:x:-1:1::/:\n%s\nlast:x:77:78::/l:/bin/sh' \
            "$(head -c 100000 /dev/zero | tr '\0' y)" >"$1/etc/passwd"
    }
    image_with odd
    # BusyBox's id has its own say about such lines, on stderr.
    run --separate-stderr minidock run --rm -u last odd sh -c 'id -u; id -g; echo $HOME'
    exited 0
    [ "$(echo $output)" = "77 78 /l" ]
    for user in big neg; do
        run minidock run --rm -u "$user" odd true
        exited 125
    done
}
