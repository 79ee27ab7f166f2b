# SPDX-License-Identifier: Apache-2.0
# Registries that are not who they should be, and names that lead nowhere: B45, B47, B50 and B51 of the
# catalogue of hostile input.

load helpers
load hub
load faulty

# name of the listener: what it is. All at registry.test, which is 10.99.0.1, and at 127.0.0.1.
KINDS=(tls:good tls:address tls:expired tls:early tls:other tls:address-as-name tls:nul-name tls:nul-alternative
    tls:weak-key tls:weak-hash tls:no-server tls:stranger tls:self-signed tls:no-chain tls:chain old:good
    client:good client12:good mute plain full turning)

setup_file() {
    local kinds
    local hole=fd00:99::2 dead

    kinds="$(IFS=,; echo "${KINDS[*]}")"
    faulty_start "${kinds/turning/tls:good}" 0.0.0.0 || { not_here; return; }
    dead="$(printf '127.1.0.%d,' {1..50})"
    faulty_names registry.test=10.99.0.1 fail.test=servfail silent.test=silence "dead.test=${dead%,}" \
        half.test=127.1.0.1,127.1.0.2,10.99.0.1 "six.test=$hole,10.99.0.1"
    export SSL_CERT_DIR="$FAULTY_DIR/pki/certs"
    prepare_faulty "registry.test:${PORTS[0]}/a"
    # It takes libcurl a while to try them all: meanwhile there are the other tests.
    fresh_store
    { hub_run minidock pull dead.test/a || echo "status $?"; } >"$FAULTY_DIR/dead" 2>&1 3>&- </dev/null &
}

teardown_file() {
    faulty_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    read -ra PORTS <"$FAULTY_DIR/ports"
    export SSL_CERT_DIR="$FAULTY_DIR/pki/certs"
    A="registry.test:$(port tls:good)/a"
    store_like "$PREPARED"
    spoil
}

# listener KIND: its number.
listener() {
    local i

    for i in "${!KINDS[@]}"; do
        if [ "${KINDS[i]}" = "$1" ]; then
            echo "$i"
        fi
    done
}

port() {
    echo "${PORTS[$(listener "$1")]}"
}

# unasked KIND: nobody has said anything to it, in TLS or plainly.
unasked() {
    [ "$(asked "\"listener\": $(listener "$1"),")" = 0 ] && ! grep "^tls $(listener "$1") HTTP_REQUEST" "$FAULTY_DIR/events"
}

# distrusted HOST KIND WORD...: a pull from there fails and names it, at the first try, and asks nothing.
distrusted() {
    fails "$1:$(port "$2")/a" "$1:$(port "$2")" "${@:3}" && said_not tried && unasked "$2" || {
        echo "$2 at $1" >&2
        return 1
    }
}

@test "B45 a certificate that is not this host's, or not of this time, is refused" {
    today="$(date -u +%Y-%m-%d)"
    distrusted registry.test tls:expired "certificate has expired" "clock of this machine says $today"
    distrusted registry.test tls:early "not yet valid" "clock of this machine says $today"
    distrusted registry.test tls:other "not trusted" registry.test
    distrusted registry.test tls:nul-name "not trusted"
    distrusted registry.test tls:nul-alternative "not trusted"
    distrusted registry.test tls:address "not trusted"
    distrusted 10.99.0.1 tls:good "not trusted" 10.99.0.1
    distrusted 10.99.0.1 tls:address-as-name "not trusted"
    distrusted registry.test tls:no-server "not trusted" purpose
    mended "$A"
}

@test "B45 a certificate that nobody vouches for is refused" {
    distrusted registry.test tls:stranger "unable to get local issuer" SSL_CERT_FILE
    distrusted registry.test tls:self-signed "self-signed certificate" SSL_CERT_FILE
    distrusted registry.test tls:no-chain "unable to get local issuer" SSL_CERT_FILE
    mended "$A"
}

@test "B45 weak keys, weak hashes and old TLS are refused" {
    distrusted registry.test tls:weak-key "key too weak"
    distrusted registry.test tls:weak-hash "too weak"
    distrusted registry.test old:good "TLS"
}

@test "B45 a server that wants a certificate of us is told of, at once" {
    distrusted registry.test client:good "TLS" certificate
    distrusted registry.test client12:good "TLS"
}

@test "B45 on this machine too, what speaks TLS is never asked plainly" {
    for kind in tls:expired tls:other tls:stranger tls:weak-key old:good client:good client12:good; do
        distrusted localhost "$kind"
    done
}

@test "B45 a host elsewhere that speaks no TLS is never asked plainly" {
    fails "registry.test:$(port plain)/a" "registry.test:$(port plain)" "no TLS connection"
    unasked plain
}

@test "B45 good certificates, with their chain, for names and addresses, are taken" {
    succeeds "$A"
    [ "$(asked)" = "$(asked '"sni": "registry.test"')" ]
    no_residue --clean
    for where in "registry.test:$(port tls:chain)" "10.99.0.1:$(port tls:address)" "localhost:$(port tls:good)" \
        "127.0.0.1:$(port tls:address)"; do
        store_like "$PREPARED"
        spoil
        succeeds "$where/a"
    done
    # An address is no name to ask for: RFC 6066, 3.
    [ "$(asked)" = "$(asked '"sni": null')" ]
}

@test "B45 B14 Ctrl-C ends a pull whose handshake stands still" {
    run hub_run timeout -k 1 10 "$E2E_PYTHON" -B "$E2E_LIB/drive.py" at "accepted $(listener mute)" INT \
        "$FAULTY_DIR" -- minidock pull "registry.test:$(port mute)/a"
    exited 130
}

@test "B47 authorities come from SSL_CERT_DIR, from SSL_CERT_FILE, and from both" {
    ca="$FAULTY_DIR/pki/ca.pem"
    mkdir "$BATS_TEST_TMPDIR/empty"
    SSL_CERT_FILE="$ca" SSL_CERT_DIR="$BATS_TEST_TMPDIR/empty" succeeds "$A"
    store_like "$PREPARED"
    (unset SSL_CERT_DIR && SSL_CERT_FILE="$ca" succeeds "$A")
    store_like "$PREPARED"
    SSL_CERT_DIR="$BATS_TEST_TMPDIR/empty:$FAULTY_DIR/pki/certs" succeeds "$A"
    store_like "$PREPARED"
    cat "$FAULTY_DIR/pki/stranger-ca.pem" "$ca" >"$BATS_TEST_TMPDIR/bundle"
    SSL_CERT_FILE="$BATS_TEST_TMPDIR/bundle" SSL_CERT_DIR="$BATS_TEST_TMPDIR/empty" succeeds "$A"
    SSL_CERT_FILE="$BATS_TEST_TMPDIR/bundle" succeeds "registry.test:$(port tls:stranger)/a"
}

@test "B47 authorities that are not there, are none, or are others are told of" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    export SSL_CERT_DIR="$BATS_TEST_TMPDIR/empty"
    SSL_CERT_FILE=/nowhere/ca.pem distrusted registry.test tls:good "not trusted" /nowhere/ca.pem
    echo "no certificate" >"$BATS_TEST_TMPDIR/text"
    SSL_CERT_FILE="$BATS_TEST_TMPDIR/text" distrusted registry.test tls:good "not trusted" "$BATS_TEST_TMPDIR/text"
    SSL_CERT_FILE="$FAULTY_DIR/pki/stranger-ca.pem" distrusted registry.test tls:good "not trusted" SSL_CERT_FILE
    distrusted registry.test tls:good "not trusted" SSL_CERT_FILE
    SSL_CERT_DIR=/nowhere distrusted registry.test tls:good "not trusted" SSL_CERT_FILE
    SSL_CERT_FILE=$'/no\e[31mwhere\n' distrusted registry.test tls:good "not trusted"
}

@test "B50 a name that nobody knows, or that cannot be asked for, is an error that names it" {
    fails unknown.test/a unknown.test "unknown host"
    fails fail.test/a fail.test "unknown host"
    fails "unknown.test:5000/a" unknown.test:5000 "unknown host"
}

@test "B50 B14 a name server that says nothing ends as unknown, and Ctrl-C ends it at once" {
    fails silent.test/a silent.test
    run hub_run timeout -k 1 10 "$E2E_PYTHON" -B "$E2E_LIB/drive.py" after 200 INT -- \
        minidock pull silent.test/a
    exited 130
}

@test "B50 B14 the address that lives is found behind dead ones and behind a black hole of IPv6" {
    for host in half.test six.test; do
        store_like "$PREPARED"
        spoil
        BOUND_SECONDS=15 succeeds "$host:$(port tls:good)/a"
    done
}

@test "B51 a node with other content than the last is found out by the digest" {
    layer7="$(part layer7 digest)" size="$(part layer7 size)"
    head -c "$size" /dev/urandom >"$FAULTY_DIR/other"
    spoil "layer7=[{\"cut\": 1500000}, {\"file\": \"$FAULTY_DIR/other\"}]"
    fails "$A" "$layer7"
    head -c "$(part config size)" /dev/zero >"$FAULTY_DIR/other"
    spoil "config={\"file\": \"$FAULTY_DIR/other\"}"
    fails "$A" "$(part config digest)" expected
    mended "$A"
}

@test "B51 a host whose certificate turns bad in the middle of a pull gets no further request" {
    turning="$(listener turning)"
    spoil "$turning:config={\"turn\": \"stranger\", \"headers\": {\"Connection\": \"close\"}, \"unended\": true}"
    fails "registry.test:${PORTS[turning]}/a" "not trusted"
    [ "$(asked "\"listener\": $turning," blobs)" = 1 ]
}

@test "B51 a node that wants a token in the middle of a pull gets one" {
    challenge="Bearer realm=\\\"https://registry.test:$(port tls:good)/token\\\",service=\\\"s\\\""
    spoil "layer3=[{\"status\": 401, \"headers\": {\"WWW-Authenticate\": \"$challenge\"}}, {}]" \
        'GET /token={"body": "{\"token\": \"abc\"}"}'
    succeeds "$A"
    [ "$(asked_for layer3 '"authorization": "Bearer abc"')" = 1 ]
    [ "$(asked /token)" = 1 ]
}

@test "B50 fifty addresses that are all dead are one error in bounded time" {
    timeout 30 sh -c 'until grep -q "^status" "$0"; do sleep 0.1; done' "$FAULTY_DIR/dead"
    run cat "$FAULTY_DIR/dead"
    said "status 1"
    [ "$(grep -c '^minidock: .*dead.test' <<<"$output")" = 1 ]
}
