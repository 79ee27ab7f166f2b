/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of files and trees: where one more hard link is refused, and for new volumes. */
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

/*
 * Copy all that is below the directory from (not entering other file systems) into the empty
 * directory to, hard links included; to itself gets the attributes of from. Both are left alone
 * by others meanwhile. Returns 0, or -1 with errno.
 */
MD_MUST_CHECK
int store_copy_tree(int from, int to);

#endif
