/* SPDX-License-Identifier: Apache-2.0 */
/* Writing trees into a tar; reading is pull/tar.h's. */
#ifndef MD_FILES_TAR_H
#define MD_FILES_TAR_H

#include <sys/stat.h>

#include "base/err.h"

/* A tar being written. */
struct files_tar;

/* One entry; strings and descriptors are borrowed. */
struct files_entry {
    const char *path;      /* in the tar */
    struct stat st;        /* kind, mode, owner, size, time, device */
    const char *symlink;   /* target of a symbolic link, or NULL */
    const char *hard_link; /* path of an earlier entry that is the same file, or NULL */
    int fd;                /* of a file or directory: data and extended attributes; or -1 */
};

/* Write to fd, as pax. */
struct files_tar *files_tar_open(int fd);

/*
 * Errors: MD_ERR_SYSTEM  reading the file or writing the tar, naming the (escaped) path
 */
MD_MUST_CHECK
int files_tar_add(struct files_tar *tar, const struct files_entry *entry, struct md_err *err);

/* The end of the tar. */
MD_MUST_CHECK
int files_tar_finish(struct files_tar *tar, struct md_err *err);
void files_tar_close(struct files_tar **tar);

#endif
