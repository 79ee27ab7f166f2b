# SPDX-License-Identifier: Apache-2.0
"""Checks from outside that a store is whole and that nothing else of minidock is left.

    residue.py [--sound | --clean] STORE

Each finding is a line on stdout, and the exit status is 1. Always checked: every name leads to a
whole image, every image and layer is whole, no process and no mount belongs to the store.
Without a flag also: nothing is in .trash, and .partial holds at most what a later pull takes: layers
that were finished during this boot, and the starts of others. --clean: .partial is empty. --sound: neither is looked
at, as nothing has run since a kill.
"""

import os
import re
import sys

ID = re.compile(r"[0-9a-f]{64}\Z")
PREFIX = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{32}\.prefix\Z")
PROGRAMS = ("minidock", "minidock-image")


def entries(*parts):
    try:
        return sorted(os.scandir(os.path.join(*parts)), key=lambda e: e.name)
    except (FileNotFoundError, ProcessLookupError):  # or a process that has just ended
        return []


def read(path):
    try:
        with open(path, "rb") as source:
            return source.read()
    except OSError:  # a process that has just ended
        return b""


def missing(directory, files, directories):
    for name in files:
        if not os.path.isfile(os.path.join(directory, name)):
            yield "%s has no file %s" % (directory, name)
    for name in directories:
        if not os.path.isdir(os.path.join(directory, name)) or os.path.islink(
                os.path.join(directory, name)):
            yield "%s has no directory %s" % (directory, name)


def names(store):
    for entry in entries(store):
        if entry.name.startswith("."):
            continue
        if not entry.is_symlink():
            yield "%s is no symbolic link" % entry.path
            continue
        target = os.readlink(entry.path)
        folder, _, image = target.partition("/")
        if folder != ".images" or not ID.match(image) or not os.path.isdir(entry.path):
            yield "the name %s leads to %s" % (entry.path, target)


def objects(store):
    for entry in entries(store, ".images"):
        if not ID.match(entry.name):
            yield "%s is not named as an image" % entry.path
        yield from missing(entry.path, ["image.json", "config.json"], ["rootfs"])
    for entry in entries(store, ".layers"):
        yield from missing(entry.path, ["entries"], ["tree"])


def work_under_way(store, clean):
    boot = read("/proc/sys/kernel/random/boot_id").decode().strip()
    for entry in entries(store, ".partial"):
        finished = entry.name.endswith("." + boot) and not list(
            missing(entry.path, ["entries"], ["tree"]))
        start = PREFIX.match(entry.name) and entry.is_file(follow_symlinks=False)
        if clean or not (finished or start):
            yield "left in .partial: %s" % entry.path
    for entry in entries(store, ".trash"):
        yield "left in .trash: %s" % entry.path


def ancestors():
    pid = os.getpid()
    while pid > 0:
        yield pid
        fields = read("/proc/%d/stat" % pid).rpartition(b")")[2].split()
        pid = int(fields[1]) if fields else 0


def belongs(pid, store):
    """Why a process is one of this store's, or None."""
    base = "/proc/%d/" % pid
    needle = os.fsencode(store)
    try:
        program = os.path.basename(os.readlink(base + "exe")).removesuffix(" (deleted)")
    except OSError:
        return None
    if program in PROGRAMS and (needle in read(base + "environ") or needle in read(base + "cmdline")):
        return "runs " + program
    if needle + b"/." in read(base + "mountinfo"):
        return "has mounts of it"
    for entry in entries(base, "fd") + entries(base, "task"):
        try:
            if os.readlink(entry.path).startswith(store + "/"):
                return "has one of its files open"
        except OSError:
            continue
    return None


def processes(store):
    own = set(ancestors())
    for entry in entries("/proc"):
        if entry.name.isdigit() and int(entry.name) not in own:
            why = belongs(int(entry.name), store)
            if why:
                command = read(entry.path + "/cmdline").replace(b"\0", b" ").decode(errors="replace")
                yield "process %s is left, it %s: %s" % (entry.name, why, command)


def mounts(store):
    for line in read("/proc/self/mountinfo").decode(errors="replace").splitlines():
        if store + "/" in line:
            yield "a mount is left: " + line


def findings(store, how):
    yield from names(store)
    yield from objects(store)
    if how != "--sound":
        yield from work_under_way(store, how == "--clean")
    yield from mounts(store)
    yield from processes(store)


def main(arguments):
    how = arguments.pop(0) if arguments and arguments[0].startswith("--") else ""
    if len(arguments) != 1 or how not in ("", "--sound", "--clean"):
        sys.exit(__doc__)
    found = list(findings(os.path.realpath(arguments[0]), how))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
