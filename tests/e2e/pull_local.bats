# SPDX-License-Identifier: Apache-2.0
# Images out of directories and archives: pull oci:, oci-archive:, docker-archive:; load; import.

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
    "$E2E_PYTHON" -B "$E2E_LIB/catalog.py" layout zoo "$SOURCE/zoo"
    umoci raw unpack --image "$SOURCE/zoo" "$SOURCE/tree" >/dev/null
    tree "$SOURCE/tree" >"$SOURCE/listing"
    tar -C "$SOURCE/zoo" -cf "$SOURCE/zoo.tar" .
    make docker "$SOURCE/docker.tar"
}

teardown_file() {
    drop_scratch
}

setup() {
    skip_if_not_here
    fresh_store
    cd "$BATS_TEST_TMPDIR"
}

# minidock ARGUMENT...: the program, without any network.
minidock() {
    unshare --net "$MINIDOCK" "$@"
}

# make KIND DESTINATION: an archive, or a directory where that ends in "/".
make() {
    "$E2E_PYTHON" -B "$E2E_LIB/archives.py" "$@"
}

# top NAME: what the uppermost layer of a small image brought.
top() {
    cat "$(minidock image path "$1")/etc/top"
}

tree() {
    "$E2E_PYTHON" -B "$E2E_LIB/treelist.py" "$1"
}

# holds_zoo NAME: the image's root file system is umoci's idea of the layout.
holds_zoo() {
    tree "$(minidock image path "$1")" >tree || return 1
    diff -u "$SOURCE/listing" tree >diff && return 0
    head -40 diff >&2
    return 1
}

# empty: no name, image or layer is in the store.
empty() {
    [ -z "$(ls "$MINIDOCK_ROOT")" ] && [ -z "$(ls "$MINIDOCK_ROOT/.images")" ] &&
        [ -z "$(ls "$MINIDOCK_ROOT/.layers")" ]
}

# refused WORDS KIND [DIR]: an archive (or a directory) of this kind is refused by load and by
# pull, saying so, and changes nothing.
refused() {
    local at=bad.tar how=docker-archive

    [ -z "${3:-}" ] || at=bad/
    [[ "$2" != oci* ]] || how=oci-archive
    [ -z "${3:-}" ] || how=oci
    rm -rf bad bad.tar
    make "$2" "$at"
    run -1 minidock load -i "$at"
    said "$1"
    said_not "Loaded image"
    empty
    run -1 minidock pull "$how:${at%/}"
    said "$1"
    [[ "${lines[-1]}" = "minidock: pull \"$how:"* ]]
    empty
    no_residue
}

# ---- OCI layouts ----

@test "minidock pull oci:zoo" {
    cp -r "$SOURCE/zoo" zoo
    run -0 minidock pull oci:zoo
    [ "${lines[0]}" = "Pulling from oci:zoo" ]
    said "Status: Downloaded newer image for localhost/zoo:latest"
    [ "${lines[-1]}" = localhost/zoo:latest ]
    holds_zoo localhost/zoo
    run -0 minidock pull oci:zoo:latest
    said "Status: Image is up to date for localhost/zoo:latest"
    no_residue --clean
}

@test "the digest said and kept is the one in the layout" {
    digest="$("$E2E_PYTHON" -c 'import json, sys
print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])' "$SOURCE/zoo/index.json")"
    run -0 minidock pull "oci:$SOURCE/zoo"
    said "Digest: $digest"
    run -0 minidock images --digests
    said "$digest"
}

@test "the published busybox, laid out, is the published image" {
    [ -n "${MINIDOCK_TEST_IMAGES:-}" ] || skip_or_fail "MINIDOCK_TEST_IMAGES is not set"
    from="$MINIDOCK_TEST_IMAGES/busybox-1.38.0-musl"
    mkdir -p bb/blobs/sha256
    cp "$from/oci-layout" "$from/index.json" bb
    for file in image-manifest.json image-config.json rootfs.tar.gz; do
        cp "$from/$file" "bb/blobs/sha256/$(sha256sum "$from/$file" | cut -d' ' -f1)"
    done
    run -0 minidock pull oci:bb
    said "Digest: sha256:a34ce92094b7b100a98fbd21411a92825f6827b1bc5f6918c253516c90556998"
    [ "${lines[-1]}" = docker.io/library/busybox:1.38.0-musl ]
    run -0 minidock inspect -f '{{.Id}}' busybox:1.38.0-musl
    said "sha256:654fc8fd836e35f4a64586bddf8f59b9029b48cf80f520834c6c98ca8ab5def9"
    [ -x "$(minidock image path busybox:1.38.0-musl)/bin/busybox" ]
}

@test "an OCI archive is read plain, gzip, bzip2, xz and zstd" {
    cp "$SOURCE/zoo.tar" .
    gzip -k zoo.tar && bzip2 -k zoo.tar && xz -k -0 zoo.tar && zstd -q zoo.tar
    for file in zoo.tar zoo.tar.gz zoo.tar.bz2 zoo.tar.xz zoo.tar.zst; do
        fresh_store
        run -0 minidock pull "oci-archive:$file"
        said "Status: Downloaded newer image for localhost/zoo:latest"
        holds_zoo localhost/zoo
        no_residue --clean
    done
}

@test "of several images one is chosen by its tag, and without one they are listed" {
    umoci init --layout many
    for tag in first second; do
        umoci new --image "many:$tag"
        umoci config --image "many:$tag" --config.label "tag=$tag"
    done
    run -1 minidock pull oci:many
    said "several images"
    said "first"
    said "second"
    empty
    run -0 minidock pull oci:many:second
    [ "${lines[-1]}" = localhost/many:second ]
    run -0 minidock inspect -f '{{json .Config.Labels}}' localhost/many:second
    said '{"tag":"second"}'
    run -1 minidock pull oci:many:third
    said 'no image "third"'
}

@test "a name that is there for two platforms is pulled for this one, or the one asked for" {
    make oci-platforms both/
    run -0 minidock pull oci:both:registry.example/both:1
    [ "$(top registry.example/both:1)" = top ]
    run -0 minidock pull --platform "$(elsewhere)" oci:both:1
    run -0 minidock inspect -f '{{.Architecture}}' registry.example/both:1
    [ "linux/$output" = "$(elsewhere)" ]
    run -0 minidock load -i both
    said "Loaded image: registry.example/both:1"
    said "Loaded image ID: sha256:"
}

elsewhere() {
    case "$(uname -m)" in
    aarch64) echo linux/amd64 ;;
    *) echo linux/arm64 ;;
    esac
}

# ---- docker save ----

@test "minidock load -i images.tar" {
    cp "$SOURCE/docker.tar" images.tar
    run -0 --separate-stderr minidock load -i images.tar
    [ "$output" = $'Loaded image: small:1\nLoaded image: registry.example/team/small:2' ]
    [ -z "$stderr" ]
    [ "$(top small:1)" = top ]
    [ "$(top registry.example/team/small:2)" = top ]
    [ ! -e "$(minidock image path small:1)/etc/shadow" ]
    run -0 minidock images --digests
    said_not "sha256:" # no registry has ever known it
    no_residue --clean
}

@test "load reads standard input, as a file, through a pipe and compressed" {
    run -0 minidock load <"$SOURCE/docker.tar"
    said "Loaded image: small:1"
    for through in cat "gzip -c" "zstd -qc" "xz -0c"; do
        fresh_store
        run -0 bash -c "$through '$SOURCE/docker.tar' | '$MINIDOCK' load -q"
        said "Loaded image: small:1"
        [ "$(top small:1)" = top ]
        no_residue --clean
    done
    run -1 minidock load </dev/null
}

@test "an image without a name is loaded by its id" {
    make docker-untagged image.tar
    run -0 minidock load -i image.tar
    [[ "$output" = "Loaded image ID: sha256:"* ]]
    [ "$(top "${output#Loaded image ID: }")" = top ]
    run -0 minidock pull docker-archive:image.tar
    [ "${lines[-1]}" = localhost/image:latest ]
}

@test "all of several images are loaded, and one of them pulled by its name" {
    make docker-several images.tar
    run -0 minidock load -i images.tar
    [ "${lines[0]}" = "Loaded image: small:1" ]
    [ "${lines[1]}" = "Loaded image: implied:1" ]
    [[ "${lines[2]}" = "Loaded image ID: sha256:"* ]]
    fresh_store
    run -1 minidock pull docker-archive:images.tar
    said "several images"
    run -0 minidock pull docker-archive:images.tar:implied:1
    [ "${lines[-1]}" = docker.io/library/implied:1 ]
    run -0 minidock images -q
    [ "${#lines[@]}" = 1 ]
}

@test "layers by link in the old form, compressed ones, and docker's new form are all taken" {
    for kind in docker-legacy docker-gzip docker-both docker-hard-link; do
        fresh_store
        make "$kind" image.tar
        run -0 minidock load -i image.tar
        name="${lines[0]#Loaded image: }"
        [ "$(top "$name")" = top ]
        no_residue --clean
    done
}

@test "pull of a docker archive gives it the names that it has" {
    run -0 minidock pull "docker-archive:$SOURCE/docker.tar"
    said "Status: Downloaded newer image for small:1"
    said_not "Digest:"
    [ "$(top registry.example/team/small:2)" = top ]
    run -0 minidock pull "docker-archive:$SOURCE/docker.tar"
    said "Status: Image is up to date for small:1"
}

@test "pull -q, -n, --force and --progress do with files what they do with registries" {
    run -0 --separate-stderr minidock pull -q "oci:$SOURCE/zoo"
    [ "$output" = localhost/zoo:latest ]
    run -0 minidock pull -n "docker-archive:$SOURCE/docker.tar"
    said "Would download"
    run -0 minidock image path localhost/zoo
    echo broken >"$output/etc/os-release" || true
    run -0 minidock pull --force --progress=json "oci:$SOURCE/zoo"
    said '{"status":"Pull complete"'
    holds_zoo localhost/zoo
    no_residue --clean
}

@test "pull -n of a compressed archive writes nothing into the store" {
    gzip -c "$SOURCE/docker.tar" >images.tar.gz
    rmdir "$MINIDOCK_ROOT"
    run -0 minidock pull -n docker-archive:images.tar.gz
    said "Would download"
    [ ! -e "$MINIDOCK_ROOT" ]
}

# ---- import ----

@test "import loads what holds images whole, and calls the only one as it is told" {
    run -0 minidock import "$SOURCE/docker.tar"
    said "Loaded image: small:1"
    run -0 minidock import "$SOURCE/zoo" mine:1
    [ "$output" = "Loaded image: mine:1" ]
    holds_zoo mine:1
    gzip -c "$SOURCE/docker.tar" >images.tgz
    fresh_store
    run -0 minidock import images.tgz other
    [ "$output" = "Loaded image: other:latest" ]
    [ "$(top other)" = top ]
    no_residue --clean
}

@test "import changes no image that is loaded, and gives no two of them one name" {
    run -125 minidock import -c 'CMD ["x"]' "$SOURCE/docker.tar"
    said "--change"
    make docker-several several.tar
    run -125 minidock import several.tar mine
    said "3 images"
    empty
}

@test "import of an archive of images through a pipe is refused, and says what to do" {
    run -1 bash -c "'$MINIDOCK' import - mine <'$SOURCE/zoo.tar'"
    said "minidock load"
    empty
}

@test "a root file system with files of such names is still one" {
    mkdir -p root/blobs root/bin
    echo '{}' >root/index.json
    echo '{}' >root/manifest.json
    tar -C root -cf root.tar index.json manifest.json blobs bin
    run -0 minidock import root.tar mine
    [ -d "$(minidock image path mine)/bin" ]
}

# ---- What is refused ----

@test "a blob that is not what it is called is refused, wherever it lies" {
    for where in "" dir; do
        refused "layer sha256:" oci-flipped $where
        refused "config sha256:" oci-flipped-config $where
        refused "manifest sha256:" oci-flipped-manifest $where
        refused "expected" oci-long-layer $where
        refused "is missing" oci-missing $where
    done
    refused "expected sha256:" docker-flipped-layer
    refused "config: got" docker-flipped-config
}

@test "an archive that is not whole is refused" {
    refused "is missing" docker-missing-layer
    refused "is missing" docker-missing-config
    refused "2 layers, but the config 3 diff ids" docker-short
    head -c 3000 "$SOURCE/docker.tar" >cut.tar
    run -1 minidock load -i cut.tar
    said "tar"
    empty
    gzip -c "$SOURCE/docker.tar" | head -c 2000 >cut.tar.gz
    run -1 minidock load -i cut.tar.gz
    empty
    no_residue
}

@test "documents that are none are refused" {
    refused "no list" docker-no-list
    refused "no list" oci-no-index
    refused "version" oci-version
    refused "no name" docker-bad-name
    refused "no name" docker-digest-name
}

@test "tricks of tars are refused" {
    refused "leads out of it" docker-outside
    refused "twice" docker-twice
    refused "leads out of it" docker-link-out
    refused "is missing" docker-link-absolute
    refused "no regular file" docker-link-loop
}

@test "what is no image archive is refused, and a missing one" {
    make nothing nothing.tar
    run -1 minidock load -i nothing.tar
    said "no image archive"
    run -1 minidock load -i /etc/passwd
    said "/etc/passwd"
    run -1 minidock load -i no-such-file
    said "no-such-file"
    run -1 minidock pull oci:no-such-dir
    said "oci:no-such-dir"
    run -1 minidock pull "oci:$SOURCE/docker.tar"
    said "no directory"
    run -1 minidock pull "docker-archive:$SOURCE/zoo"
    said "is a directory"
    empty
}

@test "links in a layout's directory lead nowhere outside of it" {
    make oci bad/
    blob="$(find bad/blobs -type f | head -1)"
    mv "$blob" outside
    ln -s "$PWD/outside" "$blob"
    run -1 minidock pull oci:bad
    said "is missing"
    empty
}

@test "podman's other transports are refused by name" {
    for name in docker-daemon containers-storage dir ostree sif; do
        run -125 minidock pull "$name:x"
        said "\"$name:\""
    done
    run -125 minidock pull -a "oci:$SOURCE/zoo"
    said "--all-tags"
    run -125 minidock pull --locked "oci:$SOURCE/zoo"
    said "--lock"
}
