/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watching process: when the runner dies, however, the container dies too. PR_SET_PDEATHSIG
 * does not do it: it is cleared when a process changes its user, prctl(2).
 */
#ifndef MD_RUN_WATCH_H
#define MD_RUN_WATCH_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/run.h"
#include "run/terminal.h"

struct run_watch {
    int pidfd; /* of the container */
    const struct run_terminal *terminal;
    const struct run_hooks *hooks;
    /*
     * A runner that is to go on when the process has died, even if it was stopped (by ctrl-z):
     * a container is not over before all of its processes are reaped. 0: it does not matter.
     */
    pid_t runner;
};

/*
 * Fork the watcher. It ends when it is killed, which is how the runner dismisses it, or after
 * it has cleaned up behind the runner. *lifeline is the runner's end: its closing is the alarm.
 */
MD_MUST_CHECK
pid_t run_watch_start(const struct run_watch *watch, int *lifeline, struct md_err *err);

#endif
