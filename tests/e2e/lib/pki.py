# SPDX-License-Identifier: Apache-2.0
"""The box's own certificates, made by openssl each time it starts, and its bearer tokens.

    pki.py DIR    an authority (ca.pem; hashed in certs/) and servers' certificates, good and bad:
                  each NAME.pem with its NAME.key; what is wrong with them is in FAULTY
"""

import base64
import json
import os
import subprocess
import sys
import time

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def hash_directory(directory, certificate):
    """Put the certificate into directory as OpenSSL looks for it: c_rehash(1)."""
    digest = openssl("x509", "-hash", "-noout", "-in", certificate).decode().strip()
    with open(certificate, "rb") as ca, open(os.path.join(directory, digest + ".0"), "wb") as hashed:
        hashed.write(ca.read())


def make(directory, names, authority="minidock test authority"):
    """ca.pem and server.pem for `names`, token.key and token.pem, and a hashed directory certs/."""
    def path(name):
        return os.path.join(directory, name)

    os.makedirs(path("certs"))
    openssl("req", "-x509", *EC, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2",
            "-subj", "/CN=" + authority)
    openssl("req", *EC, "-keyout", path("server.key"), "-out", path("server.csr"),
            "-subj", "/CN=minidock test server")
    with open(path("san"), "w", encoding="ascii") as san:
        san.write("subjectAltName=" + ",".join("DNS:" + name for name in names))
    openssl("x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey",
            path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", path("san"), "-out",
            path("server.pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("token.key"), "-out",
            path("token.pem"), "-days", "2", "-subj", "/CN=minidock test tokens")
    hash_directory(path("certs"), path("ca.pem"))


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


# --- servers whose certificates are wrong -----------------------------------------------------

NAMES = "DNS:registry.test,DNS:localhost,DNS:half.test,DNS:six.test"
ADDRESSES = "IP:10.99.0.1,IP:127.0.0.1"

# name: (subjectAltName, other than usual). A "~" in names becomes a NUL byte.
FAULTY = {
    "good": (NAMES, {}),
    "address": (ADDRESSES, {}),
    "expired": (NAMES, {"-startdate": "20200101000000Z", "-enddate": "20210101000000Z"}),
    "early": (NAMES, {"-startdate": "20900101000000Z", "-enddate": "20910101000000Z"}),
    "other": ("DNS:other.test", {}),
    "address-as-name": ("DNS:10.99.0.1,DNS:127.0.0.1", {}),
    "nul-name": (None, {"subject": "/CN=registry.test~.evil.test"}),
    "nul-alternative": ("DNS:registry.test~.evil.test", {}),
    "weak-key": (NAMES, {"key": ["-newkey", "rsa:1024", "-nodes"]}),
    "weak-hash": (NAMES, {"-md": "sha1"}),
    "no-server": (NAMES, {"usage": "clientAuth"}),
    "stranger": (NAMES, {"by": "stranger-ca"}),
    "no-chain": (NAMES, {"by": "middle"}),
    "chain": (NAMES, {"by": "middle", "chain": True}),
}

CONFIG = """
[ca]
default_ca = it
[it]
database = {0}/database
new_certs_dir = {0}
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 2
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def element(der, at):
    """Where the contents of the DER element at this place begin, and where it ends."""
    length, start = der[at + 1], at + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(der[at + 2:start], "big")
    return start, start + length


def wrapped(tag, contents):
    length = len(contents).to_bytes(2, "big")
    return bytes([tag, 0x82]) + length + contents if len(contents) >= 0x80 else (
        bytes([tag, len(contents)]) + contents)


class Authority:
    """Signs in a directory: openssl-ca(1), as only that takes dates."""

    def __init__(self, directory):
        self.directory = directory
        self.write("config", CONFIG.format(directory))
        self.write("database", "")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)

    def root(self, name):
        openssl("req", "-x509", *EC, "-keyout", self.path(name + ".key"), "-out",
                self.path(name + ".pem"), "-days", "2", "-subj", "/CN=" + name)

    def sign(self, name, extensions, by="ca", key=None, subject=None, **options):
        self.write("extensions", extensions)
        openssl("req", *(key or EC), "-keyout", self.path(name + ".key"), "-out",
                self.path("request"), "-subj", subject or "/CN=" + name, "-config",
                self.path("config"))
        more = [word for pair in options.items() for word in pair]
        openssl("ca", "-batch", "-notext", "-config", self.path("config"), "-cert",
                self.path(by + ".pem"), "-keyfile", self.path(by + ".key"), "-in",
                self.path("request"), "-extfile", self.path("extensions"), "-out",
                self.path(name + ".pem"), *more)

    def put_nul(self, name, by="ca"):
        """Sign again with NUL for "~": openssl itself takes none. RFC 5280, 4.1."""
        der = openssl("x509", "-in", self.path(name + ".pem"), "-outform", "DER")
        body = der[element(der, 0)[0]:]
        signed, algorithm = element(body, 0)[1], element(body, element(body, 0)[1])[1]
        text = body[:signed].replace(b"~.evil", b"\0.evil")
        signature = openssl("dgst", "-sha256", "-sign", self.path(by + ".key"), data=text)
        whole = text + body[signed:algorithm] + wrapped(0x03, b"\0" + signature)
        with open(self.path(name + ".pem"), "wb") as out:
            out.write(openssl("x509", "-inform", "DER", data=wrapped(0x30, whole)))

    def append(self, name, other):
        with open(self.path(other + ".pem"), "rb") as source, open(self.path(name + ".pem"), "ab") as out:
            out.write(source.read())


def make_faulty(directory):
    os.makedirs(os.path.join(directory, "certs"))
    authority = Authority(directory)
    authority.root("ca")
    authority.root("stranger-ca")
    authority.root("self-signed")
    authority.sign("middle", "basicConstraints=critical,CA:TRUE\n")
    for name, (names, other) in FAULTY.items():
        options = dict(other)
        chain = options.pop("chain", False)
        extensions = "extendedKeyUsage=%s\n" % options.pop("usage", "serverAuth")
        if names:
            extensions += "subjectAltName=%s\n" % names
        authority.sign(name, extensions, **options)
        if "~" in (names or other.get("subject", "")):
            authority.put_nul(name)
        if chain:
            authority.append(name, "middle")
    hash_directory(authority.path("certs"), authority.path("ca.pem"))


if __name__ == "__main__":
    make_faulty(sys.argv[1])
