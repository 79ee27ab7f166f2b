# SPDX-License-Identifier: Apache-2.0
# A pull that is killed, at many points: nothing half is ever visible, nothing keeps running, what was
# there before stays, and the next pull succeeds and clears up.

load helpers
load hub

setup_file() {
    need_pull || { not_here; return; }
    fresh_store
    PREPARED="$MINIDOCK_ROOT"
    EXPECTED="$(scratch_dir)/expected"
    export PREPARED EXPECTED
    pull -q small
    store_like "$PREPARED"
    pull -q big
    tree "$(rootfs big)" --no-dir-times >"$EXPECTED"
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

# after_kill NAME: the store is whole, NAME is absent or whole, small is as it was.
after_kill() {
    no_residue --sound || return 1
    [ "$(cat "$MINIDOCK_ROOT/small/rootfs/etc/top")" = top ] || return 1
    if [ -e "$MINIDOCK_ROOT/$1" ]; then
        whole "$1"
    fi
}

whole() {
    tree "$MINIDOCK_ROOT/$1/rootfs" --no-dir-times >"$BATS_TEST_TMPDIR/tree"
    same_tree "$EXPECTED" "$BATS_TEST_TMPDIR/tree"
}

# killed_at SERVER MATCH BYTES SIGNAL: pull big into a store that has only small, and signal it once
# the server has sent that much of its answer.
killed_at() {
    store_like "$PREPARED"
    hub_heal
    hub_forget
    hub_fault "$1" "$2" stall "$3"
    run drive at "stalled ${2#sha256:} $3" "$4" "$HUB_DIR" -- minidock pull big
}

# pulled_after_all: the next pull succeeds, whole, and clears up.
pulled_after_all() {
    hub_heal
    pull -q big && whole big && no_residue --clean
}

@test "kill -9 while any blob arrives, at its start, in it and at its end, leaves nothing half" {
    for index in config 0 1 2 3; do
        if [ "$index" = config ]; then
            blob="$(hub_info big:latest config)" size=300
        else
            blob="$(hub_info big:latest layers "$index")" size="$(hub_info big:latest sizes "$index")"
        fi
        for at in 0 1 $((size / 2)) $((size - 1)); do
            killed_at cdn "$blob" "$at" KILL
            exited 137
            [ ! -e "$MINIDOCK_ROOT/big" ]
            after_kill big
            pulled_after_all
        done
    done
}

@test "kill -9 while the manifest or the token is awaited leaves nothing" {
    for where in "registry manifests/latest" "registry manifests/sha256" "token /token"; do
        # shellcheck disable=SC2086 # two words
        killed_at $where 0 KILL
        exited 137
        [ ! -e "$MINIDOCK_ROOT/big" ]
        after_kill big
        pulled_after_all
    done
}

@test "kill -9 after ever more milliseconds leaves the image absent or whole" {
    for ((delay = 0; delay < 1200; delay += 40)); do
        run drive after "$delay" KILL -- minidock pull big
        [ "$status" -eq 137 ] || [ "$status" -eq 0 ]
        after_kill big
        if [ "$status" -eq 0 ]; then
            store_like "$PREPARED"
        fi
    done
    pulled_after_all
}

@test "what a killed pull left is gone, but for what it can resume from, after the next one" {
    layer="$(hub_info big:latest layers 2)"
    killed_at cdn "$layer" 5000000 KILL
    exited 137
    hub_heal
    pull -q hello-world
    no_residue
    [ ! -e "$MINIDOCK_ROOT/big" ]
}

@test "a pull that waits for a layer of a killed one goes on by itself" {
    layer="$(hub_info big:latest layers 2)"
    hub_fault cdn "$layer" stall 5000000 1
    hub_run minidock pull -q big >"$BATS_TEST_TMPDIR/second" 2>&1 3>&- &
    hub_wait "stalled ${layer#sha256:}"
    first=$!
    hub_run minidock pull -q big >"$BATS_TEST_TMPDIR/third" 2>&1 3>&- &
    second=$!
    # The oldest minidock in the box is the one that holds the layer.
    hub_run sh -c 'kill -9 $(pgrep -o -x minidock-image || pgrep -o -x minidock-imag)'
    wait "$first" && false
    wait "$second"
    [ "$(cat "$BATS_TEST_TMPDIR/third")" = docker.io/library/big:latest ]
    whole big
    no_residue --clean
}

@test "a moved tag leads to the old image or the new one, wherever its pull is killed" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull -q moving
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    for ((delay = 0; delay < 400; delay += 20)); do
        run drive after "$delay" KILL -- minidock pull moving
        [ "$status" -eq 137 ] || [ "$status" -eq 0 ]
        no_residue --sound
        top="$(cat "$MINIDOCK_ROOT/moving/rootfs/etc/top")"
        [ "$top" = top ] || [ "$top" = "top newer" ]
        hub_run test -d "$(rootfs moving)"
        if [ "$status" -eq 0 ]; then
            hub_tag library/moving latest "$(hub_info moving:old digest)"
            pull -q moving
            hub_tag library/moving latest "$(hub_info moving:new digest)"
        fi
    done
    pull -q moving
    [ "$(cat "$(rootfs moving)/etc/top")" = "top newer" ]
    no_residue --clean
}

@test "Ctrl-C ends a pull at once, with 130, and leaves only what the next one needs" {
    layer="$(hub_info big:latest layers 2)"
    for signal in INT TERM; do
        killed_at cdn "$layer" 5000000 "$signal"
        [ "$signal" = INT ] && exited 130
        [ "$signal" = TERM ] && exited 143
        said "interrupted; the next pull goes on from here"
        [ ! -e "$MINIDOCK_ROOT/big" ]
        after_kill big
        hub_heal
        pull -q hello-world
        no_residue
        pulled_after_all
    done
}

# killed_at_call CALL N: pull big with the process that makes its Nth CALL killed just before it.
killed_at_call() {
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" LSAN_OPTIONS=detect_leaks=0 \
        run hub_run strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=SIGKILL:when=$2" \
        minidock pull big
}

@test "kill -9 before every rename, link and sync of publishing leaves the image absent or whole" {
    need_command strace
    points=0
    for call in renameat renameat2 symlinkat syncfs; do
        for ((n = 1; n < 40; n++)); do
            store_like "$PREPARED"
            killed_at_call "$call" "$n"
            killed="$status"
            after_kill big
            pulled_after_all
            [ "$killed" -ne 0 ] || break
            points=$((points + 1))
        done
        [ "$killed" -eq 0 ]
    done
    [ "$points" -ge 8 ]
}
