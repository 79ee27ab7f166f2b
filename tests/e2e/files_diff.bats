#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# diff: what a container has changed, by docker's rules and in docker's words.

bats_require_minimum_version 1.5.0
load helpers
load roots

setup_file() {
    can_run || return 0
    fresh_store
    export SOURCE_ROOT="$BATS_FILE_TMPDIR/busybox-root"
    busybox_root "$SOURCE_ROOT"
    mkdir -p "$SOURCE_ROOT"/tree/{one,two}/deep "$SOURCE_ROOT/empty"
    echo a >"$SOURCE_ROOT/tree/one/file"
    echo b >"$SOURCE_ROOT/tree/two/file"
    minidock import -c 'CMD ["/bin/sh"]' "$SOURCE_ROOT" busybox
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

# changed SCRIPT: what a container that runs it has changed, in $output.
changed() {
    minidock run --name changer busybox sh -c "$1"
    run minidock diff changer
    exited 0
}

@test "a container that changed nothing has no differences" {
    changed true
    [ -z "$output" ]
}

@test "added, changed and deleted files are listed with the directories they are in, sorted" {
    changed 'echo x >/tree/one/new; echo x >>/tree/two/file; rm /tree/one/file; rmdir /empty; mkdir -p /fresh/a; echo y >/fresh/a/b'
    diff - <(printf '%s\n' "$output") <<'END'
D /empty
A /fresh
A /fresh/a
A /fresh/a/b
C /tree
C /tree/one
D /tree/one/file
A /tree/one/new
C /tree/two
C /tree/two/file
END
}

@test "a file that was only opened for writing, and a directory that was only looked into, are not listed" {
    changed ': >>/tree/one/file; ls /tree/two; touch -r /tree/one/file /tree/one/file'
    [ -z "$output" ]
}

@test "mode, owner and kind count; a directory made anew hides what was in it" {
    changed 'chmod 600 /tree/one/file; chown 5 /tree/two; rm -r /tree/one/deep; echo x >/tree/one/deep
        rm /tree/two/file; mkdir /tree/two/file; echo x >/tree/two/file/in; rm -r /home; mkdir /home'
    diff - <(printf '%s\n' "$output") <<'END'
C /home
D /home/bob
C /tree
C /tree/one
C /tree/one/deep
C /tree/one/file
C /tree/two
C /tree/two/file
A /tree/two/file/in
END
}

@test "diff works while the container runs, also for --rootfs" {
    start_sleeper live busybox sh -c 'echo x >/new; exec sleep 1000'
    run minidock diff live
    exited 0
    [ "$output" = "A /new" ]
    minidock rm -f live
    start_sleeper live --rootfs "$SOURCE_ROOT" /bin/sh -c 'rm /tree/one/file; exec sleep 1000'
    run minidock diff live
    [ "$output" = "$(printf 'C /tree\nC /tree/one\nD /tree/one/file')" ]
    minidock rm -f live
}

@test "names that a terminal would obey are escaped" {
    changed 'echo >"$(printf "/a\033[31mb")"'
    [ "$output" = 'A /a\x1b[31mb' ]
}

@test "diff of what is no container says so in docker's words, status 1" {
    run minidock diff nothing
    exited 1
    said "No such container: nothing"
    run minidock diff
    exited 125
}
