#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exit statuses of run, and the sentence that comes with those that are ours.

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
}

@test "every status from 0 to 255 comes back as it was" {
    step=1
    # A sanitized build takes longer for each.
    [ -z "${MINIDOCK_SANITIZED:-}" ] || step=17
    for ((code = 0; code < 256; code += step)); do
        run minidock run --rm busybox sh -c "exit $code"
        exited "$code"
    done
}

@test "a program that is not there is 127, and is named" {
    run minidock run --rm busybox no-such-program
    exited 127
    said "no-such-program"
    [ "${#lines[@]}" -eq 1 ]
    run minidock run --rm busybox /no/such/program
    exited 127
    said "/no/such/program"
}

@test "a script whose interpreter is not there is 127" {
    run minidock run --rm -v "$(script '#!/no/such/interpreter')":/script busybox /script
    exited 127
    said "/script"
}

@test "a program that may not be executed, a directory and text that is no program are 126" {
    run minidock run --rm busybox /etc/passwd
    exited 126
    said "/etc/passwd"
    run minidock run --rm busybox /etc
    exited 126
    run minidock run --rm -v "$(script 'no program')":/script busybox /script
    exited 126
}

# script TEXT: prints the path of an executable file that begins with it.
script() {
    local path

    path="$(mktemp "$BATS_TEST_TMPDIR/script.XXXX")"
    printf '%s\n' "$1" >"$path"
    chmod 755 "$path"
    echo "$path"
}

@test "what minidock itself cannot do is 125, on one line" {
    for options in "--no-such-flag busybox true" "" "-v /no/such/path:/x busybox true" \
        "-v rel/ative:/x busybox true" "-w relative busybox true" "-u no-such-user busybox true" \
        "--network bridge busybox true" "--name _ busybox true" "--pull never no-such-image true" \
        "--env-file /no/such/file busybox true" "Upper-Case true" "--tmpfs relative busybox true"; do
        # shellcheck disable=SC2086
        run --separate-stderr minidock run --rm $options
        exited 125
        [ -z "$output" ]
        [[ "$stderr" == "minidock: "* ]]
    done
}

@test "an image without a command says so" {
    minidock import "$SOURCE_ROOT" plain >/dev/null
    run minidock run --rm plain
    exited 125
    said "no command specified"
}

@test "a program that a signal ends is 128 and the signal" {
    for signal in TERM INT HUP; do
        number="$(kill -l "$signal")"
        start_sleeper "ends-$signal" --rm busybox sleep 100
        kill -"$signal" "$RUNNER"
        ends "$RUNNER"
        output=""
        exited $((128 + number))
        gone "$INIT"
    done
}

@test "a container that is killed from outside is 137" {
    start_sleeper killed --rm busybox sleep 100
    kill -KILL "$INIT"
    ends "$RUNNER"
    output=""
    exited 137
}

@test "the status of a child that a signal ended is the shell's to tell" {
    run minidock run --rm busybox sh -c 'sh -c "kill -9 \$\$"; exit $?'
    exited 137
}

@test "sleep as process 1 ends at once on TERM, and on INT" {
    for signal in TERM INT; do
        start_sleeper "quick-$signal" --rm busybox sleep 100
        # Within five seconds; docker would wait for ten, and for ever.
        kill -"$signal" "$RUNNER"
        ends "$RUNNER"
    done
}

# passed_on SIGNAL...: the signal that the runner gets, the container's process 1 gets.
passed_on() {
    for signal in "$@"; do
        minidock run --rm busybox sh -c "trap 'echo got $signal; exit 9' $signal; echo ready
            for i in \$(seq 1 300); do sleep 0.1; done" >"$BATS_TEST_TMPDIR/out" 3>&- &
        runner=$!
        appears ready "$BATS_TEST_TMPDIR/out"
        kill -"$signal" "$runner"
        ends "$runner"
        output="$(cat "$BATS_TEST_TMPDIR/out")"
        exited 9
        said "got $signal"
    done
}

@test "signals reach a process 1 that handles them" {
    passed_on TERM INT HUP QUIT ALRM USR1 USR2
}

@test "without -t, also a change of the window reaches it" {
    passed_on WINCH
}

@test "a process 1 that ignores TERM goes on" {
    mkfifo "$BATS_TEST_TMPDIR/in"
    exec 9<>"$BATS_TEST_TMPDIR/in"
    # USR1 comes after TERM; so when it has arrived, TERM has been passed on.
    minidock run --rm -i busybox sh -c "trap '' TERM; trap 'echo usr1' USR1; echo ready
        until read -t 1 word; do :; done; echo \$word; exit 4" \
        <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 9>&- 3>&- &
    runner=$!
    appears ready "$BATS_TEST_TMPDIR/out"
    kill -TERM "$runner"
    kill -USR1 "$runner"
    appears usr1 "$BATS_TEST_TMPDIR/out"
    echo on >&9
    exec 9>&-
    ends "$runner"
    output="$(cat "$BATS_TEST_TMPDIR/out")"
    exited 4
    said "on"
}

@test "orphans of the container end with its process 1" {
    run minidock run --rm busybox sh -c 'sleep 4711 & exit 5'
    exited 5
    settled pgrep -f 'sleep 4711' # minidock's watcher still deletes what there was
}
