# SPDX-License-Identifier: Apache-2.0
"""An include must follow the layering, and a third-party header has one place."""

import re

import source

# What each module may include; src/main.c and src/image.c are named in full.
MAY_USE = {
    "base": {"base"},
    "store": {"base", "store"},
    "pull": {"base", "store", "pull"},
    "run": {"base", "run"},
    "files": {"base", "store", "pull", "run", "files"},
    "cli": {"base", "store", "run", "cli"},
    "main.c": {"base", "store", "run", "cli"},
    "image.c": {"base", "store", "pull", "files", "cli"},
}

# Header pattern -> the files that may include it.
PLACE = {
    r"jansson\.h": r"src/base/\w+\.c",
    r"curl/.*": r"src/pull/(http|httpsetup|reach|url|verdict)\.c|include/pull/httpsetup\.h",
    r"archive(_entry)?\.h": r"src/(pull/(tar|mktar)|files/tar)\.c",
    r"openssl/.*": r"src/pull/hash\.c",
    r"isa-l\.h|isa-l/crc\.h": r"src/(pull/inflate|\w+/crc32c)\.c",
    r"isa-l/.*|zlib\.h|zstd(_errors)?\.h": r"src/pull/inflate\.c",
    r"cmocka\.h": r"tests/.*",
}

SYSTEM = re.compile(
    r"(sys|linux|asm|net|netinet|netpacket|arpa)/\w+\.h|(arpa|sys|linux)/\w+/\w+\.h|"
    r"(aio|alloca|assert|byteswap|ctype|dirent|dlfcn|elf|endian|err|errno|error|execinfo|fcntl|"
    r"fenv|float|fnmatch|ftw|getopt|glob|grp|inttypes|immintrin|langinfo|libgen|limits|link|locale|malloc|"
    r"math|netdb|paths|poll|pthread|pty|pwd|regex|resolv|sanitizer/\w+|sched|search|semaphore|"
    r"setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|"
    r"stdnoreturn|string|strings|syscall|termios|threads|time|uchar|unistd|utime|utmp|wait|"
    r"wchar|wctype|x86intrin|cpuid)\.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.M)


def module_of(name):
    parts = name.split("/")
    return parts[1] if len(parts) > 1 else ""


def check_ours(file, match, header):
    target = header.split("/")[0]
    if "/" not in header:
        if not file.name.startswith("tests/"):
            yield file.at(match.start(), f'"{header}": a header is named by its module')
        return
    allowed = MAY_USE.get(module_of(file.name))
    if allowed is None:
        if not file.name.startswith("tests/"):
            yield file.at(match.start(), "this folder is not in the layering")
    elif target not in allowed:
        yield file.at(match.start(), f"{module_of(file.name)} must not use {target}")


def may_include(place, name):
    if re.fullmatch(place, name):
        return True
    # A module's tests may speak to what their module speaks to.
    parts = name.split("/")
    return parts[0] == "tests" and len(parts) > 2 and place.startswith(f"src/{parts[1]}/")


def check_foreign(file, match, header):
    if SYSTEM.fullmatch(header):
        return
    for pattern, place in PLACE.items():
        if re.fullmatch(pattern, header):
            if not may_include(place, file.name):
                yield file.at(match.start(), f"<{header}> belongs into {place}")
            return
    if not file.name.startswith("tests/"):
        yield file.at(match.start(), f"<{header}> has no place yet: see tests/lint/layers.py")


def check(root):
    for file in source.c_files(root):
        for match in INCLUDE.finditer(file.code()):
            if match[1]:
                yield from check_foreign(file, match, match[1])
            else:
                yield from check_ours(file, match, match[2])


SAMPLES = [
    ({"src/base/a.c": '#include "store/image.h"\n'}, 1),
    ({"src/store/a.c": '#include "pull/http.h"\n'}, 1),
    ({"src/run/a.c": '#include "store/image.h"\n#include "pull/http.h"\n'}, 2),
    ({"src/cli/a.c": '#include "pull/http.h"\n'}, 1),
    ({"src/main.c": '#include "pull/http.h"\n'}, 1),
    ({"include/run/a.h": '#include "cli/a.h"\n'}, 1),
    ({"tests/run/test_a.c": '#include "pull/a.h"\n'}, 1),
    ({"src/other/a.c": '#include "base/err.h"\n'}, 1),
    ({"src/base/a.c": '#include "a.h"\n'}, 1),
    ({"src/pull/token.c": "#include <curl/curl.h>\n#include <archive.h>\n"}, 2),
    ({"src/pull/http.c": "#include <openssl/evp.h>\n#include <zlib.h>\n#  include <isa-l.h>\n"}, 3),
    ({"src/store/a.c": "#include <jansson.h>\n"}, 1),
    ({"include/base/json.h": "#include <jansson.h>\n"}, 1),
    ({"src/run/a.c": "#include <seccomp.h>\n"}, 1),
    ({"src/pull/http.c": '#include <curl/curl.h>\n#include "store/layer.h"\n#include <stdio.h>\n',
      "src/pull/tar.c": "#include <archive.h>\n#include <archive_entry.h>\n",
      "src/pull/hash.c": "#include <openssl/evp.h>\n",
      "src/pull/inflate.c": "#include <isa-l.h>\n#include <zlib.h>\n#include <zstd.h>\n",
      "src/base/json.c": "#include <jansson.h>\n/* #include <curl/curl.h> */\n",
      "src/image.c": '#include "pull/a.h"\n#include "cli/report.h"\n',
      "tests/pull/test_inflate.c": '#include <zlib.h>\n#include <cmocka.h>\n#include "kit.h"\n'}, 0),
]
