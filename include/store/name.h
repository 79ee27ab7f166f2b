/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: a symlink in the store's root, and a record of where it came from. */
#ifndef MD_STORE_NAME_H
#define MD_STORE_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/platform.h"
#include "base/ref.h"
#include "store/store.h"

/*
 * A name's record: .names/<name>.json, believed only while its image id is the symlink's.
 *
 * The record is also the lock of its name, so an empty one may be seen for a moment. Beside it,
 * and only for moments: <name>.new and <name>.link, on their way to the record and the symlink.
 */
struct store_name {
    char name[MD_REF_TEXT_SIZE]; /* store name: "alpine", "ghcr.io+org+app:1" */
    char image_id[STORE_ID_SIZE];
    struct md_digest served;   /* what the registry served for the tag (an index's, often) */
    struct md_digest manifest; /* of this platform; both alg 0 for imported images */
    struct md_platform platform;
    int64_t time; /* seconds since the epoch of the pull or import */
};

/* The record of a name. MD_ERR_NOT_FOUND when there is no such name. A record that does not
 * belong to the symlink's image (or is damaged) gives just name and image id. */
MD_MUST_CHECK
int store_name_read(const struct store *store, const char *name, struct store_name *record,
                    struct md_err *err);

/* Just the id of the image that a name stands for. MD_ERR_NOT_FOUND. */
MD_MUST_CHECK
int store_name_target(const struct store *store, const char *name, char id[STORE_ID_SIZE],
                      struct md_err *err);

/* All names, sorted by name; *list is one array the caller frees. */
MD_MUST_CHECK
int store_name_list(const struct store *store, struct store_name **list, size_t *count,
                    struct md_err *err);

/* The names of one image, sorted, into names (replaced); no record is read. */
MD_MUST_CHECK
int store_name_of(const struct store *store, const char *image_id, struct md_list *names,
                  struct md_err *err);

/*
 * Point a name at an image: record first, then the symlink, atomically and durably. Waits for
 * whoever changes the name and for whoever is about to remove the image.
 *
 * Errors: MD_ERR_NOT_FOUND  the image is not there (any more)
 *         MD_ERR_USAGE      not a store name
 */
MD_MUST_CHECK
int store_name_set(const struct store *store, const struct store_name *record,
                   struct md_err *err);

/*
 * Lock a name, there or not, against changes; names are locked in strcmp() order and before any
 * image. Nothing is written for a name that is there: rmi works on a full disk. Returns a
 * descriptor for store_name_unlock(), which is safe on -1 and removes the record of a name that
 * has no symlink.
 */
MD_MUST_CHECK
int store_name_lock(const struct store *store, const char *name, struct md_err *err);
/* Without waiting: -1 when somebody else holds it. */
MD_MUST_CHECK
int store_name_try_lock(const struct store *store, const char *name);
void store_name_unlock(const struct store *store, const char *name, int *lock);

/* Remove the symlink of a locked name; unlocking removes its record. Missing is success. */
MD_MUST_CHECK
int store_name_remove(const struct store *store, const char *name, struct md_err *err);

#endif
