/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of one image on their way, the lowest first. */
#ifndef MD_PULL_PARTS_H
#define MD_PULL_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pull/wire.h"
#include "store/layer.h"

/* One of them. */
struct pull_part {
    struct pull_layer wanted;
    struct store_layer held; /* locked until the image is published */
    bool keeps;              /* what comes of it is kept for a later pull, in case */
    struct pull_kept kept;   /* its start from an earlier pull; fd -1: none, or given away */
    bool anew;               /* its bytes were wrong once: no second chance */
    uint32_t skip;           /* mirrors that gave wrong content for it */
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

/* The first part with this diff id: layers of one image may be the same, and only the first of
 * them is fetched. */
size_t pull_parts_first_like(const struct pull_part *parts, size_t index);

/* The least number of bytes that the layers will take which are not there yet. */
uint64_t pull_parts_missing(const struct pull_part *parts, size_t count);

/* Let go of all layers; unfinished ones are discarded. Safe at any time, and again. */
void pull_parts_clear(const struct store *store, struct pull_part *parts, size_t count);

#endif
