/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground of a container: bytes both ways, signals, and its end. */
#ifndef MD_RUN_RELAY_H
#define MD_RUN_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "run/keys.h"
#include "run/plan.h"
#include "run/run.h"
#include "run/signals.h"
#include "run/streams.h"
#include "run/terminal.h"

/* All is borrowed. */
struct run_relay {
    const struct run_hooks *hooks;
    struct run_signals *signals;
    struct run_terminal *terminal;
    struct run_pipes *pipes; /* ends are closed as their streams end */
    int master;              /* of the program's terminal; -1: pipes */
    bool open_stdin;
    unsigned withheld;  /* RUN_STREAM() bits of what the caller does not get to see */
    unsigned timeout_s; /* 0: none */
    pid_t pid;
    int pidfd;
    bool leads_group; /* INT and QUIT go to its process group, as they do from a terminal */
    const struct run_keys *keys; /* typed, they end the relay and not the process; or NULL */
};

/* How it went, besides the process's own status. */
struct run_relay_end {
    int killed_for;  /* the signal for which the process was killed, or 0 */
    int forwarded;   /* the last signal that was passed on from our caller, or 0 */
    bool timed_out;  /* killed because of --timeout */
    bool dismissed;  /* a supervisor: somebody ended it, and the container with it */
    bool detached;   /* by the keys: the process lives on */
    bool orphaned;   /* a supervisor: the command in whose foreground it ran was killed */
    int write_error; /* errno of the first write to the caller's stdout or stderr that failed */
};

/* Until the process has ended and all that it wrote was passed on. */
MD_MUST_CHECK
int run_relay(const struct run_relay *relay, struct run_relay_end *end, struct md_err *err);

#endif
