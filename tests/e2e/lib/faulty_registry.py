#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry, token server or CDN that answers by a script, faults included.

    faulty_registry.py --script FILE [--log FILE] [--listen plain,tls,...] [--cert F --key F]
    faulty_registry.py --make-certificates DIR      (ca.pem cert.pem key.pem, by openssl)

One listener for each word of --listen, on --address (127.0.0.1); their ports are the first line
of output. The words:
    plain        http
    tls          https, with --cert and --key; tls:NAME: with NAME.pem and NAME.key of --certs
    old:NAME     TLS 1.1 and nothing newer
    client:NAME  wants a certificate of the client;  client12:NAME: in TLS 1.2, so at once
    mute         takes a connection and never says a word
    full         does not even take it: what connects is not answered

The script maps "[N ]METHOD /path[?query]" (N: only listener N) to an answer or a list of them: each
is given once, the last for ever. What the script does not name is 404. It is read again when the
file has changed. Every request becomes a line of the log: {"listener", "connection", "open", "sni",
"method", "path", "headers", "at"}; open is how many connections there were, at is in seconds. "@N@" in
a header or body is listener N's origin. It ends with its standard input, or with process --watch.

An answer: status, headers {name: value or [values]}, and its body by one of body, base64, file or
fill (that many bytes, the byte at i being i % 251). Further:
    range     true: a Range field is honoured as it should be
    slice     [first, past]: only these bytes of the body
    length    what Content-Length says instead of the truth; null: nothing, the end is the end
    chunked   true: chunked transfer coding; with "unended": true, without its last chunk
    cut       send so many bytes of the body, then close; with "reset": true, by RST
    endless   true: the body is repeated until the other side hangs up
    delay     seconds before the answer;  rate  bytes a second;  head_rate  of the head; with any
              of these --events is told "slow PATH"
    stall     [bytes, seconds]: a rest within the body; --events is told "stalled PATH BYTES"
    before    [text, times]: sent first;  flood  [text, times]: as header lines (times -1: for ever)
    raw       base64 of all that is sent, instead;  text  the same as text
    turn      from the next connection on this listener has the certificate of this name
"""

import argparse
import base64
import json
import os
import re
import select
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

    def __init__(self, options):
        self.options = options
        self.script = {}
        self.read_at = None
        self.log = open(options.log, "a", encoding="utf-8") if options.log else None
        self.lock = threading.Lock()
        self.origins = []
        self.contexts = []
        self.connections = 0
        self.open = 0

    def read_script(self):
        now = os.stat(self.options.script)
        if self.read_at != (now.st_mtime_ns, now.st_ino):
            self.read_at = (now.st_mtime_ns, now.st_ino)
            with open(self.options.script, encoding="utf-8") as file:
                self.script = {key: value if isinstance(value, list) else [value]
                               for key, value in json.load(file).items()}

    def answer(self, listener, record):
        method, path = record["method"], record["path"]
        with self.lock:
            if self.log:
                self.log.write(json.dumps({**record, "open": self.open, "at": time.monotonic()}) + "\n")
                self.log.flush()
            self.read_script()
            for key in (f"{listener} {method} {path}", f"{method} {path}",
                        f"{listener} {method} {path.split('?')[0]}",
                        f"{method} {path.split('?')[0]}"):
                answers = self.script.get(key)
                if answers:
                    return answers.pop(0) if len(answers) > 1 else answers[0]
        return {"status": 404, "body": '{"errors":[{"code":"UNKNOWN","message":"no script"}]}'}

    def event(self, text):
        if self.options.events:
            with self.lock, open(self.options.events, "a", encoding="utf-8") as file:
                file.write(text + "\n")

    def expand(self, text):
        return re.sub(r"@(\d+)@", lambda m: self.origins[int(m[1])], text)


def body_of(state, answer):
    if "fill" in answer:
        pattern = bytes(range(251))
        body = (pattern * (answer["fill"] // 251 + 1))[:answer["fill"]]
    elif "file" in answer:
        with open(answer["file"], "rb") as file:
            body = file.read()
    elif "base64" in answer:
        body = base64.b64decode(answer["base64"])
    else:
        body = state.expand(answer.get("body", "")).encode()
    return body[slice(*answer["slice"])] if "slice" in answer else body


def apply_range(answer, headers, body):
    """Status, Content-Range lines and bytes of an honest answer to a Range field."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
    known = headers.get("if-range", answer.get("headers", {}).get("ETag"))
    if not answer.get("range") or not match or known != answer.get("headers", {}).get("ETag"):
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
    elif answer.get("length", None if answer.get("endless") else 0) is not None:
        lines.append(f"Content-Length: {answer.get('length', len(body))}")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def send_flood(connection, text, times):
    """text, so many times; in pieces that are not too small."""
    piece = text.encode("latin-1")
    many = max(1, CHUNK // len(piece))
    while times != 0:
        now = many if times < 0 else min(many, times)
        connection.sendall(piece * now)
        times -= now if times > 0 else 0


def send_slowly(connection, data, rate):
    """At rate bytes a second; 0: at once."""
    step = max(1, min(CHUNK, rate // 10)) if rate else CHUNK
    for at in range(0, len(data), step):
        connection.sendall(data[at:at + step])
        if rate:
            time.sleep(len(data[at:at + step]) / rate)


def send_head(connection, answer, head):
    if "before" in answer:
        send_flood(connection, *answer["before"])
    if "flood" in answer:
        connection.sendall(head)
        send_flood(connection, *answer["flood"])
        head = b""
    send_slowly(connection, head + b"\r\n", answer.get("head_rate", 0))


def coded(answer, piece):
    return b"%x\r\n%s\r\n" % (len(piece), piece) if answer.get("chunked") else piece


def send_body(state, connection, answer, body, path):
    """Returns False when the connection is to end with this answer."""
    cut = answer.get("cut", len(body))
    stops = sorted({0, cut, *(stop for stop in answer.get("stall", [])[:1] if stop < cut)})
    for start, end in zip(stops, stops[1:] + stops[-1:]):
        if answer.get("stall", [-1])[0] == start:
            state.event("stalled %s %d" % (path, start))
            time.sleep(answer["stall"][1])
        step = CHUNK if not answer.get("rate") else max(1, answer["rate"] // 10)
        for at in range(start, end, step):
            send_slowly(connection, coded(answer, body[at:min(at + step, end)]), 0)
            if answer.get("rate"):
                time.sleep(0.1)
    while answer.get("endless"):
        connection.sendall(coded(answer, body))
    if "cut" in answer or answer.get("unended"):
        return False
    if answer.get("unended"):
        return False
    if answer.get("chunked"):
        connection.sendall(b"0\r\n\r\n")
    return answer.get("length", 0) is not None


def send_answer(state, connection, answer, record):
    """Returns False when the connection is to end with this answer."""
    for slow in ("delay", "head_rate", "rate"):
        if slow in answer:
            state.event("slow %s" % record["path"])
    time.sleep(answer.get("delay", 0))
    if "turn" in answer:
        listener = record["listener"]
        state.contexts[listener] = make_context(state.options, "tls:" + answer["turn"])
    if "raw" in answer or "text" in answer:
        text = answer.get("text", "").encode("latin-1")
        connection.sendall(base64.b64decode(answer["raw"]) if "raw" in answer else text)
        return False
    status, extra, body = apply_range(answer, record["headers"], body_of(state, answer))
    send_head(connection, answer, head_of(state, answer, status, extra, body))
    if record["method"] == "HEAD" or send_body(state, connection, answer, body, record["path"]):
        return True
    if answer.get("reset"):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def serve(state, listener, connection, number):
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
        record = {"listener": listener, "connection": number, "method": words[0],
                  "path": words[1], "headers": headers, "sni": getattr(connection, "sni", None)}
        if not send_answer(state, connection, state.answer(listener, record), record):
            return


def greet(context, connection):
    """Shake hands. What is refused gets to read why: a close at once would take it back."""
    secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    try:
        secure.do_handshake()
    except ssl.SSLError:
        secure.settimeout(1)
        socket.socket.shutdown(secure, socket.SHUT_WR)
        while socket.socket.recv(secure, CHUNK):
            pass
        secure.close()
        raise
    return secure


def handle(state, listener, connection, number):
    with state.lock:
        state.open += 1
    try:
        connection.settimeout(60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if state.contexts[listener]:
            connection = greet(state.contexts[listener], connection)
        serve(state, listener, connection, number)
    except ssl.SSLError as error:
        state.event("tls %d %s" % (listener, error.reason))  # HTTP_REQUEST: it spoke plain http
    except OSError:
        pass  # the other side hung up: what it makes of that is the test
    finally:
        with state.lock:
            state.open -= 1
        connection.close()


def accept(state, listener, server, kind):
    silent = []
    while True:
        connection, _ = server.accept()
        with state.lock:
            state.connections += 1
            number = state.connections
        if kind == "mute":
            silent.append(connection)
            state.event("accepted %d" % listener)
            continue
        threading.Thread(target=handle, args=(state, listener, connection, number),
                         daemon=True).start()


def make_context(options, kind):
    """What --listen's word says about TLS; None for plain http."""
    word, _, name = kind.partition(":")
    if word in ("plain", "mute", "full"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak keys are to be refused by the other side
    if word == "old":
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    if word == "client12":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if word in ("client", "client12"):
        context.load_verify_locations(os.path.join(options.certs, "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
    if name:
        context.load_cert_chain(os.path.join(options.certs, name + ".pem"),
                                os.path.join(options.certs, name + ".key"))
    else:
        context.load_cert_chain(options.cert, options.key)
    context.sni_callback = lambda connection, sni, _: setattr(connection, "sni", sni)
    return context


def listen(state, kind):
    """Starts a listener; returns what has to be kept."""
    address = state.options.address
    server = socket.create_server((address, 0), backlog=0 if kind == "full" else 64)
    port = server.getsockname()[1]
    number = len(state.origins)
    state.contexts.append(make_context(state.options, kind))
    scheme = "https" if state.contexts[number] else "http"
    state.origins.append(f"{scheme}://{address}:{port}")
    if kind == "full":  # one waits to be accepted: there is no room for another
        return server, [socket.create_connection((address, port)) for _ in range(1)]
    threading.Thread(target=accept, args=(state, number, server, kind), daemon=True).start()
    return server, []


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
    for name in ("script", "log", "events", "certs", "cert", "key", "make-certificates"):
        parser.add_argument("--" + name)
    parser.add_argument("--listen", default="plain")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--watch", type=int)
    options = parser.parse_args()
    if options.make_certificates:
        make_certificates(options.make_certificates)
        return
    state = State(options)
    kept = [listen(state, kind) for kind in options.listen.split(",")]
    print(" ".join(str(server.getsockname()[1]) for server, _ in kept), flush=True)
    if options.watch:
        select.select([os.pidfd_open(options.watch)], [], [])
    else:
        sys.stdin.read()  # whoever started us closes it, or dies


if __name__ == "__main__":
    main()
