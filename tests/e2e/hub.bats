# SPDX-License-Identifier: Apache-2.0
# The box itself: it must answer as Docker Hub does, and do wrong exactly what a test asks for.

load helpers
load hub

setup_file() {
    need_hub || { not_here; return; }
    hub_start
}

teardown_file() {
    hub_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    hub_heal
    hub_forget
}

# ask URL [HEADER]: status, headers and size of the answer, by Python's own client and the system's CAs.
ask() {
    hub_run "$E2E_PYTHON" -c '
import http.client, ssl, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
tls = ssl.create_default_context(capath="/etc/ssl/certs")
client = http.client.HTTPSConnection(url.hostname, context=tls)
client.request("GET", url.path + ("?" + url.query if url.query else ""),
               headers=dict(h.split(": ", 1) for h in sys.argv[2:]))
answer = client.getresponse()
print(answer.status, *("%s: %s" % h for h in answer.getheaders()), sep="\n")
try:
    body = answer.read()
    print(body.decode() if b"json" in answer.getheader("Content-Type", "").encode() else len(body))
except http.client.IncompleteRead as cut:
    print("cut after", len(cut.partial))
' "$@"
}

token() {
    ask "https://auth.docker.io/token?service=registry.docker.io&scope=repository:$1:pull" |
        sed -n 's/.*"token": "\([^"]*\)".*/\1/p'
}

blob_url() {
    echo "https://production.cloudflare.docker.com/docker/registry/v2/blobs/sha256/${1:7:2}/${1:7}/data"
}

@test "the registry asks for a token and names where to get it" {
    run ask https://registry-1.docker.io/v2/library/alpine/manifests/latest
    [ "${lines[0]}" = 401 ]
    said 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"'
}

@test "with a token manifests are served and blobs are redirected to the CDN" {
    auth="Authorization: Bearer $(token library/small)"
    run ask https://registry-1.docker.io/v2/library/small/manifests/manifest "$auth" \
        "Accept: application/vnd.oci.image.manifest.v1+json"
    [ "${lines[0]}" = 200 ]
    said "Docker-Content-Digest: $(hub_info small:manifest digest)"
    layer="$(hub_info small:manifest layers 0)"
    run ask "https://registry-1.docker.io/v2/library/small/blobs/$layer" "$auth"
    [ "${lines[0]}" = 307 ]
    said "Location: $(blob_url "$layer")"
    [ "$(hub_requests registry | tail -1)" = "GET /v2/library/small/blobs/$layer" ]
}

@test "a token for one repository opens no other" {
    run ask https://registry-1.docker.io/v2/library/alpine/manifests/latest \
        "Authorization: Bearer $(token library/small)"
    [ "${lines[0]}" = 401 ]
}

@test "the CDN serves blobs and keeps a record of secrets sent to it" {
    layer="$(hub_info small:manifest layers 1)"
    run ask "$(blob_url "$layer")"
    [ "${lines[0]}" = 200 ]
    [ "${lines[-1]}" = "$(hub_info small:manifest sizes 1)" ]
    hub_kept_secrets
    ask "$(blob_url "$layer")" "Authorization: Bearer x" >/dev/null
    run hub_kept_secrets
    [ "$status" -ne 0 ]
    rm "$HUB_DIR/violations"
}

@test "a fault does what it says, for as long as it is there" {
    layer="$(hub_info small:manifest layers 0)"
    hub_fault cdn "$layer" cut 1000
    run ask "$(blob_url "$layer")"
    said "cut after 1000"
    hub_heal
    hub_fault cdn "$layer" short 10
    run ask "$(blob_url "$layer")"
    [ "${lines[-1]}" = 10 ]
    hub_heal
    hub_fault cdn "$layer" status 503 1
    run ask "$(blob_url "$layer")"
    [ "${lines[0]}" = 503 ]
    run ask "$(blob_url "$layer")"
    [ "${lines[0]}" = 200 ]
}

@test "what is stalled is reported, and goes on when the fault is gone" {
    layer="$(hub_info small:manifest layers 0)"
    hub_fault cdn "$layer" stall 500
    ask "$(blob_url "$layer")" >"$BATS_TEST_TMPDIR/answer" &
    hub_wait "stalled ${layer#sha256:} 500"
    hub_heal
    wait $!
    [ "$(tail -1 "$BATS_TEST_TMPDIR/answer")" = "$(hub_info small:manifest sizes 0)" ]
}

@test "the published BusyBox has its published digest" {
    [ -n "${MINIDOCK_TEST_IMAGES:-}" ] || skip_or_fail "MINIDOCK_TEST_IMAGES is not set"
    [ "$(hub_info busybox:1.38.0-musl manifest)" = \
        sha256:a34ce92094b7b100a98fbd21411a92825f6827b1bc5f6918c253516c90556998 ]
}

@test "a box that is stopped leaves no process and no mount" {
    first="$HUB_DIR" second="$(mktemp -u "$(scratch_dir)/hub.XXXXXX")"
    hub_py start "$second" $$
    pid="$(cat "$second/pid")"
    [ -d "/proc/$pid" ]
    hub_py stop "$second"
    [ ! -d "/proc/$pid" ]
    run grep -F "$second" /proc/self/mountinfo
    [ "$status" -eq 1 ]
    run pgrep -f "$second"
    [ "$status" -eq 1 ]
    [ "$first" = "$HUB_DIR" ]
}

@test "a box ends with the process that it was started for" {
    second="$(mktemp -u "$(scratch_dir)/hub.XXXXXX")"
    sleep 1000 3>&- &
    owner=$!
    hub_py start "$second" "$owner"
    keeper="$(cat "$second/keeper")"
    kill "$owner"
    timeout 30 tail --pid="$keeper" -f /dev/null
    [ ! -d "/proc/$(cat "$second/pid")" ]
}
