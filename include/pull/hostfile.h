/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of the host, which are its administrator's and may be symlinks. */
#ifndef MD_PULL_HOSTFILE_H
#define MD_PULL_HOSTFILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/list.h"

/*
 * Read a whole file of at most MD_MAX_SETTINGS bytes, NUL-terminated; the caller frees it.
 * NULL without an error when there is none of that name.
 *
 * Errors: MD_ERR_SYSTEM, MD_ERR_LIMIT; MD_ERR_FORMAT  it is a directory, a fifo or the like
 */
char *pull_host_file(const char *path, size_t *len, struct md_err *err);

/*
 * Add the names in a directory, but those that begin with a dot, in strcmp's order. A missing
 * directory has none.
 *
 * Errors: MD_ERR_SYSTEM  it cannot be read; MD_ERR_LIMIT  too many names
 */
MD_MUST_CHECK
int pull_host_dir(const char *path, struct md_list *names, struct md_err *err);

#endif
