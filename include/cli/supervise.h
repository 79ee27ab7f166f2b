/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: the one process that a detached container has besides its own. It is a fork
 * of the command that starts the container, without anything of that command's: a session of
 * its own, no terminal, no descriptor but the lock, no cgroup of a unit or login session that
 * could be ended under it. It makes its plan from config.json, each time it starts the
 * container.
 */
#ifndef MD_CLI_SUPERVISE_H
#define MD_CLI_SUPERVISE_H

#include "cli/session.h"
#include "run/terminal.h"

/* How the command that starts it wants to go on; zero-initialised: not at all. */
struct cli_order {
    unsigned streams; /* RUN_STREAM() bits that it stays for; 0: it only waits for the start */
    bool leads;       /* when it is killed, so is the container: it is in the foreground */
    bool new_life;    /* a start by hand: restarts are counted from here */
    unsigned short rows, columns; /* of its terminal */
    unsigned preserve_fds;
    int status_fd; /* -1: none */
};

/*
 * Start container, whose lock (container->dir) goes over to the supervisor, and wait until its
 * program runs. Returns the link to the supervisor, on which the output comes.
 *
 * Errors: those of run_container()
 */
MD_MUST_CHECK
int cli_supervise(const struct store *store, struct store_container *container,
                  const struct cli_order *order, struct md_err *err);

#endif
