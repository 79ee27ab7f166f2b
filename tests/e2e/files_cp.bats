#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp in both directions: docker's table of what exists, owners, tars, volumes, containers that run.

bats_require_minimum_version 1.5.0
load helpers
load roots

setup_file() {
    can_run || return 0
    busybox_store
}

teardown_file() {
    drop_scratch
}

setup() {
    need_containers
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    can_run || return 0
    leave_nothing
    minidock volume prune -af >/dev/null
}

# stopped NAME [SCRIPT]: a container that has ended.
stopped() {
    minidock run --name "$1" busybox sh -c "${2:-true}"
}

# inside NAME PATH: the content of a file of a container that does not run.
inside() {
    minidock cp "$1:$2" - | tar xO
}

# in_tree NAME PATH: what is at and below a path of a container, one a line.
in_tree() {
    minidock cp "$1:$2" - | tar t | sed 's,/$,,' | LC_ALL=C sort | tr '\n' ' '
}

here() {
    (cd "$(dirname "$1")" && find "$(basename "$1")" | LC_ALL=C sort | tr '\n' ' ')
}

@test "out of a container, docker's table: what is copied and what is there decide" {
    stopped cc 'mkdir -p /dir/sub; echo one >/dir/file; echo two >/dir/sub/deep; echo three >/plain'
    mkdir into existing
    echo old >old

    minidock cp cc:/plain new
    [ "$(cat new)" = three ]
    run minidock cp cc:/plain nowhere/
    exited 1
    said "no such directory"
    [ ! -e nowhere ]
    minidock cp cc:/plain old
    [ "$(cat old)" = three ]
    minidock cp cc:/plain into
    minidock cp cc:/plain existing/
    [ "$(cat into/plain existing/plain)" = "$(printf 'three\nthree')" ]

    minidock cp cc:/dir fresh
    [ "$(here fresh)" = "fresh fresh/file fresh/sub fresh/sub/deep " ]
    minidock cp cc:/dir/. fresh2
    [ "$(here fresh2)" = "fresh2 fresh2/file fresh2/sub fresh2/sub/deep " ]
    run minidock cp cc:/dir old
    exited 1
    said "cannot copy directory"
    [ "$(cat old)" = three ]
    rm -r into && mkdir into
    minidock cp cc:/dir into
    [ "$(here into)" = "into into/dir into/dir/file into/dir/sub into/dir/sub/deep " ]
    rm -r into && mkdir into
    minidock cp cc:/dir/. into
    [ "$(here into)" = "into into/file into/sub into/sub/deep " ]
    minidock cp cc:dir/sub/ into/sub2
    [ "$(cat into/sub2/deep)" = two ]
}

@test "into a container, the same table" {
    stopped cc 'mkdir /into /existing; echo old >/old; ln -s /into /link; ln -s /later /dangling'
    mkdir -p dir/sub
    echo one >dir/file
    echo two >dir/sub/deep
    echo three >plain

    minidock cp plain cc:/new
    [ "$(inside cc /new)" = three ]
    run minidock cp plain cc:/nowhere/
    exited 1
    said "no such directory"
    minidock cp plain cc:/old
    [ "$(inside cc /old)" = three ]
    minidock cp plain cc:/into
    minidock cp ./plain cc:/existing/
    [ "$(inside cc /into/plain)$(inside cc /existing/plain)" = threethree ]
    minidock cp dir cc:/fresh
    [ "$(in_tree cc /fresh)" = "fresh fresh/file fresh/sub fresh/sub/deep " ]
    minidock cp dir/. cc:/fresh2
    [ "$(in_tree cc /fresh2)" = "fresh2 fresh2/file fresh2/sub fresh2/sub/deep " ]
    run minidock cp dir cc:/old
    exited 1
    said "cannot copy directory"
    [ "$(inside cc /old)" = three ]
    minidock cp dir cc:/existing
    [ "$(in_tree cc /existing)" = "existing existing/dir existing/dir/file existing/dir/sub existing/dir/sub/deep existing/plain " ]
    minidock cp dir/. cc:/link
    [ "$(in_tree cc /into)" = "into into/file into/plain into/sub into/sub/deep " ]
    minidock cp plain cc:/dangling
    [ "$(inside cc /later)" = three ]
    run minidock cp plain cc:/no/such/place
    exited 1
    said "Could not find the file /no/such in container cc"
    run minidock cp dir cc:/into/plain/
    exited 1
}

@test "the status is 1 and the words are docker's where something is missing" {
    stopped cc
    run minidock cp cc:/nothing .
    exited 1
    said "Could not find the file /nothing in container cc"
    run minidock cp nobody:/x .
    exited 1
    said "No such container: nobody"
    run minidock cp cc:/etc/passwd no/such/place
    exited 1
    said 'does not exist'
    run minidock cp nothing cc:/
    exited 1
    said "nothing"
    run minidock cp cc:/x cc:/y
    exited 1
    said "copying between containers is not supported"
    run minidock cp x y
    exited 1
    said "must specify at least one container source"
    run minidock cp cc:/etc/passwd/ .
    exited 1
    run minidock cp cc:/etc
    exited 125
    [ -z "$(ls -A)" ]
}

@test "a directory never takes the place of a file, nor a file that of a directory" {
    stopped cc 'mkdir -p /to/dir/a; echo x >/to/dir/b'
    mkdir -p from/dir/b
    echo x >from/dir/a
    run minidock cp from/. cc:/to
    exited 1
    said 'cannot overwrite'
    rm -r from/dir/a
    run minidock cp from/. cc:/to
    exited 1
    said 'cannot overwrite non-directory "dir/b" with directory'
}

@test "what comes out is the caller's, what goes in is root's; -a keeps owners, modes and more" {
    stopped cc 'mkdir /d; echo x >/d/f; chown -R 1000:44 /d; chmod 4711 /d/f; touch -d "2001-02-03 00:00:00" /d/f; ln /d/f /d/hard; ln -s f /d/link'
    minidock cp cc:/d plain
    [ "$(stat -c '%u:%g %a' plain/f)" = "$(id -u):$(id -g) 711" ]
    minidock cp -a cc:/d kept
    [ "$(stat -c '%u:%g %a' kept kept/f)" = "$(printf '1000:44 755\n1000:44 4711')" ]
    [ "$(stat -c %i kept/f)" = "$(stat -c %i kept/hard)" ]
    [ "$(stat -c %Y kept/f)" = "$(date -ud 2001-02-03 +%s)" ]
    [ "$(readlink kept/link)" = f ]
    minidock cp kept cc:/in
    minidock cp -a kept cc:/in-kept
    minidock cp cc:/in - | tar tvf - --numeric-owner | grep -q '^-rwx--x--x 0/0 .* in/f'
    minidock cp cc:/in-kept - | tar tvf - --numeric-owner | grep -q '^-rws--x--x 1000/44 .* in-kept/f'
}

@test "extended attributes and holes survive -a" {
    stopped cc
    mkdir d
    truncate -s 10M d/sparse
    echo end >>d/sparse
    setfattr -n user.colour -v blue d/sparse
    minidock cp -a d cc:/d
    minidock cp -a cc:/d back
    cmp d/sparse back/sparse
    [ "$(getfattr --only-values -n user.colour back/sparse)" = blue ]
    [ "$(stat -c %b back/sparse)" -lt 100 ]
}

@test "-L copies what a link leads to, under the link's name; without it the link" {
    stopped cc 'mkdir /d; echo x >/d/f; ln -s d/f /link; ln -s /d /dirlink'
    minidock cp cc:/link plain
    [ "$(readlink plain)" = d/f ]
    rm plain
    mkdir into
    minidock cp -L cc:/link into
    [ ! -L into/link ]
    [ "$(cat into/link)" = x ]
    minidock cp -L cc:/dirlink into
    [ "$(cat into/dirlink/f)" = x ]
    ln -s /etc/hostname hostlink
    minidock cp hostlink cc:/
    minidock cp -L hostlink cc:/followed
    [ "$(inside cc /followed)" = "$(cat /etc/hostname)" ]
    minidock cp cc:/hostlink - | tar tv | grep -q 'hostlink -> /etc/hostname'
}

@test "- is a tar on either side, with its owners" {
    stopped cc 'mkdir -p /d/e; echo x >/d/e/f; chown 7:8 /d/e/f'
    minidock cp cc:/d - >d.tar
    [ "$(tar tf d.tar | tr '\n' ' ')" = "d/ d/e/ d/e/f " ]
    stopped other 'mkdir /to'
    minidock cp - other:/to <d.tar
    minidock cp other:/to/d - | tar tvf - --numeric-owner | grep -q ' 7/8 .* d/e/f'
    run minidock cp - other:/to/d/e/f <d.tar
    exited 1
    said 'destination "other:/to/d/e/f" must be a directory'
    run minidock cp - other:/nowhere <d.tar
    exited 1
    said 'destination "other:/nowhere" must be a directory'
    run minidock cp - other:/to <<<"this is no tar at all, whatever else it may be"
    exited 1
    said "not a sound tar"
}

@test "a tar that leads outside is refused, and its links stay inside" {
    stopped cc 'mkdir /to'
    "$E2E_PYTHON" -B - <<'END'
import io, tarfile
def write(name, *members):
    with tarfile.open(name, "w") as tar:
        for path, kind, target in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, target
            data = b"evil" if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
write("dots.tar", ("../../escaped", tarfile.REGTYPE, ""))
write("link.tar", ("out", tarfile.SYMTYPE, "/"), ("out/escaped", tarfile.REGTYPE, ""))
write("hard.tar", ("h", tarfile.LNKTYPE, "../../etc/passwd"))
END
    run minidock cp - cc:/to <dots.tar
    exited 1
    said "leads outside"
    minidock cp - cc:/to <link.tar
    run minidock cp - cc:/to <hard.tar
    exited 1
    [ ! -e /escaped ]
    in_tree cc /to | grep -q "to/escaped"
}

@test "-q says nothing, and else how much was copied is said on stderr" {
    stopped cc
    run --separate-stderr minidock cp /etc/hostname cc:/x
    exited 0
    [ -z "$output" ]
    [[ "$stderr" =~ ^Successfully\ copied\ [0-9.]+k?B\ to\ cc:/x$ ]]
    run minidock cp -q cc:/x .
    exited 0
    [ -z "$output" ]
}

@test "a container that runs is copied from and to as it sees its files, volumes and tmpfs included" {
    start_sleeper live -v vol:/vol --tmpfs /mem busybox sh -c 'echo v >/vol/file; echo m >/mem/file; exec sleep 1000'
    [ "$(inside live /vol/file)$(inside live /mem/file)" = vm ]
    echo in >in
    minidock cp in live:/vol/in
    minidock cp in live:/mem/in
    minidock cp in live:/in
    [ "$(cat "$(minidock volume inspect -f '{{.Mountpoint}}' vol)/in")" = in ]
    [ "$(cat "/proc/$INIT/root/mem/in" "/proc/$INIT/root/in")" = "$(printf 'in\nin')" ]
    minidock cp live:/ - | tar t >list
    grep -qx ./vol/file list
    ! grep -q '^./proc/.\|^./sys/.\|^./dev/.' list
    minidock rm -f live
}

@test "volumes are copied from and to also where the container does not run" {
    stopped cc
    minidock run --name vv -v vol:/vol -v "$BATS_TEST_TMPDIR:/host:ro" busybox sh -c 'echo v >/vol/file'
    [ "$(inside vv /vol/file)" = v ]
    echo in >in
    minidock cp in vv:/vol
    [ "$(cat "$(minidock volume inspect -f '{{.Mountpoint}}' vol)/in")" = in ]
    [ "$(inside vv /host/in)" = in ]
    run minidock cp in vv:/host/other
    exited 1
    said "Read-only file system"
    [ ! -e other ]
    # Nothing of it was written into the container's own layer.
    run minidock diff vv
    said_not /vol/in
}

@test "a read-only root file system is not written to" {
    minidock run --name ro --read-only -v vol:/vol busybox true
    run minidock cp /etc/hostname ro:/x
    exited 1
    said "Read-only file system"
    minidock cp /etc/hostname ro:/vol/x
    run minidock diff ro
    said_not /x
}

@test "a paused container can be copied from and to" {
    start_sleeper still busybox sleep 1000
    kill -STOP "$INIT"
    minidock cp /etc/hostname still:/x
    [ "$(inside still /x)" = "$(cat /etc/hostname)" ]
    minidock rm -f still
}

@test "a --rootfs container is copied to without touching the directory" {
    before="$(tree_hash "$SOURCE_ROOT")"
    minidock run --name rr --rootfs "$SOURCE_ROOT" /bin/true
    minidock cp /etc/hostname rr:/etc/new
    [ "$(inside rr /etc/new)" = "$(cat /etc/hostname)" ]
    [ "$(tree_hash "$SOURCE_ROOT")" = "$before" ]
}

@test "names that are no text, and long ones, survive both ways" {
    stopped cc
    mkdir d
    touch "d/$(printf 'a\377b')" "d/$(printf '\303\244 \n x')" "d/$(printf 'n%.0s' {1..250})"
    minidock cp d cc:/d
    minidock cp cc:/d back
    [ "$(ls -A d | sha256sum)" = "$(ls -A back | sha256sum)" ]
}

@test "the image stays as it is, whatever is copied into its containers" {
    before="$(tree_hash "$ROOTFS")"
    stopped cc
    minidock cp /etc/hostname cc:/etc/passwd
    minidock cp /etc/hostname cc:/bin/busybox
    [ "$(tree_hash "$ROOTFS")" = "$before" ]
}

# The container exchanges a directory and a link to $OUT as fast as it can. $OUT exists on the
# host with a canary, and in the container with another one.
start_swapper() {
    OUT="$BATS_TEST_TMPDIR/out"
    mkdir "$OUT"
    echo of-the-host >"$OUT/file"
    minidock run --name swapper -v "$MINIDOCK_INSIDE:/inside:ro" busybox sh -c "
        mkdir -p '$OUT' /s/a/sub; echo of-the-container >'$OUT/file'; echo of-the-container >/s/a/file
        mkdir '$OUT/sub'; ln -s '$OUT' /s/b; echo ready; exec /inside swap /s/a /s/b" \
        >"$BATS_TEST_TMPDIR/swapper.out" 2>&1 3>&- &
    appears ready "$BATS_TEST_TMPDIR/swapper.out"
}

@test "cp from a container that swaps directories for links never reads outside" {
    start_swapper
    for ((round = 0; round < 50; round++)); do
        for path in /s/a/file /s/a /s/a/. /s /s/b/file; do
            minidock cp "swapper:$path" - 2>/dev/null | tar xO 2>/dev/null || true
        done
    done >read
    minidock rm -f swapper
    grep -q of-the-container read
    ! grep -q of-the-host read
}

@test "cp to a container that swaps directories for links never writes outside" {
    start_swapper
    mkdir -p from/sub/deeper
    echo new >from/written
    echo new >from/sub/deeper/written
    before="$(tree_hash "$OUT")"
    written=0
    for ((round = 0; round < 50; round++)); do
        for path in /s/a /s/a/ /s/b/written /s/a/sub; do
            ! minidock cp -q from/. "swapper:$path" 2>/dev/null || written=$((written + 1))
            ! minidock cp -q from/written "swapper:$path" 2>/dev/null || written=$((written + 1))
        done
    done
    [ "$(tree_hash "$OUT")" = "$before" ]
    [ "$written" -gt 0 ]
    minidock rm -f swapper
}

@test "a container that is just being started is waited for, and the host's root is never taken for its" {
    for ((round = 0; round < 30; round++)); do
        minidock run --name starting busybox sleep 1000 >/dev/null 2>&1 3>&- &
        until minidock inspect starting >/dev/null 2>&1; do :; done
        minidock cp -q /etc/hostname starting:/minidock-canary
        [ ! -e /minidock-canary ]
        minidock rm -f starting >/dev/null
        wait
    done
}

@test "a PID 1 that has not entered its root yet is waited for: what it shows is the host's" {
    stopped cc
    state="$MINIDOCK_ROOT/.containers/$(minidock ps -aq --no-trunc)/state.json"
    sleep 1000 3>&- &
    "$E2E_PYTHON" -B - "$state" "$!" "$$" <<'END'
import json, sys
path, init, runner = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def stamp(pid):
    fields = open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()
    return {"pid": pid, "start_time": int(fields[19])}
state = json.load(open(path))
state.update(status="running", init=stamp(init), runner=stamp(runner))
json.dump(state, open(path, "w"))
END
    exec 8<"$(dirname "$state")"
    flock -x 8
    run timeout 1 minidock cp cc:/etc/hosts -
    exec 8<&-
    exited 124
    [ -z "$output" ]
    # Its runner is gone now: the next command ends the process, and copies from what there is.
    minidock cp cc:/etc/passwd - | tar xO | grep -q '^bob:'
}

@test "nothing of the image is executed by cp, export and commit" {
    mkdir -p trap/bin trap/usr/bin trap/lib/x86_64-linux-gnu trap/etc
    cp "$(static_busybox)" trap/bin/sh
    for name in unpigz gzip xz zstd tar sh.distrib nsenter; do
        printf '#!/bin/sh\ntouch /trapped\n' >"trap/usr/bin/$name"
        chmod +x "trap/usr/bin/$name"
    done
    for name in libnss_files.so.2 libnss_compat.so.2 libc.so.6 libarchive.so.13; do
        echo "no library" >"trap/lib/x86_64-linux-gnu/$name"
    done
    echo /lib/evil.so >trap/etc/ld.so.preload
    minidock import trap trapped >/dev/null
    start_sleeper trap trapped /bin/sh -c 'exec sleep 1000' || true
    minidock cp trap:/bin - >/dev/null
    minidock cp /etc/hostname trap:/x
    minidock export trap >/dev/null
    minidock commit trap >/dev/null
    minidock rm -f trap
    [ ! -e /trapped ]
}
