/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal while the container has the foreground. */
#include "run/terminal.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void run_terminal_open(const struct run_plan *plan, struct run_terminal *terminal)
{
    *terminal = (struct run_terminal){ .fd = -1 };
    if (plan->terminal && plan->open_stdin && tcgetattr(STDIN_FILENO, &terminal->saved) == 0)
        terminal->fd = STDIN_FILENO;
}

void run_terminal_enter(struct run_terminal *terminal)
{
    struct termios raw;

    if (terminal->fd < 0 || tcgetpgrp(terminal->fd) != getpgrp())
        return;
    raw = terminal->saved;
    cfmakeraw(&raw);
    if (tcsetattr(terminal->fd, TCSANOW, &raw) == 0)
        terminal->raw = true;
}

void run_terminal_restore(struct run_terminal *terminal)
{
    sigset_t stop;
    sigset_t before;

    /* Blocked, SIGTTOU does not stop us when we are in the background: tcsetattr(3) works. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    sigprocmask(SIG_BLOCK, &stop, &before);
    if (terminal->fd >= 0 && terminal->raw)
        tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
    sigprocmask(SIG_SETMASK, &before, NULL);
    terminal->raw = false;
}

void run_terminal_resize(int master)
{
    struct winsize size;

    if (master >= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(master, TIOCSWINSZ, &size);
}

bool run_terminal_interrupts(int master, const unsigned char *bytes, size_t len, pid_t pid)
{
    struct termios settings; /* asked at the master's end, they are the program's */
    pid_t front = 0;
    cc_t key;

    if (tcgetattr(master, &settings) < 0 || !(settings.c_lflag & ISIG))
        return false;
    key = settings.c_cc[VINTR];
    if (key == _POSIX_VDISABLE || !memchr(bytes, key, len))
        return false;
    return ioctl(master, TIOCGPGRP, &front) == 0 && front == pid;
}
