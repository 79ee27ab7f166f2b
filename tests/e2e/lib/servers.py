# SPDX-License-Identifier: Apache-2.0
"""The servers of the box: registry front, token server, CDN and a plain trap.

Each writes one JSON line per request to log/<name>.jsonl before it answers, so a test that has
its answer finds the request there. faults.json, read at each request, says what to do wrong:

    [{"where": "cdn", "match": "<part of the path>", "kind": "flip", "arg": 100, "times": -1}]

Kinds (arg): flip (offset of the byte), cut (bytes sent before the connection ends), short (bytes
in a complete but shorter body), extra (bytes too many), stall (bytes sent before waiting until the
fault is gone or the client is), status (code), body (path of a file), type (Content-Type),
header (["Name", "value"]), whole (a Range field is ignored). In an answer to a range request the offsets of flip, cut and stall
still count from the start of the blob.
"""

import base64
import http.client
import http.server
import json
import os
import re
import select
import socket
import ssl
import threading
import time
import urllib.parse

import pki

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
CHUNK = 64 * 1024


class Box:
    """What the servers share: the box's directory, its log files, faults and events."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.used = {}
        self.count = 0

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def append(self, path, line):
        with self.lock, open(self.path(path), "a", encoding="utf-8") as out:
            out.write(line + "\n")

    def log(self, name, record):
        with self.lock:
            self.count += 1
            record = {"n": self.count, **record}
        self.append("log/%s.jsonl" % name, json.dumps(record))

    def event(self, text):
        self.append("events", text)

    def violation(self, text):
        self.append("violations", text)

    def faults(self, where, path):
        """The faults for this request; one with `times` is used up by it."""
        try:
            with open(self.path("faults.json"), encoding="utf-8") as source:
                found = [f for f in json.load(source) if f["where"] == where and f["match"] in path]
        except FileNotFoundError:
            return {}
        chosen = {}
        with self.lock:
            for fault in found:
                if 0 <= fault["times"] <= self.used.get(fault["id"], 0):
                    continue
                self.used[fault["id"]] = self.used.get(fault["id"], 0) + 1
                chosen[fault["kind"]] = fault
        return chosen

    def still_wanted(self, fault):
        try:
            with open(self.path("faults.json"), encoding="utf-8") as source:
                return any(f["id"] == fault["id"] for f in json.load(source))
        except FileNotFoundError:
            return False


class Server(http.server.ThreadingHTTPServer):
    """HTTP/1.1 in one thread per connection, in TLS; the handshake is in that thread too."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, box, address, handler):
        self.box = box
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(box.path("pki/server.pem"), box.path("pki/server.key"))
        super().__init__((address, 443), handler)

    def finish_request(self, request, client_address):
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.tls.wrap_socket(request, server_side=True) as secure:
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, request, client_address):
        pass  # a client that went away, or that does not trust us: its own log says so


class Handler(http.server.BaseHTTPRequestHandler):
    """Logging, faults and bodies; a subclass says what the answer is."""

    protocol_version = "HTTP/1.1"
    name = ""

    @property
    def box(self):
        return self.server.box

    def log_message(self, *_):
        pass

    def record(self, status, **more):
        self.box.log(self.name, {"method": self.command, "path": self.path, "status": status,
                                 "headers": list(self.headers.items()), **more})

    def refuse(self, status, text, headers=()):
        body = text.encode()
        self.record(status)
        self.answer(status, [("Content-Type", "application/json"), *headers], body)

    def answer(self, status, headers, body, faults=None, length=None):
        """Send body (bytes) with what the faults do to it; length is of a HEAD's body."""
        faults = faults or {}
        if "type" in faults:
            headers = [h for h in headers if h[0].lower() != "content-type"]
            headers.append(("Content-Type", faults["type"]["arg"]))
        if "header" in faults:
            name, value = faults["header"]["arg"]
            headers = [h for h in headers if h[0].lower() != name.lower()] + [(name, value)]
        body = spoiled(body, faults)
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(body, faults)

    def send_body(self, body, faults):
        stops = sorted((int(faults[kind]["arg"]), kind) for kind in ("cut", "stall") if kind in faults)
        sent = 0
        for at, kind in stops:
            self.send_range(body, sent, at)
            sent = at
            if kind == "stall":
                self.stall(faults["stall"], sent)
            else:
                self.box.event("cut %s %d" % (faults["cut"]["match"], sent))
                raise ConnectionAbortedError
        self.send_range(body, sent, len(body))

    def send_range(self, body, start, end):
        for at in range(start, end, CHUNK):
            self.wfile.write(body[at:min(at + CHUNK, end)])
        self.wfile.flush()

    def stall(self, fault, sent):
        self.box.event("stalled %s %d" % (fault["match"], sent))
        while self.box.still_wanted(fault):
            gone, _, _ = select.select([self.connection], [], [], 0.02)
            if gone:
                raise ConnectionAbortedError
        self.box.event("released %s %d" % (fault["match"], sent))


def spoiled(body, faults):
    if "body" in faults:
        with open(faults["body"]["arg"], "rb") as source:
            body = source.read()
    if "flip" in faults:
        at = int(faults["flip"]["arg"]) % len(body)
        body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
    if "short" in faults:
        body = body[:int(faults["short"]["arg"])]
    if "extra" in faults:
        body += b"\0" * int(faults["extra"]["arg"])
    return body


USERS = {"alice": "box:secret"}
IDENTITY = "box-identity"  # the refresh token that is as good


def basic(handler):
    """Whether the user of a Basic Authorization field is known; None when there is none."""
    scheme, _, value = handler.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    user, _, password = base64.b64decode(value).decode().partition(":")
    return USERS.get(user) == password


class TokenServer(Handler):
    """auth.docker.io: a pull token for whoever asks; below private/ only for who is in USERS."""

    name = "token"
    issuer, service = "auth.docker.io", "registry.docker.io"

    def do_POST(self):
        """OAuth 2, for identity tokens."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = urllib.parse.parse_qs(body)
        known = form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == [IDENTITY]
        faults = self.box.faults("token", self.path)
        if not known:
            return self.refuse(400, '{"error":"invalid_grant","details":"no such token"}')
        return self.give(form, True, faults, grant="refresh_token")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        faults = self.box.faults("token", self.path)
        if "status" in faults:
            return self.refuse(int(faults["status"]["arg"]), '{"details":"a fault"}')
        if url.path != "/token" or query.get("service") != [self.service]:
            return self.refuse(400, '{"details":"not a token request"}')
        known = basic(self)
        if known is False:
            return self.refuse(401, '{"details":"incorrect username or password"}')
        return self.give(query, known, faults)

    def give(self, query, known, faults, **more):
        asked = " ".join(query.get("scope", [])).split()
        access = [a for a in (self.grant(scope, known) for scope in asked) if a]
        token = pki.token(self.box.path("pki"), self.issuer, self.service, access)
        self.record(200, scopes=query.get("scope", []), **more)
        body = json.dumps({"token": token, "access_token": token, "expires_in": 300,
                           "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
        return self.answer(200, [("Content-Type", "application/json")], body.encode(), faults)

    @staticmethod
    def grant(scope, known):
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind != "repository" or "pull" not in actions.split(",") or (
                name.startswith("private/") and not known):
            return None
        return {"type": kind, "name": name, "actions": ["pull"]}


RATE_LIMIT = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "97;w=21600"),
              ("docker-ratelimit-source", "192.0.2.7")]


class RegistryFront(Handler):
    """registry-1.docker.io: passes everything to docker-registry, and keeps the record."""

    name = "registry"
    upstream = ("127.0.0.2", 5001)

    def do_GET(self):
        faults = self.box.faults(self.name, self.path)
        if "status" in faults:
            words = '{"errors":[{"code":"UNKNOWN"}]}'
            if "body" in faults:
                words = spoiled(b"", faults).decode()
            return self.refuse(int(faults["status"]["arg"]), words,
                               [faults["header"]["arg"]] if "header" in faults else ())
        upstream = http.client.HTTPConnection(*self.upstream)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers.items():
                if key.lower() not in HOP_BY_HOP:
                    upstream.putheader(key, value)
            upstream.endheaders()
            answer = upstream.getresponse()
            body = answer.read()
        finally:
            upstream.close()
        self.record(answer.status, location=answer.getheader("Location", ""))
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP]
        if "/manifests/" in self.path and answer.status == 200:
            kept += RATE_LIMIT
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        return self.answer(answer.status, kept, body, faults, length)

    do_HEAD = do_GET


class BasicFront(RegistryFront):
    """basic.test: no token server, but user and password with each request."""

    name = "basic"
    upstream = ("localhost", 5000)

    def do_GET(self):
        if not basic(self):
            return self.refuse(401, '{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}',
                               [("WWW-Authenticate", 'Basic realm="box"')])
        return super().do_GET()

    do_HEAD = do_GET


class PublicFront(RegistryFront):
    """public.test: sends for tokens (private/) and blobs to servers that have addresses of loopback."""

    name = "public"
    upstream = ("localhost", 5000)

    def do_GET(self):
        blob = re.fullmatch(r"/v2/.*/blobs/sha256:((..).*)", self.path)
        if self.path.startswith("/v2/private/"):
            return self.refuse(401, "{}", [("WWW-Authenticate",
                                            'Bearer realm="https://auth.docker.io/token",'
                                            'service="registry.docker.io"')])
        if blob:
            return self.refuse(307, "", [("Location", "https://production.cloudflare.docker.com/docker/"
                                          "registry/v2/blobs/sha256/%s/%s/data" % (blob[2], blob[1]))])
        return super().do_GET()

    do_HEAD = do_GET


class Cdn(Handler):
    """production.cloudflare.docker.com: the registry's blobs as files; no secret may reach it."""

    name = "cdn"

    def do_GET(self):
        for secret in ("Authorization", "Proxy-Authorization", "Cookie"):
            if secret in self.headers:
                self.box.violation("%s %s came with %s" % (self.command, self.path, secret))
        faults = self.box.faults("cdn", self.path)
        if "status" in faults:
            return self.refuse(int(faults["status"]["arg"]), "a fault")
        found = re.fullmatch(r"/docker/registry/v2/blobs/sha256/[0-9a-f]{2}/[0-9a-f]{64}/data",
                             urllib.parse.urlsplit(self.path).path)
        try:
            if not found:
                raise FileNotFoundError
            with open(self.box.path("registry" + found.group()), "rb") as source:
                body = source.read()
        except FileNotFoundError:
            return self.refuse(404, "no such blob")
        return self.send(body, faults)

    do_HEAD = do_GET

    def send(self, body, faults):
        headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes")]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        status = 200
        if asked and "whole" not in faults:
            first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
            if first >= len(body):
                return self.refuse(416, "", [("Content-Range", "bytes */%d" % len(body))])
            headers.append(("Content-Range", "bytes %d-%d/%d" % (first, last, len(body))))
            status, body = 206, body[first:last + 1]
            faults = {kind: fault if kind not in ("cut", "stall", "flip") else
                      {**fault, "arg": max(0, int(fault["arg"]) - first)}
                      for kind, fault in faults.items()}
        self.record(status)
        length = len(body) if self.command == "HEAD" else None
        return self.answer(status, headers, body, faults, length)


def plain_trap(box, listener):
    """A registry's host that would speak plain http: records what each client says first."""
    while True:
        client, _ = listener.accept()
        client.settimeout(10)
        with client:
            try:
                first = client.recv(64)
                tls = first[:1] == b"\x16"
                box.log("trap", {"speaks": "tls" if tls else "plain", "first": repr(first)})
                if not tls and first:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                continue


def start(directory):
    """Start all servers in threads; returns when every port is open."""
    import places  # it is built on this module

    box = Box(directory)
    for address, handler in (("127.0.0.2", RegistryFront), ("127.0.0.3", TokenServer),
                             ("127.0.0.4", Cdn), ("127.0.0.11", BasicFront),
                             ("203.0.113.1", PublicFront)):
        server = Server(box, address, handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 60},
                         daemon=True).start()
    places.start(box)
    trap = socket.create_server(("10.99.0.1", 5000))
    threading.Thread(target=plain_trap, args=(box, trap), daemon=True).start()
