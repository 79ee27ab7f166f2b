/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's file "entries": written once through a buffer, read in order through another. */
#include "store/entries.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define BUFFER_BYTES (64u << 10) /* many times the longest record */
#define FILE_NAME "entries"

static const char first_record[] = "minidock-entries 1";

static int flush(struct store_entries_writer *writer, struct md_err *err)
{
    if (md_fd_write_all(writer->fd, writer->buffer, writer->used) < 0)
        return md_err_sys(err, "cannot write the list of entries");
    writer->used = 0;
    return 0;
}

/* Add bytes as they are; a record's last piece includes its NUL. */
static int add(struct store_entries_writer *writer, const char *bytes, size_t len,
               struct md_err *err)
{
    if (len > BUFFER_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "a path of %zu bytes", len);
    if (writer->used + len > BUFFER_BYTES && flush(writer, err) < 0)
        return -1;
    memcpy(writer->buffer + writer->used, bytes, len);
    writer->used += len;
    return 0;
}

int store_entries_create(int layer_dir, struct store_entries_writer *writer, struct md_err *err)
{
    writer->fd = openat(layer_dir, FILE_NAME,
                        O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return md_err_sys(err, "cannot create the list of entries");
    writer->buffer = md_xmalloc(BUFFER_BYTES);
    writer->used = 0;
    return add(writer, first_record, sizeof(first_record), err);
}

int store_entries_file(struct store_entries_writer *writer, uint64_t size, uint32_t crc32c,
                       const char *path, struct md_err *err)
{
    char head[48];
    int len = snprintf(head, sizeof(head), "f %" PRIu64 " %08" PRIx32 " ", size, crc32c);

    if (add(writer, head, (size_t)len, err) < 0)
        return -1;
    return add(writer, path, strlen(path) + 1, err);
}

int store_entries_mark(struct store_entries_writer *writer, char letter, const char *path,
                       struct md_err *err)
{
    const char head[2] = { letter, ' ' };

    if (add(writer, head, sizeof(head), err) < 0)
        return -1;
    return add(writer, path, strlen(path) + 1, err);
}

int store_entries_link(struct store_entries_writer *writer, const char *path,
                       const char *target, struct md_err *err)
{
    if (store_entries_mark(writer, 'l', path, err) < 0)
        return -1;
    return add(writer, target, strlen(target) + 1, err);
}

int store_entries_finish(struct store_entries_writer *writer, struct md_err *err)
{
    int result = flush(writer, err);

    store_entries_clear(writer);
    return result;
}

void store_entries_clear(struct store_entries_writer *writer)
{
    md_fd_close(&writer->fd);
    free(writer->buffer);
    writer->buffer = NULL;
    writer->used = 0;
}

/* The reading side's buffer: [at, end) is not used yet. */
struct records {
    int fd;
    char *bytes;
    size_t at;
    size_t end;
};

static int damaged(struct md_err *err)
{
    return md_err_set(err, MD_ERR_FORMAT, "the layer's list of entries is damaged");
}

/* Make count whole records lie at the front: 1, or 0 at the end of the file, or -1. */
static int have(struct records *records, int count, struct md_err *err)
{
    for (;;) {
        char *from = records->bytes + records->at;
        char *limit = records->bytes + records->end;
        int seen = 0;
        ssize_t len;

        for (char *nul; seen < count; from = nul + 1, seen++) {
            nul = memchr(from, '\0', (size_t)(limit - from));
            if (!nul)
                break;
        }
        if (seen == count)
            return 1;
        memmove(records->bytes, records->bytes + records->at, records->end - records->at);
        records->end -= records->at;
        records->at = 0;
        len = md_fd_read_full(records->fd, records->bytes + records->end,
                              BUFFER_BYTES - records->end);
        if (len < 0)
            return md_err_sys(err, "cannot read the layer's list of entries");
        if (len == 0)
            return records->end == 0 ? 0 : damaged(err);
        records->end += (size_t)len;
    }
}

static const char *take(struct records *records)
{
    const char *record = records->bytes + records->at;

    records->at += strlen(record) + 1;
    return record;
}

/* Decimal digits up to a space. Returns what follows it, or NULL. */
static const char *parse_size(const char *text, uint64_t *size)
{
    *size = 0;
    if (*text == ' ')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(*size, 10, size) ||
            __builtin_add_overflow(*size, (uint64_t)(*text - '0'), size))
            return NULL;
    }
    return *text == ' ' ? text + 1 : NULL;
}

/* Eight hex digits and a space. Returns what follows, or NULL. */
static const char *parse_crc(const char *text, uint32_t *crc32c)
{
    static const char digits[] = "0123456789abcdef";

    *crc32c = 0;
    for (int i = 0; i < 8; i++, text++) {
        const char *digit = *text ? strchr(digits, *text) : NULL;

        if (!digit)
            return NULL;
        *crc32c = *crc32c << 4 | (uint32_t)(digit - digits);
    }
    return *text == ' ' ? text + 1 : NULL;
}

static int parse(struct records *records, struct store_entry *entry, struct md_err *err)
{
    const char *record = take(records);

    *entry = (struct store_entry){ .letter = record[0] };
    if (!entry->letter || !strchr("fiwqle", entry->letter) || record[1] != ' ')
        return damaged(err);
    entry->path = record + 2;
    if (entry->letter == 'f') {
        entry->path = parse_size(entry->path, &entry->size);
        if (entry->path)
            entry->path = parse_crc(entry->path, &entry->crc32c);
    }
    if (!entry->path || strlen(entry->path) > MD_MAX_PATH)
        return damaged(err);
    return 0;
}

static int read_records(struct records *records, store_entry_fn *visit, void *context,
                        struct md_err *err)
{
    int more = have(records, 1, err);

    if (more < 0)
        return -1;
    if (more == 0 || strcmp(take(records), first_record) != 0)
        return md_err_set(err, MD_ERR_FORMAT,
                          "the layer's list of entries is of no known kind");
    while ((more = have(records, 1, err)) > 0) {
        struct store_entry entry;
        int pair = records->bytes[records->at] == 'l';

        /* Both records before either is used: making room moves them. */
        if (pair) {
            more = have(records, 2, err);
            if (more <= 0)
                return more < 0 ? -1 : damaged(err);
        }
        if (parse(records, &entry, err) < 0)
            return -1;
        if (pair)
            entry.target = take(records);
        if (visit(&entry, context, err) < 0)
            return -1;
    }
    return more;
}

int store_entries_read(int layer_dir, store_entry_fn *visit, void *context, struct md_err *err)
{
    MD_AUTO_FREE char *buffer = md_xmalloc(BUFFER_BYTES);
    MD_AUTO_FD fd = openat(layer_dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct records records = { .fd = fd, .bytes = buffer };

    if (fd < 0)
        return md_err_sys(err, "cannot open the layer's list of entries");
    return read_records(&records, visit, context, err);
}
