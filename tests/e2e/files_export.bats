#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# export: the root file system of a container as a tar.

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
    minidock volume prune -af >/dev/null
}

@test "an exported container is its image with what it has changed" {
    minidock run --name cc busybox sh -c 'rm /bin/ls; echo x >/new; chown 3:4 /new; chmod 4755 /new; ln /new /hard; mkfifo /pipe'
    minidock export cc >"$BATS_TEST_TMPDIR/c.tar"
    mkdir "$BATS_TEST_TMPDIR/c"
    tar -C "$BATS_TEST_TMPDIR/c" --numeric-owner -xpf "$BATS_TEST_TMPDIR/c.tar"
    cd "$BATS_TEST_TMPDIR/c"
    [ ! -e bin/ls ]
    [ -e bin/cat ]
    [ "$(stat -c '%u:%g %a %h' new)" = "3:4 4755 2" ]
    [ "$(stat -c %i new)" = "$(stat -c %i hard)" ]
    [ -p pipe ]
    diff <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times bin) \
        <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times "$ROOTFS/bin" | grep -v '^ls	')
}

@test "an exported tar is imported again and runs" {
    minidock run --name cc busybox sh -c 'echo words >/new'
    minidock export cc | minidock import -c 'CMD ["/bin/sh"]' - again
    run minidock run --rm again cat /new
    exited 0
    [ "$output" = words ]
    minidock rmi again
}

@test "what is mounted is left out, also while the container runs" {
    start_sleeper live -v vol:/vol --tmpfs /mem -v "$BATS_TEST_TMPDIR:/host" busybox sh -c '
        echo x >/vol/x; echo x >/mem/x; echo x >/host/x; echo x >/own; exec sleep 1000'
    minidock export live | tar t >"$BATS_TEST_TMPDIR/list"
    grep -qx own "$BATS_TEST_TMPDIR/list"
    ! grep -E '^(vol|mem|host|proc|sys|dev)/.' "$BATS_TEST_TMPDIR/list"
    ! grep -q "$BATS_TEST_TMPDIR" /proc/self/mountinfo
    minidock rm -f live
}

@test "-o writes a file that appears when it is whole, and nothing else" {
    minidock run --name cc busybox true
    cd "$BATS_TEST_TMPDIR"
    run minidock export -o out.tar cc
    exited 0
    [ -z "$output" ]
    tar tf out.tar | grep -qx bin/busybox
    [ "$(stat -c %a out.tar)" = 600 ]
    run minidock export -o no/such/dir.tar cc
    exited 1
    run minidock export -o out2.tar nobody
    exited 1
    said "No such container: nobody"
    [ "$(ls)" = out.tar ]
    run bash -c 'minidock export -o /dev/full cc'
    exited 1
    said "No space left on device"
}

@test "a tar is not written to a terminal" {
    minidock run --name cc busybox true
    run in_terminal minidock export cc </dev/null
    said "cowardly refusing to save to a terminal"
    run in_terminal minidock cp cc:/bin - </dev/null
    said "cowardly refusing"
}

@test "a reader that goes away ends it" {
    minidock run --name cc busybox true
    run bash -c 'minidock export cc | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"'
    [ "${lines[-1]}" -ne 0 ]
}

@test "a container that swaps directories for links is exported from inside only" {
    out="$BATS_TEST_TMPDIR/out"
    mkdir "$out"
    echo of-the-host >"$out/file"
    minidock run --name swapper -v "$MINIDOCK_INSIDE:/inside:ro" busybox sh -c "
        mkdir -p /s/a; echo of-the-container >/s/a/file; ln -s '$out' /s/b
        echo ready; exec /inside swap /s/a /s/b" >"$BATS_TEST_TMPDIR/swapper.out" 2>&1 3>&- &
    appears ready "$BATS_TEST_TMPDIR/swapper.out"
    for ((round = 0; round < 40; round++)); do
        minidock export swapper | tar xO --wildcards 's/*' 2>/dev/null
    done >"$BATS_TEST_TMPDIR/read"
    minidock rm -f swapper
    ! grep -q of-the-host "$BATS_TEST_TMPDIR/read"
    grep -q of-the-container "$BATS_TEST_TMPDIR/read"
}
