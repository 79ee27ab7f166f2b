/* SPDX-License-Identifier: Apache-2.0 */
/* A container that stands still while its files are read. */
#ifndef MD_FILES_FREEZE_H
#define MD_FILES_FREEZE_H

#include <sys/types.h>

#include "store/container.h"

/* Zero-initialise, with lifeline -1. */
struct files_freeze {
    pid_t guard; /* 0: nothing is frozen */
    int lifeline;
};

/*
 * Freeze a container that runs. One that does not run, is paused already or has no cgroup is
 * left as it is. It goes on after files_freeze_end(), and also when this process is killed: a
 * process of its own sees to that.
 */
void files_freeze_start(const struct store *store, const struct store_container *container,
                        struct files_freeze *freeze);

/* Safe on one where nothing is frozen. */
void files_freeze_end(struct files_freeze *freeze);

#endif
