/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a pull or import: one for the network, some that write, rings between. */
#ifndef MD_PULL_CREW_H
#define MD_PULL_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "pull/ring.h"
#include "pull/wire.h"

#define PULL_WRITERS 6 /* at most; one per processor */

/* One process of the crew, seen from the coordinator. */
struct pull_member {
    pid_t pid;
    int socket;
};

/* Zero-initialise; pull_crew_stop() is safe at any time. */
struct pull_crew {
    struct pull_member network; /* or the local process */
    struct pull_member writers[PULL_WRITERS];
    size_t writer_count;
    struct pull_ring rings[PULL_RINGS];
    size_t ring_count;
    int turn; /* which of the writers may use much memory; with ring_count 0: none */
};

/* Which processes to start. */
enum pull_crew_kind {
    PULL_CREW_FULL,   /* network; writers by pull_crew_hire(), once there are layers */
    PULL_CREW_LOCAL,  /* the same with a local process in the place of the network's */
    PULL_CREW_WRITER, /* one writer, for an import from a file */
    PULL_CREW_URL,    /* network and one writer, for an import from a URL */
};

/*
 * Start the processes. They die with this one, ignore the terminal's signals, and hold nothing
 * of its descriptors but their socket and the rings.
 */
MD_MUST_CHECK
int pull_crew_start(struct pull_crew *crew, enum pull_crew_kind kind, struct md_err *err);

/*
 * See to it that there are as many writers as layers, but one per processor at most. Like the
 * others they inherit what is open: call it while nothing is locked.
 */
MD_MUST_CHECK
int pull_crew_hire(struct pull_crew *crew, size_t layers, struct md_err *err);

/* Kill and reap them; whatever they were writing is left as it is. */
void pull_crew_stop(struct pull_crew *crew);

#endif
