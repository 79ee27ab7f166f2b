#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of run that are strings and names, and the containers that stay: ps, logs, rm.

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

@test "-e sets, overrides, and takes from the caller" {
    minidock import -c 'ENV COLOUR=red' -c 'ENV SHAPE=round' "$SOURCE_ROOT" coloured >/dev/null
    run env TAKEN=t minidock run --rm -e COLOUR=blue -e EMPTY= -e TAKEN -e ABSENT -e 'BLANK=a b' -e EQ=a=b coloured \
        sh -c 'echo "$COLOUR|$SHAPE|${EMPTY-unset}|$TAKEN|${ABSENT-unset}|$BLANK|$EQ"'
    exited 0
    [ "$output" = "blue|round||t|unset|a b|a=b" ]
}

@test "--env-file is read as docker reads it" {
    printf '# comment\n\nA=1\n  B=2\nC="quoted"\nD=a=b #c\nTAKEN\nABSENT\n' >"$BATS_TEST_TMPDIR/env"
    run env TAKEN=t minidock run --rm --env-file "$BATS_TEST_TMPDIR/env" -e A=3 busybox \
        sh -c 'echo "$A|$B|$C|$D|$TAKEN|${ABSENT-unset}"'
    exited 0
    [ "$output" = '3|2|"quoted"|a=b #c|t|unset' ]
    printf 'A B=1\n' >"$BATS_TEST_TMPDIR/env"
    run minidock run --rm --env-file "$BATS_TEST_TMPDIR/env" busybox true
    exited 125
}

@test "-w is where it starts, and is made when missing" {
    run minidock run --rm -w /tmp busybox pwd
    [ "$output" = /tmp ]
    run minidock run --rm -w /new/dir busybox pwd
    exited 0
    [ "$output" = /new/dir ]
    [ ! -e "$ROOTFS/new" ]
    minidock import -c 'WORKDIR /etc' "$SOURCE_ROOT" inetc >/dev/null
    run minidock run --rm inetc pwd
    [ "$output" = /etc ]
}

@test "ENTRYPOINT, CMD, --entrypoint and the words after the image meet as in docker" {
    minidock import -c 'ENTRYPOINT ["echo","entry"]' -c 'CMD ["cmd"]' "$SOURCE_ROOT" entry >/dev/null
    run minidock run --rm entry
    [ "$output" = "entry cmd" ]
    run minidock run --rm entry word --rm -x
    [ "$output" = "entry word --rm -x" ]
    run minidock run --rm --entrypoint printf entry '%s.' a b
    [ "$output" = "a.b." ]
    run minidock run --rm --entrypoint pwd entry
    [ "$output" = / ]
    run minidock run --rm --entrypoint "" entry echo bare
    [ "$output" = bare ]
    minidock import -c 'CMD echo "in a shell: $HOME"' "$SOURCE_ROOT" shellform >/dev/null
    run minidock run --rm shellform
    [ "$output" = "in a shell: /root" ]
}

@test "a command is looked up in the container's PATH" {
    run minidock run --rm -e PATH=/nowhere busybox echo x
    exited 127
    run minidock run --rm -e PATH=/nowhere:/bin busybox echo x
    [ "$output" = x ]
}

@test "-h sets the host name, in hosts too; the default are the id's first twelve digits" {
    run minidock run --rm -h web busybox sh -c 'hostname; cat /etc/hostname; grep -w web /etc/hosts; echo $HOSTNAME'
    exited 0
    [ "${lines[0]}" = web ]
    [ "${lines[1]}" = web ]
    [[ "${lines[2]}" =~ web$ ]]
    [ "${lines[3]}" = web ]
    run minidock run --name named busybox hostname
    [ "$output" = "$(minidock ps -aq)" ]
    minidock rm named
}

@test "/etc/hosts and resolv.conf are the container's own and can be written" {
    before="$(cat /etc/hosts /etc/hostname /etc/resolv.conf | sha256sum)"
    run minidock run --rm busybox sh -c \
        'grep -w localhost /etc/hosts && for f in hosts hostname resolv.conf; do echo "# x" >>/etc/$f || exit 1; done'
    exited 0
    said "127.0.0.1"
    [ "$(cat /etc/hosts /etc/hostname /etc/resolv.conf | sha256sum)" = "$before" ]
}

@test "flags may be combined, take their value either way, and end at the image" {
    run bash -c 'echo in | minidock run --rm -ie A=1 --env=B=2 -w/tmp --read-only=false busybox sh -c "cat; echo \$A\$B; pwd; touch /x"'
    exited 0
    [ "$(echo $output)" = "in 12 /tmp" ]
    run minidock run --rm busybox echo --rm -it
    [ "$output" = "--rm -it" ]
}

@test "--name names it; the name can be taken once" {
    minidock run --name once busybox true
    run minidock run --name once busybox true
    exited 125
    said "once"
    minidock rm once
    run minidock run --rm --name once busybox true
    exited 0
    # A single character is none in docker either.
    for name in -x .x x ../x 'a b' a/b "$(printf 'a\nb')" "$(printf '%0200d' 0)"; do
        run minidock run --rm "--name=$name" busybox true
        exited 125
    done
}

@test "ps shows those that run, ps -a all, newest first, in docker's columns" {
    minidock run --name first busybox sh -c 'exit 3' || true
    minidock run --name second busybox true
    start_sleeper third busybox sleep 100
    run minidock ps
    exited 0
    [[ "${lines[0]}" =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]]
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[1]}" =~ ^[0-9a-f]{12}\ +busybox\ +\"sleep\ 100\"\ .*Up\ .*\ third$ ]]
    run minidock ps -a --format '{{.Names}} {{.Image}} {{.Status}}'
    [ "${#lines[@]}" -eq 3 ]
    [[ "${lines[0]}" =~ ^third\ busybox\ Up\  ]]
    [[ "${lines[1]}" =~ ^second\ busybox\ Exited\ \(0\)\  ]]
    [[ "${lines[2]}" =~ ^first\ busybox\ Exited\ \(3\)\  ]]
    run minidock ps -q
    [[ "$output" =~ ^[0-9a-f]{12}$ ]]
    kill "$RUNNER"
    wait "$RUNNER" || true
    minidock rm first second third
    [ -z "$(minidock ps -aq)" ]
}

@test "ps --format json prints one object per line" {
    minidock run --name one busybox true
    minidock ps -a --format json | "$E2E_PYTHON" -c '
import json, sys
(row,) = [json.loads(line) for line in sys.stdin]
assert row["Names"] == "one" and row["Image"] == "busybox" and len(row["ID"]) == 12, row'
    minidock rm one
}

@test "inspect shows a container with docker's members" {
    minidock run --name seen -e A=b busybox sh -c 'exit 7' || true
    minidock inspect seen | "$E2E_PYTHON" -c '
import json, sys
(it,) = json.load(sys.stdin)
assert it["Name"].lstrip("/") == "seen", it
assert it["State"]["ExitCode"] == 7 and it["State"]["Status"] == "exited", it
assert not it["State"]["Running"] and it["State"]["Pid"] == 0, it
assert "A=b" in it["Config"]["Env"], it'
    minidock rm seen
}

@test "logs keeps each stream apart, also binary, and nothing of what is removed" {
    minidock run --name talker busybox sh -c 'echo out; echo err >&2; printf "\000\377end\n"' >/dev/null 2>&1
    # Bytes that are no UTF-8 are U+FFFD, as in docker's files.
    run --separate-stderr minidock logs talker
    exited 0
    [ "$stderr" = err ]
    minidock logs talker 2>/dev/null | cmp - <(printf 'out\n\000\357\277\275end\n')
    minidock rm talker
    run minidock logs talker
    exited 1
    said "talker"
}

@test "logs are the same bytes for two megabytes of output" {
    minidock run --name big busybox sh -c 'seq 1 300000' >"$BATS_TEST_TMPDIR/out"
    minidock logs big | cmp - "$BATS_TEST_TMPDIR/out"
    minidock rm big
}

@test "logs has the last lines, and times" {
    minidock run --name lines busybox seq 1 9 >/dev/null
    run minidock logs -n 2 lines
    [ "$output" = "$(printf '8\n9')" ]
    run minidock logs -t --tail 1 lines
    [[ "$output" =~ ^$(date -u +%Y)-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]+Z\ 9$ ]]
    minidock rm lines
}

@test "logs of a terminal are what the terminal showed" {
    in_terminal minidock run --name tty -t busybox echo shown </dev/null
    run minidock logs tty
    said shown
    minidock rm tty
}

@test "rm takes names and ids, refuses one that runs, and -f kills it" {
    minidock run --name one busybox true
    minidock run --name two busybox true
    minidock run --name three busybox true
    id="$(minidock ps -aq --no-trunc | head -n 1)"
    run minidock rm "${id:0:12}" one
    exited 0
    [ "$output" = "$(printf '%s\n' "${id:0:12}" one)" ]
    [ ! -e "$MINIDOCK_ROOT/.containers/$id" ]
    [ "$(minidock ps -a --format '{{.Names}}')" = two ]
    minidock rm two
    start_sleeper busy busybox sleep 100
    run minidock rm busy
    exited 1
    said "busy"
    run minidock rm -f busy
    exited 0
    gone "$INIT"
    wait "$RUNNER" || true
    [ -z "$(minidock ps -aq)" ]
    run minidock rm nothing
    exited 1
    said "nothing"
}

@test "--rm leaves nothing, also when the program cannot be started" {
    minidock run --rm busybox true
    minidock run --rm busybox no-such-program || true
    minidock run --rm -u stranger busybox true || true
    [ -z "$(minidock ps -aq)" ]
    [ -z "$(ls -A "$MINIDOCK_ROOT/.containers" 2>/dev/null)" ]
}

@test "twenty containers at once do not get in each other's way" {
    for ((i = 0; i < 20; i++)); do
        minidock run --rm busybox sh -c "echo $i; hostname" >"$BATS_TEST_TMPDIR/out$i" 3>&- &
    done
    wait
    for ((i = 0; i < 20; i++)); do
        [ "$(head -n 1 "$BATS_TEST_TMPDIR/out$i")" = "$i" ]
    done
    [ "$(tail -qn 1 "$BATS_TEST_TMPDIR"/out* | sort -u | wc -l)" -eq 20 ]
    [ -z "$(minidock ps -aq)" ]
}

@test "of several runs with one name at once one wins, and the others say why" {
    mkfifo "$BATS_TEST_TMPDIR/in"
    exec 9<>"$BATS_TEST_TMPDIR/in"
    for ((i = 0; i < 5; i++)); do
        minidock run --rm -i --name same busybox sh -c 'echo won; read word' <"$BATS_TEST_TMPDIR/in" \
            >"$BATS_TEST_TMPDIR/out$i" 2>&1 9>&- 3>&- &
        runners[i]=$!
    done
    for ((i = 0; i < 5; i++)); do
        appears_one "$BATS_TEST_TMPDIR/out$i"
    done
    [ "$(grep -l '^won$' "$BATS_TEST_TMPDIR"/out* | wc -l)" -eq 1 ]
    [ "$(grep -l '^minidock: .*/same.* is already in use' "$BATS_TEST_TMPDIR"/out* | wc -l)" -eq 4 ]
    echo over >&9
    exec 9>&-
    others=0
    for runner in "${runners[@]}"; do
        wait "$runner" || [ $? -ne 125 ] || others=$((others + 1))
    done
    [ "$others" -eq 4 ]
    [ -z "$(minidock ps -aq)" ]
}

# appears_one FILE: a line of any kind.
appears_one() {
    appears "" "$1"
}

@test "an image that is not there: --pull never says so, missing tries and names it" {
    run minidock run --rm --pull never localhost:1/none true
    exited 125
    said "localhost:1/none"
    run timeout 60 minidock run --rm localhost:1/none true
    exited 125
    said "Unable to find image 'localhost:1/none:latest' locally"
}

@test "a bare name in an env file that is unset here changes nothing" {
    echo UNSET_HERE=kept >"$BATS_TEST_TMPDIR/env1"
    echo UNSET_HERE >"$BATS_TEST_TMPDIR/env2"
    run env -u UNSET_HERE "$MINIDOCK" run --rm --env-file "$BATS_TEST_TMPDIR/env1" \
        --env-file "$BATS_TEST_TMPDIR/env2" busybox sh -c 'echo $UNSET_HERE'
    [ "$output" = kept ]
}

@test "ps: filters of one key are alternatives, of two keys both hold" {
    minidock run --name fone busybox true
    minidock run --name ftwo busybox true
    run minidock ps -a -f name=fone -f name=ftwo --format '{{.Names}}'
    [ "$(sort <<<"$output" | tr '\n' ' ')" = "fone ftwo " ]
    run minidock ps -a -f name=fone -f status=running --format '{{.Names}}'
    [ -z "$output" ]
    run minidock inspect -f '{{.Config.Hostname}}' fone
    [ "$output" = "$(minidock ps -aq -f name=fone)" ]
    minidock rm fone ftwo
}
