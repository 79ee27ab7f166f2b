/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting the root of a container that does not run. */
#ifndef MD_FILES_OFFLINE_H
#define MD_FILES_OFFLINE_H

#include "files/root.h"

/* Is anything of the host or of a volume mounted in it when it runs? */
bool files_offline_has_mounts(const struct store_container *container);

/*
 * Mount the root of root->container, which the caller has locked, without its mounts and not
 * writable; nothing is attached anywhere. root->overlay is open. Returns its directory.
 */
MD_MUST_CHECK
int files_offline_read(const struct files_root *root, struct md_err *err);

/*
 * The same, writable and with its mounts, in a mount namespace that this process gets for it;
 * store and root->container are opened again there.
 */
MD_MUST_CHECK
int files_offline_write(const struct store *store, const struct files_root *root,
                        struct md_err *err);

#endif
