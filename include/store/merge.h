/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a layer on top of an image's root file system by hard links. */
#ifndef MD_STORE_MERGE_H
#define MD_STORE_MERGE_H

#include <stdint.h>

#include "base/err.h"

/*
 * Merge a finished layer (its directory, with tree/ and entries) into rootfs, as if its tar had
 * been unpacked over what the lower layers left: whiteouts and opaque marks first, then the
 * tree, then links to lower layers. A directory that the layer only implies leaves what is
 * there as it is, and is followed if it is a link, inside rootfs. Any other entry replaces what
 * is there, but a directory over a directory, which only takes over the attributes. Files are
 * hard links to the layer's; where linking fails (EMLINK, EXDEV), copies. *size grows by the
 * bytes of the layer's regular files.
 *
 * Errors: MD_ERR_FORMAT  a hard link's target is missing or a directory
 *         MD_ERR_SYSTEM
 * Source: OCI image-spec, layer.md, "Applying Changesets".
 */
MD_MUST_CHECK
int store_merge(int rootfs, int layer_dir, uint64_t *size, struct md_err *err);

#endif
