#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server on 127.0.0.1:53 for a network namespace of tests. Says "ready"; ends with process WATCH.

    names.py WATCH NAME=ANSWER...

ANSWER is addresses, by commas, or nxdomain, servfail or silence; other names are nxdomain.
Source: RFC 1035, 4.1.
"""

import ipaddress
import os
import select
import socket
import struct
import sys

TYPES = {1: 4, 28: 6}  # A and AAAA: the version of the address
ERRORS = {"servfail": 2, "nxdomain": 3}


def question(packet):
    """The name asked for, the type of its record, and where the question ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii"))
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0], at + 5


def answer(packet, names):
    """None: say nothing."""
    name, kind, end = question(packet)
    text = names.get(name, "nxdomain")
    if text == "silence":
        return None
    records = []
    if text not in ERRORS:
        addresses = [ipaddress.ip_address(one) for one in text.split(",")]
        records = [a.packed for a in addresses if a.version == TYPES.get(kind)]
    flags = 0x8180 | ERRORS.get(text, 0)
    head = packet[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(one)) + one for one in records)
    return head + packet[12:end] + body


def main(watch, *pairs):
    names = dict(pair.split("=", 1) for pair in pairs)
    watched = os.pidfd_open(int(watch))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while watched not in select.select([server, watched], [], [])[0]:
            packet, client = server.recvfrom(4096)
            said = answer(packet, names)
            if said:
                server.sendto(said, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
