#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the teaching runtimes show, and what README and man page show, typed as there.

bats_require_minimum_version 1.5.0
load helpers
load hub
load roots

setup_file() {
    need_hub && need_minidock && hub_start
}

teardown_file() {
    hub_stop
    drop_scratch
}

setup() {
    need_hub && need_minidock || return 1
}

# typed: the shell that a user sits at. Standard input is what is typed; the default store is the
# box's own, and /srv is there for the test.
typed() {
    mkdir -p "$BATS_TEST_TMPDIR/project/sub"
    echo 'int main(void)' >"$BATS_TEST_TMPDIR/project/main.c"
    hub_run env -u MINIDOCK_ROOT PROJECT="$BATS_TEST_TMPDIR/project/sub" unshare -m bash -euc '
        mount -t tmpfs none /srv
        mkdir -p /srv/data /srv/rootfs/bin
        echo kept >/srv/data/file
        cp "$1" /srv/rootfs/bin/busybox
        ln -s busybox /srv/rootfs/bin/ls
        tar -C /srv/rootfs -czf /srv/rootfs.tar.gz .
        cd "$PROJECT"
        eval "$2"
    ' typed "$(static_busybox)" "$(cat)"
}

# at_terminal COMMAND: the same with a terminal; standard input is for lib/terminal.py.
at_terminal() {
    mkdir -p "$BATS_TEST_TMPDIR/project/sub"
    echo 'int main(void)' >"$BATS_TEST_TMPDIR/project/main.c"
    cd "$BATS_TEST_TMPDIR/project/sub"
    hub_run env -u MINIDOCK_ROOT "$E2E_PYTHON" "$E2E_LIB/terminal.py" "$@"
}

@test "pull alpine, look at its root file system, run a shell in it" {
    run typed <<'END'
minidock pull alpine
ls -l /var/lib/minidock/alpine/rootfs
END
    exited 0
    said "alpine"
    said " bin"
    said " etc"

    run at_terminal minidock run alpine /bin/sh <<'END'
END
    exited 0

    run at_terminal minidock run -it --rm alpine /bin/sh <<'END'
expect #
type echo pid is $$.
expect pid is 1.
type exit
END
    exited 0
}

@test "the shell is process 1, with a host name of its own" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock run --rm alpine /bin/sh -c 'echo $$'
END
    exited 0
    [ "$output" = 1 ]

    run typed <<'END'
minidock run --rm alpine hostname
END
    exited 0
    [[ "$output" =~ ^[0-9a-f]{12}$ ]]
    [ "$output" != "$(hostname)" ]
}

@test "ps sees only the container" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock run --rm alpine ps
END
    exited 0
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" =~ ^PID ]]
    [[ "${lines[1]}" =~ ^\ *1\ +root\ .*ps$ ]]
}

@test "mount shows nothing of the host" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock run --rm alpine mount
END
    exited 0
    said " on / type overlay"
    said "tmpfs on /dev type tmpfs"
    said_not "/var/lib/minidock"
    said_not "$BATS_TEST_TMPDIR"
    said_not "/srv"
    said_not "/dev/vda"
    said_not "/dev/sda"
}

@test "cat ../main.c finds nothing" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
cat ../main.c
minidock run --rm alpine cat ../main.c
END
    exited 1
    [ "${lines[0]}" = "int main(void)" ]
    said "No such file or directory"
}

@test "a BusyBox root made of symlinks runs" {
    busybox_root "$BATS_TEST_TMPDIR/busybox"
    run typed <<END
minidock import "$BATS_TEST_TMPDIR/busybox" links >/dev/null
minidock run --rm links /bin/sh -c 'ls -l /bin/sh; echo works'
END
    exited 0
    said "/bin/sh -> busybox"
    said "works"
}

@test "/dev is a tmpfs with devices in it, none of them a disk" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock run --rm alpine /bin/sh -c 'mount | grep " /dev "; ls /dev'
END
    exited 0
    said "tmpfs on /dev type tmpfs"
    [ "$(printf '%s\n' "${lines[@]:1}" | sort | tr '\n' ' ')" = \
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " ] ||
        [ "$(printf '%s\n' "${lines[@]:1}" | sort | tr '\n' ' ')" = \
        "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " ]
}

@test "the network is a loopback interface that is up" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock run --rm alpine /bin/sh -c 'ls /sys/class/net; ip addr show lo'
END
    exited 0
    [ "${lines[0]}" = lo ]
    said "LOOPBACK,UP"
    said "127.0.0.1/8"
}

@test "the README's first examples do what they say" {
    run typed <<'END'
minidock pull alpine
minidock run --rm alpine echo hello
minidock run --rm -v /srv/data:/data:ro alpine ls /data
minidock run --rm -e GREETING=hello -u nobody alpine sh -c 'echo $GREETING from $(id -un)'
echo words | minidock run --rm -i alpine wc -c
END
    exited 0
    [ "$(printf '%s\n' "${lines[@]: -4}")" = "$(printf '%s\n' hello file 'hello from nobody' 6)" ]
}

@test "the README's other root file systems run" {
    run typed <<'END'
cd /srv
minidock import -c 'CMD ["/bin/sh"]' rootfs.tar.gz mine
ln -s busybox rootfs/bin/sh
minidock run --rm --rootfs /srv/rootfs /bin/ls
minidock rmi mine
tar -C rootfs -czf rootfs.tar.gz .
minidock import -c 'CMD ["/bin/sh"]' rootfs.tar.gz mine
minidock run --rm mine
minidock rmi mine
END
    exited 0
    said "bin"
    said "Untagged: mine:latest"
}

@test "the README's container that stays is listed, read and removed" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock ps -aq | xargs -r minidock rm >/dev/null
set +e
minidock run --name job alpine sh -c 'echo done; exit 3'
echo "status $?"
minidock ps -a
minidock logs job
minidock inspect -f '{{.State.ExitCode}}' job
minidock rm job
minidock ps -a
END
    exited 0
    [ "${lines[0]}" = done ]
    [ "${lines[1]}" = "status 3" ]
    [[ "${lines[2]}" =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]]
    [[ "${lines[3]}" =~ ^[0-9a-f]{12}\ +alpine\ .*Exited\ \(3\)\ .*\ job$ ]]
    [ "${lines[4]}" = done ]
    [ "${lines[5]}" = 3 ]
    [ "${lines[6]}" = job ]
    [[ "${lines[7]}" =~ ^CONTAINER\ ID ]]
    [ "${#lines[@]}" -eq 8 ]
}

@test "the README's image commands do what they say" {
    run typed <<'END'
minidock pull -q alpine >/dev/null
minidock tag alpine base:1
minidock images
minidock inspect alpine
minidock image path alpine
minidock rmi base:1
END
    exited 0
    [[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
    # The newest image comes first: others of this file may stand before them.
    [[ "$output" =~ alpine\ +latest\ +[0-9a-f]{12}\ .*base\ +1\ +[0-9a-f]{12}\  ]]
    said '"RepoTags"'
    [[ "${lines[-2]}" =~ ^/var/lib/minidock/.*/rootfs$ ]]
    [ "${lines[-1]}" = "Untagged: base:1" ]
}
