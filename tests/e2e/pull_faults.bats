# SPDX-License-Identifier: Apache-2.0
# Images, registries and disks with which a pull must not succeed: what it says, what it leaves
# (nothing), and what keeps working.

load helpers
load hub
load refused

setup_file() {
    prepare_refused || { not_here; return; }
}

teardown_file() {
    hub_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    store_like "$PREPARED"
    hub_heal
    hub_forget
}

teardown() {
    hub_kept_secrets
}

@test "a manifest with a flipped bit is refused by its digest" {
    manifest="$(hub_info small:latest manifest)"
    hub_fault registry "manifests/$manifest" flip 20
    refused small "$(short "$manifest")"
    [ -z "$(hub_requests cdn)" ]
}

@test "a manifest of another size is refused by its digest" {
    manifest="$(hub_info small:latest manifest)"
    hub_fault registry "manifests/$manifest" extra 1
    refused small "$(short "$manifest")"
    hub_heal
    hub_fault registry "manifests/$manifest" short 100
    refused small "$(short "$manifest")"
    [ -z "$(hub_requests cdn)" ]
}

@test "an index or manifest that is not the digest asked for is refused" {
    for tag in latest manifest; do
        digest="$(hub_info "small:$tag" digest)"
        hub_heal
        hub_fault registry "manifests/$digest" flip 20
        refused "small@$digest" "$(short "$digest")"
    done
    [ -z "$(hub_requests cdn)" ]
}

@test "an index that is not what the registry's own header promises is refused" {
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}' \
        >"$BATS_TEST_TMPDIR/index"
    hub_fault registry manifests/latest body "$BATS_TEST_TMPDIR/index"
    refused small small
    [ -z "$(hub_requests cdn)" ]
}

@test "a manifest that is no JSON, empty or a web page is refused" {
    for text in '' '{' '[]' '"text"' '<html><body>Please log in</body></html>' '{"schemaVersion":2}'; do
        hub_heal
        printf '%s' "$text" >"$BATS_TEST_TMPDIR/body"
        hub_fault registry manifests/latest body "$BATS_TEST_TMPDIR/body"
        hub_fault registry manifests/latest header \
            "Docker-Content-Digest: sha256:$(sha256sum <"$BATS_TEST_TMPDIR/body" | cut -d' ' -f1)"
        refused small small
    done
    [ -z "$(hub_requests cdn)" ]
}

@test "a size in the manifest or index that is not the blob's is refused by its digest" {
    for word in less more; do
        refused "wrong:size-$word-config" "$(short "$(hub_info "wrong:size-$word-config" config)")"
        for index in 0 1 2; do
            refused "wrong:size-$word-layer$index" \
                "$(short "$(hub_info "wrong:size-$word-layer$index" layers "$index")")"
        done
        refused "wrong:size-$word-manifest" \
            "$(short "$(hub_info "wrong:size-$word-manifest" manifest)")"
    done
}

@test "a layer that is not its diff id is refused by its digest" {
    for index in 0 1 2; do
        refused "wrong:diffid-layer$index" \
            "$(short "$(hub_info "wrong:diffid-layer$index" layers "$index")")"
    done
    refused wrong:diffid-swapped "layer"
}

@test "as many diff ids as layers, or the image is refused before a layer is fetched" {
    refused wrong:diffid-missing wrong:diffid-missing
    run hub_requests cdn
    for layer in $(hub_info wrong:diffid-missing layers); do
        said_not "${layer#sha256:}"
    done
}

@test "a layer of damaged gzip is refused by its digest, though that is right" {
    for tag in gzip-cut gzip-garbage; do
        refused "wrong:$tag" "$(short "$(hub_info "wrong:$tag" layers 1)")"
    done
}

@test "layers and configs of other media types are refused by name before a byte is fetched" {
    declare -A named=(
        [bzip2]=application/vnd.oci.image.layer.v1.tar+bzip2
        [xz]=application/vnd.oci.image.layer.v1.tar+xz
        [encrypted]=application/vnd.oci.image.layer.v1.tar+gzip+encrypted
        [wasm]=application/vnd.wasm.content.layer.v1+wasm
        [helm]=application/vnd.cncf.helm.config.v1+json
        [plugin]=application/vnd.docker.plugin.v1+json
        [artifact]=application/
    )
    for tag in "${!named[@]}"; do
        refused "refused:$tag" "${named[$tag]}"
    done
    [ -z "$(hub_requests cdn)" ]
    run hub_requests registry
    said_not "/blobs/"
}

@test "a schema 1 manifest is refused by name" {
    printf '{"schemaVersion":1,"name":"library/small","tag":"latest","fsLayers":[],"history":[]}' \
        >"$BATS_TEST_TMPDIR/body"
    hub_fault registry manifests/latest body "$BATS_TEST_TMPDIR/body"
    hub_fault registry manifests/latest type application/vnd.docker.distribution.manifest.v1+prettyjws
    hub_fault registry manifests/latest header \
        "Docker-Content-Digest: sha256:$(sha256sum <"$BATS_TEST_TMPDIR/body" | cut -d' ' -f1)"
    refused small "schema 1"
}

@test "a registry that refuses its own tokens for ever is an error, not a loop" {
    hub_fault registry /v2/ status 401
    refused small small
    [ "$(hub_requests registry | wc -l)" -le 6 ]
    [ "$(hub_requests token | wc -l)" -le 3 ]
}

@test "an error of the registry is told with its number" {
    hub_fault registry manifests/latest status 500
    refused small 500
}

@test "a redirect to plain http or to a file is not followed" {
    layer="$(hub_info small:manifest layers 0)"
    for target in "http://plain.test:5000/x" "file:///etc/passwd" "gopher://plain.test:5000/x"; do
        hub_heal
        hub_fault registry "blobs/$layer" header "Location: $target"
        refused small:manifest "$(short "$layer")"
    done
    run hub_requests trap
    [ -z "$output" ]
}

@test "a moved tag that cannot be pulled leaves the name where it was" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull -q moving
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    hub_fault cdn "$(hub_info moving:new layers 2)" flip 50
    run hub_run minidock pull moving
    exited 1
    [ "$(cat "$(rootfs moving)/etc/top")" = top ]
    run hub_run minidock run --rm --network none moving /bin/cat /etc/top
    exited 0
    said top
    no_residue
    hub_heal
    pull -q moving
    [ "$(cat "$(rootfs moving)/etc/top")" = "top newer" ]
    no_residue --clean
}

@test "an image that was there still runs after a refused pull" {
    hub_fault cdn "$(hub_info small:manifest layers 0)" flip 50
    refused small:manifest "$(short "$(hub_info small:manifest layers 0)")"
    run hub_run minidock run --rm --network none busybox:1.38.0-musl echo still here
    exited 0
    said "still here"
}

# with_small_disk MEGABYTES: MINIDOCK_ROOT becomes an ext4 of that size, mounted in the box only.
with_small_disk() {
    need_command mkfs.ext4
    MINIDOCK_ROOT="$BATS_TEST_TMPDIR/disk"
    mkdir "$MINIDOCK_ROOT"
    truncate -s "$1M" "$BATS_TEST_TMPDIR/disk.img"
    mkfs.ext4 -q "$BATS_TEST_TMPDIR/disk.img"
    hub_run mount -o loop "$BATS_TEST_TMPDIR/disk.img" "$MINIDOCK_ROOT"
    hub_run rmdir "$MINIDOCK_ROOT/lost+found"
}

@test "a disk that is too small for an image is told so before a layer is fetched" {
    with_small_disk 40
    pull -q small
    hub_run dd if=/dev/zero of="$MINIDOCK_ROOT/.filler" bs=1M count=25 2>/dev/null
    hub_forget
    run hub_run minidock pull big
    exited 1
    said "$MINIDOCK_ROOT"
    said "at least 13.7MB needed; nothing was fetched"
    said " free"
    for layer in $(hub_info big:latest layers); do
        [ -z "$(hub_ranges cdn "$layer")" ]
    done
    absent big
    no_residue
    hub_run rm "$MINIDOCK_ROOT/.filler"
    pull -q big
    no_residue --clean
    hub_run umount "$MINIDOCK_ROOT"
}

@test "a disk that runs full is an error that says where, what is needed, and room resumes" {
    with_small_disk 60
    pull -q small
    layer="$(hub_info roomy:latest layers 1)"
    run hub_run minidock pull roomy
    exited 1
    said "No space left on device"
    said "$MINIDOCK_ROOT"
    said "needed; what there was room for is kept, pull again when there is more"
    said "$(short "$layer")"
    absent roomy
    no_residue
    [ "$(hub_run cat "$(rootfs small)/etc/top")" = top ]
    # Room is made by a larger disk with the same files.
    hub_run cp -a "$MINIDOCK_ROOT" "$BATS_TEST_TMPDIR/roomy"
    hub_run umount "$MINIDOCK_ROOT"
    MINIDOCK_ROOT="$BATS_TEST_TMPDIR/roomy"
    hub_forget
    pull -q roomy
    run hub_ranges cdn "$layer"
    [[ -z "$output" || "$output" = bytes=* ]]
    no_residue --clean
}

@test "a disk with just enough room for an image is filled by the second pull at the latest" {
    with_small_disk 88
    pull -q small
    run hub_run minidock pull roomy
    if [ "$status" -ne 0 ]; then
        said "what there was room for is kept"
        no_residue
        pull -q roomy
    fi
    no_residue --clean
    [ "$(hub_run stat -c %s "$(rootfs roomy)/data/noise")" = $((10 << 20)) ]
    [ "$(hub_run tail -n 1 "$(rootfs roomy)/data/text7")" = "line 7" ]
    hub_run umount "$MINIDOCK_ROOT"
}

@test "a disk without inodes is an error that leaves nothing" {
    need_command mkfs.ext4
    MINIDOCK_ROOT="$BATS_TEST_TMPDIR/disk"
    mkdir "$MINIDOCK_ROOT"
    truncate -s 40M "$BATS_TEST_TMPDIR/disk.img"
    mkfs.ext4 -q -N 64 "$BATS_TEST_TMPDIR/disk.img"
    hub_run mount -o loop "$BATS_TEST_TMPDIR/disk.img" "$MINIDOCK_ROOT"
    hub_run rmdir "$MINIDOCK_ROOT/lost+found"
    run hub_run minidock pull zoo:gzip
    exited 1
    said "No space left on device"
    no_residue
    hub_run umount "$MINIDOCK_ROOT"
}

@test "a store that cannot be written is an error that says why" {
    hub_run mount --bind "$MINIDOCK_ROOT" "$MINIDOCK_ROOT"
    hub_run mount -o remount,bind,ro "$MINIDOCK_ROOT"
    run hub_run minidock pull small
    hub_run umount "$MINIDOCK_ROOT"
    exited 1
    said "Read-only file system"
}
