#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# images, rmi, tag, inspect and image path, on images that were imported.

bats_require_minimum_version 1.5.0
load helpers
load roots

setup_file() {
    can_run || return 0
    busybox_root "$BATS_FILE_TMPDIR/root"
}

teardown_file() {
    drop_scratch
}

setup() {
    need_containers || return 1
    fresh_store
    minidock import -c 'CMD ["/bin/sh"]' -c 'ENV A=b' -c 'LABEL who=us' "$BATS_FILE_TMPDIR/root" one >/dev/null
}

teardown() {
    can_run || return 0
    leave_nothing
}

# another NAME: an image with other contents.
another() {
    mkdir -p "$BATS_TEST_TMPDIR/$1/bin"
    cp "$(static_busybox)" "$BATS_TEST_TMPDIR/$1/bin/sh"
    echo "$1" >"$BATS_TEST_TMPDIR/$1/name"
    minidock import "$BATS_TEST_TMPDIR/$1" "$1" >/dev/null
}

# All of them; each must be in the man page and have a help.
COMMANDS=(images history rmi tag inspect "image path" pull import load login logout ps rm logs top port run create
    start stop restart kill pause unpause wait attach exec stats rename update diff cp export commit
    "volume create" "volume ls" "volume inspect" "volume rm" "volume prune")

@test "images lists names in docker's columns" {
    another two
    minidock tag two registry.example.org:5000/org/two:2.0
    run minidock images
    exited 0
    [[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
    [ "${#lines[@]}" -eq 4 ]
    said "registry.example.org:5000/org/two"
    [[ "$output" =~ two\ +2\.0\ +[0-9a-f]{12}\  ]]
}

@test "images of an empty store prints the heading only" {
    fresh_store
    run minidock images
    exited 0
    [ "${#lines[@]}" -eq 1 ]
}

@test "images -q prints twelve digits, --no-trunc the whole digest" {
    run minidock images -q
    exited 0
    [[ "$output" =~ ^[0-9a-f]{12}$ ]]
    run minidock images -q --no-trunc
    exited 0
    [[ "$output" =~ ^sha256:[0-9a-f]{64}$ ]]
}

@test "images --format json prints one object per line" {
    another two
    run minidock images --format json
    exited 0
    [ "${#lines[@]}" -eq 2 ]
    printf '%s\n' "${lines[@]}" | "$E2E_PYTHON" -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert sorted(row["Repository"] for row in rows) == ["one", "two"], rows
assert all(row["Tag"] == "latest" and len(row["ID"]) == 12 for row in rows), rows'
}

@test "images --format takes docker's field names" {
    run minidock images --format '{{.Repository}}:{{.Tag}}'
    exited 0
    [ "$output" = one:latest ]
}

@test "an image whose name has another tag is not listed under latest" {
    run minidock images --format '{{.Tag}}' one:other
    exited 0
    [ -z "$output" ]
}

@test "inspect prints an array with docker's members" {
    minidock inspect one | "$E2E_PYTHON" -c '
import json, sys
(image,) = json.load(sys.stdin)
assert image["Id"].startswith("sha256:"), image
assert image["RepoTags"] == ["one:latest"], image
assert image["Config"]["Cmd"] == ["/bin/sh"], image
assert "A=b" in image["Config"]["Env"], image
assert image["Config"]["Labels"] == {"who": "us"}, image
assert image["Os"] == "linux", image'
}

@test "inspect --format picks a member" {
    run minidock inspect --format '{{json .Config.Cmd}}' one
    exited 0
    [ "$output" = '["/bin/sh"]' ]
}

@test "inspect of what is not there prints an empty array and fails" {
    run --separate-stderr minidock inspect nothing
    exited 1
    [ "$output" = "[]" ]
    [[ "$stderr" == *nothing* ]]
}

@test "image path is a directory that holds the root file system" {
    path="$(minidock image path one)"
    [ -x "$path/bin/busybox" ]
    [[ "$path" == "$MINIDOCK_ROOT"/* ]]
    [ "$(readlink -f "$MINIDOCK_ROOT/one")/rootfs" = "$(readlink -f "$path")" ]
}

@test "an image is found by name, id, short id and digest of its config" {
    id="$(minidock images -q --no-trunc)"
    for name in one one:latest docker.io/library/one "$id" "${id#sha256:}" "${id:7:12}" "${id:7:4}"; do
        run minidock inspect --format '{{.Id}}' "$name"
        exited 0
        [ "$output" = "$id" ]
    done
}

@test "tag gives one image two names; rmi takes the names one by one" {
    minidock tag one two:2
    [ "$(minidock images -q | sort -u | wc -l)" -eq 1 ]
    run minidock rmi one
    exited 0
    [ "$output" = "Untagged: one:latest" ]
    run minidock rmi two:2
    exited 0
    [ "${lines[0]}" = "Untagged: two:2" ]
    [[ "${lines[1]}" =~ ^Deleted:\ sha256:[0-9a-f]{64}$ ]]
    [ -z "$(minidock images -q)" ]
    [ -z "$(ls -A "$MINIDOCK_ROOT/.images" "$MINIDOCK_ROOT/.layers" | grep -v ':$')" ]
}

@test "tag moves a name from one image to another" {
    another two
    minidock tag two one
    [ "$(minidock inspect --format '{{.Id}}' one)" = "$(minidock inspect --format '{{.Id}}' two)" ]
}

@test "tag refuses what is no name, and an image that is not there" {
    run minidock tag one 'Upper Case'
    [ "$status" -ne 0 ]
    run minidock tag nothing some
    exited 1
    said "nothing"
}

@test "rmi of what is not there fails and names it" {
    run minidock rmi nothing
    exited 1
    said "No such image: nothing"
}

@test "rmi goes on after a failure, and the status tells" {
    another two
    run minidock rmi nothing two
    exited 1
    said "Untagged: two:latest"
}

@test "rmi of an image that a container names is refused, and names the container" {
    minidock run --name user one true
    id="$(minidock ps -aq)"
    run minidock rmi one
    exited 1
    said "$id"
    run minidock run --rm one echo still there
    exited 0
    minidock rm user
    run minidock rmi one
    exited 0
}

@test "rmi of an id with two names needs force" {
    minidock tag one two
    id="$(minidock images -q | head -n 1)"
    run minidock rmi "$id"
    exited 1
    run minidock rmi -f "$id"
    exited 0
    [ -z "$(minidock images -q)" ]
}

@test "images that share a layer share its files, and removing one leaves the other whole" {
    tar -C "$BATS_FILE_TMPDIR/root" -cf "$BATS_TEST_TMPDIR/root.tar" .
    minidock import "$BATS_TEST_TMPDIR/root.tar" first >/dev/null
    minidock import -c 'ENV X=y' "$BATS_TEST_TMPDIR/root.tar" second >/dev/null
    [ "$(stat -c %i "$(minidock image path first)/bin/busybox")" = \
        "$(stat -c %i "$(minidock image path second)/bin/busybox")" ]
    minidock rmi first
    run minidock run --rm second sh -c 'echo $X'
    exited 0
    [ "$output" = y ]
}

@test "names that leave the store are refused" {
    for name in ../x /etc .images . .. 'a/../b' ''; do
        run minidock inspect "$name"
        [ "$status" -ne 0 ]
        run minidock rmi "$name"
        [ "$status" -ne 0 ]
        run minidock tag one "$name"
        [ "$status" -ne 0 ]
    done
    [ -d "$MINIDOCK_ROOT/.images" ]
}

@test "bad usage is 125 everywhere, and names the flag" {
    for command in "${COMMANDS[@]}"; do
        # shellcheck disable=SC2086
        run minidock $command --no-such-flag
        exited 125
        said "--no-such-flag"
    done
    run minidock no-such-command
    exited 125
    said "no-such-command"
}

@test "every command has a help, and help goes to standard output" {
    for command in "${COMMANDS[@]}"; do
        # shellcheck disable=SC2086
        run --separate-stderr minidock $command --help
        exited 0
        [ -n "$output" ]
        [ -z "$stderr" ]
    done
    run --separate-stderr minidock help
    exited 0
    [[ "$output" == *pull* ]]
    run minidock run --help
    said "Not there yet: a filter of system calls"
}

@test "the man page has every option that --help shows" {
    need_command mandoc
    mandoc -T ascii "$MINIDOCK_SOURCE/docs/minidock.1" | col -b >"$BATS_TEST_TMPDIR/page"
    for command in "${COMMANDS[@]}"; do
        # shellcheck disable=SC2086
        minidock $command --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+|^ +-[a-zA-Z]' |
            grep -oE -- '-[a-zA-Z]\b|--[a-z-]+' | grep -vx -e '--help' >"$BATS_TEST_TMPDIR/options" || continue
        while read -r option; do
            grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" "$BATS_TEST_TMPDIR/page" ||
                { echo "$command $option is not in the man page"; false; }
        done <"$BATS_TEST_TMPDIR/options"
    done
}

@test "--version prints one line" {
    run minidock --version
    exited 0
    [[ "$output" =~ ^minidock\ (version\ )?[0-9]+\.[0-9]+\.[0-9]+ ]]
    [ "${#lines[@]}" -eq 1 ]
}

@test "without root one line says what needs it, and nothing is made" {
    for command in images "run --rm one true" "rmi one"; do
        # By a descriptor: the way to the program may be closed to nobody.
        # shellcheck disable=SC2086
        run --separate-stderr bash -c 'exec 9<"$0"; exec setpriv --reuid 65534 --regid 65534 \
            --clear-groups /proc/self/fd/9 "$@"' "$MINIDOCK" $command
        [ "$status" -ne 0 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ "$stderr" == *root* ]]
    done
}
