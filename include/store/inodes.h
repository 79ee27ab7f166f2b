/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were seen, by their numbers: what comes again by another name is a hard link. */
#ifndef MD_STORE_INODES_H
#define MD_STORE_INODES_H

#include <stddef.h>
#include <sys/stat.h>

struct store_inode;

/* Zero-initialise. */
struct store_inodes {
    struct store_inode *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

/*
 * The path under which the file with status *st was seen first, borrowed; or NULL, and path is
 * remembered for it. Directories and files with one name only are always new.
 */
const char *store_inodes_seen(struct store_inodes *inodes, const struct stat *st,
                              const char *path);
void store_inodes_clear(struct store_inodes *inodes);

#endif
