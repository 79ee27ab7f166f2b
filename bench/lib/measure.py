# SPDX-License-Identifier: Apache-2.0
"""Running programs and measuring them: wall and CPU time, memory, bytes from the network."""

import dataclasses
import mmap
import os
import resource
import subprocess
import threading
import time

WARM_BYTES = 2 << 30


def run(command, **more):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **more)


def wait_for(test, what, patience=60):
    deadline = time.monotonic() + patience
    while True:
        try:
            if test():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {patience} s for {what}")
        time.sleep(0.02)


def tail(path):
    """The end of a log, on one line."""
    with open(path, encoding="utf-8", errors="replace") as said:
        return " ".join(said.read()[-500:].split())


def stat_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as source:
        return source.read().rpartition(")")[2].split()


def family(roots):
    """These processes and all their descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(stat_of(name)[1])
            except OSError:
                continue
    found = set(roots)
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def pss_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as source:
            for line in source:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def cpu_of(roots):
    """CPU seconds of a family, ended children included."""
    ticks = 0
    for pid in family(roots) if roots else ():
        try:
            ticks += sum(map(int, stat_of(pid)[11:15]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def settle():
    """What others wrote is on disk, and as much memory as a pull takes is at hand: a virtual
    machine's is slow when it is touched for the first time, and whoever comes first would pay."""
    os.sync()
    size, piece = WARM_BYTES, bytes(1 << 20)
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for _ in range(size // len(piece)):
            memory.write(piece)


def received(interface):
    """Bytes that came in there, headers included, in this network namespace."""
    with open("/proc/net/dev", encoding="ascii") as source:
        for line in source:
            name, _, counters = line.partition(":")
            if name.strip() == interface:
                return int(counters.split()[0])
    raise RuntimeError(f"there is no interface {interface}")


class Sampler(threading.Thread):
    """Peak of the sum of PSS of families, every 10 ms."""

    def __init__(self, roots):
        super().__init__(daemon=True)
        self.roots = roots
        self.peak = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.01):
            self.peak = max(self.peak, sum(map(pss_bytes, family(self.roots))))


@dataclasses.dataclass
class Cost:
    """Seconds and bytes; peak is None where it was not sampled, as sampling takes time."""

    wall: float
    cpu: float
    peak: int
    got: int


def cost(command, log, servers=(), sampled=False):
    """Run a command, its output going to log; the CPU time and memory of servers count too."""
    roots = [server.pid for server in servers]
    cpu, got = cpu_of(roots), received("lo")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    sampler = Sampler(roots + [process.pid])
    if sampled:
        sampler.start()
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    wall = time.perf_counter() - begin
    if sampled:
        sampler.done.set()
        sampler.join()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = cpu_of(roots) - cpu + now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Cost(wall, cpu, sampler.peak if sampled else None, received("lo") - got)
