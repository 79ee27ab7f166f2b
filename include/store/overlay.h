/* SPDX-License-Identifier: Apache-2.0 */
/* A container's directories as overlay reads and writes them. */
#ifndef MD_STORE_OVERLAY_H
#define MD_STORE_OVERLAY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "store/container.h"

/*
 * What a container's root is made of, while it is open: the image stays. Zero-initialise with
 * lower, upper, work and image.dir -1.
 */
struct store_overlay {
    struct store_image image; /* id "" for --rootfs */
    int lower;                /* the image's rootfs, or --rootfs DIR; O_PATH */
    int upper;                /* O_PATH, as work */
    int work;
};

/*
 * Errors: MD_ERR_NOT_FOUND  its image is gone
 *         MD_ERR_SYSTEM     --rootfs DIR included
 */
MD_MUST_CHECK
int store_overlay_open(const struct store *store, const struct store_container *container,
                       struct store_overlay *overlay, struct md_err *err);
void store_overlay_close(struct store_overlay *overlay);

/* Does name in a directory of upper, with status *st, hide what lower has there? */
bool store_overlay_is_whiteout(int dir, const char *name, const struct stat *st);

/* Does this directory of upper hide all that lower has in it? */
bool store_overlay_is_opaque(int dir);

#endif
