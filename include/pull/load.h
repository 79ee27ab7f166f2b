/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of a directory or an archive. */
#ifndef MD_PULL_LOAD_H
#define MD_PULL_LOAD_H

#include "pull/place.h"
#include "pull/pull.h"

/*
 * Pull the image of a local source. Its names are those that it has there; one that has only a
 * tag, or nothing, is called localhost/<name of the file or directory>.
 *
 * Errors: MD_ERR_NOT_FOUND  no image of this name, or several and none chosen: the text lists
 *         them; and all that a damaged archive or the disk can cause
 */
MD_MUST_CHECK
int pull_from_place(const struct store *store, const struct pull_options *options,
                    const struct pull_place *place, struct md_err *err);

/*
 * For import: load all images of a directory or archive, if that is what source is. name is for
 * its only image, or NULL. Returns 1, or 0 when it is something else, or -1.
 */
MD_MUST_CHECK
int pull_load_recognised(const struct store *store, const struct import_options *options,
                         const char *source, const struct md_ref *name, struct md_err *err);

#endif
