# SPDX-License-Identifier: Apache-2.0
"""minidock loads next to no shared library, and is hardened: read from the built program."""

import os
import re
import subprocess

NEEDED = re.compile(r"\(NEEDED\).*\[(.+?)\]")
ALLOWED = re.compile(r"(libc|libjansson|ld-linux[-\w]*)\.so\.\d+")
# What the sanitizers bring along.
SANITIZED = re.compile(r"(libasan|libubsan|libm|libgcc_s|libpthread|libdl|librt|libresolv)\.so\.\d+")


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], stdout=subprocess.PIPE, text=True,
                          check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def judge(text, sanitized):
    for name in NEEDED.findall(text):
        if not ALLOWED.fullmatch(name) and not (sanitized and SANITIZED.fullmatch(name)):
            yield f"minidock loads {name}"
    if sanitized:
        return
    for mark, meaning in (("Flags: NOW", "is not bound at start (-z now)"),
                          ("PIE", "is not position independent"),
                          ("GNU_RELRO", "has no read-only relocations (-z relro)")):
        if mark not in text:
            yield f"minidock {meaning}"
    if re.search(r"GNU_STACK.* RWE ", text):
        yield "minidock has an executable stack"


def check(root, program=None, sanitized="0"):
    if program is None:  # a sample: the text is given
        with open(os.path.join(root, "readelf"), encoding="utf-8") as file:
            yield from judge(file.read(), False)
    else:
        yield from judge(readelf("-d", "-l", program), sanitized == "1")


GOOD = """ 0x1 (NEEDED) Shared library: [libc.so.6]
 0x6ffffffb (FLAGS_1) Flags: NOW PIE
  GNU_STACK      0x000000 0x0 0x0 0x000000 0x000000 RW  0x10
  GNU_RELRO      0x002df0 0x3df0 0x3df0 0x000210 0x000210 R   0x1
"""
SAMPLES = [({"readelf": GOOD}, 0)] + [
    ({"readelf": GOOD + f" 0x1 (NEEDED) Shared library: [{name}]\n"}, 1)
    for name in ("libcurl.so.4", "libcurl-gnutls.so.4", "libarchive.so.13", "libcrypto.so.3",
                 "libssl.so.3", "libzstd.so.1", "libseccomp.so.2", "libasan.so.8")
] + [
    ({"readelf": GOOD.replace("NOW PIE", "")}, 2),
    ({"readelf": GOOD.replace("GNU_RELRO", "")}, 1),
    ({"readelf": GOOD.replace("RW  ", "RWE ")}, 1),
]
