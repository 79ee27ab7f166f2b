# SPDX-License-Identifier: Apache-2.0
# Root file systems for the tests of run, and a terminal. Load after helpers.
#
#   MINIDOCK_BUSYBOX      a static BusyBox; default: the host's, if it is static
#   MINIDOCK_TEST_IMAGES  directory with Alpine's mini root file systems; used where given

# So that a test types `minidock`, as a user does.
if [ -n "${MINIDOCK:-}" ]; then
    PATH="$(dirname "$MINIDOCK"):$PATH"
fi

static_busybox() {
    local path

    for path in "${MINIDOCK_BUSYBOX:-}" /bin/busybox /usr/bin/busybox; do
        if [ -x "$path" ] && ! readelf -lW "$path" | grep -q INTERP; then
            echo "$path"
            return 0 # in teardown a bare one has the status of the test
        fi
    done
    return 1
}

# busybox_root DIR: BusyBox, a link for each of its commands, and users.
busybox_root() {
    local busybox applet

    busybox="$(static_busybox)" || { echo "no static BusyBox" >&2; return 1; }
    mkdir -p "$1"/{bin,dev,etc,home/bob,proc,root,sbin,sys,tmp,usr/bin,var}
    chmod 1777 "$1/tmp"
    cp "$busybox" "$1/bin/busybox"
    for applet in $("$busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
    done
    cat >"$1/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
bob:x:1000:1000:Bob:/home/bob:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
END
    cat >"$1/etc/group" <<'END'
root:x:0:
audio:x:29:bob
video:x:44:root,bob
bob:x:1000:
nobody:x:65534:
END
}

# can_run: whether containers can be made here at all; for setup_file, which must not fail.
can_run() {
    [ "$(id -u)" = 0 ] && [ -x "${MINIDOCK:-}" ] && static_busybox >/dev/null
}

# need_containers: for setup.
need_containers() {
    need_root && need_minidock || return 1
    static_busybox >/dev/null || skip_or_fail "needs busybox-static"
}

# busybox_store: for setup_file; a store whose one image is busybox:latest, its root in $ROOTFS.
busybox_store() {
    can_run || return 0
    fresh_store
    export SOURCE_ROOT="$BATS_FILE_TMPDIR/busybox-root"
    busybox_root "$SOURCE_ROOT"
    minidock import -c 'CMD ["/bin/sh"]' "$SOURCE_ROOT" busybox
    ROOTFS="$(minidock image path busybox)"
    export ROOTFS
}

# box OPTION... COMMAND...: a container of busybox that is removed afterwards.
box() {
    minidock run --rm "$@"
}

# in_terminal COMMAND [WORD...]: runs it in a terminal; standard input says what to type and what to
# wait for. See lib/terminal.py.
in_terminal() {
    "$E2E_PYTHON" "$E2E_LIB/terminal.py" "$@"
}

# start_sleeper NAME [OPTION...] [-- COMMAND...]: a container in the background of this shell, PID 1 being a
# sleep; sets RUNNER (the pid of minidock) and INIT (that of the container's PID 1).
start_sleeper() {
    local name="$1" tries

    shift
    minidock run --name "$name" "$@" </dev/null >"$BATS_TEST_TMPDIR/$name.out" 2>&1 3>&- &
    RUNNER=$!
    for ((tries = 0; tries < 200; tries++)); do
        INIT="$(minidock inspect --format '{{.State.Pid}}' "$name" 2>/dev/null)" || INIT=0
        # The program itself, not minidock on its way there.
        if [ "${INIT:-0}" -gt 0 ] && [ "$(cat "/proc/$INIT/comm" 2>/dev/null)" = sleep ]; then
            return 0
        fi
        sleep 0.05
    done
    cat "$BATS_TEST_TMPDIR/$name.out" >&2
    return 1
}

# gone PID: within five seconds there is no such process (a zombie counts as gone).
gone() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        [ -e "/proc/$1/stat" ] || return 0
        [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" != Z ] || return 0
        sleep 0.05
    done
    ps -fp "$1" >&2
    return 1
}

# ends PID: that child of this shell ends within five seconds; its exit status is in $status.
ends() {
    gone "$1" || { kill -KILL "$1"; return 1; }
    wait "$1" && status=0 || status=$?
}

# tree_hash DIR: one line for all names, types, modes, owners, times and contents below it.
tree_hash() {
    (cd "$1" && {
        find . -printf '%p %y %m %U %G %T@ %s %l\n' | LC_ALL=C sort
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    }) | sha256sum
}

# appears TEXT FILE: within ten seconds the file holds the text.
appears() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        ! grep -qF -- "$1" "$2" || return 0
        sleep 0.05
    done
    echo "not in $2: $1; but:" >&2
    cat "$2" >&2
    return 1
}

# settled COMMAND...: within ten seconds the command prints nothing any more.
settled() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [ -n "$("$@")" ] || return 0
        sleep 0.05
    done
    "$@" >&2
    return 1
}

# soon_no_residue: no_residue within ten seconds. A watcher may still be deleting what has ended.
soon_no_residue() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        ! no_residue >/dev/null || return 0
        sleep 0.05
    done
    no_residue
}

# leave_nothing: for teardown; soon_no_residue, and then what a failed test has left goes, so that it
# does not fail the next one.
leave_nothing() {
    local status=0

    soon_no_residue || status=1
    minidock ps -aq --no-trunc | xargs -r minidock rm -f >/dev/null || status=1
    rm -rf "${MINIDOCK_ROOT:?}"/.trash/*
    return "$status"
}
