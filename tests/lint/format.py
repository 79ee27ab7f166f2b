# SPDX-License-Identifier: Apache-2.0
"""clang-format finds nothing to change."""

import os
import subprocess

import source

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".clang-format")


def check(root):
    names = [os.path.join(root, file.name) for file in source.c_files(root)]
    if not names:
        return
    done = subprocess.run(["clang-format", f"--style=file:{STYLE}", "--dry-run", "-Werror", *names],
                          stderr=subprocess.PIPE, text=True, check=False)
    found = [line for line in done.stderr.split("\n") if " error: " in line]
    yield from found
    if done.returncode and not found:
        yield done.stderr


SAMPLES = [
    ({"src/a.c": "int f(void)\n{\n    return 1;\n}\n"}, 0),
    ({"src/a.c": "int f(void)\n{\n  return 1;\n}\n"}, 1),
    ({"src/a.c": "int  x;\n"}, 1),
    ({"src/a.c": "int f(void)\n{\n    if (x) return 1;\n    return 0;\n}\n"}, 1),
]
