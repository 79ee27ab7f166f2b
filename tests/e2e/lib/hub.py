# SPDX-License-Identifier: Apache-2.0
"""Docker Hub in a box: starts it, stops it, and changes what it serves.

    hub.py start DIR WATCH     start a box in the new directory DIR; it ends with process WATCH
    hub.py stop DIR
    hub.py requests DIR NAME   what a server (registry, token, cdn, trap, mirror ...) was asked: METHOD PATH
    hub.py users DIR NAME      who asked: METHOD PATH and what its Authorization says
    hub.py ranges DIR NAME MATCH    the Range field of each GET whose path has MATCH, "whole" without
    hub.py info DIR IMAGE KEY [INDEX]   a fact of an image: digest, manifest, config, layers ...
    hub.py tag DIR REPOSITORY TAG DIGEST
    hub.py fault DIR WHERE MATCH KIND [ARG [TIMES]]    see servers.py; without DIR/faults.json there is none
    hub.py wait DIR TEXT       until the servers have reported an event that begins with TEXT

The box is a mount, network and PID namespace of its own. In it registry-1.docker.io,
auth.docker.io and production.cloudflare.docker.com are loopback addresses on port 443, with
Debian's docker-registry behind the first, and /etc/ssl/certs is a hashed directory with the box's
own authority: a client needs no configuration. Also there, from the same storage:
registry.test:443 (docker-registry's own TLS, HTTP/2, no redirects, token needed), localhost:5000
(plain http, no token) and plain.test:5000 (10.99.0.1; no registry, it records who speaks plain http);
places.py has mirrors, private registries and a proxy.
basic.test wants user and password (Basic), public.test has an address that is none of this machine's
and sends its clients to the others. Who may log in, and how, is in servers.py.
/var/lib and /run are the box's own, and so is what is changed in /etc; the host's configuration of
registries is not there. When its first process dies, everything in it is gone.
"""

import base64
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback

import catalog
import images
import pki
import servers

HOSTS = {
    "127.0.0.1": "localhost", "::1": "localhost",
    "127.0.0.2": "registry-1.docker.io", "127.0.0.3": "auth.docker.io",
    "127.0.0.4": "production.cloudflare.docker.com", "127.0.0.5": "registry.test",
    "127.0.0.6": "mirror.test", "127.0.0.7": "insecure.test", "127.0.0.10": "proxy.test",
    "127.0.0.11": "basic.test", "203.0.113.1": "public.test",
    "10.99.0.1": "plain.test",
}
PRIVATE_HOSTS = {"127.0.0.8": "private.test", "127.0.0.9": "client.test"}
CDN = "https://production.cloudflare.docker.com/"
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1


def fail(text):
    sys.exit("hub.py: " + text)


def libc(name, *arguments):
    if ctypes.CDLL(None, use_errno=True)[name](*arguments) != 0:
        raise OSError(ctypes.get_errno(), name + ": " + os.strerror(ctypes.get_errno()))


# --- inside -------------------------------------------------------------------------------------

def interface(name, address=None):
    """Bring an interface up, with an address when one is given (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        if address:
            request = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, 0x8916, request)            # SIOCSIFADDR
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", name, 0x1 | 0x40))  # up and running


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def own_var_lib(directory, needed):
    """Replace /var/lib, keeping in sight what the tests themselves have below it."""
    old, new = os.path.join(directory, "var-lib.host"), os.path.join(directory, "var-lib")
    for path in (old, new):
        os.mkdir(path)
    mount("--bind", "/var/lib", old)
    mount("--bind", new, "/var/lib")
    below = {os.path.realpath(p).split("/")[3] for p in needed
             if p and os.path.realpath(p).startswith("/var/lib/")}
    for name in below:
        os.mkdir("/var/lib/" + name)
        mount("--bind", os.path.join(old, name), "/var/lib/" + name)


def own_etc(directory):
    """An /etc that may be written, without what the host says about registries."""
    layer = os.path.join(directory, "etc")
    os.mkdir(layer)
    mount("-t", "tmpfs", "tmpfs", layer)
    for name in ("upper", "work"):
        os.mkdir(os.path.join(layer, name))
    mount("-t", "overlay", "overlay", "-o", "lowerdir=/etc,upperdir=%s/upper,workdir=%s/work"
          % (layer, layer), "/etc")
    for name in ("containers", "docker"):
        shutil.rmtree("/etc/" + name, ignore_errors=True)


def make_world(directory):
    """Everything that differs from the host for what runs in the box."""
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    own_etc(directory)
    interface(b"lo")
    interface(b"lo:1", "10.99.0.1")
    interface(b"lo:2", "203.0.113.1")
    write(os.path.join(directory, "hosts"), "".join("%s %s\n" % h for h in (HOSTS | PRIVATE_HOSTS).items()))
    write(os.path.join(directory, "resolv.conf"), "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
    for name in ("hosts", "resolv.conf"):
        if os.path.exists("/etc/" + name):
            mount("--bind", os.path.join(directory, name), "/etc/" + name)
    mount("--bind", os.path.join(directory, "pki/certs"), "/etc/ssl/certs")
    own_var_lib(directory, [directory, __file__, os.environ.get("MINIDOCK"),
                            os.environ.get("MINIDOCK_TEST_IMAGES")])
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")


def registry_config(directory, kind):
    """The configuration of one docker-registry; it is JSON, which is YAML too."""
    address = {"hub": "127.0.0.2:5001", "direct": "127.0.0.5:443", "plain": "localhost:5000"}[kind]
    config = {
        "version": "0.1", "log": {"level": "info", "fields": {"service": kind}},
        "storage": {"filesystem": {"rootdirectory": os.path.join(directory, "registry")},
                    "maintenance": {"uploadpurging": {"enabled": False},
                                    "readonly": {"enabled": True}}},
        "http": {"addr": address, "secret": "box"},
    }
    if kind != "plain":
        config["auth"] = {"token": {
            "realm": "https://auth.docker.io/token", "service": servers.TokenServer.service,
            "issuer": servers.TokenServer.issuer,
            "rootcertbundle": os.path.join(directory, "pki/token.pem")}}
    if kind == "hub":
        config["http"]["host"] = "https://registry-1.docker.io"
        config["middleware"] = {"storage": [{"name": "redirect", "options": {"baseurl": CDN}}]}
    if kind == "direct":
        config["http"]["tls"] = {"certificate": os.path.join(directory, "pki/server.pem"),
                                 "key": os.path.join(directory, "pki/server.key")}
    path = os.path.join(directory, "registry-%s.json" % kind)
    write(path, json.dumps(config))
    return path, address


def start_registries(directory, program):
    addresses = []
    for kind in ("hub", "direct", "plain"):
        path, address = registry_config(directory, kind)
        with open(os.path.join(directory, "log/docker-registry-%s" % kind), "wb") as log:
            subprocess.Popen([program, "serve", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        addresses.append(address)
    for address in addresses:
        wait_for_port(address)


def wait_for_port(address, patience=30):
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def serve(directory, program, ready):
    """The servers; tells `ready` when all answer, and never returns."""
    try:
        facts = catalog.stock(os.path.join(directory, "registry"),
                              os.environ.get("MINIDOCK_TEST_IMAGES"))
        write(os.path.join(directory, "facts.json"), json.dumps(facts))
        start_registries(directory, program)
        servers.start(directory)
        os.write(ready, b"ready")
    except BaseException:  # whatever it is, the one who waits must hear it
        os.write(ready, traceback.format_exc().encode())
        os._exit(1)
    os.close(ready)
    while True:
        signal.pause()


def first_process(directory, program, ready):
    """PID 1 of the box: makes its world, starts the servers, then only reaps."""
    libc("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        pki.make(os.path.join(directory, "pki"), [n for n in HOSTS.values() if n != "plain.test"])
        pki.make(os.path.join(directory, "pki-private"), PRIVATE_HOSTS.values(), "minidock private authority")
        make_world(directory)
    except BaseException:
        os.write(ready, traceback.format_exc().encode())
        os._exit(1)
    child = os.fork()
    if child == 0:
        serve(directory, program, ready)
    os.close(ready)
    while True:
        if os.wait()[0] == child:
            os._exit(1)


# --- outside ------------------------------------------------------------------------------------

def keep(directory, program, watch, ready):
    """The keeper: outside the box, parent of its first process; ends it with the watched process."""
    os.setsid()
    with open(os.path.join(directory, "log/hub"), "wb") as log, open(os.devnull, "rb") as null:
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source.fileno(), target)
    watched = os.pidfd_open(watch)
    stop_read, stop_write = os.pipe()
    os.set_blocking(stop_write, False)
    signal.set_wakeup_fd(stop_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    write(os.path.join(directory, "keeper"), "%d\n" % os.getpid())
    libc("unshare", CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    first = os.fork()
    if first == 0:
        first_process(directory, program, ready)
    write(os.path.join(directory, "pid"), "%d\n" % first)
    os.close(ready)  # only now does the one who waits go on
    select.select([watched, stop_read, os.pidfd_open(first)], [], [])
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    os._exit(0)


def start(directory, watch):
    program = os.environ.get("MINIDOCK_DOCKER_REGISTRY") or shutil.which("docker-registry")
    if not program:
        fail("MINIDOCK_DOCKER_REGISTRY does not name a docker-registry")
    for name in ("", "log", "pki"):
        os.mkdir(os.path.join(directory, name))
    ready_read, ready_write = os.pipe()
    if os.fork() == 0:
        try:
            os.close(ready_read)
            keep(directory, program, int(watch), ready_write)
        except BaseException:
            os.write(ready_write, traceback.format_exc().encode())
            os._exit(1)
    os.close(ready_write)
    said = b""
    while chunk := os.read(ready_read, 65536):
        said += chunk
    if said != b"ready":
        fail("the box did not start:\n%s(its logs are in %s/log)" % (said.decode(), directory))


def stop(directory):
    with open(os.path.join(directory, "keeper"), encoding="ascii") as source:
        keeper = int(source.read())
    try:
        waiting = os.pidfd_open(keeper)
    except ProcessLookupError:
        return
    os.kill(keeper, signal.SIGTERM)
    if not select.select([waiting], [], [], 30)[0]:
        fail("the box does not stop")


def records(directory, name):
    try:
        with open(os.path.join(directory, "log", name + ".jsonl"), encoding="utf-8") as source:
            yield from map(json.loads, source)
    except FileNotFoundError:
        pass


def requests(directory, name):
    for record in records(directory, name):
        print(record.get("method", record.get("speaks")), record.get("path", record.get("first")))


def ranges(directory, name, match):
    for record in records(directory, name):
        if record["method"] == "GET" and match.removeprefix("sha256:") in record["path"]:
            print(dict(record["headers"]).get("Range", "whole"))


def who(headers):
    """USER:PASSWORD of Basic, the scheme alone of anything else, or -."""
    scheme, _, value = dict(headers).get("Authorization", "-").partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else scheme


def users(directory, name):
    for record in records(directory, name):
        print(record["method"], record["path"].split("?")[0], record.get("grant") or who(record["headers"]))


def info(directory, image, key, index=None):
    with open(os.path.join(directory, "facts.json"), encoding="utf-8") as source:
        facts = json.load(source)
    if image not in facts:
        fail("no image %s in the box" % image)
    value = facts[image][key]
    if index is not None:
        value = value[int(index)]
    print("\n".join(map(str, value)) if isinstance(value, list) else value)


def tag(directory, repository, name, digest):
    images.Registry(os.path.join(directory, "registry")).tag(repository, name, digest)


def fault(directory, where, match, kind, arg="0", times="-1"):
    path = os.path.join(directory, "faults.json")
    faults = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as source:
            faults = json.load(source)
    if kind == "header":
        arg = arg.split(": ", 1)
    faults.append({"id": os.urandom(8).hex(), "where": where, "match": match.removeprefix("sha256:"),
                   "kind": kind, "arg": arg, "times": int(times)})
    write(path + ".new", json.dumps(faults))
    os.replace(path + ".new", path)


def wait(directory, text, patience=60):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with open(os.path.join(directory, "events"), encoding="utf-8") as source:
                if any(line.startswith(text) for line in source):
                    return
        except FileNotFoundError:
            pass
        time.sleep(0.01)
    fail("waited %d s for: %s" % (patience, text))


COMMANDS = {"start": start, "stop": stop, "requests": requests, "users": users, "ranges": ranges, "info": info,
            "tag": tag, "fault": fault, "wait": wait}


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[arguments[0]](os.path.abspath(arguments[1]), *arguments[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
