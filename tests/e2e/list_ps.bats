#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: its filters, formats and sizes, in docker's words.

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

# names OPTION...: those that ps lists, sorted, on one line.
names() {
    minidock ps --format '{{.Names}}' "$@" | sort | tr '\n' ' '
}

@test "ps -f name= is a regular expression, with or without docker's slash" {
    minidock run --name web busybox true
    minidock run --name web2 busybox true
    [ "$(names -a -f name=web)" = "web web2 " ]
    [ "$(names -a -f 'name=^web$')" = "web " ]
    [ "$(names -a -f 'name=^/web2$')" = "web2 " ]
    [ -z "$(names -a -f 'name=^eb')" ]
    run minidock ps -f 'name=('
    exited 125
    said "invalid filter"
}

@test "ps -f id=, exited= and status= choose by what a container is" {
    minidock run --name good busybox true
    minidock run --name bad busybox sh -c 'exit 3' || true
    start_sleeper alive busybox sleep 100
    [ "$(names -a -f "id=$(minidock inspect -f '{{.Id}}' bad | cut -c1-12)")" = "bad " ]
    [ "$(names -a -f exited=3)" = "bad " ]
    [ "$(names -a -f exited=0 -f exited=3)" = "bad good " ]
    # Who asks for those that have ended need not say -a.
    [ "$(names -f status=exited)" = "bad good " ]
    [ "$(names -f status=exited -f status=running)" = "alive bad good " ]
    [ "$(names -f status=running)" = "alive " ]
    [ -z "$(names -f status=dead)" ]
    [ -z "$(names -f exited=3)" ]
    for filter in status=odd exited=x nope=1 name; do
        run minidock ps -f "$filter"
        exited 125
    done
    run minidock ps -f network=none
    exited 125
    said network
    kill "$RUNNER"
    wait "$RUNNER" || true
}

@test "ps -f ancestor= takes names, ids and what was built on top" {
    minidock import -c 'ENV A=b' "$SOURCE_ROOT" same >/dev/null
    mkdir -p "$BATS_TEST_TMPDIR/other/bin"
    cp "$(static_busybox)" "$BATS_TEST_TMPDIR/other/bin/true"
    minidock import "$BATS_TEST_TMPDIR/other" other >/dev/null
    minidock run --name one busybox true
    minidock run --name two other true
    [ "$(names -a -f ancestor=busybox)" = "one " ]
    [ "$(names -a -f ancestor=busybox:latest)" = "one " ]
    [ "$(names -a -f "ancestor=$(minidock images -q busybox)")" = "one " ]
    [ "$(names -a -f "ancestor=$(minidock inspect -f '{{.Id}}' other)")" = "two " ]
    [ "$(names -a -f ancestor=busybox -f ancestor=other)" = "one two " ]
    [ -z "$(names -a -f ancestor=nothing)" ]
    minidock rm two >/dev/null
    minidock rmi other same >/dev/null
}

@test "ps -f before= and since= go by when a container was made" {
    for name in one two three; do
        minidock run --name "$name" busybox true
    done
    [ "$(names -a -f before=two)" = "one " ]
    [ "$(names -a -f since=two)" = "three " ]
    [ "$(names -a -f since=one -f before=three)" = "two " ]
    run minidock ps -f before=nothing
    exited 1
    said "No such container: nothing"
}

@test "ps -f label= wants all of them, and --format has labels one by one" {
    minidock import -c 'LABEL tier=web' -c 'LABEL "org.example.my-key"="a,b"' "$SOURCE_ROOT" labelled >/dev/null
    minidock run --name one labelled true
    minidock run --name two busybox true
    [ "$(names -a -f label=tier)" = "one " ]
    [ "$(names -a -f label=tier=web -f label=org.example.my-key=a,b)" = "one " ]
    [ -z "$(names -a -f label=tier=web -f label=none)" ]
    [ -z "$(names -a -f label=tier=we)" ]
    run minidock ps -a --format '{{.Names}} {{.Label "org.example.my-key"}}|{{.Labels}}' -f name=one
    said "one a,b|"
    said "tier=web"
    run minidock ps -a --format 'table {{.Names}}\t{{.Label "org.example.my-key"}}'
    [[ "${lines[0]}" =~ ^NAMES\ +my\ key$ ]]
    minidock rm one >/dev/null
    minidock rmi labelled >/dev/null
}

@test "ps -f volume= takes the path on either side" {
    minidock run --name one -v "$BATS_TEST_TMPDIR:/data" busybox true
    minidock run --name two busybox true
    [ "$(names -a -f volume=/data)" = "one " ]
    [ "$(names -a -f "volume=$BATS_TEST_TMPDIR")" = "one " ]
    [ -z "$(names -a -f volume=/other)" ]
    [ "$(minidock ps -a --no-trunc --format '{{.Mounts}}' -f name=one)" = "$BATS_TEST_TMPDIR" ]
    [[ "$(minidock ps -a --format '{{.Mounts}}' -f name=one)" == *… ]]
}

@test "ps -n and -l count those that were made last, in any state" {
    for name in one two three; do
        minidock run --name "$name" busybox true
    done
    [ "$(names -n 2)" = "three two " ]
    [ "$(names -l)" = "three " ]
    [ -z "$(names -n -1)" ]
    run minidock ps -n x
    exited 125
}

@test "ps -s says how much a container has written, and with its image" {
    minidock run --name one busybox sh -c 'head -c 12346 /dev/zero >/a; ln /a /b; mkdir /d; echo x >/d/e'
    run minidock ps -a -s
    exited 0
    [[ "${lines[0]}" == *"NAMES     SIZE" ]]
    [[ "${lines[1]}" =~ 12\.3kB\ \(virtual\ [0-9.]+MB\)$ ]]
    [[ "$(minidock ps -a --format '{{.Size}}')" == "12.3kB (virtual "* ]]
    [ "$(minidock ps -a --format json | "$E2E_PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["Size"])')" = 0B ]
    [ "$(minidock inspect -s -f '{{.SizeRw}}' one)" = 12348 ]
}

@test "ps --format: table with headings, aligned; fields and JSON as docker's" {
    minidock run --name a-long-name-of-a-container busybox true
    minidock run --name short busybox true
    run minidock ps -a --format 'table {{.Names}}\t{{.Image}}\t{{.State}}\t{{.Networks}}'
    exited 0
    [ "${lines[0]}" = "NAMES                        IMAGE     STATE     NETWORKS" ]
    [ "${lines[1]}" = "short                        busybox   exited    none" ]
    [ "${lines[2]}" = "a-long-name-of-a-container   busybox   exited    none" ]
    run minidock ps -a --format '{{.Nope}}'
    exited 125
    said Nope
    # Even with nothing to print a template has to be one.
    run minidock ps --format '{{nope .ID}}'
    exited 125
    said nope
    minidock ps -a --format json | "$E2E_PYTHON" -c '
import json, re, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 2, rows
assert sorted(rows[0]) == ["Command", "CreatedAt", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Names",
    "Networks", "Ports", "RunningFor", "Size", "State", "Status"], rows
assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \w+", rows[0]["CreatedAt"]), rows
assert rows[0]["Command"] == "\"true\"" and rows[0]["LocalVolumes"] == "0", rows'
}

@test "ps cuts long commands to twenty characters, between characters" {
    minidock run --name one busybox echo 'ééééééééééééééééééééééééé'
    run minidock ps -a --format '{{.Command}}'
    [ "$output" = '"echo éééééééééééééé…"' ]
    run minidock ps -a --no-trunc --format '{{.Command}}'
    [ "$output" = '"echo ééééééééééééééééééééééééé"' ]
}

@test "ps goes on where one container's files are damaged" {
    minidock run --name good busybox true
    minidock run --name half busybox true
    id="$(minidock ps -aq --no-trunc -f name=half)"
    truncate -s 20 "$MINIDOCK_ROOT/.containers/$id/state.json"
    run --separate-stderr minidock ps -a --format '{{.Names}}'
    exited 0
    [ "$output" = good ]
    [[ "$stderr" == *"${id:0:12}"* ]]
    minidock rm -f half good
}
