/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of files, for where the file system refuses one more hard link. */
#ifndef MD_STORE_COPY_H
#define MD_STORE_COPY_H

#include <sys/stat.h>

#include "base/attr.h"

/*
 * Copy from/name (anything but a directory, no link followed) to to/to_name, which must not
 * exist, with owner, mode, extended attributes and time. Shares the data where the file system
 * can. Returns 0, or -1 with errno.
 */
MD_MUST_CHECK
int store_copy(int from, const char *name, int to, const char *to_name);

/*
 * Give the open file or directory to the attributes of from, whose status is *st: owner,
 * extended attributes (others go), mode, time. Returns 0, or -1 with errno.
 */
MD_MUST_CHECK
int store_copy_attributes(int from, const struct stat *st, int to);

#endif
