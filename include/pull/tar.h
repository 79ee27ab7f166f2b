/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tar through libarchive, the only place that includes it. */
#ifndef MD_PULL_TAR_H
#define MD_PULL_TAR_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/*
 * Gives the next bytes of a stream: how many lie at *bytes until the next call, 0 at its end,
 * -1 with *err.
 */
typedef ssize_t pull_read_fn(void *context, const void **bytes, struct md_err *err);

enum pull_entry_kind {
    PULL_FILE = 1,
    PULL_DIR,
    PULL_SYMLINK,
    PULL_HARD_LINK,
    PULL_FIFO,
    PULL_CHAR_DEVICE,
    PULL_BLOCK_DEVICE,
    PULL_OTHER, /* nothing that a tar can hold */
};

/* An entry as the tar says it, nothing checked; strings are bytes, borrowed until the next. */
struct pull_entry {
    enum pull_entry_kind kind;
    const char *path;   /* NULL when there is none */
    const char *target; /* of a symlink or hard link; may be NULL */
    mode_t mode;        /* permission bits */
    int64_t uid;
    int64_t gid;
    int64_t size; /* of a file, with its holes */
    struct timespec mtime;
    uint64_t major;
    uint64_t minor;
};

struct pull_xattr {
    const char *name;
    const void *value;
    size_t len;
};

/* A tar being read. */
struct pull_tar;

/* Errors: MD_ERR_FORMAT  not a tar; what read returned */
MD_MUST_CHECK
struct pull_tar *pull_tar_open(pull_read_fn *read, void *context, struct md_err *err);
/* The tar in a file, from where fd (borrowed) stands; data that nobody asks for is skipped. */
MD_MUST_CHECK
struct pull_tar *pull_tar_open_file(int fd, struct md_err *err);
void pull_tar_close(struct pull_tar **tar);

/* Where the data of the entry begins in the stream; -1: it has holes, and is not as it lies.
 * Before any of it was read. */
int64_t pull_tar_data_offset(const struct pull_tar *tar);

/* The next entry: 1, or 0 after the last one, or -1. Data of the last one is passed over. */
MD_MUST_CHECK
int pull_tar_next(struct pull_tar *tar, struct pull_entry *entry, struct md_err *err);

/* The next extended attribute of the entry: 1, or 0 when there is none left. */
MD_MUST_CHECK
int pull_tar_xattr(struct pull_tar *tar, struct pull_xattr *xattr);
/* Begin with the first one again. */
void pull_tar_xattr_rewind(struct pull_tar *tar);

/* A piece of the entry's data: where it goes in the file, past holes. */
struct pull_piece {
    const void *bytes;
    size_t len;
    int64_t offset;
};

/* The next piece: 1, or 0 when there is none left, or -1. */
MD_MUST_CHECK
int pull_tar_data(struct pull_tar *tar, struct pull_piece *piece, struct md_err *err);

/* bzip2 or xz through libarchive, for import: bytes in, bytes out, no tar looked for. */
struct pull_unfilter;

MD_MUST_CHECK
struct pull_unfilter *pull_unfilter_open(pull_read_fn *read, void *context, struct md_err *err);
void pull_unfilter_close(struct pull_unfilter **unfilter);

/* As a pull_read_fn. */
MD_MUST_CHECK
ssize_t pull_unfilter_read(struct pull_unfilter *unfilter, const void **bytes,
                           struct md_err *err);

#endif
