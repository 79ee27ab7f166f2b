/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a tar stream, for import. */
#ifndef MD_PULL_MKTAR_H
#define MD_PULL_MKTAR_H

#include "base/err.h"

/*
 * Write the tree below the directory at path to fd as a pax tar: owners, modes, times, xattrs,
 * hard links, devices; no other file system is entered, sockets are left out. In a process of
 * its own (see import.c), as it walks and reads for as long as fd takes bytes.
 *
 * Errors: MD_ERR_SYSTEM, naming the file
 */
MD_MUST_CHECK
int pull_mktar(const char *path, int fd, struct md_err *err);

#endif
