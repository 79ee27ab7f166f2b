#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry, token server or CDN on loopback that answers by a script, faults included.

    faulty_registry.py --script FILE [--log FILE] [--listen plain,tls,...] [--cert F --key F]
    faulty_registry.py --make-certificates DIR      (ca.pem cert.pem key.pem, by openssl)

One listener for each word of --listen; their ports are the first line of output. The script maps
"[N ]METHOD /path[?query]" (N: only listener N) to an answer or a list of them: each is given once,
the last for ever. What the script does not name is 404. Every request becomes a line of the log:
{"listener", "method", "path", "headers"}. "@N@" in a header or body is listener N's origin.

An answer: status, headers {name: value or [values]}, and its body by one of body, base64 or fill
(that many bytes, the byte at i being i % 251). Further:
    range     true: a Range field is honoured as it should be
    length    what Content-Length says instead of the truth; null: nothing, the end is the end
    chunked   true: chunked transfer coding; with "unended": true, without its last chunk
    cut       send so many bytes of the body, then close; with "reset": true, by RST
    endless   true: the body is repeated until the other side hangs up
    delay     seconds before the answer;  stall  [bytes, seconds]: a rest within the body
    rate      bytes a second
    raw       base64 of all that is sent, instead
"""

import argparse
import base64
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

CHUNK = 16384


class State:
    """What all connections share."""

    def __init__(self, script, log):
        self.script = {key: value if isinstance(value, list) else [value]
                       for key, value in script.items()}
        self.log = log
        self.lock = threading.Lock()
        self.origins = []

    def answer(self, listener, method, path, headers):
        with self.lock:
            if self.log:
                self.log.write(json.dumps({"listener": listener, "method": method, "path": path,
                                           "headers": headers}) + "\n")
                self.log.flush()
            for key in (f"{listener} {method} {path}", f"{method} {path}",
                        f"{listener} {method} {path.split('?')[0]}",
                        f"{method} {path.split('?')[0]}"):
                answers = self.script.get(key)
                if answers:
                    return answers.pop(0) if len(answers) > 1 else answers[0]
        return {"status": 404, "body": '{"errors":[{"code":"UNKNOWN","message":"no script"}]}'}

    def expand(self, text):
        return re.sub(r"@(\d)@", lambda m: self.origins[int(m[1])], text)


def body_of(state, answer):
    if "fill" in answer:
        pattern = bytes(range(251))
        return (pattern * (answer["fill"] // 251 + 1))[:answer["fill"]]
    if "base64" in answer:
        return base64.b64decode(answer["base64"])
    return state.expand(answer.get("body", "")).encode()


def apply_range(answer, headers, body):
    """Status, Content-Range lines and bytes of an honest answer to a Range field."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
    if not answer.get("range") or not match:
        return answer.get("status", 200), [], body
    first, last = int(match[1]), min(int(match[2] or len(body) - 1), len(body) - 1)
    if first >= len(body):
        return 416, [f"Content-Range: bytes */{len(body)}"], b""
    return 206, [f"Content-Range: bytes {first}-{last}/{len(body)}"], body[first:last + 1]


def head_of(state, answer, status, extra, body):
    lines = [f"HTTP/1.1 {status} Scripted"] + extra
    for name, value in answer.get("headers", {}).items():
        for one in value if isinstance(value, list) else [value]:
            lines.append(f"{name}: {state.expand(one)}")
    if answer.get("chunked"):
        lines.append("Transfer-Encoding: chunked")
    elif answer.get("length", 0) is not None and not answer.get("endless"):
        lines.append(f"Content-Length: {answer.get('length', len(body))}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def send_body(connection, answer, body):
    """Returns False when the connection is to end with this answer."""
    cut = answer.get("cut", len(body))
    stall = answer.get("stall", [-1, 0])
    rate = answer.get("rate", 0)
    step = max(1, min(CHUNK, rate // 10)) if rate else CHUNK
    at = 0
    while at < cut:
        if at <= stall[0] < at + step:
            connection.sendall(body[at:stall[0]])
            at = stall[0]
            time.sleep(stall[1])
            stall = [-1, 0]
        piece = body[at:min(at + step, cut)]
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.get("chunked") else piece)
        at += len(piece)
        if rate:
            time.sleep(len(piece) / rate)
    while answer.get("endless"):
        connection.sendall(body)
    if cut < len(body):
        return False
    if answer.get("unended"):
        return False
    if answer.get("chunked"):
        connection.sendall(b"0\r\n\r\n")
    return answer.get("length", 0) is not None


def serve(state, listener, connection):
    stream = connection.makefile("rb")
    while True:
        words = stream.readline(65536).decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/"):  # a TLS greeting, or the end
            if words:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        headers = {}
        while (line := stream.readline(65536).decode("latin-1").strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        answer = state.answer(listener, words[0], words[1], headers)
        time.sleep(answer.get("delay", 0))
        if "raw" in answer:
            connection.sendall(base64.b64decode(answer["raw"]))
            return
        status, extra, body = apply_range(answer, headers, body_of(state, answer))
        connection.sendall(head_of(state, answer, status, extra, body))
        if words[0] == "HEAD" or send_body(connection, answer, body):
            continue
        if answer.get("reset"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return


def handle(state, listener, connection, context):
    try:
        connection.settimeout(60)
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        serve(state, listener, connection)
    except (OSError, ssl.SSLError):
        pass  # the other side hung up: what it makes of that is the test
    finally:
        connection.close()


def accept(state, listener, server, context):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=handle, args=(state, listener, connection, context),
                         daemon=True).start()


def make_certificates(folder):
    def openssl(*arguments):
        subprocess.run(("openssl",) + arguments, cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with open(os.path.join(folder, "names"), "w", encoding="ascii") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=scripted CA")
    openssl("req", "-new", *key, "-keyout", "key.pem", "-out", "request.pem",
            "-subj", "/CN=scripted")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "cert.pem")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--script")
    parser.add_argument("--log")
    parser.add_argument("--listen", default="plain")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--make-certificates")
    options = parser.parse_args()
    if options.make_certificates:
        make_certificates(options.make_certificates)
        return
    with open(options.script, encoding="utf-8") as file:
        script = json.load(file)
    log = open(options.log, "a", encoding="utf-8") if options.log else None
    state = State(script, log)
    ports = []
    for number, kind in enumerate(options.listen.split(",")):
        server = socket.create_server(("127.0.0.1", 0), backlog=64)
        context = None
        if kind == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(options.cert, options.key)
        port = server.getsockname()[1]
        ports.append(str(port))
        state.origins.append(f"http{'s' if context else ''}://127.0.0.1:{port}")
        threading.Thread(target=accept, args=(state, number, server, context), daemon=True).start()
    print(" ".join(ports), flush=True)
    sys.stdin.read()  # whoever started us closes it, or dies


if __name__ == "__main__":
    main()
