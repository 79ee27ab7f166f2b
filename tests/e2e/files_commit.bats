#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# commit: a container becomes an image.

bats_require_minimum_version 1.5.0
load helpers
load roots
load life

setup_file() {
    can_run || return 0
    fresh_store
    export SOURCE_ROOT="$BATS_FILE_TMPDIR/busybox-root"
    busybox_root "$SOURCE_ROOT"
    mkdir -p "$SOURCE_ROOT"/old/{one,two}
    echo x >"$SOURCE_ROOT/old/one/file"
    echo x >"$SOURCE_ROOT/old/two/file"
    minidock import -c 'CMD ["/bin/sh"]' -c 'ENV FROM=image' -c 'LABEL kept=yes' "$SOURCE_ROOT" busybox
}

teardown_file() {
    drop_scratch
}

setup() {
    need_containers
}

teardown() {
    can_run || return 0
    leave_nothing || return 1
    minidock volume prune -af >/dev/null
    minidock images -q | sort -u | while read -r id; do
        [ "$id" = "$(minidock images -q busybox)" ] || minidock rmi -f "$id" >/dev/null
    done
}

@test "a committed image runs with what the container has changed" {
    minidock run --name cc busybox sh -c '
        echo new >/new; rm -r /old/one; rm -r /old/two; mkdir /old/two; echo y >/old/two/other
        chown 5:6 /new; chmod 4755 /new; ln /new /hard; ln -s new /link; chmod 700 /home'
    run minidock commit cc made:1
    exited 0
    [[ "$output" =~ ^sha256:[0-9a-f]{64}$ ]]
    run minidock run --rm made:1 sh -c 'cat /new /link; ls /old /old/two; stat -c "%u:%g %a" /new /home; [ /new -ef /hard ] && echo same'
    exited 0
    [ "$output" = "$(printf 'new\nnew\n/old:\ntwo\n\n/old/two:\nother\n5:6 4755\n0:0 700\nsame')" ]
}

@test "its root file system is the container's, byte for byte and with all attributes" {
    minidock run --name cc busybox sh -c 'echo x >/new; rm /bin/ls; touch -d 2001-02-03 /tmp; mkdir -p /a/b; echo y >/a/b/c; chown 9 /a'
    minidock commit cc same >/dev/null
    mkdir "$BATS_TEST_TMPDIR/exported"
    # The places of our own mounts are in the container, but not in the image.
    minidock export cc | tar -C "$BATS_TEST_TMPDIR/exported" --numeric-owner -xpf - \
        --exclude etc/hosts --exclude etc/hostname --exclude etc/resolv.conf
    diff <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times "$BATS_TEST_TMPDIR/exported") \
        <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times "$(minidock image path same)")
}

@test "the layers are the image's and one more, and an unchanged container adds an empty one" {
    minidock run --name cc busybox sh -c 'echo x >/new'
    minidock commit cc two >/dev/null
    [ "$(minidock inspect -f '{{len .RootFS.Layers}}' two)" -eq 2 ]
    [ "$(minidock inspect -f '{{index .RootFS.Layers 0}}' two)" = "$(minidock inspect -f '{{index .RootFS.Layers 0}}' busybox)" ]
    # Base files are shared, not copied.
    [ "$(stat -c %i "$(minidock image path two)/bin/busybox")" = "$(stat -c %i "$(minidock image path busybox)/bin/busybox")" ]
    minidock run --name dd two true
    minidock commit dd three >/dev/null
    [ "$(minidock inspect -f '{{len .RootFS.Layers}}' three)" -eq 3 ]
    minidock run --rm three cat /new
    minidock rm cc dd
    minidock rmi two
    run minidock run --rm three cat /new
    [ "$output" = x ]
}

@test "config: the image's, the container's command, environment, user, directory; then -c" {
    minidock run --name cc -e ADDED=yes -u bob -w /tmp busybox sh -c true
    minidock commit -a "Me <me@example.org>" -m "a message" -c 'ENV CHANGED=1' -c 'EXPOSE 80' cc made >/dev/null
    minidock inspect made | "$E2E_PYTHON" -c '
import json, sys
(image,) = json.load(sys.stdin)
config = image["Config"]
assert config["Cmd"] == ["sh", "-c", "true"], config
assert config["User"] == "bob" and config["WorkingDir"] == "/tmp", config
env = config["Env"]
assert {"FROM=image", "ADDED=yes", "CHANGED=1"} <= set(env), env
assert not [e for e in env if e.startswith(("HOME=", "HOSTNAME="))], env
assert config["Labels"] == {"kept": "yes"} and "80/tcp" in config["ExposedPorts"], config
assert image["Author"] == "Me <me@example.org>" and image["Comment"] == "a message", image'
    minidock commit -c 'CMD ["echo", "changed"]' cc other >/dev/null
    run minidock run --rm other
    [ "$output" = changed ]
}

@test "an entrypoint stays one" {
    minidock import -c 'ENTRYPOINT ["/bin/echo", "entry"]' -c 'CMD ["cmd"]' "$SOURCE_ROOT" entry >/dev/null
    minidock run --name cc entry other
    minidock commit cc made >/dev/null
    [ "$(minidock inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' made)" = '["/bin/echo","entry"] ["other"]' ]
    run minidock run --rm made
    [ "$output" = "entry other" ]
}

@test "the history tells" {
    minidock run --name cc busybox sh -c 'echo x >/x'
    id="$(minidock commit -m why cc)"
    config="$MINIDOCK_ROOT/.images/${id#sha256:}/config.json"
    "$E2E_PYTHON" -c '
import hashlib, json, sys
raw = open(sys.argv[1], "rb").read()
assert hashlib.sha256(raw).hexdigest() in sys.argv[1]
history = json.loads(raw)["history"]
assert len(history) == 2, history
assert history[1]["created_by"] == "sh -c echo x >/x" and history[1]["comment"] == "why", history' "$config"
}

@test "without a name the image has none; a name that was another's moves" {
    minidock run --name cc busybox sh -c 'echo x >/x'
    id="$(minidock commit cc)"
    minidock images | grep -q '^<none> .*'"${id:7:12}"
    [ "$(minidock run --rm "$id" cat /x)" = x ]
    minidock commit cc named >/dev/null
    minidock run --name dd busybox sh -c 'echo y >/x'
    minidock commit dd named >/dev/null
    [ "$(minidock run --rm named cat /x)" = y ]
}

@test "a container that runs is committed, without its volumes" {
    start_sleeper live -v vol:/vol busybox sh -c 'echo x >/own; echo y >/vol/file; exec sleep 1000'
    minidock commit live made >/dev/null
    run minidock run --rm made sh -c 'cat /own; ls -A /vol'
    [ "$output" = x ]
    minidock rm -f live
}

@test "a --rootfs container becomes an image of one layer" {
    minidock run --name rr --rootfs "$SOURCE_ROOT" /bin/sh -c 'echo x >/new; rm /bin/ls'
    minidock commit rr whole >/dev/null
    [ "$(minidock inspect -f '{{len .RootFS.Layers}}' whole)" -eq 1 ]
    run minidock run --rm whole /bin/sh -c 'cat /new; test -e /bin/ls || echo gone'
    [ "$output" = "$(printf 'x\ngone')" ]
}

@test "a container that runs stands still while it is committed, and goes on also when commit is killed" {
    minidock run -d --name cc busybox sh -c 'dd if=/dev/urandom of=/big bs=1M count=300; echo ready; exec sleep 1000'
    logged cc ready
    minidock commit cc still &
    local commit=$!
    becomes cc .State.Paused true
    kill -9 "$commit"
    becomes cc .State.Paused false
    [ "$(field cc .State.Status)" = running ]
    minidock commit cc still
    [ "$(field cc .State.Status)" = running ]
    minidock exec cc true
    minidock pause cc
    minidock commit cc still
    [ "$(field cc .State.Status)" = paused ]
    minidock rm -f cc
}

@test "bad input changes nothing" {
    minidock run --name cc busybox true
    before="$(find "$MINIDOCK_ROOT/.images" "$MINIDOCK_ROOT/.layers" "$MINIDOCK_ROOT/.partial" -maxdepth 1 | sort)"
    run minidock commit nobody x
    exited 1
    said "No such container: nobody"
    run minidock commit -c 'NONSENSE x' cc x
    exited 125
    said NONSENSE
    run minidock commit cc 'Upper Case'
    exited 125
    run minidock commit cc "x@sha256:$(printf '0%.0s' {1..64})"
    exited 125
    run minidock commit
    exited 125
    [ "$(find "$MINIDOCK_ROOT/.images" "$MINIDOCK_ROOT/.layers" "$MINIDOCK_ROOT/.partial" -maxdepth 1 | sort)" = "$before" ]
}

@test "the README's example of files that go in and out" {
    minidock tag busybox alpine
    cd "$BATS_TEST_TMPDIR"
    minidock run --name work -v results:/out alpine sh -c 'echo done >/out/file; echo x >/made'
    [ "$(
        minidock diff work
    )" = "$(printf 'A /made\nA /out')" ]
    minidock cp work:/out/file .
    [ "$(cat file)" = done ]
    minidock cp file work:/etc
    minidock export work > work.tar
    tar tf work.tar | grep -qx etc/file
    minidock commit -m 'with a file' work worked:1
    [ "$(minidock run --rm worked:1 cat /etc/file /made)" = "$(printf 'done\nx')" ]
    [[ "$(
        minidock volume ls
    )" == *results* ]]
    minidock rmi alpine
}
