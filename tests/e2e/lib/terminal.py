# SPDX-License-Identifier: Apache-2.0
"""terminal.py COMMAND [WORD...]: runs a command in a pty, steered by lines on standard input.

    expect TEXT      wait until TEXT appears in what came since the last expect
    type TEXT        TEXT and the return key
    key X            control-X
    resize ROWS COLS the window changes its size
    signal NAME      sent to the command, not to its terminal
    await STATE      wait until the terminal is raw, or as before; or the command stopped

At the end all output is printed, carriage returns removed. Exits with the command's status (128+n
for a signal); 98 when something expected did not come, 99 when the terminal was left changed.
The window begins with 41 rows and 123 columns.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

PATIENCE_S = 30
RESTORE_S = 10  # for who restores the terminal after a runner that was killed


class Terminal:
    def __init__(self, command):
        self.seen = b""
        self.read_from = 0
        self.status = None
        self.master, self.slave = pty.openpty()
        self.resize(41, 123)
        self.before = termios.tcgetattr(self.slave)
        self.reports, reports = os.pipe()
        if os.fork() == 0:
            os.close(self.master)
            self.lead(command, reports)
        os.close(reports)
        self.pid = self.report()

    def lead(self, command, reports):
        """The session's leader, as a shell is: when that ends, the terminal is lost to the rest."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(self.slave, fd)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.closerange(3, 64)
            os.execvp(command[0], command)
        os.write(reports, struct.pack("i", pid))
        _, status = os.waitpid(pid, 0)
        os.write(reports, struct.pack("i", status))
        signal.pause()  # until the terminal hangs up

    def report(self):
        return struct.unpack("i", os.read(self.reports, 4))[0]

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """What there is within that time; False when there is none."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.seen += os.read(self.master, 65536)
        return True

    def expect(self, text):
        limit = time.monotonic() + PATIENCE_S
        while True:
            at = self.seen.find(text, self.read_from)
            if at >= 0:
                self.read_from = at + len(text)
                return
            if not self.read(0.1) and (time.monotonic() > limit or self.ended()):
                self.fail(f"did not see {text!r}")

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def stopped(self):
        with open(f"/proc/{self.pid}/stat", "rb") as stat:
            return stat.read().rpartition(b") ")[2].startswith(b"T")

    def reached(self, condition, patience):
        limit = time.monotonic() + patience
        while not condition():
            if time.monotonic() > limit:
                return False
            self.read(0.05)
        return True

    def wait_for(self, state):
        conditions = {"raw": lambda: not self.restored(), "restored": self.restored,
                      "stopped": self.stopped}
        if not self.reached(conditions[state], PATIENCE_S):
            self.fail(f"was never {state}")

    def ended(self):
        if self.status is None and select.select([self.reports], [], [], 0)[0]:
            self.status = self.report()
        return self.status is not None

    def fail(self, why):
        if not self.ended():
            os.kill(self.pid, signal.SIGTERM)
        self.show()
        print(f"terminal.py: {why}", file=sys.stderr)
        sys.exit(98)

    def show(self):
        while self.read(0.05):
            pass
        sys.stdout.write(self.seen.decode(errors="replace").replace("\r", ""))
        sys.stdout.flush()

    def wait(self):
        if not self.reached(self.ended, PATIENCE_S):
            self.fail("did not end")
        killed = os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL
        restored = self.reached(self.restored, RESTORE_S if killed else 0)
        self.show()
        if not restored:
            print("terminal.py: the terminal was left changed", file=sys.stderr)
            return 99
        return os.waitstatus_to_exitcode(self.status) if os.WIFEXITED(self.status) \
            else 128 + os.WTERMSIG(self.status)


def main():
    terminal = Terminal(sys.argv[1:])
    for line in sys.stdin.read().splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "expect":
            terminal.expect(rest.encode())
        elif word == "type":
            os.write(terminal.master, rest.encode() + b"\r")
        elif word == "key":
            os.write(terminal.master, bytes([ord(rest.upper()) & 0x1F]))
        elif word == "resize":
            terminal.resize(*map(int, rest.split()))
        elif word == "signal":
            os.kill(terminal.pid, getattr(signal, "SIG" + rest))
        elif word == "await":
            terminal.wait_for(rest)
        elif word:
            terminal.fail(f"what is {line!r}?")
    sys.exit(terminal.wait())


if __name__ == "__main__":
    main()
