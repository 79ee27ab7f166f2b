# SPDX-License-Identifier: Apache-2.0
"""mandoc finds no fault with the man pages."""

import glob
import os
import subprocess


def check(root):
    for page in sorted(glob.glob(os.path.join(root, "docs/*.[1-9]"))):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page],
                              stdout=subprocess.PIPE, text=True, check=False)
        yield from done.stdout.splitlines()


HEAD = '.\\" A sample.\n.TH A 1 2025-01-02\n.SH NAME\na \\- b\n'
SAMPLES = [
    ({"docs/a.1": HEAD}, 0),
    ({"docs/a.1": HEAD + ".NOSUCHMACRO\n"}, 1),
    ({"docs/a.1": HEAD + "x" * 50 + " " + "y" * 50 + "\n"}, 1),
]
