# SPDX-License-Identifier: Apache-2.0
"""More servers of the box: where images are to be had besides their registry, and a proxy.

mirror.test:443     serves all of the box's images, without a token; trusted as the box's others
insecure.test:5000  the same by plain http
private.test:443    the same, with a certificate of an authority that nobody knows: pki-private/
client.test:443     as private.test, and wants a client's certificate of that authority
proxy.test:3128     a proxy for CONNECT and plain requests; with the file proxy-password in the
                    box's directory it wants "user:secret"

They log as servers.py's do, as mirror, insecure, private, client and proxy; faults work for all but
the proxy. An Authorization field that comes to one of them is a violation, as is a
Proxy-Authorization that comes to any but the proxy.
"""

import base64
import http.server
import os
import select
import socket
import ssl
import threading

import servers

PASSWORD = "Basic " + base64.b64encode(b"user:secret").decode()


class Mirror(servers.RegistryFront):
    """All of the box's images, from the registry that wants no token."""

    name = "mirror"
    upstream = ("localhost", 5000)

    def do_GET(self):
        for secret in ("Authorization", "Proxy-Authorization", "Cookie"):
            if secret in self.headers:
                self.box.violation("%s: %s came with %s" % (self.name, self.path, secret))
        return super().do_GET()

    do_HEAD = do_GET


class Private(Mirror):
    name = "private"


class Client(Mirror):
    name = "client"


class Insecure(Mirror):
    name = "insecure"


class PlainServer(http.server.ThreadingHTTPServer):
    """As servers.Server, without TLS."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, box, address, handler):
        self.box = box
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        pass


class PrivateServer(servers.Server):
    """With certificates that the box does not trust."""

    def __init__(self, box, address, handler, verify=ssl.CERT_NONE):
        super().__init__(box, address, handler)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(box.path("pki-private/server.pem"), box.path("pki-private/server.key"))
        self.tls.load_verify_locations(box.path("pki-private/ca.pem"))
        self.tls.verify_mode = verify


class Proxy(servers.Handler):
    name = "proxy"

    def refused(self):
        if not os.path.exists(self.box.path("proxy-password")):
            return False
        if self.headers.get("Proxy-Authorization") == PASSWORD:
            return False
        self.refuse(407, "", [("Proxy-Authenticate", 'Basic realm="proxy"')])
        return True

    def do_CONNECT(self):
        if "Authorization" in self.headers:
            self.box.violation("CONNECT %s came with Authorization" % self.path)
        if self.refused():
            return
        host, _, port = self.path.rpartition(":")
        try:
            there = socket.create_connection((host.strip("[]"), int(port)), 10)
        except OSError:
            self.refuse(502, "")
            return
        self.record(200)
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        with there:
            self.relay(there)
        self.close_connection = True

    def relay(self, there):
        sides = {self.connection: there, there: self.connection}
        while True:
            for side in select.select(list(sides), [], [])[0]:
                data = side.recv(servers.CHUNK)
                if not data:
                    return
                sides[side].sendall(data)

    def do_GET(self):
        """A plain request: passed on without what is the proxy's alone."""
        if self.refused():
            return
        host, _, path = self.path.removeprefix("http://").partition("/")
        client = servers.http.client.HTTPConnection(host)
        client.putrequest(self.command, "/" + path, skip_host=True, skip_accept_encoding=True)
        for key, value in self.headers.items():
            if key.lower() not in servers.HOP_BY_HOP | {"proxy-authorization"}:
                client.putheader(key, value)
        client.endheaders()
        answer = client.getresponse()
        body = answer.read()
        client.close()
        self.record(answer.status)
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in servers.HOP_BY_HOP]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.answer(answer.status, kept, body, None, length)

    do_HEAD = do_GET


def start(box):
    for server in (servers.Server(box, "127.0.0.6", Mirror),
                   PlainServer(box, ("127.0.0.7", 5000), Insecure),
                   PrivateServer(box, "127.0.0.8", Private),
                   PrivateServer(box, "127.0.0.9", Client, ssl.CERT_REQUIRED),
                   PlainServer(box, ("127.0.0.10", 3128), Proxy)):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 60}, daemon=True).start()
