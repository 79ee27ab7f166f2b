# SPDX-License-Identifier: Apache-2.0
# Each blob of an image in turn arrives wrong: the pull says which one and why, and leaves nothing.

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

# refused_blobs KIND ARGUMENT...: refuse small:manifest while each blob in turn has the fault, for each
# argument; `half` and `last` stand for places in the blob.
refused_blobs() {
    local blob digest size argument at

    for blob in config 0 1 2; do
        if [ "$blob" = config ]; then
            digest="$(hub_info small:manifest config)" size=300
        else
            digest="$(hub_info small:manifest layers "$blob")"
            size="$(hub_info small:manifest sizes "$blob")"
        fi
        for argument in "${@:2}"; do
            case "$argument" in
            half) at=$((size / 2)) ;;
            last) at=$((size - 1)) ;;
            *) at="$argument" ;;
            esac
            hub_heal
            hub_fault cdn "$digest" "$1" "$at"
            refused small:manifest "$(short "$digest")" || {
                echo "blob $blob, fault $1 $at" >&2
                return 1
            }
        done
    done
}

@test "a flipped bit at the start, in the middle or at the end of any blob is refused by its digest" {
    refused_blobs flip 0 half last
}

@test "any blob that is cut off, at its start or just before its end, is refused by its digest" {
    refused_blobs cut 0 last
}

@test "any blob that is complete but too short is refused by its digest" {
    refused_blobs short 0 1 last
}

@test "any blob with bytes too many is refused by its digest" {
    refused_blobs extra 1 100000
}

@test "any blob that is another one is refused by its digest" {
    echo "something else" >"$BATS_TEST_TMPDIR/other"
    refused_blobs body "$BATS_TEST_TMPDIR/other"
}

@test "any blob that the CDN does not give is an error with its digest and the answer" {
    for code in 404 403 500; do
        refused_blobs status "$code"
        said "$code"
    done
}

@test "after a refused pull the next one succeeds" {
    layer="$(hub_info small:manifest layers 1)"
    hub_fault cdn "$layer" flip 100
    refused small:manifest "$(short "$layer")"
    hub_heal
    pull small:manifest
    [ "$(cat "$(rootfs small:manifest)/etc/top")" = top ]
    no_residue --clean
    unharmed
}

@test "a connection that is cut once is taken up again where it stopped" {
    layer="$(hub_info big:latest layers 2)"
    hub_fault cdn "$layer" cut 3000000 1
    pull -q big
    no_residue --clean
    grep "${layer#sha256:}" "$HUB_DIR/log/cdn.jsonl" | tail -1 | grep -q '"Range", "bytes=3000000-'
}
