/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command asks of a container's runner: the file "request" in the container's directory.
 * It is written before the signal is sent, so that the runner knows, when the container has
 * ended, who wanted that. A file needs no runner that listens: it may be stopped or just dying.
 */
#ifndef MD_STORE_REQUEST_H
#define MD_STORE_REQUEST_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct store_request {
    int signal;  /* the signal that the container is to end by; 0: none */
    bool stop;   /* by hand: no policy starts it again */
    char by[64]; /* who: "minidock stop" */
};

MD_MUST_CHECK
int store_request_write(int container_dir, const struct store_request *request,
                        struct md_err *err);

/* Read it; false: there is none. */
bool store_request_read(int container_dir, struct store_request *request);

/* Forget it, for the next start. */
void store_request_clear(int container_dir);

#endif
