# SPDX-License-Identifier: Apache-2.0
"""Functions that have a safer sibling, and raw system calls outside their one file."""

import source

BANNED = {
    "strcpy": "memcpy, md_buf", "strcat": "md_buf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "stpcpy": "memcpy", "strncpy": "memcpy", "strncat": "memcpy",
    "atoi": "strtol", "atol": "strtol", "atoll": "strtoll", "atof": "strtod", "alloca": "malloc",
    "strtok": "strcspn", "strtok_r": "strcspn", "system": "posix_spawn", "popen": "posix_spawn",
    "gets": "getline", "tmpnam": "mkostemp", "mktemp": "mkostemp",
}
SYSCALL_HOME = "src/base/sys.c"


def check(root):
    for file in source.c_files(root):
        bare = file.bare()
        for name, offset, _ in source.calls(bare, BANNED):
            yield file.at(offset, f"{name}() is banned; instead: {BANNED[name]}")
        if file.name.startswith("tests/") or file.name == SYSCALL_HOME:
            continue
        for _, offset, _ in source.calls(bare, ["syscall"]):
            yield file.at(offset, f"syscall() belongs into {SYSCALL_HOME}")


SAMPLES = [({"src/run/a.c": f"void f(void)\n{{\n    {name}(x);\n}}\n"}, 1) for name in BANNED] + [
    ({"tests/run/test_a.c": "strcpy(a, b);\n"}, 1),
    ({"src/run/a.c": "syscall(SYS_gettid);\n"}, 1),
    ({"src/base/sys.c": "syscall(SYS_gettid);\n",
      "tests/inside.c": "syscall(SYS_gettid);\n",
      "src/run/a.c": '/* strcpy(a, b) */ puts("system(x)"); my_system(x); x->system(y);\n'}, 0),
]
