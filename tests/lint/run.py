#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py CHECK ROOT [ARGUMENT...]: first the check's own samples, then the tree.

A check is a module of this folder with check(root, *arguments), which yields a line for each
finding, and SAMPLES: pairs of {file name: text} and how many findings that tree must have. A check
that no longer sees its bad samples fails before it looks at the project.
"""

import importlib
import os
import sys
import tempfile


def self_test(module):
    for number, (tree, expected) in enumerate(module.SAMPLES, 1):
        with tempfile.TemporaryDirectory() as root:
            for name, text in tree.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            found = list(module.check(root))
        if len(found) != expected:
            sys.exit(f"{module.__name__}: sample {number} has {len(found)} findings, "
                     f"expected {expected}: {found}")
    if not any(expected for _, expected in module.SAMPLES):
        sys.exit(f"{module.__name__}: no sample that must be found")


def main():
    sys.dont_write_bytecode = True
    name, root, *arguments = sys.argv[1:]
    module = importlib.import_module(name)
    self_test(module)
    found = list(module.check(root, *arguments))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
