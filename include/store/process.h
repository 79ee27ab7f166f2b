/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are still the ones we wrote down. */
#ifndef MD_STORE_PROCESS_H
#define MD_STORE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/* A process that is believed only with its start time and boot: a pid alone may be reused. */
struct store_process {
    pid_t pid;           /* 0: none */
    uint64_t start_time; /* clock ticks since boot, field 22 of /proc/<pid>/stat */
};

/* Fill pid and start_time of a living process (a zombie is one). Returns 0, or -1 with errno
 * ESRCH when it is gone. */
MD_MUST_CHECK
int store_process_stamp(pid_t pid, struct store_process *process);

/* A pidfd of that very process (of this boot: see struct store_state), or -1 with errno ESRCH
 * when it is gone. */
MD_MUST_CHECK
int store_process_open(const struct store_process *process);

#endif
