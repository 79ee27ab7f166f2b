/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: claiming one to unpack, finishing it, finding it again; one writer per layer. */
#ifndef MD_STORE_LAYER_H
#define MD_STORE_LAYER_H

#include <stdbool.h>

#include "base/digest.h"
#include "store/store.h"

/* Where a layer is found. */
enum store_layer_state {
    STORE_LAYER_READY,   /* in .layers, or finished in .partial during this boot */
    STORE_LAYER_CLAIMED, /* the caller is to unpack it, and then store_layer_finish() */
    STORE_LAYER_BUSY,    /* STORE_TRY: another process is unpacking it; nothing is held */
};

/*
 * A layer in hand. dir is <folder>/<name>: tree/ and, once finished, entries. It holds a
 * shared lock (READY) or an exclusive one (CLAIMED), so that it stays and nobody else unpacks
 * it. Zero-initialise with dir and tree -1.
 */
struct store_layer {
    enum store_layer_state state;
    int dir;
    int tree;            /* the directory tree/ */
    char temporary[160]; /* CLAIMED: its name in .partial */
};

/* What to do while another process unpacks the layer. */
enum store_layer_wait {
    STORE_TRY,  /* come back with STORE_LAYER_BUSY */
    STORE_WAIT, /* wait, and take its result, or its place when it failed */
};

/*
 * Get a layer by diff id: ready, claimed for unpacking, or busy. Whoever waits must hold no
 * claim of its own, or two pulls could wait for each other.
 */
MD_MUST_CHECK
int store_layer_get(const struct store *store, const struct md_digest *diff_id,
                    enum store_layer_wait wait, struct store_layer *layer, struct md_err *err);

/* True when store_layer_get() would find it ready just now; nothing is held. */
bool store_layer_is_there(const struct store *store, const struct md_digest *diff_id);

/* Claim a layer whose diff id is not known yet (import), or that is to be unpacked again. */
MD_MUST_CHECK
int store_layer_claim_unknown(const struct store *store, struct store_layer *layer,
                              struct md_err *err);

/*
 * The claimed layer is whole and verified: rename it to <diff id>.<boot id> in .partial and
 * keep a shared lock. For an unknown one whose diff id turns out to be there already, the
 * claimed tree is discarded and *layer becomes the one that is there.
 */
MD_MUST_CHECK
int store_layer_finish(const struct store *store, const struct md_digest *diff_id,
                       struct store_layer *layer, struct md_err *err);

/*
 * What was written into the claimed layer is wrong: throw it away and begin with an empty tree,
 * the claim being kept.
 */
MD_MUST_CHECK
int store_layer_renew(const struct store *store, struct store_layer *layer, struct md_err *err);

/*
 * The layer of store_layer_claim_unknown() is whole, verified and durable: put it into .layers,
 * in exchange for the one that is there. The old one stays while somebody uses it. Afterwards
 * the layer is held by a shared lock.
 */
MD_MUST_CHECK
int store_layer_replace(const struct store *store, const struct md_digest *diff_id,
                        struct store_layer *layer, struct md_err *err);

/* Let go; a claimed, unfinished layer is discarded. Safe on zeroed (-1) and cleared ones. */
void store_layer_clear(const struct store *store, struct store_layer *layer);

#endif
