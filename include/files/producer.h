/* SPDX-License-Identifier: Apache-2.0 */
/* A process that writes a tar into a pipe, while this one reads it. */
#ifndef MD_FILES_PRODUCER_H
#define MD_FILES_PRODUCER_H

#include <sys/types.h>

#include "base/err.h"
#include "files/tar.h"

/* Fill the tar, which is finished afterwards. Runs in the other process. */
typedef int files_produce_fn(struct files_tar *tar, void *context, struct md_err *err);

/* Zero-initialise with output and failure -1. */
struct files_producer {
    pid_t pid;   /* 0: none */
    int output;  /* the tar */
    int failure; /* its error */
};

MD_MUST_CHECK
int files_producer_start(files_produce_fn *produce, void *context,
                         struct files_producer *producer, struct md_err *err);

/*
 * Wait for its end; with an error in *err, the reader's, it is ended first. Returns -1 where
 * there is an error: the producer's own goes before that of the reader, who has seen its tar
 * break off.
 */
MD_MUST_CHECK
int files_producer_end(struct files_producer *producer, struct md_err *err);

#endif
