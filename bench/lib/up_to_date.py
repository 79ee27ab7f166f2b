# SPDX-License-Identifier: Apache-2.0
"""A pull of a name that is up to date: how long beyond the round trips, and how many of them.

The registry is the end-to-end tests' Docker Hub in a box, behind TLS and tokens. Turn by turn
with minidock, one curl sends the same three requests (HEAD, which is refused; the token; HEAD).
Its time for them, without that of starting, is the round trips'.
"""

import ctypes
import json
import os
import shutil
import statistics
import subprocess
import time

import peers
import images
from measure import run, tail
from report import at_least, at_most, say

ROUNDS = 25
TARGET = 15  # ms
NAME, REPOSITORY = "alpine:latest", "library/alpine"
REGISTRY = "https://registry-1.docker.io"
TOKEN = f"https://auth.docker.io/token?service=registry.docker.io&scope=repository:{REPOSITORY}:pull"
MANIFEST = f"{REGISTRY}/v2/{REPOSITORY}/manifests/latest"
ACCEPT = "Accept: " + ", ".join(images.TYPES[family][kind] for family in ("oci", "docker")
                                for kind in ("index", "manifest"))


class Box:
    """Docker Hub in a box; it ends with us."""

    def __init__(self, directory, minidock, registry):
        self.directory = directory
        hub = os.path.join(os.path.dirname(os.path.abspath(images.__file__)), "hub.py")
        run(["python3", hub, "start", directory, str(os.getpid())],
            env={**os.environ, "MINIDOCK": minidock, "MINIDOCK_DOCKER_REGISTRY": registry,
                 "PYTHONDONTWRITEBYTECODE": "1"})

    def enter(self):
        """From here on this process is in the box, and what it starts."""
        with open(os.path.join(self.directory, "pid"), encoding="ascii") as source:
            first = source.read().strip()
        libc = ctypes.CDLL(None, use_errno=True)
        spaces = [os.open(f"/proc/{first}/ns/{name}", os.O_RDONLY) for name in ("pid", "net", "mnt")]
        for space in spaces:
            if libc.setns(space, 0):
                raise OSError(ctypes.get_errno(), "setns")
            os.close(space)

    def asked(self, server):
        """The requests since forget(): (method, status)."""
        try:
            with open(self.log(server), encoding="utf-8") as source:
                return [(r["method"], r["status"]) for r in map(json.loads, source)]
        except FileNotFoundError:
            return []

    def forget(self):
        for server in ("registry", "token", "cdn"):
            if os.path.exists(self.log(server)):
                os.unlink(self.log(server))

    def log(self, server):
        return os.path.join(self.directory, "log", server + ".jsonl")


def timed(command, log):
    """Milliseconds of a command."""
    begin = time.perf_counter()
    with open(log, "ab") as out:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    took = (time.perf_counter() - begin) * 1000
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {tail(log)}")
    return took


class Curl:
    """The three requests in one process; the token is one that was asked for before."""

    def __init__(self, box):
        self.base = ["curl", "-sS"]
        self.options = ["--cacert", os.path.join(box.directory, "pki/ca.pem"), "-o", "/dev/null",
                        "-w", "%{time_total}\\n", "-H", ACCEPT]
        answer = run([*self.base, *self.options[:2], TOKEN], stdout=subprocess.PIPE).stdout
        self.bearer = "Authorization: Bearer " + json.loads(answer)["token"]

    def round_trips(self):
        """Milliseconds of the three, connecting included."""
        said = run([*self.base, *self.options, "-I", MANIFEST, "--next", "-sS", *self.options, TOKEN,
                    "--next", "-sS", *self.options, "-I", "-H", self.bearer, MANIFEST],
                   stdout=subprocess.PIPE, text=True).stdout
        return sum(map(float, said.split())) * 1000


def start_docker(directory, wanted):
    """A function that pulls by docker and returns the milliseconds, or None; its servers."""
    if "docker" not in wanted:
        return None, []
    if not all(map(shutil.which, peers.PROGRAMS["docker"])):
        say("docker: not installed")
        return None, []
    os.makedirs(directory)
    try:
        servers = peers.start_dockerd(directory)
    except RuntimeError as error:
        say(str(error))
        return None, []
    log = os.path.join(directory, "log")
    return lambda: timed([*peers.DOCKER, "pull", "-q", NAME], log), servers


def measure(options):
    """The last thing to do in this process: it does not leave the box."""
    directory = os.path.join(options.scratch, "up-to-date")
    os.makedirs(directory)
    box = Box(os.path.join(directory, "box"), options.minidock, options.registry)
    box.enter()
    command = [options.minidock, "--root", os.path.join(directory, "store"), "pull", "-q", NAME]
    log = os.path.join(directory, "log")
    timed(command, log)
    docker, servers = start_docker(os.path.join(directory, "docker"), options.peers)
    try:
        report(*rounds(box, command, log, docker))
    finally:
        peers.stop(servers)


def rounds(box, command, log, docker):
    """Times in ms: minidock's, curl's, docker's; and whom minidock asked what in the last round."""
    ours, trips, theirs = [], [], []
    curl = Curl(box)
    if docker:
        docker()  # the first one downloads
    for _ in range(ROUNDS):
        os.sync()
        box.forget()
        ours.append(timed(command, log))
        asked = {server: box.asked(server) for server in ("registry", "token", "cdn")}
        trips.append(curl.round_trips())
        if docker:
            theirs.append(docker())
    return ours, trips, theirs, asked


def report(ours, trips, theirs, asked):
    beyond = [mine - trip for mine, trip in zip(ours, trips)]
    say(f"\nup to date: {NAME}, {len(ours)} rounds, medians: "
        f"minidock {statistics.median(ours):.1f} ms, round trips {statistics.median(trips):.1f} ms; "
        f"the least beyond them {min(beyond):.1f} ms")
    for server, requests in asked.items():
        say(f"  asked of {server}: " + (", ".join(f"{m} {s}" for m, s in requests) or "nothing"))
    at_most("beyond the round trips", statistics.median(beyond), TARGET, "ms")
    besides = [method for method, status in asked["registry"] + asked["cdn"] if status != 401]
    at_most("HEAD requests besides the token exchange", besides.count("HEAD"), 1)
    at_most("other requests besides the token exchange", len(besides) - besides.count("HEAD"), 0)
    if theirs:
        at_least("docker's time / minidock's", statistics.median(
            docker / mine for docker, mine in zip(theirs, ours)), None)
