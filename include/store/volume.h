/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: .volumes/<name>/ with volume.json (docker's member names) and _data/, the directory
 * that containers mount.
 *
 * Who uses a volume names it in its config.json ("Mounts"); until that is written, it holds a
 * shared lock on the volume's directory.
 */
#ifndef MD_STORE_VOLUME_H
#define MD_STORE_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "store/store.h"

/* An open volume. Zero-initialise with dir and data -1. */
struct store_volume {
    char name[MD_MAX_NAME + 1];
    int dir;               /* shared lock: the volume stays */
    int data;              /* the directory _data */
    char *path;            /* absolute path of _data */
    bool made;             /* by this store_volume_get() */
    bool anonymous;        /* made without a name */
    struct json_t *config; /* volume.json */
};

/*
 * Open a volume, or make it, empty, where it is missing; name "": one with a random name,
 * "anonymous" for prune. labels (an object, or NULL; borrowed) are those of a new one.
 *
 * Errors: MD_ERR_USAGE   docker's words for a name outside [a-zA-Z0-9][a-zA-Z0-9_.-]+
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int store_volume_get(const struct store *store, const char *name, const struct json_t *labels,
                     struct store_volume *volume, struct md_err *err);

/* Errors: MD_ERR_NOT_FOUND  get x: no such volume; MD_ERR_FORMAT  its volume.json is damaged */
MD_MUST_CHECK
int store_volume_open(const struct store *store, const char *name, struct store_volume *volume,
                      struct md_err *err);

void store_volume_clear(struct store_volume *volume);

/*
 * Fill an empty volume with a copy of the directory from: contents, owner and mode. A volume
 * that holds anything is left alone. Of several that do this at once one copies and the others
 * wait for it; what a killed one left is completed by the next.
 */
MD_MUST_CHECK
int store_volume_fill(const struct store_volume *volume, int from, struct md_err *err);

/* Bytes of its files, each counted once; what cannot be read counts as nothing. */
uint64_t store_volume_size(const struct store_volume *volume);

/* All names, sorted, into names (replaced). */
MD_MUST_CHECK
int store_volume_list(const struct store *store, struct md_list *names, struct md_err *err);

/*
 * The volumes that containers use, into names, unsorted; with ids not NULL the container of
 * each under the same index.
 */
MD_MUST_CHECK
int store_volume_used(const struct store *store, struct md_list *names, struct md_list *ids,
                      struct md_err *err);

/*
 * Errors: MD_ERR_NOT_FOUND  get x: no such volume
 *         MD_ERR_CONFLICT   remove x: volume is in use - [<container id>, ...]
 */
MD_MUST_CHECK
int store_volume_remove(const struct store *store, const char *name, struct md_err *err);

/*
 * After a container is gone: remove the anonymous volumes that its config.json names
 * ("anonymous_volumes"), but those that others use. Failures are only logged.
 */
void store_volume_release(const struct store *store, const struct json_t *config);

#endif
