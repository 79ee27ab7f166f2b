/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks made ahead of their use, by a thread of their own. */
#ifndef MD_PULL_AHEAD_H
#define MD_PULL_AHEAD_H

#include <sys/types.h>

#include "base/err.h"

/* Fill block with up to size bytes. Returns how many, 0 at the end, or -1. */
typedef ssize_t pull_fill_fn(void *context, unsigned char *block, size_t size,
                             struct md_err *err);

struct pull_ahead;

/* Begin to fill blocks of so many bytes. Until it is stopped only the thread uses context. */
MD_MUST_CHECK
struct pull_ahead *pull_ahead_open(pull_fill_fn *fill, void *context, size_t size,
                                   struct md_err *err);

/*
 * The next block, which is good until the next call. Returns its length, 0 at the end, or -1.
 *
 * Errors: those of fill, after all blocks that came before
 */
MD_MUST_CHECK
ssize_t pull_ahead_next(struct pull_ahead *ahead, const void **block, struct md_err *err);

/* Wait until the block under way is full or has failed; blocks that were not taken are lost. */
void pull_ahead_close(struct pull_ahead **ahead);

#endif
