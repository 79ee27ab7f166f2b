# SPDX-License-Identifier: Apache-2.0
# minidock import: a root file system from a tar, a directory or standard input becomes an image.

bats_require_minimum_version 1.5.0
load helpers

setup_file() {
    need_minidock && need_root || { not_here; return; }
    for name in umoci gzip bzip2 xz zstd; do
        need_command "$name" || { not_here; return; }
    done
    SOURCE="$(scratch_dir)/source"
    export SOURCE
    mkdir "$SOURCE"
    # One layer with everything a tar can hold; umoci's idea of it, as a tree and as a listing.
    "$E2E_PYTHON" -B "$E2E_LIB/catalog.py" layout zoo-base "$SOURCE/layout"
    umoci raw unpack --image "$SOURCE/layout" "$SOURCE/tree" >/dev/null
    tree "$SOURCE/tree" >"$SOURCE/listing"
    "$E2E_PYTHON" -B "$E2E_LIB/catalog.py" tar zoo-base "$SOURCE/root.tar"
    gzip -k "$SOURCE/root.tar"
    bzip2 -k "$SOURCE/root.tar"
    xz -k -0 "$SOURCE/root.tar"
    zstd -q "$SOURCE/root.tar"
}

teardown_file() {
    drop_scratch
}

setup() {
    skip_if_not_here
    fresh_store
}

# minidock ARGUMENT...: the program, without any network.
minidock() {
    unshare --net "$MINIDOCK" "$@"
}

tree() {
    "$E2E_PYTHON" -B "$E2E_LIB/treelist.py" ${2:+"$2"} "$1"
}

# holds NAME LISTING: the image's root file system is what the listing says.
holds() {
    tree "$(minidock image path "$1")" >"$BATS_TEST_TMPDIR/tree" || return 1
    [ -s "$2" ] && diff -u "$2" "$BATS_TEST_TMPDIR/tree" >"$BATS_TEST_TMPDIR/diff" && return 0
    head -40 "$BATS_TEST_TMPDIR/diff" >&2
    return 1
}

# config NAME MEMBER: a member of the image's config, as JSON.
config() {
    minidock inspect "$1" | "$E2E_PYTHON" -c '
import json, sys
print(json.dumps(json.load(sys.stdin)[0]["Config"].get(sys.argv[1]), sort_keys=True))' "$2"
}

@test "minidock import alpine-minirootfs-3.20.3-x86_64.tar.gz alpine" {
    [ -n "${MINIDOCK_TEST_IMAGES:-}" ] || skip_or_fail "MINIDOCK_TEST_IMAGES is not set"
    cd "$MINIDOCK_TEST_IMAGES"
    minidock import alpine-minirootfs-3.20.3-x86_64.tar.gz alpine
    grep -q "Alpine Linux" "$MINIDOCK_ROOT/alpine/rootfs/etc/os-release"
    no_residue --clean
}

@test "a plain tar makes the tree that it holds" {
    minidock import "$SOURCE/root.tar" root
    holds root "$SOURCE/listing"
    no_residue --clean
}

@test "gzip, bzip2, xz and zstd make the same tree" {
    for kind in gz bz2 xz zst; do
        fresh_store
        minidock import "$SOURCE/root.tar.$kind" root
        holds root "$SOURCE/listing"
    done
}

@test "what a file is called does not matter, only what it is" {
    cp "$SOURCE/root.tar.zst" "$BATS_TEST_TMPDIR/root.tar.gz"
    minidock import "$BATS_TEST_TMPDIR/root.tar.gz" root
    holds root "$SOURCE/listing"
}

@test "no decompressor of the host is ever run" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for name in gzip gunzip zcat pigz bzip2 bunzip2 xz unxz xzcat zstd unzstd tar bsdtar; do
        printf '#!/bin/sh\ntouch "%s"\nexit 1\n' "$BATS_TEST_TMPDIR/ran" >"$BATS_TEST_TMPDIR/bin/$name"
        chmod +x "$BATS_TEST_TMPDIR/bin/$name"
    done
    for kind in gz bz2 xz zst; do
        PATH="$BATS_TEST_TMPDIR/bin:$PATH" minidock import "$SOURCE/root.tar.$kind" "root:$kind"
    done
    [ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "standard input makes the same tree, whatever its kind" {
    for kind in tar tar.gz tar.bz2 tar.xz tar.zst; do
        fresh_store
        minidock import - root <"$SOURCE/root.$kind"
        holds root "$SOURCE/listing"
        fresh_store
        cat "$SOURCE/root.$kind" | minidock import - root
        holds root "$SOURCE/listing"
    done
}

@test "a pipe by name, as of process substitution, makes the same tree" {
    minidock import <(cat "$SOURCE/root.tar.gz") root
    holds root "$SOURCE/listing"
}

@test "a directory makes the tree that it is, hard links and all" {
    minidock import "$SOURCE/tree" root
    holds root "$SOURCE/listing"
    tree "$SOURCE/tree" | diff -u "$SOURCE/listing" -
    no_residue --clean
}

@test "an image does not share files with the directory that it came from" {
    cp -a "$SOURCE/tree" "$BATS_TEST_TMPDIR/mine"
    minidock import "$BATS_TEST_TMPDIR/mine" root
    echo changed >"$BATS_TEST_TMPDIR/mine/etc/passwd"
    holds root "$SOURCE/listing"
}

@test "a directory that is a farm of symbolic links stays one, and nothing is followed" {
    farm="$BATS_TEST_TMPDIR/farm"
    busybox="${MINIDOCK_BUSYBOX:-$(command -v busybox)}"
    mkdir -p "$farm"/{bin,sbin,usr/bin,etc}
    cp "$busybox" "$farm/bin/busybox"
    for applet in $("$busybox" --list); do
        [ "$applet" = busybox ] || ln -s /bin/busybox "$farm/bin/$applet"
    done
    ln -s /etc/passwd "$farm/etc/outside"
    ln -s ../../../../../../../../etc "$farm/etc/far-outside"
    ln -s nowhere "$farm/etc/dangling"
    ln -s . "$farm/loop"
    tree "$farm" >"$BATS_TEST_TMPDIR/listing"
    minidock import "$farm" farm
    holds farm "$BATS_TEST_TMPDIR/listing"
    run -0 minidock run --rm --network none farm /bin/sh -c 'echo from the farm'
    [ "$output" = "from the farm" ]
}

@test "a symbolic link to a directory or tar is taken for what it leads to" {
    ln -s "$SOURCE/tree" "$BATS_TEST_TMPDIR/to-tree"
    ln -s "$SOURCE/root.tar.gz" "$BATS_TEST_TMPDIR/to-tar"
    minidock import "$BATS_TEST_TMPDIR/to-tree" one
    minidock import "$BATS_TEST_TMPDIR/to-tar" two
    holds one "$SOURCE/listing"
    holds two "$SOURCE/listing"
}

@test "without a name it is derived from the file's name, and printed" {
    cp "$SOURCE/root.tar.gz" "$BATS_TEST_TMPDIR/my-root.tar.gz"
    run -0 minidock import "$BATS_TEST_TMPDIR/my-root.tar.gz"
    [[ "$output" == *my-root* ]]
    holds my-root "$SOURCE/listing"
    cp -a "$SOURCE/tree" "$BATS_TEST_TMPDIR/Some Tree"
    run -0 minidock import "$BATS_TEST_TMPDIR/Some Tree"
    holds "$(grep -oE '[a-z0-9._-]*tree[a-z0-9._-]*' <<<"$output" | head -1)" "$SOURCE/listing"
}

@test "a name with registry, path and tag is kept" {
    minidock import "$SOURCE/root.tar" registry.test:5000/team/root:1.0
    holds registry.test:5000/team/root:1.0 "$SOURCE/listing"
    run -1 minidock image path registry.test:5000/team/root
}

@test "a second import under the same name replaces the first" {
    minidock import "$SOURCE/root.tar" root
    first="$(minidock image path root)"
    mkdir "$BATS_TEST_TMPDIR/other"
    echo other >"$BATS_TEST_TMPDIR/other/file"
    minidock import "$BATS_TEST_TMPDIR/other" root
    [ "$(cat "$MINIDOCK_ROOT/root/rootfs/file")" = other ]
    [ ! -e "$first" ]
    no_residue --clean
}

@test "-c CMD, ENTRYPOINT and ENV set what will run" {
    minidock import -c 'CMD ["/bin/sh"]' -c 'ENTRYPOINT ["/bin/echo", "a b"]' -c 'ENV ONE=1' \
        -c 'ENV TWO="two words" THREE=3' "$SOURCE/root.tar" root
    [ "$(config root Cmd)" = '["/bin/sh"]' ]
    [ "$(config root Entrypoint)" = '["/bin/echo", "a b"]' ]
    [[ "$(config root Env)" == *'"ONE=1"'*'"TWO=two words"'*'"THREE=3"'* ]]
}

@test "-c CMD and ENTRYPOINT in their shell form, or in broken JSON, run a shell" {
    minidock import -c 'CMD ["a"' "$SOURCE/root.tar" three
    [ "$(config three Cmd)" = '["/bin/sh", "-c", "[\"a\""]' ]
    minidock import -c 'CMD echo $HOME' "$SOURCE/root.tar" one
    [ "$(config one Cmd)" = '["/bin/sh", "-c", "echo $HOME"]' ]
    minidock import -c 'ENTRYPOINT exec top -b' "$SOURCE/root.tar" two
    [ "$(config two Entrypoint)" = '["/bin/sh", "-c", "exec top -b"]' ]
}

@test "-c EXPOSE, LABEL, USER, VOLUME, WORKDIR and STOPSIGNAL are kept as docker keeps them" {
    minidock import -c 'EXPOSE 80 53/udp' -c 'LABEL a=b "c d"="e f"' -c 'USER user:5' \
        -c 'VOLUME ["/data", "/more"]' -c 'WORKDIR /home' -c 'WORKDIR user' -c 'STOPSIGNAL SIGINT' \
        "$SOURCE/root.tar" root
    [ "$(config root ExposedPorts)" = '{"53/udp": {}, "80/tcp": {}}' ]
    [ "$(config root Labels)" = '{"a": "b", "c d": "e f"}' ]
    [ "$(config root User)" = '"user:5"' ]
    [ "$(config root Volumes)" = '{"/data": {}, "/more": {}}' ]
    [ "$(config root WorkingDir)" = '"/home/user"' ]
    [ "$(config root StopSignal)" = '"SIGINT"' ]
}

@test "--change is -c, and instructions are taken in any case" {
    minidock import --change 'cmd ["a"]' --change='Workdir /x' "$SOURCE/root.tar" root
    [ "$(config root Cmd)" = '["a"]' ]
    [ "$(config root WorkingDir)" = '"/x"' ]
}

@test "a change that docker's import does not take is bad usage and leaves nothing" {
    for change in 'RUN true' 'FROM x' 'COPY a b' 'nonsense' '' 'CMD' 'EXPOSE http'; do
        run minidock import -c "$change" "$SOURCE/root.tar" root
        [ "$status" -ne 0 ]
        [ "$(grep -c '^minidock: ' <<<"$output")" = 1 ]
        run -1 minidock image path root
    done
}

@test "an imported image runs its command" {
    minidock import -c 'CMD ["/bin/sh", "-c", "echo $ONE in $(pwd)"]' -c 'ENV ONE=1' \
        -c 'WORKDIR /home/user' "$SOURCE/root.tar.xz" root
    run -0 minidock run --rm --network none root
    [ "$output" = "1 in /home/user" ]
}

@test "a tar of 10,000 entries is imported whole" {
    "$E2E_PYTHON" -B - "$E2E_LIB" "$BATS_TEST_TMPDIR/many.tar" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
from rawtar import Tar
tar = Tar()
for directory in range(100):
    tar.directory(b"d%d" % directory)
    for name in range(99):
        tar.file(b"d%d/f%d" % (directory, name), b"%d.%d\n" % (directory, name))
with open(sys.argv[2], "wb") as out:
    out.write(tar.bytes())
PYTHON
    minidock import "$BATS_TEST_TMPDIR/many.tar" many
    root="$(minidock image path many)"
    [ "$(find "$root" -mindepth 1 | wc -l)" = 10000 ]
    [ "$(cat "$root/d99/f98")" = 99.98 ]
    no_residue --clean
}

# refused FILE WORD...: the import fails with one line that has every WORD, and leaves nothing.
refused() {
    run minidock import "$1" bad
    [ "$status" -eq 1 ] || {
        echo "import $1: status $status, output: $output" >&2
        return 1
    }
    for word in "${@:2}"; do
        grep '^minidock: ' <<<"$output" | grep -qF -- "$word" || {
            echo "import $1: the error does not say '$word': $output" >&2
            return 1
        }
    done
    [ ! -e "$MINIDOCK_ROOT/bad" ] && no_residue
}

@test "garbage is refused, also when it begins like something known" {
    "$E2E_PYTHON" -c 'import random, sys; sys.stdout.buffer.write(random.Random(7).randbytes(100000))' \
        >"$BATS_TEST_TMPDIR/garbage"
    refused "$BATS_TEST_TMPDIR/garbage" garbage
    for magic in '\x1f\x8b\x08' 'BZh9' '\xfd7zXZ\x00' '\x28\xb5\x2f\xfd' 'PK\x03\x04' '#!/bin/sh\n'; do
        # shellcheck disable=SC2059 # the format is the magic
        { printf "$magic" && cat "$BATS_TEST_TMPDIR/garbage"; } >"$BATS_TEST_TMPDIR/magic"
        refused "$BATS_TEST_TMPDIR/magic" magic
    done
    "$E2E_PYTHON" -c 'import os; os.write(1, b"just text\n" * 3000)' >"$BATS_TEST_TMPDIR/text"
    refused "$BATS_TEST_TMPDIR/text" text
}

@test "an archive that ends too early is refused, wherever it is cut" {
    for kind in tar tar.gz tar.bz2 tar.xz tar.zst; do
        size="$(stat -c %s "$SOURCE/root.$kind")"
        for part in 700 $((size / 3)) $((size / 2)); do
            head -c "$part" "$SOURCE/root.$kind" >"$BATS_TEST_TMPDIR/cut"
            refused "$BATS_TEST_TMPDIR/cut" cut
        done
    done
    head -c -1 "$SOURCE/root.tar.gz" >"$BATS_TEST_TMPDIR/cut"
    refused "$BATS_TEST_TMPDIR/cut" cut
    head -c -8 "$SOURCE/root.tar.gz" >"$BATS_TEST_TMPDIR/cut"
    refused "$BATS_TEST_TMPDIR/cut" cut
}

@test "a gzip file with a flipped bit is refused" {
    "$E2E_PYTHON" -c '
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[2], "wb").write(data)' "$SOURCE/root.tar.gz" "$BATS_TEST_TMPDIR/flipped"
    refused "$BATS_TEST_TMPDIR/flipped" flipped
}

@test "an empty file and empty input are refused" {
    : >"$BATS_TEST_TMPDIR/empty"
    refused "$BATS_TEST_TMPDIR/empty" empty
    run -1 minidock import - bad </dev/null
    [ ! -e "$MINIDOCK_ROOT/bad" ]
    no_residue
}

@test "what is not there, and what is no file, is refused by name" {
    refused "$BATS_TEST_TMPDIR/no-such-file" no-such-file "No such file or directory"
    refused /dev/null /dev/null
}

@test "import without a source, with a malformed name or an unknown flag is bad usage" {
    run -125 minidock import
    run -125 minidock import --no-such-flag "$SOURCE/root.tar"
    for name in Upper 'a//b' 'x:' 'a@sha256:1'; do
        run -125 minidock import "$SOURCE/root.tar" "$name"
    done
    [ -z "$(ls -A "$MINIDOCK_ROOT" 2>/dev/null)" ] || no_residue --clean
}

@test "kill -9 during an import leaves nothing half, and the next command clears up" {
    mkfifo "$BATS_TEST_TMPDIR/slow"
    "$MINIDOCK" import - slow <"$BATS_TEST_TMPDIR/slow" 3>&- &
    importer=$!
    exec 8>"$BATS_TEST_TMPDIR/slow"
    head -c 1500000 "$SOURCE/root.tar" >&8
    timeout 30 sh -c 'until find "$0" -name etc 2>/dev/null | grep -q .; do sleep 0.02; done' "$MINIDOCK_ROOT"
    kill -9 "$importer"
    wait "$importer" || true
    exec 8>&-
    timeout 30 sh -c "while pgrep -f '^[^ ]*minidock(-image)? import - slow'; do sleep 0.02; done"
    no_residue --sound
    [ ! -e "$MINIDOCK_ROOT/slow" ]
    minidock import "$SOURCE/root.tar" root
    no_residue --clean
}

@test "no network is used for a file, though there is none" {
    run -0 minidock import "$SOURCE/root.tar" root
    holds root "$SOURCE/listing"
}

@test "without root it is one line that says what needs it, and nothing half done" {
    need_command setpriv
    mkdir -m 777 "$BATS_TEST_TMPDIR/for-all"
    run env MINIDOCK_ROOT="$BATS_TEST_TMPDIR/for-all/store" \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$MINIDOCK" import "$SOURCE/root.tar" root
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *root* ]]
    [ ! -e "$BATS_TEST_TMPDIR/for-all/store/root" ]
}
