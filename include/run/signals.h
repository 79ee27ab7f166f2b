/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's signals while a container is in the foreground: all arrive at a descriptor. */
#ifndef MD_RUN_SIGNALS_H
#define MD_RUN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

struct run_signals {
    int fd; /* signalfd(2), non-blocking */
    sigset_t mask;
    struct sigaction child, pipe, size; /* SIGCHLD, SIGPIPE, SIGXFSZ as they were */
};

/* Take them over. SIGCHLD becomes default, so that children can be waited for. */
MD_MUST_CHECK
int run_signals_take(struct run_signals *signals, struct md_err *err);

/* As they were before. */
void run_signals_give_back(struct run_signals *signals);

/* Does the signal end a process that does nothing about it? */
bool run_signal_ends(int signal);

/*
 * Does the process do nothing about the signal: neither handled nor ignored nor blocked nor
 * waited for? The
 * first process of a PID namespace would not even notice it: pid_namespaces(7).
 */
bool run_signal_is_default(pid_t pid, int signal);

#endif
