# SPDX-License-Identifier: Apache-2.0
# For files of pulls that must not succeed: a store that has only busybox, and the check that a refused
# pull changes nothing in it. Use after hub.bash.

# prepare_refused: for setup_file.
prepare_refused() {
    need_pull || return 1
    fresh_store
    PREPARED="$MINIDOCK_ROOT"
    BEFORE="$(scratch_dir)/before"
    export PREPARED BEFORE
    pull -q busybox:1.38.0-musl && tree "$(rootfs busybox:1.38.0-musl)" >"$BEFORE"
}

# refused NAME WORD...: the pull of NAME, into a store that has only busybox, fails with one line that
# has every WORD; NAME is not there, nothing is left, and busybox is as it was.
refused() {
    local name="$1" word

    store_like "$PREPARED"
    run hub_run minidock pull "$name"
    [ "$status" -eq 1 ] || {
        echo "pull $name: status $status, output: $output" >&2
        return 1
    }
    [ "$(grep -c '^minidock: ' <<<"$output")" = 1 ] || {
        echo "pull $name: not one error line: $output" >&2
        return 1
    }
    for word in "${@:2}"; do
        grep '^minidock: ' <<<"$output" | grep -qF -- "$word" || {
            echo "pull $name: the error does not say '$word': $output" >&2
            return 1
        }
    done
    absent "$name" && no_residue && unharmed
}

unharmed() {
    tree "$(rootfs busybox:1.38.0-musl)" >"$BATS_TEST_TMPDIR/after"
    same_tree "$BEFORE" "$BATS_TEST_TMPDIR/after"
}
