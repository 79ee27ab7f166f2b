# SPDX-License-Identifier: Apache-2.0
# A scripted server in a box of its own, for bats: one per file (setup_file: faulty_start; teardown_file:
# faulty_stop). Its images: lib/faulty_image.py; how answers are spoiled: lib/faulty_script.py; what it can
# do: lib/faulty_registry.py.
# Use after hub.bash: hub_run, pull, rootfs, tree and drive act in the box.

# faulty_start KINDS [ADDRESS]: a server with a listener for each of KINDS (their ports are in PORTS), in a
# network and mount namespace with 127.0.0.1, 10.99.0.1, certificates in FAULTY_DIR/pki, no name server yet,
# and fd00:99::2, which swallows what is sent to it.
faulty_start() {
    need_root && need_minidock && need_command ip && need_command openssl || return 1
    FAULTY_DIR="$(mktemp -d "$(scratch_dir)/faulty.XXXXXX")"
    export FAULTY_DIR
    faulty_py pki "$FAULTY_DIR/pki" && faulty_py faulty_image "$FAULTY_DIR" && spoil || return 1
    printf 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n' >"$FAULTY_DIR/resolv.conf"
    printf '127.0.0.1 localhost\n' >"$FAULTY_DIR/hosts"
    unshare --net --mount --propagation private -- bash -ec '
        mount --bind "$1/resolv.conf" /etc/resolv.conf
        mount --bind "$1/hosts" /etc/hosts
        ip link set lo up
        ip address add 10.99.0.1/32 dev lo
        ip link add hole type veth peer name end
        ip link set hole up
        ip link set end up
        ip address add fd00:99::1/64 dev hole nodad
        ip -6 neighbour add fd00:99::2 lladdr 02:00:00:00:00:02 dev hole
        exec "${@:2}"' in-box "$FAULTY_DIR" "$E2E_PYTHON" -B "$E2E_LIB/faulty_registry.py" \
        --script "$FAULTY_DIR/script.json" --log "$FAULTY_DIR/log" --events "$FAULTY_DIR/events" \
        --certs "$FAULTY_DIR/pki" --listen "$1" --address "${2:-127.0.0.1}" --watch $$ \
        >"$FAULTY_DIR/ports" 2>"$FAULTY_DIR/server-log" 3>&- </dev/null &
    HUB_PID=$!
    export HUB_PID
    wait_for_words "$HUB_PID" "$FAULTY_DIR/ports" || {
        cat "$FAULTY_DIR/server-log" >&2
        return 1
    }
    read -ra PORTS <"$FAULTY_DIR/ports"
}

# faulty_names NAME=ANSWER...: start the box's name server (lib/names.py).
faulty_names() {
    hub_run "$E2E_PYTHON" -B "$E2E_LIB/names.py" "$HUB_PID" "$@" 3>&- >"$FAULTY_DIR/names" </dev/null &
    wait_for_words $! "$FAULTY_DIR/names"
}

# wait_for_words PID FILE: until the process has written something there; fails if it ends before.
wait_for_words() {
    until [ -s "$2" ]; do
        kill -0 "$1" || return 1
        sleep 0.02
    done
}

faulty_stop() {
    if [ -n "${HUB_PID:-}" ]; then
        kill "$HUB_PID"
        tail --pid="$HUB_PID" -f /dev/null
    fi
}

faulty_py() {
    "$E2E_PYTHON" -B "$E2E_LIB/$1.py" "${@:2}"
}

# spoil [NAME=ANSWERS]...: from now on the server is honest but for these; its log begins anew.
spoil() {
    faulty_py faulty_script "$FAULTY_DIR" "$@"
    : >"$FAULTY_DIR/log"
    : >"$FAULTY_DIR/events"
}

# part NAME digest|size
part() {
    awk -v name="$1" -v field="$([ "$2" = size ] && echo 3 || echo 2)" '$1 == name { print $field }' \
        "$FAULTY_DIR/parts"
}

# asked [TEXT]...: how many requests since spoil hold all the texts.
asked() {
    local lines text

    lines="$(cat "$FAULTY_DIR/log")"
    for text in "$@"; do
        lines="$(grep -F -- "$text" <<<"$lines" || true)"
    done
    grep -c . <<<"$lines" || true
}

# asked_for NAME [TEXT]...: the same of one part.
asked_for() {
    asked "$(part "$1" digest)" "${@:2}"
}

# bounded NAME: the pull of NAME, output for `run`; status 98 when it takes long or much memory.
bounded() {
    drive within "${BOUND_SECONDS:-20}" "$([ -n "${MINIDOCK_SANITIZED:-}" ] && echo 4096 || echo 48)" -- \
        minidock pull "$@"
}

# names_of: what the store's names lead to.
names_of() {
    find "$MINIDOCK_ROOT" -maxdepth 1 -type l -printf '%f %l\n' | sort
}

# fails NAME WORD...: the pull of NAME fails in bounded time and memory, with status 1 and one error line
# without control bytes that has every WORD; all names are as they were and nothing unfinished is left. It
# begins with the prepared store.
fails() {
    local word before line

    store_like "$PREPARED"
    before="$(names_of)"
    run bounded "$1"
    exited 1 || return 1
    line="$(grep '^minidock: ' <<<"$output")" || true
    [ "$(grep -c . <<<"$line")" = 1 ] && ! LC_ALL=C grep -q '[[:cntrl:]]' <<<"$line" || {
        echo "not one clean error line: $output" >&2
        return 1
    }
    for word in "${@:2}"; do
        grep -qF -- "$word" <<<"$line" || {
            echo "the error does not say '$word': $line" >&2
            return 1
        }
    done
    [ "$(names_of)" = "$before" ] || {
        echo "names have changed: $before, now $(names_of)" >&2
        return 1
    }
    no_residue
}

# succeeds NAME: the pull of NAME succeeds in bounded time and memory, with the right tree.
succeeds() {
    run bounded "$1"
    exited 0 || return 1
    right_tree "$1"
}

right_tree() {
    tree "$(rootfs "$1")" --no-dir-times >"$BATS_TEST_TMPDIR/tree"
    same_tree "$FAULTY_DIR/tree" "$BATS_TEST_TMPDIR/tree"
}

# mended NAME: what failed before succeeds with an honest server, and leaves nothing.
mended() {
    spoil
    succeeds "$1" && no_residue --clean
}

# prepare_faulty NAME: for setup_file: what a:latest unpacks to in FAULTY_DIR/tree, and PREPARED, a store
# where NAME is an older image.
prepare_faulty() {
    fresh_store
    spoil
    pull -q "$1" && tree "$(rootfs "$1")" --no-dir-times >"$FAULTY_DIR/tree" || return 1
    [ "$(wc -l <"$FAULTY_DIR/tree")" = 9 ]
    fresh_store
    PREPARED="$MINIDOCK_ROOT"
    export PREPARED
    spoil 'GET /v2/a/manifests/latest={"like": "oldmanifest"}' \
        "GET /v2/a/blobs/$(part oldconfig digest)={\"like\": \"oldconfig\"}" \
        "GET /v2/a/blobs/$(part old0 digest)={\"like\": \"old0\"}"
    pull -q "$1"
}
