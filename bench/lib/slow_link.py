# SPDX-License-Identifier: Apache-2.0
"""A pull of many layers through a slow link: is the link the only limit?

The registry is in a network namespace of its own, behind TLS; a pair of virtual interfaces leads
there, and tbf shapes what comes from it. Of each frame of 1514 bytes, which tbf counts, 1448 can be
payload: that part of the rate is what the layers' bytes are compared with.
"""

import os
import re
import subprocess
import threading
import time

import images
import pki
import registry
import shelf
from measure import received, run, tail
from report import at_least, at_most, say

LAYERS, LAYER_SIZE = 100, 200_000
RATE = 16_000_000  # bits per second: the pull takes about 10 s
PAYLOAD = 1448 / 1514
SHARE_TARGET = 95  # percent
CONNECTIONS_TARGET = 12  # six at once, each of them replaced once at most
NAMESPACE, HOST = "server", "link.test"
CLIENT_ADDRESS, SERVER_ADDRESS = "10.98.0.1", "10.98.0.2"
FINISHED = re.compile(r"[0-9a-f]{64}\.[0-9a-f-]{36}")  # a layer's directory in .partial


def make_link():
    enter = ("ip", "netns", "exec", NAMESPACE)
    run(["ip", "netns", "add", NAMESPACE])
    run(["ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", NAMESPACE])
    for command, address in (((), CLIENT_ADDRESS), (enter, SERVER_ADDRESS)):
        run([*command, "ip", "address", "add", address + "/24", "dev", "wire"])
        run([*command, "ip", "link", "set", "wire", "up"])
    run([*enter, "tc", "qdisc", "add", "dev", "wire", "root", "tbf", "rate", f"{RATE}bit",
         "burst", "32kb", "latency", "200ms"])
    return enter


def trust(directory):
    """A certificate for the host, and only its authority trusted in this mount namespace."""
    certificates = os.path.join(directory, "pki")
    pki.make(certificates, [HOST])
    run(["mount", "--bind", os.path.join(certificates, "certs"), "/etc/ssl/certs"])
    hosts = os.path.join(directory, "hosts")
    images.write(hosts, f"127.0.0.1 localhost\n{SERVER_ADDRESS} {HOST}\n".encode())
    run(["mount", "--bind", hosts, "/etc/hosts"])
    return os.path.join(certificates, "server.pem"), os.path.join(certificates, "server.key")


def opened_connections():
    """How many TCP connections were opened from this network namespace, ever."""
    with open("/proc/net/snmp", encoding="ascii") as source:
        names, values = (line.split() for line in source if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


class Watcher(threading.Thread):
    """How many bytes had come when the first layer was finished."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.partial = os.path.join(store, ".partial")
        self.at_first = None
        self.done = threading.Event()

    def run(self):
        while self.at_first is None and not self.done.wait(0.01):
            try:
                if any(map(FINISHED.fullmatch, os.listdir(self.partial))):
                    self.at_first = received("wire")
            except FileNotFoundError:
                continue


def pull(program, directory):
    """(seconds, connections, bytes in, bytes in when the first layer was finished or None)"""
    store = os.path.join(directory, "store")
    watcher = Watcher(store)
    watcher.start()
    os.sync()
    connections, got = opened_connections(), received("wire")
    begin = time.perf_counter()
    with open(os.path.join(directory, "log"), "wb") as log:
        if subprocess.run([program, "--root", store, "pull", "-q", HOST + "/bench/link"], check=False,
                          stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode:
            raise RuntimeError("minidock on the slow link: " + tail(log.name))
    wall = time.perf_counter() - begin
    watcher.done.set()
    watcher.join()
    at_first = None if watcher.at_first is None else watcher.at_first - got
    return wall, opened_connections() - connections, received("wire") - got, at_first


def measure(options):
    directory = os.path.join(options.scratch, "slow-link")
    os.makedirs(directory)
    storage = os.path.join(directory, "registry")
    image = images.Image(list(shelf.noise_layers(LAYERS, 1, LAYER_SIZE)))
    images.Registry(storage).put("bench/link", image, "latest")
    payload = sum(len(layer.blob) for layer in image.layers)
    registry.start(options.registry, storage, directory, SERVER_ADDRESS + ":443", make_link(),
                   trust(directory))
    wall, connections, got, at_first = pull(options.minidock, directory)
    say(f"\nslow link: {LAYERS} layers, {payload / 1e6:.1f} MB, at {RATE / 1e6:g} Mbit/s: {wall:.2f} s")
    at_least("share of the link's rate, from start to durable end", 800 * payload / (
        wall * RATE * PAYLOAD), SHARE_TARGET, "%")
    at_most(f"connections for {LAYERS} layers", connections, CONNECTIONS_TARGET)
    at_most("bytes that had come when the first layer was unpacked",
            100 if at_first is None else 100 * at_first / got, 100 - 100 / LAYERS, "%")
