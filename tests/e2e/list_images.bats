#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# images and history: filters, formats, order.

bats_require_minimum_version 1.5.0
load helpers
load roots

setup_file() {
    can_run || return 0
    mkdir -p "$BATS_FILE_TMPDIR/root/bin"
    cp "$(static_busybox)" "$BATS_FILE_TMPDIR/root/bin/sh"
}

teardown_file() {
    drop_scratch
}

setup() {
    need_containers || return 1
    fresh_store
    image old 2001-02-03T04:05:06Z
    image middle 2011-02-03T04:05:06Z tier=web
    image new 2021-02-03T04:05:06Z tier=db
}

teardown() {
    can_run || return 0
    leave_nothing
}

# image NAME CREATED [LABEL]: an image that says it was made then.
image() {
    minidock import ${3:+-c "LABEL $3"} -m "made for $1" "$BATS_FILE_TMPDIR/root" "$1" >/dev/null
    "$E2E_PYTHON" - "$(readlink -f "$MINIDOCK_ROOT/$1")/image.json" "$2" <<'END'
import json, sys
with open(sys.argv[1]) as file:
    image = json.load(file)
for part in (image, image.get("config") or {}):
    if "created" in part:
        part["created"] = sys.argv[2]
with open(sys.argv[1], "w") as file:
    json.dump(image, file)
END
}

# names OPTION...: in the order of images, on one line.
names() {
    minidock images --format '{{.Repository}}' "$@" | tr '\n' ' '
}

@test "images shows the newest first" {
    [ "$(names)" = "new middle old " ]
}

@test "images -f takes docker's filters" {
    [ "$(names -f before=middle)" = "old " ]
    [ "$(names -f since=middle)" = "new " ]
    [ "$(names -f since=old -f before=new)" = "middle " ]
    [ "$(names -f label=tier)" = "new middle " ]
    [ "$(names -f label=tier=web)" = "middle " ]
    [ -z "$(names -f label=tier=web -f label=none)" ]
    [ "$(names -f 'reference=*d*')" = "middle old " ]
    [ "$(names -f reference=old -f reference=new:latest)" = "new old " ]
    [ "$(names -f dangling=false)" = "new middle old " ]
    [ -z "$(names -f dangling=true)" ]
    [ -z "$(names -f dangling=1)" ]
    for filter in nope=1 dangling=x label; do
        run minidock images -f "$filter"
        exited 125
    done
    run minidock images -f before=nothing
    exited 1
    said "No such image: nothing"
}

@test "images -f dangling=true shows what has lost its name" {
    minidock run --name user old true || true
    minidock rmi -f old >/dev/null
    run minidock images -f dangling=true --format '{{.Repository}}:{{.Tag}}'
    [ "$output" = "<none>:<none>" ]
    minidock rm user
}

@test "images --format table has headings, and --format json docker's fields" {
    run minidock images --format 'table {{.Repository}}\t{{.CreatedAt}}\t{{.Digest}}'
    exited 0
    [[ "${lines[0]}" =~ ^REPOSITORY\ +CREATED\ AT\ +DIGEST$ ]]
    [[ "${lines[1]}" =~ ^new\ +2021-02-03\ [0-9:]+\ [+-][0-9]+\ [A-Z0-9+-]+\ +\<none\>$ ]]
    minidock images --format json | "$E2E_PYTHON" -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert sorted(rows[0]) == ["Containers", "CreatedAt", "CreatedSince", "Digest", "ID", "Repository", "SharedSize",
    "Size", "Tag", "UniqueSize", "VirtualSize"], rows'
    run minidock images --digests
    [[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +DIGEST\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
}

@test "history shows the steps that made an image" {
    run minidock history new
    exited 0
    [[ "${lines[0]}" =~ ^IMAGE\ +CREATED\ +CREATED\ BY\ +SIZE\ +COMMENT$ ]]
    [[ "${lines[1]}" =~ ^$(minidock images -q new)\ +.*made\ for\ new$ ]]
    [ "$(minidock history -q --no-trunc new)" = "$(minidock inspect -f '{{.Id}}' new)" ]
    [ "$(minidock history -H=false --format '{{.Size}}' new)" = "$(stat -c %s "$BATS_FILE_TMPDIR/root/bin/sh")" ]
    run minidock history nothing
    exited 1
    said "No such image: nothing"
}
