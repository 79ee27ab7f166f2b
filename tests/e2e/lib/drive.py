# SPDX-License-Identifier: Apache-2.0
"""Runs a command and does to it what a shell cannot do exactly. To be run inside the box.

    drive.py at EVENT SIGNAL HUB_DIR -- COMMAND...   signal it when the servers report EVENT
    drive.py kept BYTES SIGNAL STORE -- COMMAND...   signal it when so much of a layer is kept there
    drive.py after MILLISECONDS SIGNAL -- COMMAND... signal it so long after its start
    drive.py tty -- COMMAND...                       run it on a terminal of 80 columns
    drive.py together N -- COMMAND...                run it N times at once
    drive.py within SECONDS MEBIBYTES -- COMMAND...  status 98 when it or a process of it took more

The command's output is passed on; the exit status is the command's, 128+n for signal n (together:
the worst). After a signal this waits until the processes that the command started are gone too.
"""

import ctypes
import fcntl
import os
import pty
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 30


def status_of(code):
    return 128 - code if code < 0 else code


def adopt():
    """Orphans of our children become ours: their end can be waited for."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans(leader):
    """Until no child is left; those that stay are named, killed and make the status 99."""
    deadline = time.monotonic() + PATIENCE
    status = None
    while True:
        try:
            pid, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status_of(os.waitstatus_to_exitcode(status))
        if pid == leader:
            status = code
        if pid == 0 and time.monotonic() > deadline:
            with open("/proc/self/task/%d/children" % os.getpid(), encoding="ascii") as source:
                left = source.read().split()
            print("still there after %d s: %s" % (PATIENCE, left), file=sys.stderr)
            for child in left:
                os.kill(int(child), signal.SIGKILL)
            sys.exit(99)
        if pid == 0:
            time.sleep(0.005)


def spawn(command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def happened(directory, event):
    try:
        with open(os.path.join(directory, "events"), encoding="utf-8") as source:
            return any(line.startswith(event) for line in source)
    except FileNotFoundError:
        return False


def signal_when(command, condition, what, name):
    adopt()
    process = spawn(command)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            sys.exit("drive.py: the command ended before: " + what)
        if time.monotonic() > deadline:
            process.kill()
            sys.exit("drive.py: waited %d s for: %s" % (PATIENCE, what))
        time.sleep(0.005)
    os.kill(process.pid, signal.Signals["SIG" + name])
    return wait_for_orphans(process.pid)


def at(command, event, name, directory):
    return signal_when(command, lambda: happened(directory, event), event, name)


def largest_start(store):
    """Bytes of the longest start of a layer in the store's .partial."""
    try:
        return max((entry.stat().st_size for entry in os.scandir(os.path.join(store, ".partial"))
                    if entry.name.endswith(".prefix")), default=-1)
    except FileNotFoundError:
        return -1


def kept(command, count, name, store):
    return signal_when(command, lambda: largest_start(store) >= int(count),
                       "%s bytes kept" % count, name)


def after(command, milliseconds, name):
    adopt()
    process = spawn(command)
    time.sleep(int(milliseconds) / 1000)
    os.kill(process.pid, signal.Signals["SIG" + name])  # at worst it is a zombie: that is fine
    return wait_for_orphans(process.pid)


def tty(command):
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvp(command[0], command)
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: the other side is closed
            data = b""
        if not data:
            break
        sys.stdout.buffer.write(data)
    sys.stdout.flush()
    return status_of(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def together(command, count):
    running = [spawn(command) for _ in range(int(count))]
    return max(status_of(process.wait()) for process in running)


def within(command, seconds, mebibytes):
    """The most memory that any of its processes had at once: getrusage(2)."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    if not select.select([os.pidfd_open(process.pid)], [], [], float(seconds))[0]:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print("drive.py: still running after %s s" % seconds, file=sys.stderr)
        return 98
    status = status_of(process.wait())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if peak > float(mebibytes):
        print("drive.py: %.1f MiB of memory, more than %s" % (peak, mebibytes), file=sys.stderr)
        return 98
    return status


def main(arguments):
    split = arguments.index("--") if "--" in arguments else 0
    head, command = arguments[:split], arguments[split + 1:]
    forms = {"at": (at, 4), "kept": (kept, 4), "after": (after, 3), "tty": (tty, 1),
             "together": (together, 2), "within": (within, 3)}
    if not command or not head or head[0] not in forms or len(head) != forms[head[0]][1]:
        sys.exit(__doc__)
    sys.exit(forms[head[0]][0](command, *head[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
