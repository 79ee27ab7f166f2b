# SPDX-License-Identifier: Apache-2.0
# What a pull unpacks, entry by entry (type, mode, owner, times, xattrs, content, hard links),
# against what umoci unpacks from the same layers. lib/catalog.py says what the zoo holds.
#
# Known differences of umoci 0.4.7, none of which is in the images compared with it:
#   - it reads no zstd and no Docker manifests: it is given the same layers as OCI and gzip
#   - it keeps trusted.* and *.overlay.* attributes, which minidock drops (the image "dropped")
#   - directories that no entry names (the image "implied") have the time of unpacking with both,
#     so for that image times of directories are not compared

load helpers
load hub

setup_file() {
    need_command umoci && need_command getfattr && need_pull || { not_here; return; }
    GOLDEN="$(scratch_dir)/golden"
    export GOLDEN
    mkdir "$GOLDEN"
    golden zoo
    golden implied --no-dir-times
    golden small
}

# golden NAME [--no-dir-times]: umoci's tree of the image and its listing.
golden() {
    "$E2E_PYTHON" -B "$E2E_LIB/catalog.py" layout "$1" "$GOLDEN/$1.layout" || return 1
    umoci raw unpack --image "$GOLDEN/$1.layout" "$GOLDEN/$1" >/dev/null || return 1
    tree "$GOLDEN/$1" ${2:+"$2"} >"$GOLDEN/$1.tree"
}

teardown_file() {
    hub_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    fresh_store
    hub_heal
    hub_forget
}

# pulled_tree NAME [--no-dir-times]: pull it, print the path of its listing.
pulled_tree() {
    pull -q "$1" >&2 || return 1
    tree "$(rootfs "$1")" ${2:+"$2"} >"$BATS_TEST_TMPDIR/tree"
    echo "$BATS_TEST_TMPDIR/tree"
}

@test "gzip layers make the tree that umoci makes" {
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:gzip)"
}

@test "gzip layers of several members make the same tree" {
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:members)"
}

@test "zstd layers make the same tree" {
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:zstd)"
}

@test "plain tar layers make the same tree" {
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:plain)"
}

@test "a Docker schema 2 image makes the same tree" {
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:docker)"
}

@test "a manifest list, an index and a nested index make the same tree" {
    for tag in list index nested; do
        fresh_store
        same_tree "$GOLDEN/zoo.tree" "$(pulled_tree "zoo:$tag")"
    done
}

@test "directories that no entry names are made, and change nothing that is there" {
    same_tree "$GOLDEN/implied.tree" "$(pulled_tree implied --no-dir-times)"
}

@test "implied directories are root's and 0755, whatever the umask" {
    hub_run sh -c 'umask 077; minidock pull -q implied'
    [ "$(stat -c '%a %u %g' "$(rootfs implied)/a/b")" = "755 0 0" ]
    [ "$(stat -c '%a %u %g' "$(rootfs implied)/seen")" = "711 3 0" ]
}

@test "the umask changes no mode" {
    hub_run sh -c 'umask 077; minidock pull -q zoo:gzip'
    tree "$(rootfs zoo:gzip)" >"$BATS_TEST_TMPDIR/tree"
    same_tree "$GOLDEN/zoo.tree" "$BATS_TEST_TMPDIR/tree"
}

@test "names are bytes in every locale" {
    for locale in C C.UTF-8 POSIX; do
        fresh_store
        LC_ALL="$locale" pull -q zoo:gzip
        tree "$(rootfs zoo:gzip)" >"$BATS_TEST_TMPDIR/tree"
        same_tree "$GOLDEN/zoo.tree" "$BATS_TEST_TMPDIR/tree"
    done
}

@test "a pull that reuses layers of another image makes the same tree" {
    pull -q zoo:docker
    pull -q small
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:gzip)"
}

@test "images that share layers share inodes, and one image's top layer does not show in the other" {
    pull -q moving:old
    pull -q moving:new
    tree "$(rootfs moving:old)" >"$BATS_TEST_TMPDIR/tree"
    same_tree "$GOLDEN/small.tree" "$BATS_TEST_TMPDIR/tree"
    [ "$(cat "$(rootfs moving:new)/etc/top")" = "top newer" ]
}

@test "pulling again after a removal makes the same tree" {
    pull -q zoo:gzip
    hub_run minidock rmi zoo:gzip
    no_residue --clean
    same_tree "$GOLDEN/zoo.tree" "$(pulled_tree zoo:gzip)"
}

@test "the real Alpine and BusyBox make the trees that umoci makes" {
    [ -n "${MINIDOCK_TEST_IMAGES:-}" ] || skip_or_fail "MINIDOCK_TEST_IMAGES is not set"
    for name in alpine:latest busybox:1.38.0-musl hello-world:latest; do
        layout="$BATS_TEST_TMPDIR/${name%%:*}"
        "$E2E_PYTHON" -B "$E2E_LIB/catalog.py" layout "$name" "$layout"
        umoci raw unpack --image "$layout:${name#*:}" "$layout.rootfs" >/dev/null
        tree "$layout.rootfs" --no-dir-times >"$layout.tree"
        same_tree "$layout.tree" "$(pulled_tree "$name" --no-dir-times)"
    done
}

@test "the host's trusted and overlay attributes are dropped, others are kept" {
    pull -q dropped
    run getfattr -d -m - "$(rootfs dropped)/d" "$(rootfs dropped)/d/f"
    said 'user.kept="1"'
    said_not overlay
    said_not trusted
}

@test "the layers' own directories hold each layer apart" {
    pull -q small
    for layer in $(hub_info small:latest diff_ids); do
        compgen -G "$MINIDOCK_ROOT/.layers/*${layer#sha256:}*"
    done
    [ "$(find "$MINIDOCK_ROOT/.layers" -mindepth 1 -maxdepth 1 | wc -l)" = 3 ]
}
