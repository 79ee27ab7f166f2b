/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and streams that close themselves; whole reads and writes. */
#ifndef MD_BASE_FD_H
#define MD_BASE_FD_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"

#define MD_AUTO_FD __attribute__((cleanup(md_fd_close))) int
#define MD_AUTO_FILE __attribute__((cleanup(md_file_close))) FILE *

/* Close *fd if open; errno survives. Never retried: even after EINTR it is closed, close(2). */
static inline void md_fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Hand the descriptor to a new owner: the caller's variable forgets it. */
static inline int md_fd_take(int *fd)
{
    int given = *fd;

    *fd = -1;
    return given;
}

/* Close *file if open; write errors are lost here, so writers call fflush() themselves. */
static inline void md_file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

/*
 * Open /dev/null for each of 0, 1 and 2 that the caller of the program has closed: they would
 * be given to the next files that are opened. Returns 0, or -1 with errno.
 */
MD_MUST_CHECK
int md_fd_fill_standard(void);

/* Close all from first on but those in keep, which -1 ends. */
void md_fd_close_others(int first, const int *keep);

/* Write all len bytes, restarting after EINTR and short writes. Returns 0, or -1 with errno. */
MD_MUST_CHECK
int md_fd_write_all(int fd, const void *bytes, size_t len);

/* Read until len bytes or end of file. Returns the bytes read, or -1 with errno. */
MD_MUST_CHECK
ssize_t md_fd_read_full(int fd, void *bytes, size_t len);

/*
 * Read the whole of an open file into fresh memory, NUL-terminated; *len excludes the NUL.
 * The caller frees the result. what names the file in errors.
 *
 * Errors: MD_ERR_LIMIT   it holds more than max bytes
 *         MD_ERR_SYSTEM  reading failed
 */
MD_MUST_CHECK
char *md_fd_read_all(int fd, size_t max, size_t *len, const char *what, struct md_err *err);

/*
 * Open name below dirfd, which must be a regular file and no symlink, and md_fd_read_all() it.
 *
 * Errors: MD_ERR_SYSTEM  it cannot be opened (ENOENT: missing; ELOOP: a symlink)
 *         MD_ERR_FORMAT  it is a directory, a fifo or the like
 *         MD_ERR_LIMIT
 */
MD_MUST_CHECK
char *md_file_read(int dirfd, const char *name, size_t max, size_t *len, struct md_err *err);

/*
 * Replace name below dirfd by a file of these bytes, atomically (temporary name, then
 * rename) and without fsync; readers see the old file or the new one. The umask applies.
 */
MD_MUST_CHECK
int md_file_replace(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode,
                    struct md_err *err);

#endif
