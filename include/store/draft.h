/* SPDX-License-Identifier: Apache-2.0 */
/* An image being made: a directory in .partial that becomes .images/<id>. */
#ifndef MD_STORE_DRAFT_H
#define MD_STORE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/oci.h"
#include "store/store.h"

enum store_draft_stage { STORE_DRAFT_NONE, STORE_DRAFT_OPEN, STORE_DRAFT_PUBLISHED };

/* Zero-initialise. */
struct store_draft {
    enum store_draft_stage stage;
    char temporary[96]; /* its name in .partial */
    int dir;            /* holds a shared lock */
    int rootfs;         /* real directory descriptor, where layers are merged */
    int sync;           /* opened before the first write, for syncfs(2) */
};

/* What is to be published; all borrowed. */
struct store_publication {
    const char *id; /* hex of the config's digest */
    const struct md_oci_config *config;
    const void *config_bytes; /* as served */
    size_t config_len;
    const void *manifest_bytes; /* as served, or NULL */
    size_t manifest_len;
    struct md_digest manifest_digest;
    uint64_t size; /* bytes of its files as unpacked */
    bool replace;  /* an image that is there already is exchanged for the draft */
};

/* To be called before the first byte of its layers is written: sync remembers their errors. */
MD_MUST_CHECK
int store_draft_open(const struct store *store, struct store_draft *draft, struct md_err *err);

/*
 * Make what was written so far durable; publishing does it again for what comes after.
 *
 * Errors: MD_ERR_SYSTEM  EIO included: config's layers that wait in .partial, whose bytes may
 *                        be the lost ones, are gone
 */
MD_MUST_CHECK
int store_draft_sync(const struct store *store, const struct store_draft *draft,
                     const struct md_oci_config *config, struct md_err *err);

/*
 * Publish: image.json, config.json and (unless there is none) manifests/<digest hex>.json are
 * written, all is made durable with one syncfs, then the finished layers named by
 * config->diff_ids are renamed from .partial to .layers, the draft to .images/<id>, durably.
 * The caller still holds its layers. An image that is already there under that id is kept and
 * given the manifest (and a fresh image.json, should its own be damaged); the draft is
 * discarded. With replace it is the other way round: the draft, with the other's manifests,
 * takes its place, and the old one is deleted when nothing uses it any more (store_sweep()).
 *
 * Until store_draft_clear() the published image is held by a shared lock, so that it is still
 * there for store_name_set().
 *
 * Errors: MD_ERR_SYSTEM     as store_draft_sync(): nothing was published
 *         MD_ERR_NOT_FOUND  a layer is neither waiting nor there
 */
MD_MUST_CHECK
int store_draft_publish(const struct store *store, struct store_draft *draft,
                        const struct store_publication *publication, struct md_err *err);

/* Discard an unpublished draft, let go of a published one; safe on zeroed and cleared ones. */
void store_draft_clear(const struct store *store, struct store_draft *draft);

#endif
