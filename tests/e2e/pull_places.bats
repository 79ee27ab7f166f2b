# SPDX-License-Identifier: Apache-2.0
# Where images come from other than their registry: mirrors, private and insecure registries, and
# the way there through proxies. What the servers are: lib/places.py.

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
    export HOME="$BATS_TEST_TMPDIR"
    unset CONTAINERS_REGISTRIES_CONF
    fresh_store
    hub_heal
    hub_forget
    hub_run rm -rf /etc/containers /etc/docker
    rm -f "$HUB_DIR/proxy-password"
}

teardown() {
    hub_kept_secrets
}

# registries: standard input is the box's /etc/containers/registries.conf
registries() {
    hub_run sh -c 'mkdir -p /etc/containers && cat >/etc/containers/registries.conf'
}

# certificates DIRECTORY FILE NAME: a file of pki-private as DIRECTORY/NAME in the box
certificates() {
    hub_run sh -c 'mkdir -p "$1" && cp "$2" "$1/$3"' - "$1" "$HUB_DIR/pki-private/$2" "$3"
}

hub_mirrors() {
    printf '[[registry]]\nlocation = "docker.io"\n' | cat - <(
        for mirror in "$@"; do
            printf '[[registry.mirror]]\nlocation = "%s"\n' "$mirror"
        done
    ) | registries
}

# not_asked NAME...: none of these servers was asked for anything
not_asked() {
    local name

    for name in "$@"; do
        [ -z "$(hub_requests "$name")" ] || {
            echo "$name was asked: $(hub_requests "$name")" >&2
            return 1
        }
    done
}

# not_pulled NAME WORD...: the pull fails with one line that has every word
not_pulled() {
    local word

    run hub_run minidock pull "$1"
    exited 1
    [ "$(grep -c '^minidock: ' <<<"$output")" = 1 ]
    for word in "${@:2}"; do
        said "$word"
    done
    absent "$1" && no_residue
}

@test "a mirror serves all of an image, and its registry is not asked" {
    hub_mirrors mirror.test
    pull small
    not_asked registry token cdn
    [ "$(hub_requests mirror | grep -c /blobs/)" = 4 ]
    no_residue
}

@test "a mirror below a path is asked for that path" {
    registries <<<'
[[registry]]
prefix = "example.test/team"
location = "mirror.test/library"'
    pull example.test/team/small:manifest
    not_asked registry
    rootfs example.test/team/small:manifest
}

@test "mirrors that are down, unknown, forbidden or broken are passed over" {
    hub_mirrors plain.test:1 unknown.test mirror.test
    pull -q small
    not_asked registry
    for status in 401 403 404 500 503 429; do
        fresh_store
        hub_forget
        hub_heal
        hub_fault mirror /v2/ status $status
        pull -q small
        [ -n "$(hub_requests mirror)" ]
        [ "$(hub_requests registry | grep -c /blobs/)" = 4 ]
    done
}

@test "each place that failed is told with its own reason in one line" {
    hub_mirrors plain.test:1 private.test mirror.test
    hub_fault mirror manifests/ status 500
    hub_fault registry manifests/ status 404
    not_pulled small "small" "plain.test:1: connection refused" \
        "private.test: its certificate is not trusted" "mirror.test: HTTP status 500" "not found"
}

@test "a mirror with another manifest than the digest asked for is passed over" {
    hub_mirrors mirror.test
    hub_fault mirror "manifests/$(hub_info small:latest manifest)" flip 20
    pull small
    [ "$(hub_requests registry | grep -c /manifests/)" -ge 1 ]
    rootfs small
}

@test "a blob that the mirror has not, or has cut, comes from the registry from that byte on" {
    hub_mirrors mirror.test
    layer="$(hub_info small:manifest layers 0)"
    hub_fault mirror "blobs/$layer" status 404
    pull small:manifest
    hub_requests cdn | grep -F "${layer#sha256:}"
    [ "$(hub_requests cdn | wc -l)" = 1 ]
    no_residue
    fresh_store
    hub_forget
    hub_heal
    hub_fault mirror "blobs/$layer" cut 1000
    pull small:manifest
    grep -F "${layer#sha256:}" "$HUB_DIR/log/cdn.jsonl" | grep -F '"bytes=1000-'
    no_residue
}

@test "a layer with wrong content from a mirror is fetched again from the registry" {
    hub_mirrors mirror.test
    layer="$(hub_info small:manifest layers 1)"
    hub_fault mirror "blobs/$layer" flip 100
    pull small:manifest
    hub_requests cdn | grep -F "${layer#sha256:}"
    no_residue
}

@test "a layer that a mirror has wrong and cuts off is had from the registry alone" {
    hub_mirrors mirror.test
    layer="$(hub_info small:manifest layers 0)"
    hub_fault mirror "blobs/$layer" flip 100
    hub_fault mirror "blobs/$layer" cut 1000
    pull small:manifest
    [ "$(hub_ranges cdn "${layer#sha256:}" | tail -n 1)" = whole ]
    no_residue
}

@test "wrong content from everywhere is an error that names who gave it last" {
    hub_mirrors mirror.test
    layer="$(hub_info small:manifest layers 1)"
    hub_fault mirror "blobs/$layer" flip 100
    hub_fault cdn "$layer" flip 100
    not_pulled small:manifest "$(short "$layer")" "registry-1.docker.io" "expected"
}

@test "a mirror for digests only is not asked for tags" {
    registries <<<'
[[registry]]
location = "docker.io"
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.test"'
    pull -q small:manifest
    not_asked mirror
    fresh_store
    hub_forget
    pull -q "small@$(hub_info small:manifest manifest)"
    not_asked registry
}

@test "an image that is up to date costs one request to the mirror" {
    hub_mirrors mirror.test
    pull -q small
    hub_forget
    run pull small
    said "up to date"
    [ "$(hub_requests mirror)" = "HEAD /v2/library/small/manifests/latest" ]
    not_asked registry
}

@test "a blocked registry is not asked, and the error names it and the file" {
    registries <<<'
[[registry]]
location = "docker.io"
blocked = true'
    not_pulled small '"docker.io" is blocked in /etc/containers/registries.conf'
    not_asked registry token
}

@test "what is said of one tag or of digests counts, whatever of the repository was pulled before" {
    registries <<<'
[[registry]]
prefix = "docker.io/library/small:manifest"
location = "docker.io/library/small:manifest"
blocked = true'
    run hub_run minidock pull small small:manifest
    exited 1
    said '"docker.io/library/small:manifest" is blocked'
    [ "$(hub_requests registry | grep -c /manifests/manifest)" = 0 ]
    absent small:manifest
    fresh_store
    hub_forget
    registries <<<'
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.test"
pull-from-mirror = "digest-only"'
    pull -q small:manifest "small@$(hub_info small:manifest manifest)"
    [ "$(hub_requests registry | grep -c "GET /v2/library/small/manifests/manifest")" -ge 1 ]
    [ "$(hub_requests mirror | grep -c "GET /v2/library/small/manifests/sha256:")" = 1 ]
}

@test "a configuration that cannot be understood stops the pull with file and line" {
    registries <<<'
[[registry]
location = "docker.io"'
    not_pulled small "/etc/containers/registries.conf:2:"
    registries <<<'
[registries.insecure]
registries = ["insecure.test:5000"]'
    not_pulled small "/etc/containers/registries.conf:2:" "version 1"
    not_asked registry
}

@test "plain http is spoken where it is said to be, and nowhere else" {
    run hub_run minidock pull insecure.test:5000/library/small
    exited 1
    not_asked insecure
    registries <<<'
[[registry]]
location = "insecure.test:5000"
insecure = true'
    pull -q insecure.test:5000/library/small
    [ -n "$(hub_requests insecure)" ]
}

@test "where a registry is insecure any certificate will do, but only there" {
    not_pulled private.test/library/small "not trusted"
    registries <<<'
[[registry]]
location = "private.test"
insecure = true'
    pull -q private.test/library/small
    registries <<<'
[[registry]]
location = "mirror.test"
insecure = true'
    not_pulled private.test/library/small:manifest "not trusted"
}

@test "an authority in certs.d counts for its host, beside the system's" {
    for directory in /etc/docker /etc/containers "$HOME/.config/containers"; do
        fresh_store
        hub_run rm -rf /etc/docker /etc/containers
        certificates "$directory/certs.d/private.test" ca.pem ours.crt
        pull -q private.test/library/small
        rm -rf "$HOME/.config"
    done
    certificates /etc/docker/certs.d/mirror.test ca.pem other.crt
    pull -q mirror.test/library/small
    not_pulled private.test/library/small:manifest "not trusted"
}

@test "a client's certificate is sent to the host that it is for" {
    certificates /etc/containers/certs.d/client.test ca.pem ca.crt
    run hub_run minidock pull client.test/library/small
    exited 1
    said client.test
    certificates /etc/containers/certs.d/client.test server.pem client.cert
    run hub_run minidock pull client.test/library/small
    exited 1
    said "missing key client.key for client certificate client.cert"
    certificates /etc/containers/certs.d/client.test server.key client.key
    pull -q client.test/library/small
    no_residue
}

@test "a proxy is gone through but for what NO_PROXY names" {
    HTTPS_PROXY=http://proxy.test:3128 pull -q small
    [ "$(hub_requests proxy | cut -d' ' -f1 | sort -u)" = CONNECT ]
    hub_requests proxy | grep -F registry-1.docker.io:443
    hub_requests proxy | grep -F production.cloudflare.docker.com:443
    hub_forget
    fresh_store
    NO_PROXY=.docker.io,cloudflare.docker.com:443 HTTPS_PROXY=http://proxy.test:3128 pull -q small
    not_asked proxy
    registries <<<'
[[registry]]
location = "insecure.test:5000"
insecure = true'
    http_proxy=proxy.test:3128 pull -q insecure.test:5000/library/small
    hub_requests proxy | grep -F http://insecure.test:5000/v2/library/small/
}

@test "a proxy's password goes to the proxy alone, and is never shown" {
    touch "$HUB_DIR/proxy-password"
    HTTPS_PROXY=http://proxy.test:3128 not_pulled small "proxy proxy.test:3128" "user name"
    HTTPS_PROXY=http://user:wrong-secret@proxy.test:3128 not_pulled small "proxy.test:3128"
    said_not wrong-secret
    HTTPS_PROXY=http://user:secret@proxy.test:3128 pull -q small
    registries <<<'
[[registry]]
location = "insecure.test:5000"
insecure = true'
    HTTP_PROXY=http://proxy.test:3128 not_pulled insecure.test:5000/library/small "user name"
    HTTP_PROXY=http://user:secret@proxy.test:3128 pull -q insecure.test:5000/library/small
}

@test "a proxy that is not there is named" {
    HTTPS_PROXY=http://user:secret@plain.test:1 not_pulled small \
        "proxy plain.test:1: connection refused"
    said_not secret
    HTTPS_PROXY=http://unknown.test:1 not_pulled small "proxy unknown.test:1: "
}
