# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry, read only."""

import json
import os
import socket
import subprocess

import images
from measure import wait_for


def start(program, storage, directory, address, enter=(), tls=None):
    """Serve storage at address; `enter` goes before the command, tls is (certificate, key).

    It ends with the namespace that it runs in.
    """
    http = {"addr": address, "secret": "bench"}
    if tls:
        http["tls"] = {"certificate": tls[0], "key": tls[1]}
    config = os.path.join(directory, "registry.json")
    images.write(config, json.dumps({
        "version": "0.1", "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": storage},
                    "maintenance": {"readonly": {"enabled": True}}},
        "http": http}).encode())
    with open(os.path.join(directory, "registry.log"), "wb") as log:
        subprocess.Popen([*enter, program, "serve", config], stdout=log, stderr=log,
                         stdin=subprocess.DEVNULL)
    host, _, port = address.rpartition(":")
    wait_for(lambda: socket.create_connection((host, int(port))).close() or True, "the registry")
