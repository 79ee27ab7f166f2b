# SPDX-License-Identifier: Apache-2.0
# What every end-to-end test shares: the program, a store of its own, and the check that nothing is left behind.
#
#   MINIDOCK         absolute path of the program under test (required)
#   MINIDOCK_STRICT  1: a test that cannot run here fails instead of being skipped
#   MINIDOCK_TEST_SCRATCH  directory on a real file system (ext4, xfs, btrfs) for stores;
#                          default: the directory bats made, or /var/tmp where that is a tmpfs
#
# Use: load helpers    (then, in setup: fresh_store)

E2E_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
E2E_LIB="$E2E_DIR/lib"
E2E_PYTHON="${E2E_PYTHON:-/usr/bin/python3}"

# skip_or_fail REASON: this test cannot run here. With MINIDOCK_STRICT=1 that is a failure. In
# setup_file, where bats cannot skip, it keeps the reason for the tests and fails; so write
#
#   setup_file() {
#       need_root || { not_here; return; }
#       ...
#   }
#   setup() {
#       skip_if_not_here
skip_or_fail() {
    if [ "${MINIDOCK_STRICT:-0}" = 1 ]; then
        echo "cannot run here, and MINIDOCK_STRICT=1: $1" >&2
        return 1
    fi
    if [ -z "${BATS_TEST_NAME:-}" ]; then
        export E2E_CANNOT="$1"
        return 1
    fi
    skip "$1"
}

# not_here: success if it was skip_or_fail that gave up, so that its tests skip.
not_here() {
    [ -n "${E2E_CANNOT:-}" ]
}

skip_if_not_here() {
    [ -z "${E2E_CANNOT:-}" ] || skip "$E2E_CANNOT"
}

# need_root, need_minidock, need_command NAME: skip_or_fail unless it is there.
need_root() {
    [ "$(id -u)" = 0 ] || skip_or_fail "needs root"
}

need_minidock() {
    [ -n "${MINIDOCK:-}" ] || skip_or_fail "MINIDOCK does not name the program under test"
    [ -x "$MINIDOCK" ] || skip_or_fail "MINIDOCK=$MINIDOCK cannot be executed"
}

need_command() {
    command -v "$1" >/dev/null || skip_or_fail "needs $1"
}

# scratch_dir: print a directory for this bats file on a file system that keeps xattrs and devices.
scratch_dir() {
    local base="${MINIDOCK_TEST_SCRATCH:-$BATS_FILE_TMPDIR}"

    if [ "$(stat -f -c %T "$base")" = tmpfs ]; then
        base=/var/tmp
    fi
    if [ "$base" != "$BATS_FILE_TMPDIR" ]; then
        base="$base/minidock-e2e.${BATS_FILE_TMPDIR//[^A-Za-z0-9]/_}"
        mkdir -p "$base"
    fi
    echo "$base"
}

# drop_scratch: for teardown_file; removes what scratch_dir made outside the directory of bats.
drop_scratch() {
    local dir

    dir="$(scratch_dir)"
    [ "$dir" = "$BATS_FILE_TMPDIR" ] || rm -rf --one-file-system "$dir"
}

# fresh_store: an empty store for this test, in MINIDOCK_ROOT; minidock reads that variable itself.
fresh_store() {
    MINIDOCK_ROOT="$(mktemp -d "$(scratch_dir)/store.XXXXXX")"
    export MINIDOCK_ROOT
}

# store_like DIRECTORY: a store of its own for what follows, filled as DIRECTORY is.
store_like() {
    fresh_store && cp -a "$1/." "$MINIDOCK_ROOT/"
}

# no_residue [--sound|--clean] [DIR]: fails, naming each finding, when the store DIR (default:
# MINIDOCK_ROOT) has a name that leads nowhere, a half image or layer, unfinished work or trash, or
# when a mount or process of minidock that belongs to it is left. --clean: nor any finished work
# that no image uses yet. --sound: do not look at unfinished work (nothing has run since a kill).
no_residue() {
    local how=()

    if [[ "${1:-}" = --* ]]; then
        how=("$1")
        shift
    fi
    in_box "$E2E_PYTHON" -B "$E2E_LIB/residue.py" "${how[@]}" "${1:-$MINIDOCK_ROOT}"
}

# in_box COMMAND...: as hub_run where the file has a box (hub.bash), else as it is.
in_box() {
    if [ -n "${HUB_PID:-}" ]; then
        hub_run "$@"
    else
        "$@"
    fi
}

# said TEXT: the output of the last `run` contains TEXT; else shows the output and fails.
said() {
    [[ "$output" == *"$1"* ]] && return 0
    printf 'not said: %s\n--- status %s, output:\n%s\n' "$1" "$status" "$output" >&2
    return 1
}

# said_not TEXT: the reverse.
said_not() {
    [[ "$output" != *"$1"* ]] && return 0
    printf 'said, but should not be: %s\n--- status %s, output:\n%s\n' "$1" "$status" "$output" >&2
    return 1
}

# exited N: the last `run` ended with status N; else shows the output and fails.
exited() {
    [ "$status" -eq "$1" ] && return 0
    printf 'exit status %s, expected %s; output:\n%s\n' "$status" "$1" "$output" >&2
    return 1
}
