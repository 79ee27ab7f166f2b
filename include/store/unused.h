/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting an image that nothing names any more, and the layers that no image uses. */
#ifndef MD_STORE_UNUSED_H
#define MD_STORE_UNUSED_H

#include "base/list.h"
#include "store/store.h"

/*
 * Delete an image that the caller has locked exclusively and found to be unused, then every
 * layer that no image uses and nobody has in hand. dir is the image's directory; it stays
 * open. Lines "Deleted: sha256:<id>" are added for the image and for those of its layers that
 * went, the top one first.
 */
MD_MUST_CHECK
int store_unused_image(const struct store *store, const char *id, int dir,
                       struct md_list *lines, struct md_err *err);

/* Delete the layers that no image uses and nobody has in hand; the hex of theirs into *gone. */
MD_MUST_CHECK
int store_unused_layers(const struct store *store, struct md_list *gone, struct md_err *err);

#endif
