/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a layer's entries, beside its tree: what the tree alone cannot tell.
 *
 * The file "entries" holds NUL-terminated records. The first is "minidock-entries 1"; then, in
 * tar order, one letter, a space and the rest:
 *
 *   f <size> <crc32c> <path>   a regular file, decimal bytes and 8 hex digits, for fsck
 *   i <path>                   a directory that entries below it only imply ("" is the root)
 *   w <path>                   whiteout: <path> of lower layers goes
 *   q <path>                   opaque: all that lower layers have below <path> goes
 *   l <path>                   a hard link into a lower layer; the next record is its target
 *
 * Paths are relative to the tree, cleaned by md_path_clean(), any bytes but NUL. A later record
 * for the same path replaces an earlier one; "e <path>" says that a formerly implied directory
 * or lower link is not so any more.
 */
#ifndef MD_STORE_ENTRIES_H
#define MD_STORE_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The writer: a buffered file. Zero-initialise with fd -1. */
struct store_entries_writer {
    int fd;
    size_t used;
    char *buffer;
};

/* Create "entries" in a layer's directory (O_EXCL). */
MD_MUST_CHECK
int store_entries_create(int layer_dir, struct store_entries_writer *writer,
                         struct md_err *err);
MD_MUST_CHECK
int store_entries_file(struct store_entries_writer *writer, uint64_t size, uint32_t crc32c,
                       const char *path, struct md_err *err);
/* letter is 'i', 'w', 'q' or 'e'. */
MD_MUST_CHECK
int store_entries_mark(struct store_entries_writer *writer, char letter, const char *path,
                       struct md_err *err);
MD_MUST_CHECK
int store_entries_link(struct store_entries_writer *writer, const char *path,
                       const char *target, struct md_err *err);
/* Flush and close. */
MD_MUST_CHECK
int store_entries_finish(struct store_entries_writer *writer, struct md_err *err);
void store_entries_clear(struct store_entries_writer *writer);

/* One record while reading; strings are borrowed until the next call. */
struct store_entry {
    char letter;
    uint64_t size;   /* 'f' */
    uint32_t crc32c; /* 'f' */
    const char *path;
    const char *target; /* 'l' */
};

/* Called per record; return -1 with *err to stop. */
typedef int store_entry_fn(const struct store_entry *entry, void *context, struct md_err *err);

/*
 * Read the entries of a layer in order with bounded memory.
 *
 * Errors: MD_ERR_FORMAT  unknown version or damaged; MD_ERR_SYSTEM; what visit returned
 */
MD_MUST_CHECK
int store_entries_read(int layer_dir, store_entry_fn *visit, void *context, struct md_err *err);

#endif
