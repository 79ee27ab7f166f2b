/* SPDX-License-Identifier: Apache-2.0 */
/* A client's side of attaching: the caller's streams, terminal and signals. */
#ifndef MD_RUN_ATTACH_H
#define MD_RUN_ATTACH_H

#include "run/keys.h"
#include "run/link.h"

struct run_attach {
    int link;         /* to the supervisor; borrowed */
    unsigned streams; /* RUN_STREAM() bits of what is passed on, 0 for stdin */
    bool terminal;    /* the program has one */
    struct run_keys keys;
    void *context;
    /* A signal for the container came to this process; NULL: it ends this client only. */
    void (*signal)(void *context, int signal);
};

enum run_attach_outcome {
    RUN_ATTACH_ENDED,    /* the container: end says how */
    RUN_ATTACH_DETACHED, /* by the keys */
    RUN_ATTACH_LEFT,     /* by a signal, which is in end.exit_code as 128+n */
    RUN_ATTACH_LOST,     /* the supervisor has dropped us, or died */
};

struct run_attach_end {
    enum run_attach_outcome outcome;
    struct run_link_end end;
    int write_errno; /* why output did not reach the caller's stdout or stderr */
};

/*
 * Pass bytes both ways until one of the outcomes; the terminal is raw meanwhile where keys are
 * to reach the program's.
 */
MD_MUST_CHECK
int run_attach(struct run_attach *attach, struct run_attach_end *end, struct md_err *err);

#endif
