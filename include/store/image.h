/* SPDX-License-Identifier: Apache-2.0 */
/* Images: finding, listing and removing them; names and drafts come along. */
#ifndef MD_STORE_IMAGE_H
#define MD_STORE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/oci.h"
#include "base/ref.h"
#include "store/draft.h"
#include "store/name.h"
#include "store/store.h"

/*
 * An open image; dir holds a shared lock, so the image stays while it (or a copy of dir in
 * another process) is open. Zero-initialise.
 */
struct store_image {
    char id[STORE_ID_SIZE];
    int dir;
    int rootfs;    /* O_PATH */
    char *path;    /* absolute path of rootfs/ */
    uint64_t size; /* bytes of its files as unpacked */
    struct md_oci_config config;
};

/*
 * Find an image by what a user typed: a reference, a full id, "sha256:<id>" or a unique prefix
 * of an id. Names win over prefixes. A reference by digest is also found through a name of the
 * same repository for which that digest was served. name is the store name it was found by, or
 * ""; it holds MD_REF_TEXT_SIZE bytes. Nothing is opened, so nothing keeps the image there.
 *
 * Errors: MD_ERR_NOT_FOUND  "No such image: alpine:latest"
 *         MD_ERR_USAGE      malformed, or the id prefix is ambiguous
 */
MD_MUST_CHECK
int store_image_find(const struct store *store, const char *what, char id[STORE_ID_SIZE],
                     char *name, struct md_err *err);

/*
 * store_image_find() and open it. Only image.json is read.
 *
 * Errors: as store_image_find(), and
 *         MD_ERR_FORMAT  its image.json is damaged: pull it again, or rmi -f
 */
MD_MUST_CHECK
int store_image_open(const struct store *store, const char *what, struct store_image *image,
                     struct md_err *err);
MD_MUST_CHECK
int store_image_open_id(const struct store *store, const char *id, struct store_image *image,
                        struct md_err *err);

/* Safe on a zeroed and on a cleared one. */
void store_image_clear(struct store_image *image);

/* All image ids, sorted; the caller frees *ids (each STORE_ID_SIZE bytes, count of them). An
 * image may be gone when it is opened. */
MD_MUST_CHECK
int store_image_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                     struct md_err *err);

enum store_force { STORE_CAREFUL, STORE_FORCE };

/* What rmi did, in docker's order, for its output: lines "Untagged: x", "Deleted: sha256:y"
 * (the image, then the layers that went with it, the top one first). Zero-initialise. */
struct store_removal {
    struct md_list lines;
};

/*
 * Remove what the user named: a name is untagged, and the image goes with its last name; an id
 * removes the image with its name (names in several repositories or several tags need force).
 * An image that a container names is never deleted: with force its names go and it stays
 * without one. Layers that no image uses any more go too. A damaged image is removed like any
 * other.
 *
 * Errors: MD_ERR_NOT_FOUND, MD_ERR_USAGE as store_image_find()
 *         MD_ERR_CONFLICT  docker's words: conflict: unable to remove repository reference
 *                          "alpine" (must force) - container <12> is using its referenced
 *                          image <12>; conflict: unable to delete <12> (must be forced) -
 *                          image is being used by stopped container <12>; and its kin
 *         MD_ERR_SYSTEM    what was done until then is in *removal
 */
MD_MUST_CHECK
int store_image_remove(const struct store *store, const char *what, enum store_force force,
                       struct store_removal *removal, struct md_err *err);

/* Remove this image if it has no name and no container names it, and layers that no image
 * uses: for after a tag has moved, or the last container of an untagged image is gone. An
 * image in use stays: that is success. */
MD_MUST_CHECK
int store_image_collect(const struct store *store, const char *image_id, struct md_err *err);

/* store_name_set(), and store_image_collect() of the image that the name led to before. */
MD_MUST_CHECK
int store_name_move(const struct store *store, const struct store_name *record,
                    struct md_err *err);

#endif
