# SPDX-License-Identifier: Apache-2.0
# Docker Hub in a box, for bats: one box per file (setup_file: hub_start; teardown_file: hub_stop).
#
#   MINIDOCK_DOCKER_REGISTRY  Debian's docker-registry program; it is never installed or started
#                             as a service
#   MINIDOCK_TEST_IMAGES      directory with the published images; without it the box has stand-ins
#
# What the box is and holds: lib/hub.py, lib/catalog.py. What it can do wrong: lib/servers.py.
# Use after helpers.bash.

# Nothing is configured in the box, whatever the host's own environment says.
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE DOCKER_CONFIG DOCKER_DEFAULT_PLATFORM \
    REGISTRY_AUTH_FILE XDG_CONFIG_HOME XDG_RUNTIME_DIR \
    HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy NO_PROXY no_proxy

export HOME="${BATS_FILE_TMPDIR:-/nonexistent}/home"

hub_py() {
    PYTHONDONTWRITEBYTECODE=1 "$E2E_PYTHON" "$E2E_LIB/hub.py" "$@"
}

# need_hub: skip_or_fail unless a box can be started here. For setup_file.
need_hub() {
    need_root && need_command openssl && need_command zstd || return 1
    [ -x "${MINIDOCK_DOCKER_REGISTRY:-}" ] ||
        skip_or_fail "MINIDOCK_DOCKER_REGISTRY does not name a docker-registry"
}

hub_start() {
    HUB_DIR="$(mktemp -u "$(scratch_dir)/hub.XXXXXX")"
    hub_py start "$HUB_DIR" $$ || return 1
    HUB_PID="$(cat "$HUB_DIR/pid")"
    export HUB_DIR HUB_PID
}

hub_stop() {
    if [ -n "${HUB_DIR:-}" ]; then
        hub_py stop "$HUB_DIR"
    fi
}

# hub_run COMMAND...: run it in the box, `minidock` being the program under test.
hub_run() {
    local path="$PATH"

    if [ -n "${MINIDOCK:-}" ]; then
        path="$(dirname "$MINIDOCK"):$path"
    fi
    PATH="$path" nsenter --target "$HUB_PID" --mount --net --pid --wdns="$PWD" -- "$@"
}

# hub_requests registry|token|cdn|trap|mirror|insecure|private|client|proxy: what that server was asked since hub_forget, a line each.
hub_requests() {
    hub_py requests "$HUB_DIR" "$1"
}

# hub_ranges registry|token|cdn MATCH: the Range field ("bytes=5-9", or "whole") of each of those whose
# path has MATCH, a digest for instance.
hub_ranges() {
    hub_py ranges "$HUB_DIR" "$@"
}

# hub_users registry|token|basic|public: who asked that server, a line each: METHOD PATH WHO.
hub_users() {
    hub_py users "$HUB_DIR" "$1"
}

hub_forget() {
    rm -f "$HUB_DIR"/log/*.jsonl "$HUB_DIR/events"
}

# hub_info IMAGE KEY [INDEX]: digest, manifest, config, image_id, layers, diff_ids, sizes, index.
hub_info() {
    hub_py info "$HUB_DIR" "$@"
}

# hub_tag REPOSITORY TAG DIGEST: as if it had been pushed.
hub_tag() {
    hub_py tag "$HUB_DIR" "$@"
}

# hub_fault registry|token|cdn|mirror|insecure|private|client MATCH KIND [ARG [TIMES]]: from now on; hub_heal ends all faults.
hub_fault() {
    hub_py fault "$HUB_DIR" "$@"
}

hub_heal() {
    rm -f "$HUB_DIR/faults.json"
}

hub_wait() {
    hub_py wait "$HUB_DIR" "$1"
}

# hub_kept_secrets: fails when the CDN was ever sent a header that is not its business.
hub_kept_secrets() {
    [ ! -e "${HUB_DIR:-}/violations" ] && return 0
    cat "$HUB_DIR/violations" >&2
    return 1
}

# need_pull: for setup_file of files that pull: box and program, started.
need_pull() {
    need_minidock && need_hub && hub_start
}

# pull NAME...: minidock pull in the box, which must succeed; output goes to the test's log.
pull() {
    hub_run minidock pull "$@" || {
        echo "minidock pull $*: status $?" >&2
        return 1
    }
}

# rootfs NAME: the directory of an image's root file system.
rootfs() {
    hub_run minidock image path "$1"
}

# absent NAME: fails when there is such an image.
absent() {
    if rootfs "$1" 2>/dev/null; then
        echo "$1 is there" >&2
        return 1
    fi
}

# tree DIRECTORY [--no-times|--no-dir-times]: its listing.
tree() {
    in_box "$E2E_PYTHON" -B "$E2E_LIB/treelist.py" ${2:+"$2"} "$1"
}

# same_tree LISTING LISTING: two files that must be equal; else shows where not.
same_tree() {
    [ -s "$1" ] || {
        echo "$1 is empty" >&2
        return 1
    }
    diff -u "$1" "$2" >"$BATS_FILE_TMPDIR/diff" && return 0
    head -40 "$BATS_FILE_TMPDIR/diff" >&2
    return 1
}

# drive ARGUMENT...: lib/drive.py in the box.
drive() {
    hub_run "$E2E_PYTHON" -B "$E2E_LIB/drive.py" "$@"
}

# the first 12 hex digits of a digest, as in docker's lines
short() {
    echo "${1:7:12}"
}

# elsewhere: a platform of the box's images that is not this machine's.
elsewhere() {
    case "$(uname -m)" in
    aarch64) echo linux/amd64 ;;
    *) echo linux/arm64 ;;
    esac
}
