/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's signals, and what a process does about one. */
#include "run/signals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* These stay as they are: mistakes of our own, and what the terminal's job control does. */
static const int left_alone[] = {
    SIGSEGV, SIGBUS,  SIGFPE, SIGILL,  SIGTRAP, SIGSYS,  SIGABRT,
    SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, SIGTTOU, SIGXFSZ,
};

static void choose(sigset_t *set)
{
    struct sigaction hangup;

    sigfillset(set);
    for (size_t i = 0; i < sizeof(left_alone) / sizeof(*left_alone); i++)
        sigdelset(set, left_alone[i]);
    /* What nohup(1) is for. Other signals that are ignored are passed on all the same, because
     * shells ignore INT in everything they start in the background. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN)
        sigdelset(set, SIGHUP);
}

int run_signals_take(struct run_signals *signals, struct md_err *err)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t wanted;

    choose(&wanted);
    signals->fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0)
        return md_err_sys(err, "cannot receive signals");
    sigprocmask(SIG_BLOCK, &wanted, &signals->mask);
    sigaction(SIGCHLD, &standard, &signals->child);
    sigaction(SIGPIPE, &ignore, &signals->pipe);
    sigaction(SIGXFSZ, &ignore, &signals->size);
    return 0;
}

void run_signals_give_back(struct run_signals *signals)
{
    struct signalfd_siginfo info;

    /* Those that came for a container which has ended must not end the runner now. */
    while (read(signals->fd, &info, sizeof(info)) > 0)
        ;
    sigaction(SIGCHLD, &signals->child, NULL);
    sigaction(SIGPIPE, &signals->pipe, NULL);
    sigaction(SIGXFSZ, &signals->size, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
    md_fd_close(&signals->fd);
}

bool run_signal_ends(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return false;
    default:
        return true;
    }
}

/* A set of signals from a line like "SigCgt:\t0000000180014a07"; false when it is not there. */
static bool read_set(const char *status, const char *key, uint64_t *set)
{
    const char *line = strstr(status, key);

    if (!line)
        return false;
    *set |= strtoull(line + strlen(key), NULL, 16);
    return true;
}

/*
 * Does one of its threads wait in sigwait(3) or its kin, as tini does and our own init? The
 * kernel takes what is waited for out of the blocked signals meanwhile, and shows them so.
 */
static bool waits_for_signals(pid_t pid)
{
    char path[64];
    struct dirent *entry;
    bool waits = false;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && !waits && (entry = readdir(tasks))) {
        char name[sizeof(entry->d_name) + sizeof("/syscall")];
        char text[32] = "";
        MD_AUTO_FD fd = -1;

        snprintf(name, sizeof(name), "%s/syscall", entry->d_name);
        fd = openat(dirfd(tasks), name, O_RDONLY | O_CLOEXEC);
        /* "running", or the number and arguments: proc(5) */
        if (fd >= 0 && md_fd_read_full(fd, text, sizeof(text) - 1) > 0)
            waits = strtol(text, NULL, 10) == SYS_rt_sigtimedwait;
    }
    if (tasks)
        closedir(tasks);
    return waits;
}

bool run_signal_is_default(pid_t pid, int signal)
{
    char path[64];
    char status[4096];
    uint64_t cared_for = 0;
    ssize_t len;
    MD_AUTO_FD fd = -1;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : md_fd_read_full(fd, status, sizeof(status) - 1);
    if (len < 0)
        return false;
    status[len] = '\0';
    if (!read_set(status, "\nSigBlk:\t", &cared_for) ||
        !read_set(status, "\nSigIgn:\t", &cared_for) ||
        !read_set(status, "\nSigCgt:\t", &cared_for))
        return false;
    return !(cared_for & (1ull << (signal - 1))) && !waits_for_signals(pid);
}
