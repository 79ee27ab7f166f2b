# SPDX-License-Identifier: Apache-2.0
# login, logout, and to whom a pull's credentials go. Who may log in is in lib/servers.py.

bats_require_minimum_version 1.5.0
load helpers
load hub

HUB_KEY=https://index.docker.io/v1/
IDENTITY=box-identity

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
    hub_run rm -rf /etc/containers
    unset CONTAINERS_REGISTRIES_CONF
    HOME="$BATS_TEST_TMPDIR/home"
    CONFIG="$HOME/.docker/config.json"
    CREDENTIAL_STORE="$BATS_TEST_TMPDIR/kept"
    export HOME CREDENTIAL_STORE
    PATH="$E2E_LIB:$PATH"
}

teardown() {
    hub_kept_secrets
    not_here || no_residue
}

# log_in [ARGUMENT...]: as the user that the box knows.
log_in() {
    printf 'box:secret\n' | hub_run minidock login -u alice --password-stdin "$@"
}

# config TEXT: the docker configuration of this test.
config() {
    mkdir -p "$(dirname "$CONFIG")"
    printf '%s' "$1" >"$CONFIG"
    chmod 600 "$CONFIG"
}

# auth USER:PASSWORD: as an auth file has it.
auth() {
    printf '"auth":"%s"' "$(printf %s "$1" | base64 -w0)"
}

# member EXPRESSION [FILE]: a Python expression on the file's JSON, `c`.
member() {
    "$E2E_PYTHON" -c 'import json, sys; c = json.load(open(sys.argv[2])); print(eval(sys.argv[1]))' \
        "$1" "${2:-$CONFIG}"
}

# --- login and logout ---

@test "who logs in may pull what is private, and who logs out may not" {
    run -1 hub_run minidock pull private/app
    said "pull access denied for private/app, repository does not exist or may require 'minidock login'"
    run -0 --separate-stderr log_in
    [ "$output" = "Login Succeeded" ]
    [[ "$stderr" == *"WARNING! Your credentials are stored unencrypted in '$CONFIG'."* ]]
    [ "$(stat -c %a "$CONFIG" "$HOME/.docker" | tr '\n' ' ')" = "600 700 " ]
    [ "$(member 'list(c["auths"])')" = "['$HUB_KEY']" ]
    hub_forget
    pull private/app
    hub_users token | grep -qx 'GET /token alice:box:secret'
    run -0 hub_run minidock logout
    [ "$output" = "Removing login credentials for $HUB_KEY" ]
    [ "$(member 'c["auths"]')" = "{}" ]
    fresh_store
    run -1 hub_run minidock pull private/app
    run -0 hub_run minidock logout
    [ "$output" = "Not logged in to $HUB_KEY" ]
}

@test "login asks at a terminal, without showing the password" {
    run -0 hub_run "$E2E_PYTHON" "$E2E_LIB/terminal.py" minidock login <<'TYPED'
expect Username:
type alice
expect Password:
await raw
type box:secret
expect Login Succeeded
await restored
TYPED
    said_not "secret"
    [ "$(member "c['auths']['$HUB_KEY']['auth']")" = "$(printf alice:box:secret | base64)" ]
}

@test "the terminal is as before after an interrupt, and while login is stopped" {
    run -130 hub_run "$E2E_PYTHON" "$E2E_LIB/terminal.py" minidock login -u alice <<'TYPED'
expect Password:
await raw
key C
await restored
TYPED
    run -0 hub_run "$E2E_PYTHON" "$E2E_LIB/terminal.py" minidock login -u alice <<'TYPED'
expect Password:
await raw
signal TSTP
await stopped
await restored
signal CONT
expect Password:
await raw
type box:secret
expect Login Succeeded
TYPED
    said_not "box:secret"
}

@test "what is refused is not kept" {
    run -1 hub_run minidock login -u alice -p wrong
    said "WARNING! Using --password via the CLI is insecure. Use --password-stdin."
    said "registry-1.docker.io: unauthorized: incorrect username or password"
    [ ! -e "$CONFIG" ]
    [ -z "$(hub_requests cdn)" ]
    run -125 hub_run minidock login -u alice -p x --password-stdin
    said "--password and --password-stdin are mutually exclusive"
    run -125 hub_run minidock login --password-stdin </dev/null
    said "Must provide --username with --password-stdin"
    run -1 hub_run minidock login </dev/null
    said "Error: Cannot perform an interactive login from a non TTY device"
    run -125 hub_run minidock login -u alice -p x "not a host"
    said "no name of a registry"
    [ ! -e "$HOME" ]
}

@test "login keeps what else the file says, and a link stays one" {
    mkdir -p "$HOME/.docker" "$HOME/kept"
    printf '{"psFormat":"x","n":1.5,"auths":{"other.test":{%s},"index.docker.io":{"auth":"eDp5"}},"currentContext":"c"}' \
        "$(auth bob:x)" >"$HOME/kept/config"
    ln -s ../kept/config "$CONFIG"
    chown 1234:1234 "$HOME/kept/config"
    log_in
    [ -L "$CONFIG" ]
    [ "$(stat -c '%u %a' "$HOME/kept/config")" = "1234 600" ]
    [ "$(member 'c["psFormat"], c["n"], c["currentContext"], sorted(c["auths"])')" = \
        "('x', 1.5, 'c', ['$HUB_KEY', 'other.test'])" ]
    hub_run minidock logout other.test
    [ "$(member 'sorted(c["auths"])')" = "['$HUB_KEY']" ]
    hub_run minidock logout --all
    [ "$(member 'c["auths"], c["psFormat"]')" = "({}, 'x')" ]
    config '{"auths": ['
    run -1 log_in
    said "$HOME/kept/config"
    [ "$(cat "$CONFIG")" = '{"auths": [' ]
}

@test "what is kept already is tried first" {
    log_in
    run -0 --separate-stderr hub_run minidock login </dev/null
    [ "$output" = "Authenticating with existing credentials...
Login Succeeded" ]
    config "{\"auths\":{\"$HUB_KEY\":{$(auth alice:old)}}}"
    run -1 hub_run minidock login </dev/null
    said "Login did not succeed, error: registry-1.docker.io: unauthorized"
    said "non TTY"
}

@test "a registry that wants Basic gets it with each request, and its CDN never" {
    run -1 hub_run minidock pull basic.test/library/small
    said "unauthorized: who are you"
    log_in basic.test
    pull basic.test/library/small
    [ "$(hub_users basic | tail -1 | cut -d' ' -f3)" = alice:box:secret ]
    [ -z "$(hub_requests token)" ]
    run -1 hub_run minidock login -u alice -p wrong basic.test
    said "basic.test: unauthorized"
}

@test "login and pull in a file of one's own" {
    log_in --authfile "$BATS_TEST_TMPDIR/mine/auth.json" basic.test
    [ ! -e "$CONFIG" ]
    [ "$(stat -c %a "$BATS_TEST_TMPDIR/mine/auth.json")" = 600 ]
    run -1 hub_run minidock pull basic.test/library/small
    run -1 hub_run minidock pull --authfile "$BATS_TEST_TMPDIR/missing" basic.test/library/small
    said "--authfile: cannot open \"$BATS_TEST_TMPDIR/missing\": No such file"
    pull --authfile "$BATS_TEST_TMPDIR/mine/auth.json" basic.test/library/small
    fresh_store
    REGISTRY_AUTH_FILE="$BATS_TEST_TMPDIR/mine/auth.json" pull basic.test/library/small
    fresh_store
    run -0 --separate-stderr env REGISTRY_AUTH_FILE="$BATS_TEST_TMPDIR/mine/auth.json" nsenter --target "$HUB_PID" \
        --mount --net --pid --wdns="$PWD" -- "$MINIDOCK" run --rm --network none basic.test/library/moving /bin/cat /etc/top
    [ -n "$output" ]
    REGISTRY_AUTH_FILE="$BATS_TEST_TMPDIR/mine/auth.json" hub_run minidock logout basic.test
    [ "$(member 'c["auths"]' "$BATS_TEST_TMPDIR/mine/auth.json")" = "{}" ]
}

# --- where credentials come from ---

@test "containers' files come before docker's, and the most specific key counts" {
    mkdir -p "$HOME/.config/containers" "$HOME/run/containers"
    config "{\"auths\":{\"basic.test\":{$(auth docker:x)}}}"
    run -1 hub_run minidock pull basic.test/library/small
    hub_users basic | grep -q ' docker:x$'
    hub_forget
    printf '{"auths":{"basic.test":{%s},"basic.test/library":{%s},"basic.test/library/smal":{%s}}}' \
        "$(auth host:x)" "$(auth space:x)" "$(auth other:x)" >"$HOME/.config/containers/auth.json"
    run -1 hub_run minidock pull basic.test/library/small
    hub_users basic | grep -q ' space:x$'
    said "WARNING! Others than its owner can read the credentials in '$HOME/.config/containers/auth.json'"
    hub_forget
    printf '{"auths":{"basic.test/library/small":{%s}}}' "$(auth alice:box:secret)" \
        >"$HOME/run/containers/auth.json"
    XDG_RUNTIME_DIR="$HOME/run" pull basic.test/library/small
    [ "$(hub_users basic | grep -c ':x$')" -eq 0 ]
}

@test "--creds counts before every file, is no longer seen by ps, and goes to no other registry" {
    config "{\"auths\":{\"basic.test\":{$(auth bob:x)}}}"
    pull --creds alice:box:secret basic.test/library/small
    run grep -c "bob" "$HUB_DIR/log/basic.jsonl"
    [ "$output" = 0 ]
    run -125 hub_run minidock pull --creds alice basic.test/library/small
    said "--creds wants USER:PASSWORD"
    fresh_store
    hub_fault registry manifests/latest stall 0
    hub_run minidock pull --creds alice:box:secret private/app 3>&- &
    hub_wait "stalled manifests/latest 0"
    run hub_run sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
    said "pull --creds xxxx"
    said_not "box:secret"
    hub_heal
    wait $!
}

@test "--debug names files and hosts, but no secret" {
    log_in
    run -0 hub_run minidock --debug pull private/app
    said "debug: credentials for docker.io come from \"$CONFIG\""
    said "debug: auth.docker.io: asking for a token, with credentials"
    said_not "secret"
    said_not "$(printf alice:box:secret | base64)"
    said_not "Bearer"
}

@test "a file that cannot be used is an error, and nobody is asked anonymously instead" {
    config '{"auths":{"https://index.docker.io/v1/":{"auth":"no base 64"}}}'
    run -1 hub_run minidock pull small
    said "\"$CONFIG\": entry \"$HUB_KEY\": \"auth\" is not the base 64 of user:password"
    config '[]'
    run -1 hub_run minidock pull small
    said "\"$CONFIG\": not a JSON object"
    [ -z "$(hub_requests registry)$(hub_requests token)" ]
}

# --- helpers ---

@test "a helper keeps the secret, and the file only that there is one" {
    config '{"credsStore":"test"}'
    run -0 log_in
    said_not "WARNING"
    [ "$(member 'c["auths"]')" = "{'$HUB_KEY': {}}" ]
    [ "$(member "c['$HUB_KEY']['Secret']" "$CREDENTIAL_STORE")" = box:secret ]
    pull private/app
    run -0 hub_run minidock logout
    [ "$(member c "$CREDENTIAL_STORE")" = "{}" ]
    [ "$(member 'c["auths"]')" = "{}" ]
    grep -qx "get $HUB_KEY" "$CREDENTIAL_STORE.log"
    run grep -c secret "$CREDENTIAL_STORE.log"
    [ "$output" = 0 ]
}

@test "a helper is for the hosts that name it, and logout --all empties them all" {
    config '{"credHelpers":{"basic.test":"test"}}'
    log_in basic.test
    log_in
    [ "$(member 'list(c)' "$CREDENTIAL_STORE")" = "['basic.test']" ]
    [ "$(member "c['auths']['$HUB_KEY']['auth']")" = "$(printf alice:box:secret | base64)" ]
    pull basic.test/library/small
    hub_run minidock logout -a
    [ "$(member c "$CREDENTIAL_STORE")" = "{}" ]
    config '{"credsStore":"test"}'
    log_in basic.test
    hub_run minidock logout --all
    [ "$(member c "$CREDENTIAL_STORE")" = "{}" ]
}

@test "a helper that fails ends the pull, and no host hears of another's credentials" {
    config "{\"credsStore\":\"test\",\"auths\":{\"basic.test\":{$(auth alice:box:secret)}}}"
    for fault in "fail the keychain is locked\\x1b[31m" "garbage not valid JSON" "endless more than"; do
        run -1 env CREDENTIAL_FAULT="${fault%% *}" nsenter --target "$HUB_PID" --mount --net --pid \
            --wdns="$PWD" -- "$MINIDOCK" pull small
        said "credential helper docker-credential-test: get: "
        said "${fault#* }"
    done
    config '{"credsStore":"missing"}'
    run -1 hub_run minidock pull small
    said "credential helper docker-credential-missing: get: not found in \$PATH"
    config '{"credsStore":"../../bin/sh"}'
    run -1 hub_run minidock pull small
    said "no name of a credential helper"
    run -1 log_in
    said "no name of a credential helper"
    [ -z "$(hub_requests registry | grep small)$(hub_requests basic)" ]
}

# --- to whom they go ---

@test "credentials go to no token server of another domain, unless login has recorded it" {
    config "{\"auths\":{\"registry.test\":{$(auth alice:box:secret)}}}"
    run -1 hub_run minidock pull registry.test/private/app
    said "the credentials for registry.test were not sent to auth.docker.io: 'minidock login registry.test' allows it"
    hub_users token | grep -qx 'GET /token -'
    run grep -c Basic "$HUB_DIR/log/token.jsonl"
    [ "$output" = 0 ]
    pull registry.test/library/small
    rm "$CONFIG"
    run -0 log_in registry.test
    said "The credentials for registry.test were sent to auth.docker.io, which it names; that is recorded."
    [ "$(member 'c["auths"]["registry.test"]["realm_host"]')" = auth.docker.io ]
    pull registry.test/private/app
}

@test "an identity token is changed for an access token by POST, and never put into an address" {
    config "{\"auths\":{\"$HUB_KEY\":{\"identitytoken\":\"$IDENTITY\"}}}"
    pull private/app
    hub_users token | grep -qx 'POST /token refresh_token'
    run grep -c "$IDENTITY" "$HUB_DIR/log/token.jsonl"
    [ "$output" = 0 ]
    config "{\"auths\":{\"$HUB_KEY\":{\"identitytoken\":\"wrong\"}}}"
    fresh_store
    run -1 hub_run minidock pull private/app
    said "no such token"
}

@test "a public registry makes nobody ask this machine, for a token or for a blob" {
    run -1 hub_run minidock pull public.test/private/app
    said "auth.docker.io: refused, as it has an address of this machine and the registry has not"
    run -1 hub_run minidock pull public.test/library/small:manifest
    said "production.cloudflare.docker.com: refused, as it has an address of this machine"
    [ -z "$(hub_requests token)$(hub_requests cdn)" ]
}

@test "a token that is refused in mid-pull is renewed once" {
    log_in
    layer="$(hub_info private/app:latest layers 0)"
    hub_forget
    hub_fault registry "$layer" status 401 1
    run -1 hub_run minidock pull private/app
    hub_heal
    fresh_store
    hub_forget
    hub_fault registry "$layer" header 'WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io"' 1
    hub_fault registry "$layer" status 401 1
    pull private/app
    [ "$(hub_users token | grep -c 'GET /token alice:box:secret')" -eq 2 ]
}

# --- how often ---

@test "Docker Hub's count is shown with --debug, and what can be done when it is used up" {
    run -0 hub_run minidock --debug pull small
    said "debug: registry-1.docker.io: rate limit: 97 of 100 in 6 hours left, counted for 192.0.2.7"
    printf '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}' \
        >"$BATS_TEST_TMPDIR/words"
    hub_fault registry manifests/ status 429
    hub_fault registry manifests/ body "$BATS_TEST_TMPDIR/words"
    hub_fault registry manifests/ header "Retry-After: 3600"
    fresh_store
    run -1 hub_run minidock pull small
    said "toomanyrequests: You have reached your pull rate limit.; wait until "
    said "use 'minidock login', or name a mirror in registries.conf"
}

@test "a name that is up to date costs one HEAD, which Docker Hub does not count" {
    pull small
    hub_forget
    pull small
    [ "$(hub_requests registry | grep manifests/ | sort -u)" = "HEAD /v2/library/small/manifests/latest" ]
}

# --- other places ---

# registries: standard input is the box's /etc/containers/registries.conf
registries() {
    hub_run sh -c 'mkdir -p /etc/containers && cat >/etc/containers/registries.conf'
}

@test "a mirror on another host is never told who asks" {
    registries <<<'
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.test"'
    config "{\"auths\":{\"$HUB_KEY\":{$(auth alice:box:secret)},\"mirror.test\":{$(auth bob:x)}}}"
    pull private/app
    [ -z "$(hub_requests registry)$(hub_requests token)" ]
    [ "$(hub_users mirror | cut -d' ' -f3 | sort -u)" = - ]
    fresh_store
    hub_fault mirror /v2/ header 'WWW-Authenticate: Basic realm="box"'
    hub_fault mirror /v2/ status 401
    pull private/app
    [ "$(hub_users mirror | cut -d' ' -f3 | sort -u)" = - ]
    hub_users token | grep -qx 'GET /token alice:box:secret'
    fresh_store
    pull --creds alice:box:secret private/app
    [ "$(hub_users mirror | cut -d' ' -f3 | sort -u)" = - ]
}

@test "where registries.conf says that an image is elsewhere, the credentials are those for there" {
    registries <<<'
[[registry]]
prefix = "example.test/team"
location = "basic.test/library"'
    config "{\"auths\":{\"example.test\":{$(auth other:x)},\"basic.test\":{$(auth alice:box:secret)}}}"
    pull example.test/team/small
    [ "$(hub_users basic | cut -d' ' -f3 | sort -u)" = "-
alice:box:secret" ]
    config "{\"auths\":{\"example.test/team\":{$(auth alice:box:secret)}}}"
    fresh_store
    hub_forget
    run -1 hub_run minidock pull example.test/team/small
    [ "$(hub_users basic | cut -d' ' -f3 | sort -u)" = - ]
}

@test "login goes by registries.conf too, and to no mirror" {
    run -1 log_in insecure.test:5000
    registries <<<'
[[registry]]
location = "insecure.test:5000"
insecure = true
[[registry.mirror]]
location = "mirror.test"
[[registry]]
location = "basic.test"
blocked = true'
    log_in insecure.test:5000
    [ "$(hub_requests insecure)" = "GET /v2/" ]
    [ -z "$(hub_requests mirror)" ]
    run -1 log_in basic.test
    said "registry \"basic.test\" is blocked in /etc/containers/registries.conf"
    [ -z "$(hub_requests basic)" ]
}

@test "through a proxy credentials go to the registry, and addresses that are written out are refused" {
    export HTTPS_PROXY=http://proxy.test:3128
    config "{\"auths\":{\"basic.test\":{$(auth alice:box:secret)}}}"
    pull basic.test/library/small
    hub_requests proxy | grep -qx 'CONNECT basic.test:443'
    hub_fault public manifests/ header 'WWW-Authenticate: Bearer realm="https://127.0.0.3/token"'
    hub_fault public manifests/ status 401
    run -1 hub_run minidock pull public.test/library/small
    said "access token: 127.0.0.3: refused, as it is an address of this machine"
    [ -z "$(hub_requests token)" ]
}

@test "when all attempts have met 429, the remedies are told" {
    hub_fault registry manifests/ status 429
    run -1 hub_run minidock --debug pull --retry 1 small
    [ "$(hub_requests registry | grep -c manifests/)" -eq 2 ]
    said "HTTP status 429"
    said "wait a while, use 'minidock login', or name a mirror in registries.conf"
}
