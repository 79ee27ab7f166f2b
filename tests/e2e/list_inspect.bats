#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# inspect: docker's shapes for what scripts read.

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

@test "a container has docker's members, also those that say nothing here" {
    minidock run --name one -e A=b -h box -w /tmp -v "$BATS_TEST_TMPDIR:/data:ro" busybox sh -c 'exit 7' || true
    minidock inspect one | "$E2E_PYTHON" -c '
import json, sys
(it,) = json.load(sys.stdin)
assert it["Name"] == "/one" and it["Path"] == "sh" and it["Args"] == ["-c", "exit 7"], it
assert it["Image"].startswith("sha256:") and it["RestartCount"] == 0, it
state = it["State"]
assert state["Status"] == "exited" and state["ExitCode"] == 7 and state["Pid"] == 0, state
assert state["OOMKilled"] is state["Dead"] is state["Paused"] is state["Restarting"] is False, state
assert state["StartedAt"] < state["FinishedAt"], state
config = it["Config"]
assert config["Hostname"] == "box" and config["WorkingDir"] == "/tmp" and "A=b" in config["Env"], config
for key in ("Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "Cmd",
            "Image", "Volumes", "Entrypoint", "OnBuild", "Labels"):
    assert key in config, key
host = it["HostConfig"]
assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}, host
assert host["LogConfig"]["Type"] == "json-file" and host["AutoRemove"] is False, host
for key in ("Binds", "NetworkMode", "PortBindings", "Privileged", "ReadonlyRootfs", "CapAdd", "Memory", "ShmSize"):
    assert key in host, key
(mount,) = it["Mounts"]
assert mount["Destination"] == "/data" and mount["RW"] is False, mount
assert it["NetworkSettings"]["Ports"] == {} and it["NetworkSettings"]["IPAddress"] == "", it
assert open(it["LogPath"]).read() == "", it'
}

@test "what scripts ask of a container" {
    start_sleeper one busybox sleep 100
    [ "$(minidock inspect -f '{{.State.Running}} {{.State.Pid}}' one)" = "true $INIT" ]
    [ "$(minidock inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' one)" = none ]
    [ "$(minidock inspect -f '{{.State.FinishedAt}}' one)" = 0001-01-01T00:00:00Z ]
    [ "$(minidock inspect -f '{{range $k, $v := .NetworkSettings.Ports}}{{$k}}{{end}}' one)" = "" ]
    [ "$(minidock inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' one)" = "" ]
    [ "$(minidock inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.Config.Tty}} {{json .Mounts}}' one)" = "no false []" ]
    [ "$(minidock inspect -f '{{index .Config.Labels "none"}}' one)" = "" ]
    [ "$(minidock inspect -f '{{.Config.Hostname | printf "%.3s"}}' one 2>&1)" != "" ]
    [ "$(minidock inspect -f '{{slice .Id 0 12}}' one)" = "$(minidock ps -q)" ]
    [ "$(minidock inspect -f '{{printf "%s=%d" .Name .State.Pid}}' one)" = "/one=$INIT" ]
    [ "$(minidock inspect -f '{{range .Config.Env}}{{println .}}{{end}}' one | grep -c PATH=)" = 1 ]
    [[ "$(minidock inspect -f '{{.Config.Env}}' one)" =~ ^\[.*PATH=[^\ ]+.*\]$ ]]
    kill "$RUNNER"
    wait "$RUNNER" || true
}

@test "entry point and command are told apart, as they were given" {
    minidock import -c 'ENTRYPOINT ["echo","a"]' -c 'CMD ["b"]' "$SOURCE_ROOT" entry >/dev/null
    minidock run --name one entry
    minidock run --name two entry c d
    minidock run --name three --entrypoint /bin/true entry
    minidock run --name four -i busybox true </dev/null
    shown() { minidock inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{json .Args}}' "$1"; }
    [ "$(shown one)" = '["echo","a"] ["b"] echo ["a","b"]' ]
    [ "$(shown two)" = '["echo","a"] ["c","d"] echo ["a","c","d"]' ]
    [ "$(shown three)" = '["/bin/true"] null /bin/true []' ]
    [ "$(shown four)" = 'null ["true"] true []' ]
    [ "$(minidock inspect -f '{{.Config.OpenStdin}} {{.Config.AttachStdin}} {{.Config.AttachStdout}}' four)" = "true true true" ]
    [ "$(minidock inspect -f '{{.Config.AttachStdin}} {{.Config.Tty}}' one)" = "false false" ]
    minidock rm one two three >/dev/null
    minidock rmi entry >/dev/null
}

@test "an image has docker's members" {
    minidock import -c 'LABEL a=b' -c 'EXPOSE 80' -c 'VOLUME /v' -c 'ENTRYPOINT ["/bin/sh"]' "$SOURCE_ROOT" full >/dev/null
    minidock tag full other:1
    minidock image inspect full | "$E2E_PYTHON" -c '
import json, sys
(it,) = json.load(sys.stdin)
assert it["RepoTags"] == ["full:latest", "other:1"] and it["RepoDigests"] == [], it
assert it["Architecture"] and it["Os"] == "linux" and it["Size"] > 100000, it
assert it["RootFS"]["Type"] == "layers" and it["RootFS"]["Layers"][0].startswith("sha256:"), it
config = it["Config"]
assert config["Labels"] == {"a": "b"} and config["ExposedPorts"] == {"80/tcp": {}}, config
assert config["Volumes"] == {"/v": {}} and config["Entrypoint"] == ["/bin/sh"] and config["Cmd"] is None, config
for key in ("Parent", "Comment", "Created", "DockerVersion", "Author", "GraphDriver", "Id"):
    assert key in it, key'
    [ "$(minidock inspect -f '{{.RepoTags}} {{.Config.Cmd}}' full)" = "[full:latest other:1] []" ]
    minidock rmi full other:1 >/dev/null
}

@test "what is not there is said, and the others are printed all the same" {
    minidock run --name one busybox true
    run --separate-stderr minidock inspect -f '{{.Name}}' one nothing one
    exited 1
    [ "$output" = "$(printf '/one\n/one')" ]
    [[ "$stderr" == *"No such object: nothing"* ]]
    run minidock container inspect busybox
    exited 1
    said "No such container: busybox"
    run minidock image inspect one
    exited 1
    said "No such image: one"
    run minidock inspect --type container busybox
    exited 1
    run minidock inspect --type odd busybox
    exited 125
    run minidock inspect -f '{{.Name' one
    exited 125
}

@test "a label cannot write to the terminal, and is whole in a pipe" {
    printf 'LABEL evil="\033]0;x\007"' >"$BATS_TEST_TMPDIR/change"
    minidock import -c "$(cat "$BATS_TEST_TMPDIR/change")" "$SOURCE_ROOT" evil >/dev/null
    [ "$(minidock inspect -f '{{.Config.Labels.evil}}' evil)" = "$(printf '\033]0;x\007')" ]
    run in_terminal minidock inspect -f '{{.Config.Labels.evil}}' evil </dev/null
    said '\x1b]0;x\x07'
    minidock rmi evil >/dev/null
}
