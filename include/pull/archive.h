/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of images: telling them from other archives, and opening them. */
#ifndef MD_PULL_ARCHIVE_H
#define MD_PULL_ARCHIVE_H

#include <stdbool.h>

#include "base/err.h"
#include "pull/files.h"

/* True for a name (cleaned) that an image archive may have. */
bool pull_archive_may_hold(const char *name);

/*
 * True when all names in the tar at fd, compressed or not, are such as image archives have:
 * a root file system's first entries show that it is none. fd is a file; its offset is moved.
 */
bool pull_archive_probe(int fd);

/*
 * The files of an archive. A plain one is read where it lies; one that is compressed, or comes
 * through a pipe, is first expanded into spool, an empty file. Both descriptors are borrowed.
 *
 * Errors: MD_ERR_FORMAT, MD_ERR_LIMIT, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
struct pull_files *pull_archive_open(int fd, int spool, struct md_err *err);

#endif
