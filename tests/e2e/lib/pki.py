# SPDX-License-Identifier: Apache-2.0
"""The box's own certificates, made by openssl each time it starts, and its bearer tokens."""

import base64
import json
import os
import subprocess
import time

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def make(directory, names):
    """ca.pem and server.pem for `names`, token.key and token.pem, and a hashed directory certs/."""
    def path(name):
        return os.path.join(directory, name)

    os.makedirs(path("certs"))
    openssl("req", "-x509", *EC, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2",
            "-subj", "/CN=minidock test authority")
    openssl("req", *EC, "-keyout", path("server.key"), "-out", path("server.csr"),
            "-subj", "/CN=minidock test server")
    with open(path("san"), "w", encoding="ascii") as san:
        san.write("subjectAltName=" + ",".join("DNS:" + name for name in names))
    openssl("x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey",
            path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", path("san"), "-out",
            path("server.pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("token.key"), "-out",
            path("token.pem"), "-days", "2", "-subj", "/CN=minidock test tokens")
    digest = openssl("x509", "-hash", "-noout", "-in", path("ca.pem")).decode().strip()
    with open(path("ca.pem"), "rb") as ca, open(path("certs/%s.0" % digest), "wb") as hashed:
        hashed.write(ca.read())


def url_base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(directory, issuer, audience, access):
    """A JSON web token (RS256) that docker-registry's token authentication accepts."""
    with open(os.path.join(directory, "token.pem"), encoding="ascii") as pem:
        chain = "".join(line.strip() for line in pem if not line.startswith("-----"))
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
    claims = {"iss": issuer, "sub": "", "aud": audience, "iat": now, "nbf": now - 10,
              "exp": now + 300, "jti": os.urandom(8).hex(), "access": access}
    text = b".".join(url_base64(json.dumps(part).encode()) for part in (header, claims))
    signature = openssl("dgst", "-sha256", "-sign", os.path.join(directory, "token.key"), data=text)
    return (text + b"." + url_base64(signature)).decode()
