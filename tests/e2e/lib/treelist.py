# SPDX-License-Identifier: Apache-2.0
"""Prints a tree one line per entry, with everything a tar can carry, so that trees can be diffed.

    treelist.py [--no-times | --no-dir-times] DIRECTORY

Fields, tab between them: escaped path, type, mode, uid, gid, size, mtime in ns, device, extended
attributes, sha256 of the content or the link's target, and the hard-link group: the first path
(in order) of the same file. Nothing is followed; sockets and fifos are not opened.
"""

import hashlib
import os
import stat
import sys

TYPES = ((stat.S_ISDIR, "dir"), (stat.S_ISREG, "file"), (stat.S_ISLNK, "link"),
         (stat.S_ISCHR, "char"), (stat.S_ISBLK, "block"), (stat.S_ISFIFO, "fifo"),
         (stat.S_ISSOCK, "socket"))


def escaped(raw):
    """Printable ASCII as it is, everything else (and the backslash) as \\xNN."""
    return "".join(chr(c) if 33 <= c < 127 and c != 92 else "\\x%02x" % c for c in raw)


def kind(mode):
    return next(name for test, name in TYPES if test(mode))


def attributes(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return "-"
    pairs = ["%s=%s" % (escaped(os.fsencode(name)),
                        os.getxattr(path, name, follow_symlinks=False).hex())
             for name in sorted(names)]
    return ",".join(pairs) or "-"


def content(path, mode):
    if stat.S_ISLNK(mode):
        return "->" + escaped(os.readlink(path))
    if not stat.S_ISREG(mode):
        return "-"
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def paths(root, below=b""):
    """The root itself as `.`, then all below it, in byte order, iteratively."""
    todo = [b"."]
    while todo:
        path = todo.pop()
        yield path
        full = os.path.join(root, path)
        if stat.S_ISDIR(os.lstat(full).st_mode):
            names = sorted(os.listdir(full), reverse=True)
            todo.extend(name if path == b"." else path + b"/" + name for name in names)


def lines(root, times="all"):
    groups = {}
    for path in paths(root):
        full = os.path.join(root, path)
        st = os.lstat(full)
        is_dir = stat.S_ISDIR(st.st_mode)
        device = stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode)
        group = "-" if is_dir else groups.setdefault((st.st_dev, st.st_ino), escaped(path))
        timed = times == "all" or (times == "files" and not is_dir)
        yield "\t".join((
            escaped(path), kind(st.st_mode), "%04o" % stat.S_IMODE(st.st_mode), str(st.st_uid),
            str(st.st_gid), "-" if is_dir else str(st.st_size),
            str(st.st_mtime_ns) if timed else "-",
            "%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)) if device else "-",
            attributes(full), content(full, st.st_mode), group))


def main(arguments):
    times = "all"
    if arguments and arguments[0] in ("--no-times", "--no-dir-times"):
        times = {"--no-times": "none", "--no-dir-times": "files"}[arguments.pop(0)]
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        sys.exit("usage: treelist.py [--no-times | --no-dir-times] DIRECTORY")
    for line in lines(os.fsencode(arguments[0]), times):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
