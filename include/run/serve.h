/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor does while its container runs: bytes to the log and to clients, and back.
 * */
#ifndef MD_RUN_SERVE_H
#define MD_RUN_SERVE_H

#include <sys/types.h>

#include "run/plan.h"
#include "run/relay.h"
#include "run/run.h"
#include "run/server.h"
#include "run/signals.h"
#include "run/streams.h"
#include "run/terminal.h"

/* All is borrowed. */
struct run_serve {
    const struct run_plan *plan;
    const struct run_hooks *hooks;
    struct run_server *server;
    struct run_signals *signals;
    struct run_pipes *pipes;       /* ends are closed as their streams end */
    struct run_terminal *terminal; /* of the leader, given back when that is killed */
    int master;                    /* of the program's terminal; -1: pipes */
    pid_t pid;
    int pidfd;
};

/* Until the process has ended and all that it wrote was passed on. */
MD_MUST_CHECK
int run_serve(const struct run_serve *serve, struct run_relay_end *end, struct md_err *err);

#endif
