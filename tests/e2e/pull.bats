# SPDX-License-Identifier: Apache-2.0
# minidock pull: what is typed, what is said, what is asked of the servers, what is there afterwards.

bats_require_minimum_version 1.5.0
load helpers
load hub

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
}

teardown() {
    hub_kept_secrets
}

# requests_to SERVER: how many it had, by method and kind: "1 HEAD manifests".
requests_to() {
    hub_requests "$1" | sed -E 's#^([A-Z]+) /v2/.*/(manifests|blobs)/.*#\1 \2#' | sort | uniq -c |
        sed 's/^ *//'
}

@test "minidock pull alpine, with nothing configured, makes /var/lib/minidock/alpine/rootfs" {
    unset MINIDOCK_ROOT
    hub_run minidock pull alpine
    run -0 hub_run ls -l /var/lib/minidock/alpine/rootfs
    said "bin"
    said "etc"
    run -0 hub_run cat /var/lib/minidock/alpine/rootfs/etc/os-release
    said "Alpine Linux"
    run -0 hub_run stat -c %a /var/lib/minidock
    [ "$output" = 700 ]
}

@test "pull says docker's lines and ends with the full name" {
    layer="$(short "$(hub_info alpine:latest layers 0)")"
    run -0 hub_run minidock pull alpine
    [ "${lines[0]}" = "Using default tag: latest" ]
    [ "${lines[1]}" = "latest: Pulling from library/alpine" ]
    [ "${lines[-4]}" = "$layer: Pull complete" ]
    [ "${lines[-3]}" = "Digest: $(hub_info alpine:latest digest)" ]
    [ "${lines[-2]}" = "Status: Downloaded newer image for alpine:latest" ]
    [ "${lines[-1]}" = "docker.io/library/alpine:latest" ]
}

@test "--debug tells each request and what became of it, without its query" {
    layer="$(hub_info small:latest layers 0)"
    run -0 hub_run minidock --debug pull small
    said "debug: GET https://registry-1.docker.io/v2/library/small/manifests/latest: HTTP status 401"
    said "debug: GET https://auth.docker.io/token: HTTP status 200"
    said "blobs/$layer: HTTP status 307"
    said_not "scope="
}

@test "every layer has its line, also when no terminal is there" {
    run -0 hub_run minidock pull small
    for layer in $(hub_info small:latest layers); do
        said "$(short "$layer"): Pull complete"
    done
}

@test "pull -q prints the full name and nothing else" {
    run -0 --separate-stderr hub_run minidock pull -q alpine
    [ "$output" = "docker.io/library/alpine:latest" ]
    [ -z "$stderr" ]
}

@test "the full name is the last line of standard output" {
    run -0 --separate-stderr hub_run minidock pull small:manifest
    [ "${lines[-1]}" = "docker.io/library/small:manifest" ]
}

@test "a tag is taken as it is, without a word about a default" {
    run -0 hub_run minidock pull busybox:1.38.0-musl
    said_not "Using default tag"
    [ "${lines[0]}" = "1.38.0-musl: Pulling from library/busybox" ]
    [ "${lines[-1]}" = "docker.io/library/busybox:1.38.0-musl" ]
}

@test "several names are pulled one after the other" {
    run -0 hub_run minidock pull small hello-world:latest team/app:1.0
    said "docker.io/library/small:latest"
    said "docker.io/library/hello-world:latest"
    said "docker.io/team/app:1.0"
    rootfs small
    rootfs hello-world
    rootfs team/app:1.0
}

@test "one wrong name among several is an error and takes nothing from the others" {
    run -1 hub_run minidock pull small no-such-image
    said "no-such-image"
    rootfs small
}

@test "docker.io and library are what a short name means" {
    for name in alpine docker.io/alpine docker.io/library/alpine index.docker.io/library/alpine:latest; do
        pull -q "$name"
        rootfs alpine
    done
    [ "$(requests_to registry | grep -c blobs)" = 1 ]
}

@test "an index, a manifest list, a nested index and bare manifests lead to the same image" {
    for tag in gzip docker index list nested future; do
        fresh_store
        pull "zoo:$tag"
        [ "$(basename "$(dirname "$(rootfs "zoo:$tag")")")" = "$(hub_info zoo:gzip image_id)" ]
        no_residue --clean
    done
}

@test "the digest said is that of what the registry served" {
    run -0 hub_run minidock pull zoo:nested
    said "Digest: $(hub_info zoo:nested digest)"
    run -0 hub_run minidock pull small:manifest
    said "Digest: $(hub_info small:manifest digest)"
}

@test "--platform takes that platform's image of the index" {
    pull --platform "$(elsewhere)" alpine
    index="$(hub_info alpine:latest manifests)"
    case "$(elsewhere)" in
    */arm64) wanted="$(sed -n 2p <<<"$index")" ;;
    *) wanted="$(sed -n 1p <<<"$index")" ;;
    esac
    hub_requests registry | grep -q "GET /v2/library/alpine/manifests/$wanted"
    run -0 hub_run minidock inspect alpine
    said "\"$(basename "$(elsewhere)")\""
}

@test "without --platform it is this machine's" {
    pull alpine
    run -0 hub_run minidock inspect alpine
    said_not "\"$(basename "$(elsewhere)")\""
}

@test "DOCKER_DEFAULT_PLATFORM does what --platform does" {
    DOCKER_DEFAULT_PLATFORM="$(elsewhere)" pull alpine
    run -0 hub_run minidock inspect alpine
    said "\"$(basename "$(elsewhere)")\""
}

@test "an index without this platform is refused, and names those it has" {
    run -1 hub_run minidock pull nothing-for-us
    said "nothing-for-us"
    said "s390x"
    absent nothing-for-us
    [ -z "$(hub_requests cdn)" ]
}

@test "a malformed platform is bad usage" {
    run -125 hub_run minidock pull --platform linux/ alpine
    [ -z "$(hub_requests registry)" ]
}

@test "the index's attestations are never asked for" {
    pull alpine
    [ "$(requests_to registry | grep manifests | awk '{ n += $1 } END { print n }')" -le 3 ]
}

@test "a name with a digest pulls exactly that, and says so" {
    digest="$(hub_info busybox:1.38.0-musl manifest)"
    run -0 hub_run minidock pull "busybox@$digest"
    said "Digest: $digest"
    said "Status: Downloaded newer image for busybox@$digest"
    [ "${lines[-1]}" = "docker.io/library/busybox@$digest" ]
    rootfs "busybox@$digest"
}

@test "a name with a tag and a digest goes by the digest" {
    digest="$(hub_info moving:old digest)"
    run -0 hub_run minidock pull "moving:new@$digest"
    said "Digest: $digest"
    [ "$(cat "$(rootfs "moving:new@$digest")/etc/top")" = top ]
    run hub_requests registry
    said_not "manifests/new"
}

@test "a digest that the registry does not have is an error that names it" {
    run -1 hub_run minidock pull "alpine@sha256:$(printf '%064d' 7)"
    said "$(printf '%012d' 0)"
    said "alpine"
}

@test "an unknown name is an error that names it, and leaves nothing" {
    run -1 hub_run minidock pull no-such-image
    said "no-such-image"
    [ "$(grep -c '^minidock: ' <<<"$output")" = 1 ]
    absent no-such-image
    no_residue --clean
}

@test "a malformed name is refused before the network" {
    for name in Alpine 'alpine:' 'alpine@sha256:12' '../alpine' 'a//b' 'al pine' '' ':tag' 'alpine:-x'; do
        run hub_run minidock pull -- "$name"
        [ "$status" -ne 0 ]
    done
    name="$(printf 'long/%.0s' {1..60})x"
    run hub_run minidock pull "$name"
    [ "$status" -ne 0 ]
    [ -z "$(hub_requests registry)$(hub_requests token)" ]
}

@test "pull without a name and with an unknown flag is bad usage" {
    run -125 hub_run minidock pull
    run -125 hub_run minidock pull --no-such-flag alpine
    said "--no-such-flag"
}

@test "localhost and loopback addresses are spoken to in plain http" {
    for host in localhost:5000 127.0.0.1:5000; do
        run -0 hub_run minidock pull "$host/library/small"
        said "Status: Downloaded newer image for $host/library/small:latest"
        [ "${lines[-1]}" = "$host/library/small:latest" ]
        rootfs "$host/library/small"
    done
    [ -z "$(hub_requests registry)$(hub_requests token)" ]
}

@test "any other host is never spoken to in plain http" {
    for host in plain.test:5000 10.99.0.1:5000; do
        run -1 hub_run minidock pull "$host/library/small"
        said "$host"
    done
    run hub_requests trap
    said "tls"
    said_not "plain"
}

@test "another registry is used under its own name, also when it redirects nothing" {
    run -0 hub_run minidock pull registry.test/library/zoo:zstd
    [ "${lines[-1]}" = "registry.test/library/zoo:zstd" ]
    rootfs registry.test/library/zoo:zstd
    [ -z "$(hub_requests cdn)" ]
    run hub_requests token
    said "library%2Fzoo%3Apull" || said "library/zoo:pull"
}

@test "a certificate of an unknown authority is refused" {
    hub_run sh -c 'mkdir /run/no-authorities &&
        mount --bind /run/no-authorities /etc/ssl/certs'
    run hub_run minidock pull alpine
    hub_run umount /etc/ssl/certs
    [ "$status" -eq 1 ]
    said "certificate"
    [ -z "$(hub_requests registry)" ]
}

@test "SSL_CERT_FILE names the authorities to trust" {
    hub_run sh -c 'mkdir -p /run/no-authorities && mount --bind /run/no-authorities /etc/ssl/certs'
    SSL_CERT_FILE="$HUB_DIR/pki/ca.pem" run hub_run minidock pull alpine
    hub_run umount /etc/ssl/certs
    exited 0
}

@test "the token that is asked for allows pulling this one repository and no more" {
    pull small
    run hub_requests token
    [ "${#lines[@]}" -eq 1 ]
    grep -qF '"scopes": ["repository:library/small:pull"]' "$HUB_DIR/log/token.jsonl"
}

@test "the CDN never sees the token" {
    pull small
    [ "$(hub_requests cdn | wc -l)" -eq 4 ]
    run grep -ci authorization "$HUB_DIR/log/cdn.jsonl"
    [ "$output" = 0 ]
    grep -q Authorization "$HUB_DIR/log/registry.jsonl"
    hub_kept_secrets
}

@test "a repository that gives nobody a token is an error that says so" {
    run -1 hub_run minidock pull private/thing
    said "private/thing"
    hub_fault token / status 503
    run -1 hub_run minidock pull alpine
    said "auth.docker.io"
}

@test "blobs are compressed once only: no encoding is asked for on top" {
    pull small
    run grep -iE '"accept-encoding", "[^"]*(gzip|deflate|br|zstd)' "$HUB_DIR/log/cdn.jsonl" \
        "$HUB_DIR/log/registry.jsonl"
    [ "$status" -eq 1 ]
}

@test "a second pull of the same name is one HEAD by tag besides the token" {
    pull alpine
    hub_forget
    run -0 hub_run minidock pull alpine
    [ "${lines[0]}" = "Using default tag: latest" ]
    [ "${lines[1]}" = "latest: Pulling from library/alpine" ]
    [ "${lines[2]}" = "Digest: $(hub_info alpine:latest digest)" ]
    [ "${lines[3]}" = "Status: Image is up to date for alpine:latest" ]
    [ "${lines[4]}" = "docker.io/library/alpine:latest" ]
    run hub_requests registry
    [ "$(grep -v '^GET /v2/$' <<<"$output" | sort -u)" = "HEAD /v2/library/alpine/manifests/latest" ]
    [ "$(grep -c '"method": "HEAD".*"status": 200' "$HUB_DIR/log/registry.jsonl")" = 1 ]
    [ "$(hub_requests token | wc -l)" -le 1 ]
    [ -z "$(hub_requests cdn)" ]
}

@test "a second name for what is there fetches no layer again" {
    pull alpine:3.20.3
    hub_forget
    run -0 hub_run minidock pull alpine:3.20
    said "$(hub_info alpine:latest digest)"
    run hub_requests cdn
    said_not "$(hub_info alpine:latest layers 0 | cut -d: -f2)"
}

@test "a layer that another image brought is not fetched again" {
    pull moving:old
    hub_forget
    run -0 hub_run minidock pull moving:new
    middle="$(hub_info moving:new layers 1)"
    said "$(short "$middle"): Already exists"
    run hub_requests cdn
    said_not "${middle#sha256:}"
    first="$(rootfs moving:old)/etc/middle" second="$(rootfs moving:new)/etc/middle"
    [ "$(stat -c %i "$first")" = "$(stat -c %i "$second")" ]
}

@test "a moved tag replaces the name, and the old image goes when nothing uses it" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull moving
    old="$(rootfs moving)"
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    run -0 hub_run minidock pull moving
    said "Status: Downloaded newer image for moving:latest"
    [ "$(cat "$(rootfs moving)/etc/top")" = "top newer" ]
    [ ! -e "$old" ]
    no_residue --clean
}

@test "while a tag moves its name is there at every moment, for the old image or the whole new one" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull moving
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    hub_run minidock pull -q moving &
    pulling=$!
    while kill -0 "$pulling" 2>/dev/null; do
        case "$(readlink "$MINIDOCK_ROOT/moving")" in
        ".images/$(hub_info moving:old image_id)") ;;
        ".images/$(hub_info moving:new image_id)")
            [ "$(cat "$MINIDOCK_ROOT/moving/rootfs/etc/top")" = "top newer" ]
            ;;
        *) false ;;
        esac
    done
    wait "$pulling"
    [ "$(cat "$MINIDOCK_ROOT/moving/rootfs/etc/top")" = "top newer" ]
}

@test "an image stays while a container uses it, though its tag has moved" {
    hub_tag library/moving latest "$(hub_info moving:old digest)"
    pull moving
    old="$(rootfs moving)"
    mkfifo "$BATS_TEST_TMPDIR/in"
    hub_run minidock run --rm -i --network none moving /bin/cat \
        <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
    container=$!
    exec 7>"$BATS_TEST_TMPDIR/in"
    echo alive >&7
    timeout 30 sh -c 'until grep -q alive "$0"; do sleep 0.02; done' "$BATS_TEST_TMPDIR/out"
    hub_tag library/moving latest "$(hub_info moving:new digest)"
    pull moving
    [ "$(cat "$old/etc/top")" = top ]
    echo still alive >&7
    exec 7>&-
    wait "$container"
    grep -q "still alive" "$BATS_TEST_TMPDIR/out"
}

@test "two pulls of the same name at once both succeed, and fetch each layer once" {
    run -0 drive together 2 -- minidock pull big
    [ "$(grep -c '^docker.io/library/big:latest' <<<"$output")" = 2 ]
    for layer in $(hub_info big:latest layers); do
        [ "$(hub_requests cdn | grep -c "${layer#sha256:}")" = 1 ]
    done
    rootfs big
    no_residue --clean
}

@test "eight pulls of images that share layers, at once, all succeed" {
    run -0 drive together 8 -- minidock pull -q small moving:old moving:new zoo:gzip zoo:docker
    [ "$(grep -c '^docker.io/library/' <<<"$output")" = 40 ]
    no_residue --clean
}

@test "after a pull no compressed copy remains" {
    pull big
    no_residue --clean
    layer="$(hub_info big:latest sizes 2)"
    run find "$MINIDOCK_ROOT" -xdev -type f -size "${layer}c"
    [ -z "$output" ]
}

@test "what is recorded is byte for byte what was served" {
    pull small
    image="$MINIDOCK_ROOT/.images/$(hub_info small:latest image_id)"
    [ "$(sha256sum <"$image/config.json" | cut -d' ' -f1)" = "$(hub_info small:latest image_id)" ]
    manifest="$(hub_info small:latest manifest)"
    run find "$image/manifests" -name "*${manifest#sha256:}*.json"
    [ "$(sha256sum <"$output" | cut -d' ' -f1)" = "${manifest#sha256:}" ]
}

@test "on a terminal there are bars, with speed and total, and docker's lines at the end" {
    run -0 drive tty -- minidock pull small
    said $'\r'
    said "Pull complete"
    said "Status: Downloaded newer image for small:latest"
    said "docker.io/library/small:latest"
}

@test "without a terminal there is not one control character" {
    run -0 hub_run minidock pull small
    run grep -c '[[:cntrl:]]' <<<"$output"
    [ "$output" = 0 ]
}

@test "output that nobody reads ends the pull without a trace" {
    run hub_run sh -c 'minidock pull small | true'
    no_residue
    pull small
    no_residue --clean
}

@test "the store's directory is named by --root as well" {
    other="$(mktemp -d "$(scratch_dir)/other.XXXXXX")"
    hub_run minidock --root "$other" pull small
    [ -d "$other/small/rootfs/etc" ]
    [ -z "$(ls -A "$MINIDOCK_ROOT")" ]
}
