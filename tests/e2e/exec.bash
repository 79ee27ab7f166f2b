# SPDX-License-Identifier: Apache-2.0
# For the tests of exec. Load after life.

# sleeper NAME [OPTION...]: a container in the background that only sleeps.
sleeper() {
    local name="$1"

    shift
    minidock run -d --name "$name" "$@" busybox sleep 1000 >/dev/null
}

# has NAME WORDS: within ten seconds the container has a process with exactly this command line.
has() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        ! minidock exec "$1" ps -o args | grep -qxF -- "$2" || return 0
        sleep 0.1
    done
    minidock exec "$1" ps -o pid,ppid,args >&2
    return 1
}

# lacks NAME WORDS: within ten seconds it has none.
lacks() {
    local tries

    for ((tries = 0; tries < 100; tries++)); do
        minidock exec "$1" ps -o args | grep -qxF -- "$2" || return 0
        sleep 0.1
    done
    minidock exec "$1" ps -o pid,ppid,args >&2
    return 1
}

# variable NAME OPTION... : exec's value of a variable.
variable() {
    local name="$1"

    shift
    minidock exec "$@" sh -c "echo \"\$$name\""
}
