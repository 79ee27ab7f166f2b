/* SPDX-License-Identifier: Apache-2.0 */
/* A file or a whole tree into a tar, while others may change it. */
#ifndef MD_FILES_PACK_H
#define MD_FILES_PACK_H

#include "files/tar.h"
#include "store/inodes.h"

/* What is packed, and under which name. */
struct files_tree {
    int fd;         /* the file or directory itself, O_PATH is enough */
    const char *as; /* its name in the tar; "" for a directory: only what is in it */
    int root;       /* of the container it is in, whose /proc, /sys, /dev are left out; or -1 */
};

/*
 * Pack it: owners, modes, times, extended attributes, hard links among its files, devices.
 * No link is followed, so it never leads outside; what vanishes meanwhile is left out, and so
 * are sockets.
 *
 * Errors: MD_ERR_SYSTEM  naming the (escaped) file
 */
MD_MUST_CHECK
int files_pack(struct files_tar *tar, const struct files_tree *tree, struct md_err *err);

/*
 * One entry alone, by its path below a directory, which is its name in the tar too; a file
 * that inodes has seen becomes a hard link. 0 as well where it has vanished.
 */
MD_MUST_CHECK
int files_pack_one(struct files_tar *tar, int dir, const char *path,
                   struct store_inodes *inodes, struct md_err *err);

#endif
