# SPDX-License-Identifier: Apache-2.0
"""Every descriptor is born close-on-exec.

Where one must survive exec, a comment on its line or the line before says `not CLOEXEC: why`.
"""

import re

import source

# Call -> what its arguments must contain; None: use the other form.
NEEDS = {
    "open": "O_CLOEXEC", "openat": "O_CLOEXEC", "open64": "O_CLOEXEC", "openat64": "O_CLOEXEC",
    "open_by_handle_at": "O_CLOEXEC", "posix_openpt": "O_CLOEXEC",
    "mkostemp": "O_CLOEXEC", "mkostemps": "O_CLOEXEC",
    "socket": "SOCK_CLOEXEC", "socketpair": "SOCK_CLOEXEC", "accept4": "SOCK_CLOEXEC",
    "recvmsg": "MSG_CMSG_CLOEXEC", "recvmmsg": "MSG_CMSG_CLOEXEC",
    "pipe2": "O_CLOEXEC", "dup3": "O_CLOEXEC",
    "memfd_create": "MFD_CLOEXEC", "epoll_create1": "EPOLL_CLOEXEC", "signalfd": "SFD_CLOEXEC",
    "eventfd": "EFD_CLOEXEC", "timerfd_create": "TFD_CLOEXEC", "inotify_init1": "IN_CLOEXEC",
    "fanotify_init": "FAN_CLOEXEC", "perf_event_open": "PERF_FLAG_FD_CLOEXEC",
    "(?:sys_)?open_tree(?:_attr)?": "OPEN_TREE_CLOEXEC", "(?:sys_)?fsopen": "FSOPEN_CLOEXEC",
    "(?:sys_)?fsmount": "FSMOUNT_CLOEXEC", "(?:sys_)?fspick": "FSPICK_CLOEXEC",
    "fopen": '"[rwa][b+]*e', "fopen64": '"[rwa][b+]*e', "popen": '"[rw]e', "freopen": '"[rwa][b+]*e',
    "accept": None, "pipe": None, "dup": None, "dup2": None, "creat": None, "mkstemp": None,
    "tmpfile": None, "epoll_create": None, "inotify_init": None, "openpty": None, "forkpty": None,
}
REASON = re.compile(r"not CLOEXEC: \S+")
HOW = re.compile(r"\bopen_how\s+\w+\s*=\s*\{([^}]*)\}|\(struct open_how\)\s*\{([^}]*)\}")
INDIRECT = {"fcntl": ("F_DUPFD", "F_DUPFD_CLOEXEC"), "ioctl": ("TIOCGPTPEER", "O_CLOEXEC")}


def excused(file, offset):
    line = file.line_of(offset)
    return REASON.search("\n".join(file.text.split("\n")[max(0, line - 2):line]))


def findings(file):
    code = file.code()
    for pattern, flag in NEEDS.items():
        for name, offset, arguments in source.calls(code, [pattern]):
            if re.search(rf"^static [^;={{}}]*\b{name}\(", code, re.M):
                continue  # a function of the file's own
            if flag is None:
                yield offset, f"{name}() cannot set close-on-exec: use its newer form"
            elif not re.search(flag, arguments):
                yield offset, f"{name}() without {flag}"
    for name, (request, flag) in INDIRECT.items():
        for _, offset, arguments in source.calls(code, [name]):
            if re.search(request, arguments) and flag not in arguments:
                yield offset, f"{name}({request}) without {flag}"
    for match in HOW.finditer(code):
        if "O_CLOEXEC" not in (match[1] or match[2] or ""):
            yield match.start(), "struct open_how without O_CLOEXEC"


def check(root):
    for file in source.c_files(root, ("src", "include")):
        for offset, message in findings(file):
            if not excused(file, offset):
                yield file.at(offset, message)


def bad(statement):
    return ({"src/base/a.c": f"void f(void)\n{{\n    {statement}\n}}\n"}, 1)


SAMPLES = [
    bad('fd = open("/", O_RDONLY);'),
    bad("fd = openat(dir,\n               name, O_PATH);"),
    bad("fd = openat(dir, name, flags);"),
    bad("fd = socket(AF_UNIX, SOCK_STREAM, 0);"),
    bad("socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);"),
    bad("fd = accept(listener, NULL, NULL);"),
    bad("fd = accept4(listener, NULL, NULL, 0);"),
    bad("pipe(ends);"),
    bad("pipe2(ends, O_NONBLOCK);"),
    bad("fd = dup(other);"),
    bad("dup2(fd, 1);"),
    bad("dup3(fd, 7, 0);"),
    bad('fd = memfd_create("ring", 0);'),
    bad("fd = epoll_create1(0);"),
    bad("fd = signalfd(-1, &set, SFD_NONBLOCK);"),
    bad("fd = eventfd(0, 0);"),
    bad("fd = timerfd_create(CLOCK_MONOTONIC, 0);"),
    bad('f = fopen(path, "r");'),
    bad("n = recvmsg(fd, &message, 0);"),
    bad('fd = sys_open_tree(dir, "", OPEN_TREE_CLONE);'),
    bad('fd = fsopen("overlay", 0);'),
    bad("fd = fcntl(other, F_DUPFD, 3);"),
    bad("fd = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY);"),
    bad("struct open_how how = { .flags = O_PATH };"),
    bad('fd = open("/", O_RDONLY); /* O_CLOEXEC */'),
    ({"src/base/a.c": 'fd = open("/", O_RDONLY | O_CLOEXEC);\n'
                      'f = fopen(path, "re");\n'
                      "/* not CLOEXEC: the program's own output */\n"
                      "dup2(fd, 1);\n"
                      "fd = md_path_open(dir, name);\n"
                      "fd = source->open(source);\n"
                      "static int open_tree(const char *name)\n{\n    return 0;\n}\n"
                      "fd = open_tree(name);\n"
                      "struct open_how how = { .flags = flags | O_CLOEXEC };\n"
                      "/* open(path, 0) */\n"}, 0),
]
