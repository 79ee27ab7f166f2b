/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes containers and layers hold. */
#ifndef MD_STORE_USAGE_H
#define MD_STORE_USAGE_H

#include <stdint.h>

#include "store/container.h"

/*
 * The bytes of the files in its upper/, as stat(2) says; each name of a file with several
 * counts its part. The container may run and change them meanwhile. No link is followed; what
 * lies deeper than 256 directories, or cannot be read, is not counted.
 *
 * Errors: MD_ERR_SYSTEM  upper/ cannot be opened
 */
MD_MUST_CHECK
int store_container_usage(const struct store_container *container, uint64_t *bytes,
                          struct md_err *err);

/*
 * The bytes of a layer's files, from its list of entries; a path that the layer has twice
 * counts twice.
 *
 * Errors: MD_ERR_SYSTEM, MD_ERR_FORMAT  it is not there, or its list is damaged
 */
MD_MUST_CHECK
int store_layer_usage(const struct store *store, const struct md_digest *diff_id,
                      uint64_t *bytes, struct md_err *err);

#endif
