# SPDX-License-Identifier: Apache-2.0
"""Licence line, length of files, functions and lines, boolean parameters, notes left for later."""

import os
import re

import source

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_COLUMNS = 96
LICENCE = "SPDX-License-Identifier: Apache-2.0"
FUNCTION = re.compile(r"^(?=[a-zA-Z_])[^;{}#]*\([^;{}]*\)\s*\n\{\n.*?^\}", re.M | re.S)
# A setter's value is data, not a switch.
BOOLEAN = re.compile(r"[(,]\s*(?:const\s+)?(?:bool|_Bool)\s+(?!value\b)\w+\s*(?=[,)])")
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
SCRIPTS = (".sh", ".bash", ".bats", ".py", ".cmake", "CMakeLists.txt")
TOP = ("CMakeLists.txt", ".ci/run", "bench/start", "bench/pull")


def check_c(file):
    lines = file.text.split("\n")
    if lines[0] != f"/* {LICENCE} */":
        yield f"{file.name}:1: must begin with /* {LICENCE} */"
    elif not "\n".join(lines[1:4]).lstrip().startswith("/*"):
        yield f"{file.name}:2: a sentence that says what the file is for"
    if len(lines) - 1 > MAX_FILE_LINES:
        yield f"{file.name}: {len(lines) - 1} lines, at most {MAX_FILE_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f"{file.name}:{number}: {len(line)} columns, at most {MAX_COLUMNS}"
    bare = file.bare()
    for match in FUNCTION.finditer(bare):
        length = match[0].count("\n") + 1
        if length > MAX_FUNCTION_LINES:
            yield file.at(match.start(), f"a function of {length} lines, at most {MAX_FUNCTION_LINES}")
    for match in BOOLEAN.finditer(bare):
        yield file.at(match.start(), "a boolean parameter: two functions, or an enum")


def scripts(root):
    yield from source.files(root, ("src", "tests", "cmake", "scripts", "bench"),
                            lambda name: name.endswith(SCRIPTS))
    for name in TOP:
        path = os.path.join(root, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                yield source.Source(name, file.read())


def check(root):
    for file in source.c_files(root):
        yield from check_c(file)
        for match in LATER.finditer(file.text):
            yield file.at(match.start(), f"{match[0]}: do it, or say it in an issue")
    for file in scripts(root):
        if not any(line == f"# {LICENCE}" for line in file.text.split("\n")[:2]):
            yield f"{file.name}:1: must begin with # {LICENCE}"
        for match in LATER.finditer(file.text):
            yield file.at(match.start(), f"{match[0]}: do it, or say it in an issue")


HEAD = f"/* {LICENCE} */\n/* A sample. */\n"
SAMPLES = [
    ({"src/a.c": "/* A sample. */\nint x;\n"}, 1),
    ({"src/a.c": f"/* {LICENCE} */\nint x;\n"}, 1),
    ({"src/a.c": HEAD + "int x;\n" * 498}, 0),
    ({"src/a.c": HEAD + "int x;\n" * 499}, 1),
    ({"src/a.c": HEAD + "static int f(void)\n{\n" + "    x();\n" * 57 + "}\n"}, 0),
    ({"src/a.c": HEAD + "static int f(void)\n{\n" + "    x();\n" * 58 + "}\n"}, 1),
    ({"src/a.c": HEAD + f"/* {'x' * 91} */\n"}, 1),
    ({"src/a.c": HEAD + "int f(int a, bool b);\nint g(bool a);\nint i(bool value);\nint h(int (*x)(bool));\n"}, 2),
    ({"src/a.c": HEAD + "/* TO" "DO: this */\n"}, 1),
    ({"tests/x.sh": "#!/bin/sh\necho\n"}, 1),
    ({"tests/x.sh": f"#!/bin/sh\n# {LICENCE}\necho\n"}, 0),
    ({"CMakeLists.txt": "project(x)\n"}, 1),
]
