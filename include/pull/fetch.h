/* SPDX-License-Identifier: Apache-2.0 */
/* The layers under way: each fills a ring. */
#ifndef MD_PULL_FETCH_H
#define MD_PULL_FETCH_H

#include <stdbool.h>

#include "base/err.h"
#include "pull/repository.h"
#include "pull/wire.h"

/* One for each ring; idle while transfer is NULL. ring is set once, for good. */
struct pull_fetching {
    struct pull_ring *ring;
    struct pull_transfer *transfer;
    struct pull_repository *repository; /* NULL for FETCH_URL */
    size_t place;                       /* of the repository: who is being asked */
    size_t begun;                       /* the place that was asked first */
    struct pull_fetch order;
    struct pull_tried tried;
    char *what;
    uint32_t answers; /* of the places that were given up: pull_transfer_answers() */
};

/*
 * Begin filling the ring, from a blob of repository or from the address order->url.
 *
 * Errors: MD_ERR_FORMAT  no usable address; MD_ERR_SYSTEM  an order that cannot be (EINVAL)
 */
MD_MUST_CHECK
int pull_fetch_begin(struct pull_fetching *fetching, struct pull_repository *repository,
                     const struct pull_fetch *order, struct md_err *err);
MD_MUST_CHECK
int pull_fetch_begin_url(struct pull_fetching *fetching, struct pull_http *http,
                         const struct pull_fetch *order, struct md_err *err);

/*
 * Move it on; where one place fails the next one goes on from the same byte. ANSWERED: all
 * bytes are in the ring, and *fetched says from whom; GAVE_UP: *err says why. Either way it is
 * idle afterwards; the ring is for the caller to end.
 */
MD_MUST_CHECK
enum pull_progress pull_fetch_advance(struct pull_fetching *fetching,
                                      struct pull_fetched *fetched, struct md_err *err);

#endif
