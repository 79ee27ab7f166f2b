# SPDX-License-Identifier: Apache-2.0
"""What the checks share: finding the project's files, and reading C without its comments."""

import os
import re

C_FOLDERS = ("src", "include", "tests")
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


class Source:
    """One file; names are relative to the root and use '/'."""

    def __init__(self, name, text):
        self.name = name
        self.text = text

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def at(self, offset, message):
        return f"{self.name}:{self.line_of(offset)}: {message}"

    def code(self):
        """The text with comments blanked, each byte where it was; strings stay."""
        return TOKEN.sub(lambda m: blank(m[0]) if m[0][0] == "/" else m[0], self.text)

    def bare(self):
        """As code(), strings and characters blanked too."""
        return TOKEN.sub(lambda m: blank(m[0]), self.text)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def files(root, folders, wanted):
    """Every file below the folders that wanted(name) accepts."""
    for folder in folders:
        for path, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in ("build", "__pycache__", "data"))
            for name in sorted(names):
                full = os.path.join(path, name)
                if wanted(name) and not os.path.islink(full):
                    with open(full, encoding="utf-8") as file:
                        yield Source(os.path.relpath(full, root), file.read())


def c_files(root, folders=C_FOLDERS):
    return files(root, folders, lambda name: name.endswith((".c", ".h")))


def calls(text, names):
    """(name, offset, arguments) of each call of one of the names; methods are left out."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for match in pattern.finditer(text):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield match[1], match.start(), text[match.end():end - 1]
