# SPDX-License-Identifier: Apache-2.0
"""mounts.py STORE [console]: is the mountinfo on standard input the list that is promised?

Exit 1 and a line for each mount that is too many, missing, or has other flags; also where the path
of the store shows.
"""

import re
import sys

# Mount point -> type, options of the mount that must be there, options that must not.
REQUIRED = {
    "/": ("overlay", {"rw", "nodev"}, set()),
    "/proc": ("proc", {"rw", "nosuid", "nodev", "noexec"}, set()),
    "/dev": ("tmpfs", {"rw", "nosuid"}, {"nodev"}),
    "/dev/pts": ("devpts", {"rw", "nosuid", "noexec"}, set()),
    "/dev/shm": ("tmpfs", {"rw", "nosuid", "nodev", "noexec"}, set()),
    "/dev/mqueue": ("mqueue", {"rw", "nosuid", "nodev", "noexec"}, set()),
    "/sys": ("sysfs", {"ro", "nosuid", "nodev", "noexec"}, set()),
    "/etc/hosts": (None, {"rw"}, set()),
    "/etc/hostname": (None, {"rw"}, set()),
    "/etc/resolv.conf": (None, {"rw"}, set()),
}
OPTIONAL = [
    # devices, where they are binds of the host's nodes
    (r"/dev/(null|zero|full|random|urandom|tty)", {"rw"}),
    (r"/sys/fs/cgroup(/\w+(,\w+)*)?", {"ro"}),
    # read-only, and masked
    (r"/proc/(bus|fs|irq|sys|sysrq-trigger)", {"ro"}),
    (r"/proc/(acpi|asound|scsi)", {"ro"}),
    (r"/proc/(interrupts|kcore|keys|latency_stats|sched_debug|timer_list|timer_stats)", set()),
    (r"/sys/(firmware|devices/virtual/powercap|fs/selinux|dev/block)", {"ro"}),
    (r"/sys/devices/system/cpu/cpu\d+/thermal_throttle", {"ro"}),
]


def parse(line):
    left, right = line.split(" - ")
    fields = left.split()
    kind, _, super_options = right.split(" ", 2)
    return {"root": fields[3], "point": fields[4], "options": set(fields[5].split(",")),
            "propagation": fields[6:], "type": kind, "super": super_options}


def judge(mount):
    point = mount["point"]
    if mount["propagation"]:
        yield f"{point} is not private: {mount['propagation']}"
    if point in REQUIRED:
        kind, must, must_not = REQUIRED[point]
        if kind not in (None, mount["type"]):
            yield f"{point} is {mount['type']}, not {kind}"
        if must - mount["options"] or must_not & mount["options"]:
            yield f"{point} has options {sorted(mount['options'])}, expected {must}, not {must_not}"
        return
    for pattern, must in OPTIONAL:
        if re.fullmatch(pattern, point):
            if must - mount["options"]:
                yield f"{point} has options {sorted(mount['options'])}, expected {must}"
            return
    yield f"{point} ({mount['type']}) is not on the list"


def main():
    store, *more = sys.argv[1:]
    if "console" in more:
        REQUIRED["/dev/console"] = ("devpts", {"rw"}, set())
    text = sys.stdin.read()
    mounts = [parse(line) for line in text.strip().replace("\r", "").split("\n")]
    found = [finding for mount in mounts for finding in judge(mount)]
    found += [f"{point} is missing" for point in REQUIRED
              if point not in {mount["point"] for mount in mounts}]
    if store in text:
        found.append("the path of the store shows")
    print("\n".join(found) or "as promised")
    if found:
        print(text)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
