# SPDX-License-Identifier: Apache-2.0
"""README and the man page show only commands that an end-to-end test types in the same words."""

import glob
import os
import re

BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.M | re.S)
MAN_BLOCK = re.compile(r"^\.EX\n(.*?)^\.EE", re.M | re.S)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def commands(text, blocks):
    """The minidock commands of the example blocks, without prompt, sudo and comment."""
    for block in blocks.findall(text):
        for line in block.replace("\\\n", " ").split("\n"):
            line = re.sub(r"^\s*(?:[$#] )?(?:sudo )?", "", line)
            line = re.sub(r"\s+# .*$", "", line).strip()
            if re.match(r"scripts/|ls |(.*\| )?minidock\b", line):
                yield re.sub(r"\s+", " ", line)


def plain(roff):
    return roff.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\e", "\\").replace(r"\&", "")


def tested(root):
    lines = set()
    for path in glob.glob(os.path.join(root, "tests/e2e/*.bats")) + [os.path.join(root, ".ci/run")]:
        if os.path.exists(path):
            for line in read(path).split("\n"):
                line = re.sub(r"\s+", " ", line.strip())
                if not line.startswith("#"):
                    lines.add(line)
    return "\n".join(lines)


def check(root):
    typed = tested(root)
    wanted = list(commands(read(os.path.join(root, "README.md")), BLOCK))
    if not wanted:
        yield "README.md: no command found"
    manual = os.path.join(root, "docs/minidock.1")
    if os.path.exists(manual):
        wanted += commands(plain(read(manual)), MAN_BLOCK)
    for command in dict.fromkeys(wanted):
        if command not in typed:
            yield f"no test in tests/e2e types: {command}"


SAMPLES = [
    ({"README.md": "```sh\nsudo minidock pull alpine   # comment\n```\n",
      "tests/e2e/a.bats": "    minidock pull alpine\n"}, 0),
    ({"README.md": "```sh\nsudo minidock pull alpine\n```\n",
      "tests/e2e/a.bats": "    # minidock pull alpine\n"}, 1),
    ({"README.md": "```console\n$ minidock run alpine\n$ minidock ps\n```\n",
      "tests/e2e/a.bats": "    run minidock ps\n"}, 1),
    ({"README.md": "nothing\n"}, 1),
    ({"README.md": "```sh\nminidock ps\n```\n", "tests/e2e/a.bats": "minidock ps\n",
      "docs/minidock.1": ".EX\nminidock run \\-\\-rm alpine\n.EE\n"}, 1),
]
