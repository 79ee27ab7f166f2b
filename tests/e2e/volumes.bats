#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes: named, anonymous, the image's, those of another container; --mount; the volume commands.

bats_require_minimum_version 1.5.0
load helpers
load roots
load life

setup_file() {
    can_run || return 0
    fresh_store
    export SOURCE_ROOT="$BATS_FILE_TMPDIR/busybox-root"
    busybox_root "$SOURCE_ROOT"
    mkdir -p "$SOURCE_ROOT/data/sub" "$SOURCE_ROOT/log"
    echo from-image >"$SOURCE_ROOT/data/file"
    ln "$SOURCE_ROOT/data/file" "$SOURCE_ROOT/data/sub/hard"
    ln -s file "$SOURCE_ROOT/data/link"
    chmod 4751 "$SOURCE_ROOT/data/file"
    chown -R 1000:44 "$SOURCE_ROOT/data"
    chmod 2750 "$SOURCE_ROOT/data"
    setfattr -n user.colour -v blue "$SOURCE_ROOT/data/file"
    touch -h -d 2001-02-03T04:05:06.789 "$SOURCE_ROOT"/data/{file,link,sub}
    minidock import -c 'CMD ["/bin/sh"]' "$SOURCE_ROOT" busybox
    minidock import -c 'VOLUME /data /log' "$SOURCE_ROOT" keeper
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
}

data_of() {
    minidock volume inspect -f '{{.Mountpoint}}' "$1"
}

@test "a named volume keeps what a container wrote for the next one" {
    minidock run --rm -v kept:/v busybox sh -c 'echo words >/v/file'
    run minidock run --rm -v kept:/v busybox cat /v/file
    exited 0
    [ "$output" = words ]
    [ "$(cat "$(data_of kept)/file")" = words ]
}

@test "a read-only volume is read-only, and only that one" {
    run minidock run --rm -v one:/one:ro -v two:/two busybox sh -c 'touch /one/x; touch /two/x && echo two'
    said "Read-only file system"
    said two
}

@test "a new volume takes the image's content with owners, modes, times, links and attributes" {
    minidock run --rm -v fresh:/data busybox true
    diff <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" "$SOURCE_ROOT/data") \
        <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" "$(data_of fresh)")
}

@test "so does an empty one that was there before, but none that holds anything" {
    minidock volume create early
    minidock run --rm -v early:/data busybox true
    [ "$(cat "$(data_of early)/file")" = from-image ]
    minidock run --rm -v early:/log busybox rm /log/file
    minidock run --rm -v early:/data busybox true
    [ ! -e "$(data_of early)/file" ]
}

@test "nocopy leaves a new volume empty" {
    minidock run --rm -v bare:/data:nocopy busybox true
    [ -z "$(ls -A "$(data_of bare)")" ]
    minidock run --rm --mount type=volume,source=bare2,target=/data,volume-nocopy busybox true
    [ -z "$(ls -A "$(data_of bare2)")" ]
}

@test "two containers that start at once with the same new volume both see all of it" {
    for round in 1 2 3 4 5; do
        for number in 1 2 3 4; do
            minidock run --rm -v "race$round:/data" busybox cat /data/sub/hard \
                >"$BATS_TEST_TMPDIR/out$number" 2>&1 3>&- &
        done
        wait
        for number in 1 2 3 4; do
            [ "$(cat "$BATS_TEST_TMPDIR/out$number")" = from-image ]
        done
    done
    [ "$(minidock volume ls -q | grep -c race)" -eq 5 ]
}

@test "what a killed command left of a filling is completed by the next" {
    minidock volume create half
    volume="$(dirname "$(data_of half)")"
    mkdir "$volume/fill"
    echo stale >"$volume/fill/file"
    minidock run --rm -v half:/data busybox true
    [ "$(cat "$volume/_data/file")" = from-image ]
    minidock volume create moving
    volume="$(dirname "$(data_of moving)")"
    cp -a "$SOURCE_ROOT/data" "$volume/filled"
    mv "$volume/filled/sub" "$volume/_data/sub"
    minidock run --rm -v moving:/data busybox true
    diff <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times "$SOURCE_ROOT/data") \
        <("$E2E_PYTHON" -B "$E2E_LIB/treelist.py" --no-dir-times "$volume/_data")
    [ ! -e "$volume/filled" ]
}

@test "an anonymous volume goes with run --rm and with rm -v, and else stays" {
    run minidock run --rm -v /data busybox cat /data/file
    [ "$output" = from-image ]
    settled minidock volume ls -q
    minidock run --name one -v /data busybox true
    minidock run --name two -v /data busybox true
    [ "$(minidock volume ls -q | grep -cxE '[0-9a-f]{64}')" -eq 2 ]
    minidock rm -v one
    [ "$(minidock volume ls -q | wc -l)" -eq 1 ]
    minidock rm two
    [ "$(minidock volume ls -q | wc -l)" -eq 1 ]
}

@test "a container that is started again has the same volumes, whatever the caller's directory is" {
    mkdir "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR"
    minidock run -d --name cc -v /anonymous -v ./here:/here --mount type=bind,source=./here,target=/there \
        busybox sh -c 'date >>/anonymous/starts; touch /here/a /there/b; wc -l </anonymous/starts; exec sleep 100'
    logged cc 1
    [ -e here/b ]
    cd /
    minidock restart cc
    logged cc 2
    [ "$(minidock volume ls -q | wc -l)" -eq 1 ]
    minidock rm -fv cc
    [ -z "$(minidock volume ls -q)" ]
}

@test "--rm in the background takes anonymous volumes along, also when its supervisor is killed" {
    minidock run -d --rm --name cc -v /anonymous busybox sleep 100
    minidock stop cc
    settled minidock volume ls -q
    minidock run -d --rm --name cc -v /anonymous busybox sleep 100
    [ "$(minidock volume ls -q | wc -l)" -eq 1 ]
    kill -9 "$(supervisor cc)"
    settled minidock ps -aq
    settled minidock volume ls -q
}

@test "a named volume stays with --rm and with rm -v" {
    minidock run --rm -v named:/data busybox true
    minidock run --name one -v named:/data busybox true
    minidock rm -v one
    [ "$(minidock volume ls -q)" = named ]
}

@test "an image's volumes are anonymous ones, unless something is mounted there" {
    minidock run --name one -v mine:/log keeper sh -c 'echo x >/data/new; echo y >/log/new'
    run minidock inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}' one
    said "volume /log true;volume /data true;"
    [ "$(cat "$(data_of mine)/new")" = y ]
    [ "$(minidock volume ls -q | wc -l)" -eq 2 ]
    run minidock diff one
    said_not /data/new
}

@test "a failed start and a name that is taken leave no anonymous volume" {
    run -127 minidock run --rm -v /data busybox /no/such/program
    minidock run --name taken busybox true
    run minidock run --name taken -v /data busybox true
    exited 125
    [ -z "$(minidock volume ls -q)" ]
}

@test "--volumes-from mounts what the other container has, ro where asked" {
    mkdir "$BATS_TEST_TMPDIR/host"
    minidock run --name source -v named:/one -v /two -v "$BATS_TEST_TMPDIR/host:/three" busybox sh -c 'echo x >/two/x'
    run minidock run --rm --volumes-from source busybox sh -c 'cat /two/x; touch /one/y /three/y && echo written'
    exited 0
    said x
    said written
    [ -e "$BATS_TEST_TMPDIR/host/y" ]
    # The anonymous one is still source's.
    [ "$(minidock volume ls -q | wc -l)" -eq 2 ]
    run minidock run --rm --volumes-from source:ro busybox touch /one/z
    said "Read-only file system"
    run minidock run --rm --volumes-from nothing busybox true
    exited 125
    said "No such container: nothing"
}

@test "--mount takes volumes, binds and tmpfs with docker's keys" {
    mkdir "$BATS_TEST_TMPDIR/a,b"
    minidock volume create with-dirs >/dev/null
    mkdir "$(data_of with-dirs)/inner"
    run minidock run --rm --mount "type=bind,\"source=$BATS_TEST_TMPDIR/a,b\",target=/bind,readonly" \
        --mount type=tmpfs,dst=/mem,tmpfs-size=1m,tmpfs-mode=0700 \
        --mount type=volume,src=with-dirs,dst=/inner,volume-subpath=inner \
        --mount source=labelled,target=/vol,volume-label=who=us busybox sh -c '
        touch /bind/x; touch /inner/x /vol/x; stat -c %a /mem; df -k /mem | tail -n 1'
    said "Read-only file system"
    said "700"
    said "1024"
    [ -e "$(data_of with-dirs)/inner/x" ]
    [ "$(minidock volume inspect -f '{{.Labels.who}}' labelled)" = us ]
    run minidock run --rm --mount type=bind,source=/no/such/place,target=/x busybox true
    exited 125
    said "bind source path does not exist"
    run minidock run --rm --mount type=bind,target=/x busybox true
    exited 125
    said "field Source must not be empty"
    run minidock run --rm --mount type=volume,src=with-dirs,dst=/x,volume-subpath=../../../.. busybox ls /x
    said inner
}

@test "a volume's subpath that is a link leads nowhere outside" {
    minidock volume create trap >/dev/null
    ln -s /etc "$(data_of trap)/out"
    run minidock run --rm --mount type=volume,src=trap,dst=/x,volume-subpath=out busybox ls /x
    exited 125
}

@test "a name that is no volume's is refused in docker's words" {
    run minidock run --rm -v 'a$b:/x' busybox true
    exited 125
    said 'includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed'
    run minidock volume create ../x
    exited 125
    run minidock volume create x
    exited 125
    said "volume name is too short"
    for name in ../x . .. '' a/b; do
        run minidock volume rm "$name"
        exited 1
        said "no such volume"
        run minidock volume inspect "$name"
        exited 1
    done
}

@test "volume create prints the name, keeps labels and takes one that is there as it is" {
    run minidock volume create --label who=us --label bare named
    exited 0
    [ "$output" = named ]
    run minidock volume create --label who=them named
    exited 0
    [ "$(minidock volume inspect -f '{{json .Labels}}' named)" = '{"who":"us","bare":""}' ]
    run minidock volume create
    [[ "$output" =~ ^[0-9a-f]{64}$ ]]
    run minidock volume create --driver other x1
    exited 1
    said 'plugin "other" not found'
}

@test "volume ls has docker's columns, filters and formats" {
    minidock volume create --label who=us aa
    minidock volume create bb
    minidock run --name user -v bb:/x busybox true
    run minidock volume ls
    exited 0
    [[ "${lines[0]}" =~ ^DRIVER\ +VOLUME\ NAME$ ]]
    [[ "${lines[1]}" =~ ^local\ +aa$ ]]
    [ "$(minidock volume ls -q | tr '\n' ' ')" = "aa bb " ]
    [ "$(minidock volume ls -qf dangling=true)" = aa ]
    [ "$(minidock volume ls -qf dangling=false)" = bb ]
    [ "$(minidock volume ls -qf label=who)" = aa ]
    [ "$(minidock volume ls -qf label=who=us -f name=b)" = "" ]
    [ "$(minidock volume ls -qf name=b)" = bb ]
    [ "$(minidock volume ls --format '{{.Name}} {{.Labels}}' -f name=aa)" = "aa who=us" ]
    [ "$(minidock volume ls --format json -f name=aa | grep -c '"Scope": *"local"')" -eq 1 ]
    run minidock volume ls -f nonsense=1
    exited 125
    said "invalid filter"
}

@test "volume inspect prints docker's members; inspect finds volumes too" {
    minidock volume create seen
    minidock volume inspect seen | "$E2E_PYTHON" -c '
import json, os, sys
(volume,) = json.load(sys.stdin)
assert volume["Name"] == "seen" and volume["Driver"] == "local" and volume["Scope"] == "local", volume
assert os.path.isdir(volume["Mountpoint"]) and volume["CreatedAt"], volume'
    run minidock inspect -f '{{.Name}}' seen
    [ "$output" = seen ]
    run --separate-stderr minidock volume inspect nothing
    exited 1
    [ "$output" = "[]" ]
    [[ "$stderr" == *"get nothing: no such volume"* ]]
}

@test "a volume in use cannot be removed: docker's words name the container" {
    minidock run --name user -v used:/x busybox true
    id="$(minidock ps -aq --no-trunc)"
    run minidock volume rm used
    exited 1
    said "remove used: volume is in use - [$id]"
    [ -d "$(data_of used)" ]
    minidock rm user
    run minidock volume rm used
    exited 0
    [ "$output" = used ]
    run minidock volume rm used
    exited 1
    said "get used: no such volume"
    run minidock volume rm -f used
    exited 0
}

@test "volume prune removes anonymous volumes without a container, with -a named ones too" {
    minidock volume create named
    minidock volume create >/dev/null
    minidock run --name user -v /data busybox true
    run minidock volume prune <<<n
    exited 0
    said "WARNING! This will remove anonymous local volumes not used by at least one container."
    [ "$(minidock volume ls -q | wc -l)" -eq 3 ]
    run minidock volume prune <<<y
    exited 0
    said "Deleted Volumes:"
    [ "$(minidock volume ls -q | wc -l)" -eq 2 ]
    echo 12345 >"$(data_of named)/file"
    run minidock volume prune -af
    said "named"
    said "Total reclaimed space: 6B"
    [ "$(minidock volume ls -q | wc -l)" -eq 1 ]
}

@test "inspect shows all kinds of mounts in docker's form" {
    minidock run --name shown -v named:/v:ro -v /etc:/e --tmpfs /t busybox true
    minidock inspect shown | "$E2E_PYTHON" -c '
import json, os, sys
mounts = {m["Destination"]: m for m in json.load(sys.stdin)[0]["Mounts"]}
v = mounts["/v"]
assert v.pop("Source").endswith("/.volumes/named/_data"), v
assert v == {"Type": "volume", "Name": "named", "Destination": "/v", "Driver": "local",
             "Mode": "ro", "RW": False, "Propagation": ""}, v
assert mounts["/e"] == {"Type": "bind", "Source": "/etc", "Destination": "/e", "Mode": "",
                        "RW": True, "Propagation": "rprivate"}, mounts["/e"]
assert mounts["/t"]["Type"] == "tmpfs", mounts["/t"]'
}

@test "a volume is only reached by root" {
    minidock volume create secret
    run setpriv --reuid 65534 --regid 65534 --clear-groups ls "$(data_of secret)"
    [ "$status" -ne 0 ]
}
