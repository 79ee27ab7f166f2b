/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's stdin, stdout and stderr where it has no terminal: pipes to the runner; and
 * writing to the caller's descriptors, which may block and whose flags are not ours to change.
 */
#ifndef MD_RUN_STREAMS_H
#define MD_RUN_STREAMS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/plan.h"

/* Both ends by number of the stream; -1 where there is none. */
struct run_pipes {
    int ours[3];
    int theirs[3];
};

/* The pipes that the plan asks for: none with a terminal, no stdin without open_stdin. */
MD_MUST_CHECK
int run_pipes_open(const struct run_plan *plan, struct run_pipes *pipes, struct md_err *err);
void run_pipes_close_theirs(struct run_pipes *pipes);
void run_pipes_clear(struct run_pipes *pipes);

/* How a descriptor of the caller's can be used without ever blocking. */
enum run_outlet_kind {
    RUN_OUTLET_PLAIN,  /* a file, or a descriptor of ours that is O_NONBLOCK */
    RUN_OUTLET_SOCKET, /* MSG_DONTWAIT */
    RUN_OUTLET_SMALL,  /* a pipe or terminal that cannot be opened again: few bytes at a time */
};

struct run_outlet {
    enum run_outlet_kind kind;
    int fd;
    int opened; /* -1, or fd: a second, non-blocking opening of the caller's */
};

/* fd is borrowed. Never fails: what cannot be opened again is used as it is. */
void run_outlet_open(int fd, struct run_outlet *outlet);
void run_outlet_clear(struct run_outlet *outlet);

/* As write(2), -1 with EAGAIN instead of blocking. */
MD_MUST_CHECK
ssize_t run_outlet_write(const struct run_outlet *outlet, const void *bytes, size_t len);

#endif
