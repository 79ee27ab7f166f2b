/* SPDX-License-Identifier: Apache-2.0 */
/* Files by their names, in a directory or in a tar that is read where it lies. */
#ifndef MD_PULL_FILES_H
#define MD_PULL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pull_files;

/* Where the bytes of a file lie. fd is the caller's to close. */
struct pull_extent {
    int fd;
    int64_t offset;
    int64_t size;
};

/* A directory; fd is taken. */
struct pull_files *pull_files_open_dir(int fd);

/*
 * A plain tar, of which a list of names is made; fd is taken, its offset moved.
 *
 * Errors: MD_ERR_FORMAT  no sound tar; a name that leads out of it; the same file twice
 *         MD_ERR_LIMIT   more than MD_MAX_ARCHIVE_ENTRIES
 */
MD_MUST_CHECK
struct pull_files *pull_files_open_tar(int fd, struct md_err *err);
void pull_files_close(struct pull_files **files);

bool pull_files_have(const struct pull_files *files, const char *name);

/*
 * Find a regular file. Links of a tar are followed inside it, those of a directory below it.
 *
 * Errors: MD_ERR_NOT_FOUND  it is not there, naming it (escaped)
 *         MD_ERR_FORMAT     it is no regular file, or links lead in a circle
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_files_find(const struct pull_files *files, const char *name,
                    struct pull_extent *extent, struct md_err *err);

/*
 * Read a whole file of at most max bytes, NUL-terminated; the caller frees it.
 *
 * Errors: those of pull_files_find(); MD_ERR_LIMIT
 */
MD_MUST_CHECK
char *pull_files_read(const struct pull_files *files, const char *name, size_t max, size_t *len,
                      struct md_err *err);

#endif
