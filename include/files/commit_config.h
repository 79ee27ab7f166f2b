/* SPDX-License-Identifier: Apache-2.0 */
/* The config of an image that is made of a container. */
#ifndef MD_FILES_COMMIT_CONFIG_H
#define MD_FILES_COMMIT_CONFIG_H

#include "files/files.h"
#include "store/container.h"

/*
 * Fill config from base, that of the container's image (zeroed: none), from what the container
 * was made with, and from the changes; the layers are base's still. The caller clears it.
 *
 * Errors: MD_ERR_USAGE  a change that is malformed
 */
MD_MUST_CHECK
int files_commit_config(const struct files_commit *commit,
                        const struct store_container *container,
                        const struct md_oci_config *base, struct md_oci_config *config,
                        struct md_err *err);

#endif
