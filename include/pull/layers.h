/* SPDX-License-Identifier: Apache-2.0 */
/* Getting all layers of one image: which are there, which to fetch, who unpacks what. */
#ifndef MD_PULL_LAYERS_H
#define MD_PULL_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "pull/crew.h"
#include "pull/parts.h"
#include "pull/progress.h"
#include "store/draft.h"

/* The layers of one image, and where they are merged. All borrowed. */
struct pull_layers {
    const struct store *store;
    struct pull_crew *crew;
    struct pull_part *parts; /* the lowest first */
    size_t count;
    struct pull_progress *progress; /* has a line per part */
    struct store_draft *draft;      /* open: the layers are merged into its rootfs */
    const struct md_oci_config *config;
    uint64_t size; /* set: bytes of the files of all layers */
};

/*
 * Make every part READY or TWIN: claim what is missing, the largest first, fetch through as
 * many rings and unpack with as many writers as the crew has; then wait for what other
 * processes unpack. Meanwhile whichever writer is idle merges, the lowest layer first, and what
 * was unpacked is made durable while the last of it is merged. Before the first is fetched, the
 * disk must have room for what is missing.
 *
 * Errors: those of the network and writer processes, naming the layer; store_draft_sync()'s;
 * pull_space_check()'s. Finished layers stay for the next try, and of large ones the start that
 * came (store/prefix.h).
 */
MD_MUST_CHECK
int pull_layers_get(struct pull_layers *layers, struct md_err *err);

#endif
