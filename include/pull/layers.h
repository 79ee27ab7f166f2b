/* SPDX-License-Identifier: Apache-2.0 */
/* Getting all layers of one image: which are there, which to fetch, who unpacks what. */
#ifndef MD_PULL_LAYERS_H
#define MD_PULL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "pull/crew.h"
#include "pull/progress.h"
#include "pull/wire.h"
#include "store/draft.h"
#include "store/layer.h"

/* One layer of the image on its way. */
struct pull_part {
    struct pull_layer wanted;
    struct store_layer held; /* locked until the image is published */
    bool fresh;              /* --force: fetched and unpacked whatever is there */
    enum {
        PULL_PART_NEW,     /* not looked for yet */
        PULL_PART_CLAIMED, /* ours to fetch and unpack */
        PULL_PART_FETCHED, /* a ring has it or gets it */
        PULL_PART_BUSY,    /* another process unpacks it */
        PULL_PART_READY,   /* finished, locked */
        PULL_PART_TWIN,    /* the same diff id as an earlier layer: nothing to do */
    } stage;
};

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
 * was unpacked is made durable while the last of it is merged.
 *
 * Errors: those of the network and writer processes, naming the layer; store_draft_sync()'s.
 * Finished layers stay for the next try.
 */
MD_MUST_CHECK
int pull_layers_get(struct pull_layers *layers, struct md_err *err);

/* Let go of all layers; unfinished ones are discarded. */
void pull_layers_clear(const struct store *store, struct pull_part *parts, size_t count);

#endif
