/* SPDX-License-Identifier: Apache-2.0 */
/* The layers under way: each fills a ring. */
#ifndef MD_PULL_FETCH_H
#define MD_PULL_FETCH_H

#include <stdbool.h>

#include "base/err.h"
#include "pull/registry.h"
#include "pull/wire.h"

/* One for each ring; idle while transfer is NULL. ring is set once, for good. */
struct pull_fetching {
    struct pull_ring *ring;
    struct pull_transfer *transfer;
    struct pull_registry *registry; /* NULL for FETCH_URL */
    char *what;
    uint32_t answers; /* of the last one that was ANSWERED: pull_transfer_answers() */
};

/*
 * Begin filling the ring, from a blob of registry or from the address order->url.
 *
 * Errors: MD_ERR_FORMAT  no usable address; MD_ERR_SYSTEM  an order that cannot be (EINVAL)
 */
MD_MUST_CHECK
int pull_fetch_begin(struct pull_fetching *fetching, struct pull_registry *registry,
                     const struct pull_fetch *order, struct md_err *err);
MD_MUST_CHECK
int pull_fetch_begin_url(struct pull_fetching *fetching, struct pull_http *http,
                         const struct pull_fetch *order, struct md_err *err);

/*
 * Move it on. ANSWERED: all bytes are in the ring; GAVE_UP: *err says why. Either way it is
 * idle afterwards; the ring is for the caller to end.
 */
MD_MUST_CHECK
enum pull_progress pull_fetch_advance(struct pull_fetching *fetching, struct md_err *err);

#endif
