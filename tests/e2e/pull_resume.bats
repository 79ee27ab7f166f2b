# SPDX-License-Identifier: Apache-2.0
# A pull that was interrupted goes on where it stopped: what the registry was asked for tells.

load helpers
load hub

setup_file() {
    need_pull || { not_here; return; }
    fresh_store
    EXPECTED="$(scratch_dir)/expected"
    LAYER="$(hub_info big:latest layers 2)"
    SIZE="$(hub_info big:latest sizes 2)"
    DIFF_ID="$(hub_info big:latest diff_ids 2)"
    BLOB="$HUB_DIR/registry/docker/registry/v2/blobs/sha256/${LAYER:7:2}/${LAYER:7}/data"
    export EXPECTED LAYER SIZE DIFF_ID BLOB
    pull -q big
    tree "$(rootfs big)" --no-dir-times >"$EXPECTED"
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

# kept: the file where the start of the large layer of big is kept.
kept() {
    echo "$MINIDOCK_ROOT/.partial/${DIFF_ID:7}.${LAYER:7:32}.prefix"
}

# interrupted_at BYTES SIGNAL: pull big and signal it when it has kept so much of its large layer.
interrupted_at() {
    hub_fault cdn "$LAYER" stall "$1"
    run drive kept "$1" "$2" "$MINIDOCK_ROOT" -- minidock pull big
    hub_heal
    hub_forget
    [ "$(stat -c %s "$(kept)")" = "$1" ]
}

# resumes RANGE...: pulling big succeeds, and for its large layer only these parts are asked for.
resumes() {
    pull -q big || return 1
    tree "$MINIDOCK_ROOT/big/rootfs" --no-dir-times >"$BATS_TEST_TMPDIR/tree"
    same_tree "$EXPECTED" "$BATS_TEST_TMPDIR/tree" || return 1
    no_residue --clean || return 1
    printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/wanted"
    [ $# -gt 0 ] || : >"$BATS_TEST_TMPDIR/wanted"
    hub_ranges cdn "$LAYER" | diff -u "$BATS_TEST_TMPDIR/wanted" -
}

# with_start: what follows finds bytes from standard input as the start of the large layer.
with_start() {
    rm -rf "$MINIDOCK_ROOT/.partial"
    mkdir -p -m 700 "$MINIDOCK_ROOT/.partial"
    cat >"$(kept)"
}

@test "after kill -9 at any byte of a layer only the rest is asked for" {
    for at in 1 4095 1000000 $((SIZE / 2)) $((8 << 20)) $((SIZE - 1)); do
        fresh_store
        interrupted_at "$at" KILL
        exited 137
        no_residue --sound
        resumes "bytes=$at-$((SIZE - 1))"
    done
}

@test "after Ctrl-C and SIGTERM only the rest is asked for, and that is said" {
    declare -A statuses=([INT]=130 [TERM]=143)
    for signal in INT TERM; do
        fresh_store
        interrupted_at 5000000 "$signal"
        exited "${statuses[$signal]}"
        said "interrupted; the next pull goes on from here"
        resumes "bytes=5000000-$((SIZE - 1))"
    done
}

@test "a pull that is killed again and again goes on each time" {
    before=0
    for at in 1000000 2500000 6000000 9000000; do
        hub_fault cdn "$LAYER" stall "$at"
        run drive kept "$at" KILL "$MINIDOCK_ROOT" -- minidock pull big
        exited 137
        if [ "$before" -gt 0 ]; then
            [ "$(hub_ranges cdn "$LAYER")" = "bytes=$before-$((SIZE - 1))" ]
        fi
        before="$at"
        hub_heal
        hub_forget
    done
    resumes "bytes=9000000-$((SIZE - 1))"
}

@test "layers that were finished before the kill are not asked for again" {
    hub_fault cdn "$LAYER" stall 3000000
    hub_run minidock pull -q big >/dev/null 2>&1 3>&- &
    pull=$!
    # All layers but the large one wait in .partial.
    for ((i = 0; i < 600; i++)); do
        [ "$(find "$MINIDOCK_ROOT/.partial" -maxdepth 1 -type d -name '*.*-*' | wc -l)" -lt 3 ] || break
        sleep 0.05
    done
    hub_run sh -c 'kill -9 $(pgrep -o -x minidock-image || pgrep -o -x minidock-imag)'
    wait "$pull" && false
    hub_heal
    hub_forget
    pull -q big
    for index in 0 1 3; do
        [ -z "$(hub_ranges cdn "$(hub_info big:latest layers "$index")")" ]
    done
    no_residue --clean
}

@test "a start that is the whole layer is not asked for at all" {
    with_start <"$BLOB"
    resumes
}

@test "a start with wrong bytes in it is thrown away and the layer fetched once more" {
    for at in 0 100 4000000; do
        { head -c "$at" "$BLOB"; echo wrong; tail -c +$((at + 7)) "$BLOB"; } |
            head -c 5000000 | with_start
        hub_forget
        resumes "bytes=5000000-$((SIZE - 1))" whole
        rm -rf "$MINIDOCK_ROOT"
        fresh_store
    done
    { head -c $((SIZE - 6)) "$BLOB"; echo wrong; } | with_start
    hub_forget
    resumes whole
}

@test "a start that is longer than the layer is thrown away" {
    cat "$BLOB" "$BLOB" | with_start
    resumes whole
}

@test "a start of another version of the layer is left alone" {
    echo "something else" | with_start
    mv "$(kept)" "$MINIDOCK_ROOT/.partial/${DIFF_ID:7}.0123456789abcdef0123456789abcdef.prefix"
    pull -q big
    [ "$(hub_ranges cdn "$LAYER")" = whole ]
    # The layer has come otherwise: the next command throws it away.
    pull -q hello-world
    no_residue --clean
}

@test "a registry that sends the whole instead of the rest is read past what was kept" {
    head -c 5000000 "$BLOB" | with_start
    hub_fault cdn "$LAYER" whole
    resumes "bytes=5000000-$((SIZE - 1))"
}

@test "a part that was not asked for is not taken" {
    for range in "bytes 0-$((SIZE - 1))/$SIZE" "bytes 5000000-$((SIZE - 1))/*" "pages 1-2/3"; do
        fresh_store
        head -c 5000000 "$BLOB" | with_start
        hub_heal
        hub_forget
        hub_fault cdn "$LAYER" header "Content-Range: $range" 1
        resumes "bytes=5000000-$((SIZE - 1))" whole
    done
}

@test "a rest that does not belong to the start is noticed, and both are fetched anew" {
    head -c 5000000 "$BLOB" | with_start
    hub_fault cdn "$LAYER" flip 7000000 1
    resumes "bytes=5000000-$((SIZE - 1))" whole
}

@test "a rest that is wrong for ever is an error that keeps nothing of it" {
    head -c 5000000 "$BLOB" | with_start
    hub_fault cdn "$LAYER" flip 7000000
    run hub_run minidock pull big
    exited 1
    said "$(short "$LAYER")"
    [ ! -e "$(kept)" ]
    [ "$(hub_ranges cdn "$LAYER" | wc -l)" = 2 ]
}

@test "a pull that gives up keeps what came" {
    hub_fault cdn "$LAYER" cut 5000000
    run hub_run minidock pull --retry 0 big
    exited 1
    said "$(short "$LAYER")"
    no_residue
    hub_heal
    hub_forget
    at="$(stat -c %s "$(kept)")"
    [ "$at" -gt 4000000 ] && [ "$at" -le 5000000 ]
    resumes "bytes=$at-$((SIZE - 1))"
}

@test "who waits for another pull's layer goes on from where that one is killed" {
    hub_fault cdn "$LAYER" stall 5000000 1
    hub_run minidock pull -q big >/dev/null 2>&1 3>&- &
    first=$!
    for ((i = 0; i < 600; i++)); do
        [ "$(stat -c %s "$(kept)" 2>/dev/null)" != 5000000 ] || break
        sleep 0.05
    done
    hub_run minidock pull -q big >"$BATS_TEST_TMPDIR/second" 2>&1 3>&- &
    second=$!
    hub_run sh -c 'kill -9 $(pgrep -o -x minidock-image || pgrep -o -x minidock-imag)'
    wait "$first" && false
    wait "$second"
    [ "$(hub_ranges cdn "$LAYER")" = "whole
bytes=5000000-$((SIZE - 1))" ]
    tree "$MINIDOCK_ROOT/big/rootfs" --no-dir-times >"$BATS_TEST_TMPDIR/tree"
    same_tree "$EXPECTED" "$BATS_TEST_TMPDIR/tree"
    no_residue --clean
}

@test "Ctrl-C ends a pull that waits for another one" {
    hub_fault cdn "$LAYER" stall 5000000
    hub_run minidock pull -q big >"$BATS_TEST_TMPDIR/first" 2>&1 3>&- &
    first=$!
    hub_wait "stalled ${LAYER#sha256:}"
    run drive after 500 INT -- minidock pull -q big
    exited 130
    hub_heal
    wait "$first"
    [ "$(hub_ranges cdn "$LAYER")" = whole ]
    no_residue --clean
}

@test "ten pulls at once of images that share layers fetch each layer once" {
    for name in big big:more big big:more big big:more big big:more big big:more; do
        hub_run minidock pull -q "$name" >>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    done
    for pull in $(jobs -p); do
        wait "$pull"
    done
    for layer in $(hub_info big:more layers); do
        [ "$(hub_ranges cdn "$layer")" = whole ]
    done
    no_residue --clean
}

@test "--retry says how often to try again" {
    hub_fault registry manifests/latest status 500
    run hub_run minidock pull --retry 0 big
    exited 1
    said 500
    [ "$(hub_requests registry | grep -c manifests/latest)" = 1 ]
    hub_forget
    run hub_run minidock pull --retry=1 big
    exited 1
    [ "$(hub_requests registry | grep -c manifests/latest)" = 2 ]
    hub_forget
    hub_fault registry tags/list status 500
    run hub_run minidock pull --all-tags --retry 0 big
    exited 1
    [ "$(hub_requests registry | grep -c tags/list)" = 1 ]
    for word in x -1 1001 ''; do
        run hub_run minidock pull --retry "$word" big
        exited 125
        said retry
    done
}
