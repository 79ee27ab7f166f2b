# SPDX-License-Identifier: Apache-2.0
# The options of pull: --all-tags, --dry-run, --force, --lock, --locked, --progress.

bats_require_minimum_version 1.5.0
load helpers
load hub
load roots

setup_file() {
    need_pull || { not_here; return; }
}

teardown_file() {
    hub_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    fresh_store
    hub_heal
    hub_forget
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    hub_kept_secrets
}

# json FILTER: what jq would do, with python: FILTER is an expression on `lines`, a list of objects.
json() {
    printf '%s\n' "$output" | "$E2E_PYTHON" -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin if line.strip()]
print(eval(sys.argv[1]))' "$1"
}

# ---- --dry-run ----

@test "pull -n says what would come and writes nothing" {
    rmdir "$MINIDOCK_ROOT"
    run -0 hub_run minidock pull -n alpine
    said "latest: Pulling from library/alpine"
    said "$(short "$(hub_info alpine:latest layers 0)"): Would download 3.49MB"
    said "To download: 3.49MB in 1 layer; disk: at least 3.49MB needed, "
    said "Digest: $(hub_info alpine:latest digest)"
    said "Status: Would download newer image for alpine:latest"
    [ "${lines[-1]}" = docker.io/library/alpine:latest ]
    [ ! -e "$MINIDOCK_ROOT" ]
    run hub_requests cdn
    said_not "$(hub_info alpine:latest layers 0)"
}

@test "pull -n knows the layers that are there, and an image that is up to date" {
    pull zoo:gzip
    run -0 hub_run minidock pull -n zoo:gzip
    said "To download: 0B in 0 layers"
    said "Status: Image is up to date for zoo:gzip"
    run -0 hub_run minidock pull --dry-run zoo:docker
    said "$(short "$(hub_info zoo:docker layers 0)"): Already exists"
    said_not "Would download "[0-9]
    run -0 hub_run minidock pull -n --force zoo:gzip
    said "$(short "$(hub_info zoo:gzip layers 0)"): Would download"
}

@test "pull -n --format json prints one object for each name" {
    run -0 --separate-stderr hub_run minidock pull -n --format json alpine small
    [ "${#lines[@]}" = 2 ]
    [ "$(json 'lines[0]["Name"]')" = docker.io/library/alpine:latest ]
    [ "$(json 'lines[0]["Digest"]')" = "$(hub_info alpine:latest digest)" ]
    [ "$(json 'lines[0]["Layers"][0]["Digest"]')" = "$(hub_info alpine:latest layers 0)" ]
    [ "$(json 'lines[0]["Layers"][0]["Exists"]')" = False ]
    [ "$(json 'lines[0]["UpToDate"]')" = False ]
    [ "$(json 'lines[0]["BytesToDownload"] == lines[0]["Layers"][0]["Size"] > 0')" = True ]
    [ "$(json 'lines[1]["BytesFree"] > 0')" = True ]
}

@test "pull -n of a name that is not there fails as a pull does" {
    run -1 hub_run minidock pull -n no-such-image
    said "no-such-image"
    run -125 hub_run minidock pull --format json alpine
    said "--dry-run"
}

# ---- --progress ----

@test "--progress json prints docker's stream, one object on each line" {
    run -0 --separate-stderr hub_run minidock pull --progress json alpine
    layer="$(short "$(hub_info alpine:latest layers 0)")"
    [ "$(json 'lines[1]')" = "{'status': 'Pulling from library/alpine', 'id': 'latest'}" ]
    [ "$(json "[l for l in lines if l.get('id') == '$layer'][-1]")" = \
        "{'status': 'Pull complete', 'progressDetail': {}, 'id': '$layer'}" ]
    [ "$(json "[l for l in lines if l['status'] == 'Downloading'][0]['progressDetail']['total'] > 3000000")" = True ]
    [ "$(json 'lines[-3]["status"]')" = "Digest: $(hub_info alpine:latest digest)" ]
    [ "$(json 'lines[-1]["status"]')" = docker.io/library/alpine:latest ]
    [ -z "$stderr" ]
}

@test "--progress plain, none and tty choose what is seen of the layers" {
    layer="$(short "$(hub_info small:latest layers 0)")"
    run -0 hub_run minidock pull --progress=none small
    said_not "$layer"
    said "Status: Downloaded newer image for small:latest"
    fresh_store
    run -0 hub_run minidock pull --progress=plain small
    said "$layer: Pull complete"
    said_not $'\033'
    fresh_store
    run -0 hub_run minidock pull --progress=tty small
    said $'\033[K'
    run -125 hub_run minidock pull --progress=fancy small
    said "fancy"
}

@test "-q prints the name alone, whatever --progress says" {
    run -0 --separate-stderr hub_run minidock pull -q --progress=json small
    [ "$output" = docker.io/library/small:latest ]
}

# ---- --all-tags ----

@test "pull -a pulls every tag of the repository" {
    run -0 hub_run minidock pull -a busybox
    said_not "Using default tag"
    said "1.38.0-musl: Pulling from library/busybox"
    said "Digest: $(hub_info busybox:1.38.0-musl digest)"
    [ "${lines[-2]}" = "Status: Downloaded newer image for busybox" ]
    [ "${lines[-1]}" = docker.io/library/busybox ]
    rootfs busybox:1.38.0-musl
    run -0 hub_run minidock pull --all-tags busybox
    [ "${lines[-2]}" = "Status: Image is up to date for busybox" ]
}

@test "pull -a leaves out tags that have nothing for this platform, and says so" {
    digest="$(hub_info busybox:1.38.0-musl digest)"
    hub_tag library/busybox other "$digest"
    run -0 hub_run minidock pull -a --platform linux/amd64 busybox
    rootfs busybox:other
    run -1 hub_run minidock pull -a --platform linux/s390x busybox
    said "left out: pull \"busybox:1.38.0-musl\""
}

@test "pull -a with a tag, and of a repository that is not there, are errors" {
    run -125 hub_run minidock pull -a alpine:latest
    said "tag can't be used with --all-tags/-a"
    run -1 hub_run minidock pull -a no-such-image
    said "no-such-image"
    run -125 hub_run minidock pull -a --locked alpine
    said "--locked"
}

# ---- --lock and --locked ----

@test "minidock pull --lock minidock.lock alpine" {
    run -0 hub_run minidock pull --lock minidock.lock alpine small
    "$E2E_PYTHON" - "$(hub_info alpine:latest digest)" "$(hub_info small:latest digest)" <<'END'
import json, sys
images = json.load(open("minidock.lock"))["images"]
assert list(images) == ["docker.io/library/alpine:latest", "docker.io/library/small:latest"]
assert images["docker.io/library/alpine:latest"]["digest"] == sys.argv[1]
assert images["docker.io/library/small:latest"]["digest"] == sys.argv[2]
assert len(images["docker.io/library/alpine:latest"]["platforms"]) == 1
END
    cp minidock.lock before
    pull --lock minidock.lock small
    cmp minidock.lock before
    [ "$(ls)" = "$(printf 'before\nminidock.lock')" ]
}

@test "pull --locked goes by the digest though the tag has moved" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull --lock here.lock moving
    before="$(rootfs moving)"
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    cp here.lock kept
    fresh_store
    run -0 hub_run minidock pull --locked --lock here.lock moving
    said "Digest: $(hub_info moving:old digest)"
    [ "$(basename "$(dirname "$(rootfs moving)")")" = "$(basename "$(dirname "$before")")" ]
    cmp here.lock kept
    # What is there is not asked for again.
    hub_forget
    run -0 hub_run minidock pull --locked --lock here.lock moving
    said "Status: Image is up to date for moving:latest"
    [ -z "$(hub_requests registry)" ]
}

@test "minidock pull --locked alpine" {
    pull --lock minidock.lock alpine
    fresh_store
    run -0 hub_run minidock pull --locked alpine
    said "Digest: $(hub_info alpine:latest digest)"
    run -1 hub_run minidock pull --locked small
    said 'the lock file "minidock.lock" has no "docker.io/library/small:latest"'
    absent small
}

@test "a locked digest that cannot be had is an error that names expected and found" {
    lost=sha256:00000000000000000000000000000000000000000000000000000000000000ab
    pull --lock minidock.lock small
    sed -i "s/\"digest\": \"sha256:[0-9a-f]*\"/\"digest\": \"$lost\"/" minidock.lock
    fresh_store
    run -1 hub_run minidock pull --locked small
    said "expects $lost"
    said "found $(hub_info small:latest digest)"
    absent small
}

@test "a missing or foreign lock file is an error before anything is pulled" {
    run -1 hub_run minidock pull --locked small
    said "minidock.lock"
    echo '{"version": 7}' >minidock.lock
    run -1 hub_run minidock pull --locked small
    said "no lock file"
    absent small
}

# ---- --force ----

@test "pull --force mends layer and image that were damaged on the disk" {
    pull alpine
    root="$(rootfs alpine)"
    inode="$(stat -c %i "$root/etc/os-release")"
    echo broken >"$root/etc/os-release" # and so the layer, and what shares it
    run -0 hub_run minidock pull alpine
    grep broken "$(rootfs alpine)/etc/os-release"
    run -0 hub_run minidock pull --force alpine
    said "$(short "$(hub_info alpine:latest layers 0)"): Pull complete"
    said "Status: Downloaded image again for alpine:latest"
    [ "$(rootfs alpine)" = "$root" ]
    grep "Alpine Linux" "$root/etc/os-release"
    [ "$(stat -c %i "$root/etc/os-release")" != "$inode" ]
    [ "$(stat -c %h "$root/etc/os-release")" = 2 ]
    grep "Alpine Linux" "$MINIDOCK_ROOT"/.layers/*/tree/etc/os-release
    no_residue --clean
}

@test "pull --force gives the same tree as the first pull" {
    for name in zoo:gzip small; do
        pull "$name"
        tree "$(rootfs "$name")" >before
        pull --force "$name"
        tree "$(rootfs "$name")" >after
        same_tree before after
    done
    no_residue --clean
}

@test "pull --force mends an image whose files of ours are damaged" {
    pull small
    echo '{' >"$(dirname "$(rootfs small)")/image.json"
    run -0 hub_run minidock pull --force small
    rootfs small
    no_residue --clean
}

@test "pull --force of what is not there is a pull" {
    run -0 hub_run minidock pull --force small
    rootfs small
    no_residue --clean
}

@test "a pull --force that fails changes nothing" {
    pull alpine
    tree "$(rootfs alpine)" >before
    inode="$(stat -c %i "$(rootfs alpine)")"
    hub_fault cdn "$(hub_info alpine:latest layers 0)" flip 1000000
    run -1 hub_run minidock pull --force alpine
    said "$(hub_info alpine:latest layers 0)"
    tree "$(rootfs alpine)" >after
    same_tree before after
    [ "$(stat -c %i "$(rootfs alpine)")" = "$inode" ]
    no_residue --clean
}

@test "a container goes on while its image is fetched again, and the old files go with it" {
    need_command mkfifo
    pull alpine
    mkfifo go
    exec 8<>go
    hub_run minidock run --rm -i alpine sh -c 'echo up; read line; cat /etc/os-release' \
        <&8 >out 2>&1 &
    job=$!
    for _ in $(seq 300); do
        grep -q up out && break
        sleep 0.1
    done
    pull --force alpine
    ls "$MINIDOCK_ROOT/.partial" >partial
    [ "$(wc -l <partial)" = 1 ] # the old image, which the container holds
    echo go >&8
    wait "$job"
    grep "Alpine Linux" out
    exec 8>&-
    pull alpine
    no_residue --clean
}

@test "two pulls --force of one image at once both succeed" {
    pull zoo:gzip
    tree "$(rootfs zoo:gzip)" >before
    hub_run minidock pull --force zoo:gzip >one 2>&1 &
    one=$!
    hub_run minidock pull --force zoo:gzip >two 2>&1 &
    two=$!
    wait "$one" || { cat one; false; }
    wait "$two" || { cat two; false; }
    pull zoo:gzip
    tree "$(rootfs zoo:gzip)" >after
    same_tree before after
    no_residue --clean
}
