/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner and the container's first process say to each other while it is set up: one
 * SOCK_SEQPACKET pair, one message per step. The child's end is close-on-exec, so its end of
 * file after RUN_READY means that the program runs; before RUN_READY it means that the child
 * has died.
 */
#ifndef MD_RUN_SYNC_H
#define MD_RUN_SYNC_H

#include "base/attr.h"
#include "base/err.h"

enum run_sync_tag {
    RUN_MAPPED = 1, /* to the child: its id maps are written */
    RUN_GO,         /* to the child: everything of the runner's is ready, it may execute */
    RUN_READY,      /* from the child: set-up is done */
    RUN_FAILED,     /* from the child: with its error */
    RUN_GONE,       /* received only: end of file */
};

/* What a message may carry besides its tag; unused members are -1. */
struct run_sync_cargo {
    int master; /* RUN_READY: both ends of the program's terminal; the receiver owns them */
    int slave;
};

/* The runner's end and the child's. Both close-on-exec. */
MD_MUST_CHECK
int run_sync_pair(int *ours, int *theirs, struct md_err *err);

/* Send a message; cargo may be NULL. Never raises SIGPIPE. */
MD_MUST_CHECK
int run_sync_send(int sync, enum run_sync_tag tag, const struct run_sync_cargo *cargo,
                  struct md_err *err);

/* Report a failure; nobody is left to hear of one here. */
void run_sync_fail(int sync, const struct md_err *failure);

/*
 * Wait for the next message. Returns its tag: RUN_GONE at end of file; on RUN_FAILED *err is
 * what the other side reported; or -1 for a malformed message. cargo may be NULL where none is
 * expected.
 */
MD_MUST_CHECK
int run_sync_receive(int sync, struct run_sync_cargo *cargo, struct md_err *err);

/* Wait for this message; any other is an error, RUN_FAILED's own or "has ended". */
MD_MUST_CHECK
int run_sync_expect(int sync, enum run_sync_tag tag, struct md_err *err);

#endif
