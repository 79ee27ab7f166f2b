# SPDX-License-Identifier: Apache-2.0
# For the tests of a container's life. Load after helpers and roots.

# life_setup, life_teardown: what every such file does.
life_setup() {
    need_containers
    CGROUPS="$(cgroups_of_ours)"
    SOCKETS="$(sockets_of_ours)"
    MOUNTS="$(cat /proc/self/mountinfo)"
}

life_teardown() {
    can_run || return 0
    local left

    left="$(minidock ps -aq --no-trunc)"
    # shellcheck disable=SC2086
    [ -z "$left" ] || minidock rm -f $left >/dev/null
    settled other_cgroups || return 1
    settled other_sockets || return 1
    [ "$(cat /proc/self/mountinfo)" = "$MOUNTS" ] || return 1
    leave_nothing
}

# cgroups_of_ours: those that minidock makes for containers, whosever they are.
cgroups_of_ours() {
    find /sys/fs/cgroup -maxdepth 4 -path '*/minidock/*' -type d 2>/dev/null | sort
}

# other_cgroups: those that were not there when the test began.
other_cgroups() {
    comm -13 <(echo "$CGROUPS") <(cgroups_of_ours)
}

# sockets_of_ours, other_sockets: the same for the directories of sockets.
sockets_of_ours() {
    [ ! -d /run/minidock ] || ls -A /run/minidock
}

other_sockets() {
    comm -13 <(echo "$SOCKETS") <(sockets_of_ours)
}

# field NAME FIELD: of inspect.
field() {
    minidock inspect --format "{{$2}}" "$1"
}

# status_of NAME: running, exited ...
status_of() {
    field "$1" .State.Status
}

# becomes NAME FIELD VALUE: within ten seconds.
becomes() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [ "$(field "$1" "$2")" != "$3" ] || return 0
        sleep 0.05
    done
    echo "$1: $2 is $(field "$1" "$2"), not $3" >&2
    return 1
}

# logged NAME TEXT: within ten seconds its log has the text.
logged() {
    local tries

    for ((tries = 0; tries < 200; tries++)); do
        [[ "$(minidock logs "$1" 2>&1)" != *"$2"* ]] || return 0
        sleep 0.05
    done
    echo "$1 did not log $2, but:" >&2
    minidock logs "$1" >&2
    return 1
}

# supervisor NAME: the pid of the process that looks after it.
supervisor() {
    "$E2E_PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["runner"]["pid"])' \
        "$MINIDOCK_ROOT/.containers/$(readlink "$MINIDOCK_ROOT/.containers/$1")/state.json"
}

# within SECONDS COMMAND...: it ends in that time.
within() {
    local limit="$1"

    shift
    timeout "$limit" "$@"
}
