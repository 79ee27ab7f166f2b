# SPDX-License-Identifier: Apache-2.0
# Registries that answer wrongly, slowly, in part or without end: transfer faults B13 to B25 and B44 of the
# catalogue of hostile input.

load helpers
load hub
load faulty

setup_file() {
    faulty_start plain,plain,plain,plain,plain,plain,full || { not_here; return; }
    prepare_faulty "localhost:${PORTS[0]}/a"
}

teardown_file() {
    faulty_stop
    drop_scratch
}

setup() {
    skip_if_not_here
    read -ra PORTS <"$FAULTY_DIR/ports"
    A="localhost:${PORTS[0]}/a"
    store_like "$PREPARED"
}

# half NAME: bytes of half the part.
half() {
    echo $(($(part "$1" size) / 2))
}

# rest_of NAME: Content-Range's "FIRST-LAST/TOTAL" of the second half.
rest_of() {
    echo "$(half "$1")-$(($(part "$1" size) - 1))/$(part "$1" size)"
}

# each_fails WORD NAME=ANSWERS...: with each of these alone the pull fails, naming the part's digest (but for
# the manifest) and WORD.
each_fails() {
    local case name

    for case in "${@:2}"; do
        name="${case%%=*}"
        spoil "$case"
        fails "$A" "$1" "$([ "$name" = manifest ] || part "$name" digest)" || {
            echo "with $case" >&2
            return 1
        }
    done
}

# --- B13 ---

@test "B13 a manifest without end is cut off at its limit" {
    each_fails "more than 4194304 bytes" 'manifest={"fill": 100000, "endless": true}' \
        'manifest={"fill": 100000, "endless": true, "chunked": true}' \
        'manifest={"fill": 100000, "endless": true, "length": 1000000000000}'
    mended "$A"
}

@test "B13 a config or layer without end is cut off where it should end" {
    each_fails bytes 'config={"fill": 100000, "endless": true}' \
        'config={"fill": 100000, "endless": true, "chunked": true}' \
        'layer0={"endless": true}' 'layer0={"endless": true, "chunked": true}' \
        'layer7={"fill": 100000, "endless": true, "length": 1000000000000}'
    mended "$A"
}

@test "B13 a token without end is cut off" {
    challenge='"headers": {"WWW-Authenticate": "Bearer realm=\"@1@/token\",service=\"s\""}'
    for how in false true; do
        spoil "manifest={\"status\": 401, $challenge}" \
            "1 GET /token={\"fill\": 100000, \"endless\": true, \"chunked\": $how}"
        fails "$A" "access token" 1048576
    done
    mended "$A"
}

@test "B13 the body of a refusal or redirect may be without end" {
    spoil 'layer0={"status": 404, "fill": 100000, "endless": true}'
    fails "$A" "$(part layer0 digest)" 404
    spoil 'layer1={"status": 302, "fill": 100000, "endless": true, "headers": {"Location": "@1@/cdn"}}' \
        '1 GET /cdn={"like": "layer1"}'
    succeeds "$A"
}

# --- B14 ---

# interrupted WHEN: SIGINT as soon as the server reports WHEN ends the pull, long before any of the server's
# rests or of minidock's own limits does.
interrupted() {
    run hub_run timeout -k 1 10 "$E2E_PYTHON" -B "$E2E_LIB/drive.py" at "$1" INT "$FAULTY_DIR" -- \
        minidock pull "$A"
    exited 130 || {
        echo "interrupted at $1" >&2
        return 1
    }
}

@test "B14 Ctrl-C ends a pull whatever the server holds back" {
    layer="/v2/a/blobs/$(part layer7 digest)" size="$(part layer7 size)"
    for at in 0 $((size / 2)) $((size - 1)); do
        spoil "layer7={\"stall\": [$at, 30]}"
        interrupted "stalled $layer $at"
    done
    for fault in '"delay": 30' '"head_rate": 1' '"rate": 10'; do
        spoil "layer7={$fault}"
        interrupted "slow $layer"
        spoil "manifest={$fault}"
        interrupted "slow /v2/a/manifests/latest"
    done
    mended "$A"
}

@test "B14 Ctrl-C ends a pull from a host that does not answer at all" {
    run hub_run timeout -k 1 10 "$E2E_PYTHON" -B "$E2E_LIB/drive.py" after 300 INT -- \
        minidock pull "localhost:${PORTS[6]}/a"
    exited 130
}

@test "B14 a stall that ends is waited for" {
    spoil 'layer0={"stall": [0, 0.4]}' "layer1={\"stall\": [$(half layer1), 0.4]}" \
        "layer2={\"stall\": [$(($(part layer2 size) - 1)), 0.4]}" 'layer3={"delay": 0.4}'
    succeeds "$A"
    for i in 0 1 2 3; do
        [ "$(asked_for "layer$i")" = 1 ]
    done
}

# --- B15 ---

@test "B15 what breaks off anywhere is taken up where it broke" {
    size5="$(part layer5 size)" size6="$(part layer6 size)"
    spoil 'layer0=[{"cut": 0}, {}]' 'layer1=[{"cut": 1}, {}]' "layer2=[{\"cut\": $(half layer2)}, {}]" \
        "layer3=[{\"cut\": $(($(part layer3 size) - 1))}, {}]" 'layer4=[{"cut": 0, "reset": true}, {}]' \
        "layer5=[{\"cut\": $((size5 - 1)), \"reset\": true}, {}]" \
        "layer6=[{\"cut\": $((size6 / 2)), \"chunked\": true}, {}]" \
        'layer7=[{"cut": 1000000}, {"cut": 1000000}, {}]' \
        'manifest=[{"cut": 10}, {"cut": 0, "reset": true}, {}]' 'config=[{"cut": 10}, {}]'
    succeeds "$A"
    [ "$(asked_for layer1 '"bytes=1-')" = 1 ]
    [ "$(asked_for layer2 "\"bytes=$(half layer2)-")" = 1 ]
    [ "$(asked_for layer6 "\"bytes=$((size6 / 2))-")" = 1 ]
    [ "$(asked_for layer7 '"bytes=1000000-')" = 1 ]
    [ "$(asked_for layer7 '"bytes=2000000-')" = 1 ]
    for i in 0 1 2 3 4 5 6; do
        [ "$(asked_for "layer$i")" = 2 ]
    done
    no_residue --clean
}

@test "B15 a layer without the last chunk is whole, but not its manifest" {
    spoil 'layer6=[{"chunked": true, "unended": true}, {}]' \
        'manifest=[{"chunked": true, "unended": true}, {}]'
    succeeds "$A"
    [ "$(asked GET manifests)" = 2 ]
}

@test "B15 less or more than Content-Length says is refused" {
    size="$(part layer0 size)"
    each_fails "expected $size" "layer0={\"length\": $((size - 1))}" \
        "layer0={\"length\": $((size + 1))}" 'layer0={"length": 0}'
    mended "$A"
}

@test "B15 attempts that bring something new are not counted against a server" {
    spoil 'layer7={"cut": 350000}'
    succeeds "$A"
    [ "$(asked_for layer7)" -ge 8 ]
    [ "$(asked_for layer7)" -le 12 ]
}

# for_ever LISTENER NAME WORD ANSWER: with this fault for ever the pull ends after a bounded number of attempts.
for_ever() {
    fails "localhost:${PORTS[$1]}/a" "$3"
    attempts="$(asked "\"listener\": $1," "$4")"
    [ "$attempts" -ge 2 ] && [ "$attempts" -le 10 ] || {
        echo "$attempts attempts for $2" >&2
        return 1
    }
}

@test "B15 B16 B21 what fails for ever is given up after some attempts" {
    # Side by side, as the pauses between attempts are most of it.
    layer0="$(part layer0 digest)" config="$(part config digest)" layer7="$(part layer7 digest)"
    spoil '1:manifest={"cut": 0}' '2:config={"status": 500}' '3:layer0={"cut": 0, "reset": true}' \
        '4:layer0={"status": 503}' '5:layer7={"range": false, "cut": 1500000}'
    for_ever 1 manifest "manifest for" '"GET", "path": "/v2/a/manifests' &
    first=$!
    for_ever 2 config "$config" "$config" &
    second=$!
    for_ever 3 layer0 "$layer0" "$layer0" &
    third=$!
    for_ever 4 layer0 "$layer0" "$layer0" &
    fourth=$!
    for_ever 5 layer7 "$layer7" "$layer7" &
    wait $!
    wait $fourth
    wait $third
    wait $second
    wait $first
}

# --- B16, B17, B18 ---

@test "B16 a whole answer instead of a part is never appended" {
    spoil 'layer7=[{"cut": 1500000}, {"range": false, "cut": 2000000}, {"range": false}]' \
        "layer0=[{\"cut\": $(half layer0)}, {\"range\": false, \"chunked\": true}]" \
        "layer1=[{\"cut\": $(half layer1)}, {\"range\": false, \"headers\": {\"Accept-Ranges\": \"none\"}}]"
    succeeds "$A"
    [ "$(asked_for layer7)" = 3 ]
    [ "$(asked_for layer0 '"range"')" = 1 ]
    no_residue --clean
}

# wrong_part NAME CONTENT_RANGE [MORE]: the second half is answered with this Content-Range (null: none) and
# the first half's bytes; then all is well.
wrong_part() {
    echo "$1=[{\"cut\": $(half "$1")}, {\"status\": 206, \"range\": false, \"slice\": [0, $(half "$1")],
        \"headers\": {\"Content-Range\": $2${3:+, $3}}}, {}]"
}

@test "B17 a part that was not asked for is not taken" {
    size="$(part layer2 size)"
    spoil "$(wrong_part layer0 "\"bytes 0-$(($(half layer0) - 1))/$(part layer0 size)\"")" \
        "$(wrong_part layer1 "\"bytes $(rest_of layer1)0\"")" \
        "$(wrong_part layer2 "\"bytes $(half layer2)-$((size - 1))/*\"")" \
        "$(wrong_part layer3 null '"Content-Type": "multipart/byteranges; boundary=x"')" \
        "$(wrong_part layer4 null)" "$(wrong_part layer5 "\"items $(rest_of layer5)\"")" \
        "$(wrong_part layer6 "\"bytes */$(part layer6 size)\"")" \
        "layer7=[{\"status\": 206, \"range\": false, \"headers\": {\"Content-Range\":
            \"bytes 0-$(($(part layer7 size) - 1))/$(part layer7 size)\"}}, {}]"
    succeeds "$A"
    for i in 0 1 2 3 4 5 6; do
        [ "$(asked_for "layer$i")" = 3 ]
    done
    no_residue --clean
}

@test "B17 parts that are always wrong come to an end" {
    spoil "layer0=[{\"cut\": $(half layer0)}, {\"status\": 206, \"range\": false,
        \"headers\": {\"Content-Range\": \"bytes 0-1/2\"}}]"
    fails "$A" "$(part layer0 digest)" "part that was not asked for"
    [ "$(asked_for layer0)" -le 10 ]
    mended "$A"
}

@test "B17 the right part is taken though a Content-Encoding is claimed" {
    spoil "layer0=[{\"cut\": $(half layer0)}, {\"headers\": {\"Content-Encoding\": \"gzip\"}}]"
    succeeds "$A"
}

@test "B17 more bytes than the part has are not taken" {
    spoil "layer0=[{\"cut\": $(half layer0)}, {\"status\": 206, \"range\": false,
        \"headers\": {\"Content-Range\": \"bytes $(rest_of layer0)\"}}]"
    fails "$A" "$(part layer0 digest)" "expected $(part layer0 size)"
    mended "$A"
}

@test "B17 a part of another version is not put together with the first" {
    head -c "$(part layer0 size)" /dev/zero >"$FAULTY_DIR/other"
    spoil "layer0=[{\"cut\": $(half layer0)},
        {\"file\": \"$FAULTY_DIR/other\", \"headers\": {\"ETag\": \"\\\"two\\\"\"}}, {}]"
    succeeds "$A"
}

@test "B18 a server that refuses parts by 416 is asked for the whole, and never for an open end" {
    spoil "layer0=[{\"cut\": $(half layer0)}, {\"status\": 416}, {}]" \
        "layer1=[{\"cut\": $(half layer1)}, {\"status\": 416, \"headers\": {\"Content-Range\":
            \"bytes */$(part layer1 size)\"}}, {\"range\": false}]" 'layer7=[{"cut": 1000}, {}]'
    succeeds "$A"
    [ "$(asked_for layer0 '"range"')" = 1 ]
    [ "$(asked_for layer0)" = 3 ]
    [ "$(asked_for layer7 "\"bytes=1000-$(($(part layer7 size) - 1))\"")" = 1 ]
    run grep -c 'bytes=[0-9]*-"' "$FAULTY_DIR/log"
    [ "$output" = 0 ]
}

# --- B19, B20, B21 ---

@test "B19 a layer that is refused is an error with its digest and the answer, told at once" {
    for code in 404 410 403 405; do
        spoil "layer3={\"status\": $code}"
        fails "$A" "$(part layer3 digest)" "$([ $code = 403 ] || echo $code)"
        [ "$(asked_for layer3)" = 1 ]
    done
    mended "$A"
}

@test "B19 a registry without HEAD is asked by GET, and a moved blob is followed" {
    spoil 'HEAD /v2/a/manifests/latest={"status": 405}' \
        'layer3={"status": 301, "headers": {"Location": "/moved"}}' 'GET /moved={"like": "layer3"}'
    succeeds "$A"
}

@test "B19 O8 a token goes to its registry, not to where a blob is redirected" {
    spoil 'manifest=[{"status": 401, "headers": {"WWW-Authenticate": "Bearer realm=\"@1@/token\",service=\"s\""}}, {}]' \
        '1 GET /token={"body": "{\"token\": \"abc\"}"}' 'layer4={"status": 307, "headers": {"Location": "@2@/cdn"}}' \
        "2 GET /cdn=[{\"like\": \"layer4\", \"cut\": $(half layer4)}, {\"like\": \"layer4\"}]"
    succeeds "$A"
    [ "$(asked_for layer4 '"authorization": "Bearer abc"')" = 2 ]
    [ "$(asked '"listener": 2,')" = 2 ]
    [ "$(asked '"listener": 2,' authorization)" = 0 ]
}

# seconds_between NAME: the first and second request of it.
seconds_between() {
    grep -F "$(part "$1" digest)" "$FAULTY_DIR/log" | sed 's/.*"at": \([0-9.]*\).*/\1/' |
        awk 'NR == 1 { first = $1 } NR == 2 { print int(($1 - first) * 1000) }'
}

@test "B20 Retry-After is obeyed as far as it makes sense" {
    spoil 'layer0=[{"status": 429, "headers": {"Retry-After": "1"}}, {}]' \
        'layer1=[{"status": 503, "headers": {"Retry-After": "0"}}, {}]' \
        'layer2=[{"status": 503, "headers": {"Retry-After": "-5"}}, {}]' \
        'layer3=[{"status": 503, "headers": {"Retry-After": "soon, 1x\u001b[31m"}}, {}]' \
        'layer4=[{"status": 503, "headers": {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}}, {}]' \
        'layer5=[{"status": 429, "headers": {"Retry-After": "0"}}, {}]' \
        'layer6=[{"status": 429, "headers": {"Retry-After": "0"}}, {"status": 429, "headers": {"Retry-After": "1"}}, {}]' \
        'layer7=[{"status": 503, "headers": {"Retry-After": ["1", "3600"]}}, {}]'
    succeeds "$A"
    [ "$(seconds_between layer0)" -ge 1000 ]
    [ "$(seconds_between layer7)" -ge 1000 ]
    for i in 0 1 2 3 4 5 7; do
        [ "$(asked_for "layer$i")" = 2 ]
    done
    [ "$(asked_for layer6)" = 3 ]
}

@test "B20 a wait that is too long is told instead, and a rate limit by its name" {
    for after in 1000000000 99999999999999999999; do
        spoil "layer0={\"status\": 429, \"headers\": {\"Retry-After\": \"$after\"}}"
        fails "$A" "$(part layer0 digest)" 429 "minidock login" mirror
        [ "$(asked_for layer0)" = 1 ]
        spoil "manifest={\"status\": 503, \"headers\": {\"Retry-After\": \"$after\"}}"
        fails "$A" 503
        [ "$(asked GET manifests)" = 1 ]
    done
    mended "$A"
}

@test "B21 a server in trouble is asked again, for what is missing" {
    spoil 'manifest=[{"status": 500}, {}]' 'config=[{"status": 408}, {}]' 'layer0=[{"status": 502}, {}]' \
        'layer1=[{"status": 504}, {}]' 'layer2=[{"status": 408}, {}]' \
        "layer3=[{\"cut\": $(half layer3)}, {\"status\": 500}, {}]"
    succeeds "$A"
    [ "$(asked_for layer3)" = 3 ]
    [ "$(asked_for layer3 "\"bytes=$(half layer3)-")" = 2 ]
}

@test "B21 one layer that fails ends the others" {
    spoil 'layer0={"status": 404, "delay": 0.3}' 'layer7={"stall": [1000000, 60]}'
    BOUND_SECONDS=15 fails "$A" "$(part layer0 digest)" 404
    mended "$A"
}

@test "B20 Retry-After may be a date" {
    http_date() {
        LC_ALL=C date -u -d "$1" '+%a, %d %b %Y %H:%M:%S GMT'
    }
    spoil 'layer0=[{"status": 429, "headers": {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}}, {}]' \
        "layer1=[{\"status\": 429, \"headers\": {\"Retry-After\": \"$(http_date '+3 seconds')\"}}, {}]"
    succeeds "$A"
    [ "$(seconds_between layer1)" -ge 1000 ]
    spoil 'layer0={"status": 503, "headers": {"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"}}'
    fails "$A" "$(part layer0 digest)" 503
    [ "$(asked_for layer0)" = 1 ]
}

# --- B22 ---

@test "B22 bytes are taken as they come, whatever encoding is claimed" {
    encoded() {
        echo "$1={\"headers\": {\"Content-Encoding\": \"$2\"}}"
    }
    spoil "$(encoded manifest gzip)" "$(encoded config gzip)" "$(encoded layer0 gzip)" "$(encoded layer1 x-gzip)" \
        "$(encoded layer2 deflate)" "$(encoded layer3 br)" "$(encoded layer4 zstd)" "$(encoded layer5 aws-chunked)"
    succeeds "$A"
    [ "$(asked)" = "$(asked '"accept-encoding": "identity"')" ]
}

@test "B22 what was encoded on the way is refused by its digest or as no manifest" {
    for name in manifest config layer0 layer7; do
        gzip -nc "$FAULTY_DIR/parts.d/$name" >"$FAULTY_DIR/encoded"
        spoil "$name={\"file\": \"$FAULTY_DIR/encoded\", \"headers\": {\"Content-Encoding\": \"gzip\"}}"
        fails "$A" "$([ $name = manifest ] && echo "manifest for" || part "$name" digest)" expected
    done
    mended "$A"
}

# --- B23 ---

@test "B23 heads without end are cut off" {
    field="X-Field: $(printf 'a%.0s' {1..90})\\r\\n"
    early='HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n'
    each_fails header "manifest={\"flood\": [\"$field\", 100000]}" "manifest={\"flood\": [\"$field\", -1]}" \
        'manifest={"flood": ["X: \r\n", 100000]}' 'manifest={"flood": ["aaaaaaaa", 200000]}' \
        "manifest={\"before\": [\"$early\", -1]}" "config={\"flood\": [\"$field\", -1]}" \
        "layer0={\"flood\": [\"$field\", -1]}" "layer0={\"before\": [\"$early\", -1]}"
    mended "$A"
}

@test "B23 a few early answers and odd fields do no harm" {
    early='"before": ["HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Type: text/html\r\n\r\n", 3]'
    spoil "manifest={$early}" "layer0={$early}" \
        'layer1={"headers": {"X-Folded": "a\r\n b", "X-Empty": "", "x": "\u0001\u00ff"}}' \
        'layer2={"headers": {"Connection": "close"}}' 'layer3={"chunked": true}'
    succeeds "$A"
}

@test "B23 an answer that is no HTTP or contradicts itself is refused" {
    for text in 'HTTP/1.1 200 OK\r\nContent-Length: -1' 'HTTP/1.1 200 OK\r\nContent-Length: 5x' \
        'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999' 'HTTP/1.1 200 OK\r\nX: a\u0000b' \
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff' \
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz' 'HTTP/1.1 abc' 'HTTP/1.1 99 No' \
        'HTTP/1.1 20000 No' 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, nonsense\r\n\r\n1' \
        'HTTP/9.9 200 OK' 'hello' '\u0000\u0001\u0002'; do
        spoil "manifest={\"text\": \"$text\\r\\n\\r\\n\"}"
        fails "$A" "manifest for" "localhost:${PORTS[0]}" || {
            echo "with $text" >&2
            return 1
        }
        [ "$(asked GET manifests)" = 1 ]
    done
    each_fails "localhost:${PORTS[0]}" 'layer0={"text": "hello\r\n"}' \
        'layer0={"text": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}'
    mended "$A"
}

@test "B23 two lengths that differ are refused, and a length beside chunks counts for nothing" {
    size="$(part layer0 size)"
    each_fails Content-Length "layer0={\"headers\": {\"Content-Length\": \"$((size - 1))\"}}"
    spoil "layer0={\"headers\": {\"Content-Length\": \"$size\"}}" \
        'layer1={"chunked": true, "headers": {"Content-Length": "5"}}'
    succeeds "$A"
}

# --- B24, B25 ---

@test "B24 a captive portal is told from a registry" {
    page='"headers": {"Content-Type": "text/html; charset=utf-8"}, "body": "<html>Please log in</html>"'
    spoil "manifest={$page}" "HEAD /v2/a/manifests/latest={$page}"
    fails "$A" "not a registry" "web page"
    for name in manifest config layer0 layer7; do
        spoil "$name={\"status\": 302, \"headers\": {\"Location\": \"@1@/login\"}}" "1 GET /login={$page}"
        fails "$A" "not a registry" "web page"
    done
    mended "$A"
}

@test "B25 two hundred layers come over a few connections, each once" {
    spoil
    pull -q "localhost:${PORTS[0]}/many"
    [ "$(find "$(rootfs "localhost:${PORTS[0]}/many")" -type f | wc -l)" = 199 ]
    [ "$(asked blobs/)" = 200 ]
    [ "$(asked_for many100)" = 1 ]
    [ "$(asked_for many199)" = 1 ]
    run sed 's/.*"open": \([0-9]*\).*/\1/' "$FAULTY_DIR/log"
    [ "$(sort -n <<<"$output" | tail -1)" -le 7 ]
    no_residue --clean
}

@test "B25 two hundred layers need few descriptors" {
    spoil
    hub_run bash -c 'ulimit -Sn 64 && exec minidock pull -q "$1"' few "localhost:${PORTS[0]}/many"
    [ "$(find "$(rootfs "localhost:${PORTS[0]}/many")" -type f | wc -l)" = 199 ]
    no_residue --clean
}

@test "B25 one of two hundred layers that fails stops all" {
    spoil 'many50={"status": 404}' 'many60={"stall": [10, 60]}'
    BOUND_SECONDS=15 fails "localhost:${PORTS[0]}/many" "$(part many50 digest)" 404
    [ "$(asked blobs/)" -lt 200 ]
}

# --- B44 ---

@test "B44 a name that would say something else to the server is refused unasked" {
    spoil
    for name in "$A"$'\r\nX-Evil: 1' "$A"$'\nb' "$A?x=1" "$A#x" "$A@" "$A@x" "$A:a b" "$A:t%0d%0aX" "$A:t?x" \
        "$A:"$'t\e[31m' "user@$A" "http://$A" "$A/../b" "$A//b" "$A/%2e%2e/b" "$A"$'\t' "$A:t/../../x" "$A;b"; do
        run bounded "$name"
        [ "$status" -ne 0 ] && [ "$(wc -l <<<"$output")" = 1 ] && ! LC_ALL=C grep -q '[[:cntrl:]]' <<<"$output" || {
            printf 'with %q: status %s, output %q\n' "$name" "$status" "$output" >&2
            return 1
        }
    done
    [ "$(asked)" = 0 ]
}
