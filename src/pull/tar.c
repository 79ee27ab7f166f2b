/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar entries as plain structs, through libarchive: its tar format and nothing else, so that no
 * other of its parsers ever sees a layer, and no filter of its that runs a program.
 */
#include "pull/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define FILE_BLOCK_BYTES (16u << 10) /* of a file whose data is passed over */

/* libarchive reading from a pull_read_fn. */
struct reader {
    struct archive *archive;
    pull_read_fn *read;
    void *context;
    struct md_err err; /* of read, until libarchive has returned */
    locale_t plain;    /* the C locale while libarchive is open, and what was before */
    locale_t before;
};

struct pull_tar {
    struct reader reader;
    struct archive_entry *entry;
};

struct pull_unfilter {
    struct reader reader;
};

static la_ssize_t feed(struct archive *archive, void *context, const void **bytes)
{
    struct reader *reader = context;
    ssize_t len = reader->read(reader->context, bytes, &reader->err);

    if (len < 0)
        archive_set_error(archive, EIO, "the stream cannot be read");
    return len;
}

/* Turn a failure of libarchive into an error: the stream's own comes first. */
static int failed(struct reader *reader, struct md_err *err)
{
    const char *text = archive_error_string(reader->archive);
    char safe[256];

    if (reader->err.kind != MD_ERR_NONE) {
        *err = reader->err;
        return -1;
    }
    if (!text)
        text = "unknown error";
    return md_err_set(err, MD_ERR_FORMAT, "not a sound tar: %s",
                      md_text_escape(text, strlen(text), safe, sizeof(safe)));
}

/*
 * libarchive converts names of pax headers from UTF-8 to the locale's charset, and composes
 * them where that is UTF-8. In the C locale the conversion fails for every byte above 127, and
 * it falls back to the bytes as they are: what is wanted everywhere.
 */
static void enter_c_locale(struct reader *reader)
{
    reader->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    reader->before = uselocale(reader->plain);
}

static void close_reader(struct reader *reader)
{
    archive_read_free(reader->archive);
    uselocale(reader->before);
    freelocale(reader->plain);
}

static void open_reader(struct reader *reader, pull_read_fn *read, void *context)
{
    enter_c_locale(reader);
    reader->archive = archive_read_new();
    if (!reader->archive)
        abort();
    reader->read = read;
    reader->context = context;
}

struct pull_tar *pull_tar_open(pull_read_fn *read, void *context, struct md_err *err)
{
    struct pull_tar *tar = md_xcalloc(1, sizeof(*tar));
    struct archive *archive;

    open_reader(&tar->reader, read, context);
    archive = tar->reader.archive;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_open2(archive, &tar->reader, NULL, feed, NULL, NULL) != ARCHIVE_OK) {
        failed(&tar->reader, err);
        pull_tar_close(&tar);
        return NULL;
    }
    return tar;
}

struct pull_tar *pull_tar_open_file(int fd, struct md_err *err)
{
    struct pull_tar *tar = md_xcalloc(1, sizeof(*tar));
    struct archive *archive;

    open_reader(&tar->reader, NULL, NULL);
    archive = tar->reader.archive;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_open_fd(archive, fd, FILE_BLOCK_BYTES) != ARCHIVE_OK) {
        failed(&tar->reader, err);
        pull_tar_close(&tar);
        return NULL;
    }
    return tar;
}

int64_t pull_tar_data_offset(const struct pull_tar *tar)
{
    return archive_entry_sparse_count(tar->entry) > 0
               ? -1
               : archive_filter_bytes(tar->reader.archive, 0);
}

void pull_tar_close(struct pull_tar **tar)
{
    if (!*tar)
        return;
    close_reader(&(*tar)->reader);
    free(*tar);
    *tar = NULL;
}

static enum pull_entry_kind kind_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry))
        return PULL_HARD_LINK;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return PULL_FILE;
    case AE_IFDIR:
        return PULL_DIR;
    case AE_IFLNK:
        return PULL_SYMLINK;
    case AE_IFIFO:
        return PULL_FIFO;
    case AE_IFCHR:
        return PULL_CHAR_DEVICE;
    case AE_IFBLK:
        return PULL_BLOCK_DEVICE;
    default:
        return PULL_OTHER;
    }
}

static void describe(struct archive_entry *from, struct pull_entry *entry)
{
    *entry = (struct pull_entry){
        .kind = kind_of(from),
        .path = archive_entry_pathname(from),
        .mode = archive_entry_perm(from) & 07777,
        .uid = archive_entry_uid(from),
        .gid = archive_entry_gid(from),
        .size = archive_entry_size(from),
        .mtime = { archive_entry_mtime(from), archive_entry_mtime_nsec(from) },
    };
    if (entry->kind == PULL_HARD_LINK)
        entry->target = archive_entry_hardlink(from);
    else if (entry->kind == PULL_SYMLINK)
        entry->target = archive_entry_symlink(from);
    if (entry->kind == PULL_CHAR_DEVICE || entry->kind == PULL_BLOCK_DEVICE) {
        entry->major = archive_entry_rdevmajor(from);
        entry->minor = archive_entry_rdevminor(from);
    }
}

int pull_tar_next(struct pull_tar *tar, struct pull_entry *entry, struct md_err *err)
{
    int result = archive_read_next_header(tar->reader.archive, &tar->entry);

    if (result == ARCHIVE_EOF)
        return 0;
    /* ARCHIVE_WARN: a name is not text in this locale. Names are bytes. */
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
        return failed(&tar->reader, err);
    describe(tar->entry, entry);
    archive_entry_xattr_reset(tar->entry);
    return 1;
}

int pull_tar_xattr(struct pull_tar *tar, struct pull_xattr *xattr)
{
    return archive_entry_xattr_next(tar->entry, &xattr->name, &xattr->value, &xattr->len) ==
           ARCHIVE_OK;
}

void pull_tar_xattr_rewind(struct pull_tar *tar)
{
    archive_entry_xattr_reset(tar->entry);
}

int pull_tar_data(struct pull_tar *tar, struct pull_piece *piece, struct md_err *err)
{
    la_int64_t offset;
    int result =
        archive_read_data_block(tar->reader.archive, &piece->bytes, &piece->len, &offset);

    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK)
        return failed(&tar->reader, err);
    piece->offset = offset;
    return 1;
}

struct pull_unfilter *pull_unfilter_open(pull_read_fn *read, void *context, struct md_err *err)
{
    struct pull_unfilter *unfilter = md_xcalloc(1, sizeof(*unfilter));
    struct archive_entry *entry;
    struct archive *archive;

    open_reader(&unfilter->reader, read, context);
    archive = unfilter->reader.archive;
    /* A libarchive built without the library warns that it would run a program: refused. */
    if (archive_read_support_filter_bzip2(archive) != ARCHIVE_OK ||
        archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(archive) != ARCHIVE_OK ||
        archive_read_open2(archive, &unfilter->reader, NULL, feed, NULL, NULL) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK) {
        failed(&unfilter->reader, err);
        pull_unfilter_close(&unfilter);
        return NULL;
    }
    return unfilter;
}

void pull_unfilter_close(struct pull_unfilter **unfilter)
{
    if (!*unfilter)
        return;
    close_reader(&(*unfilter)->reader);
    free(*unfilter);
    *unfilter = NULL;
}

ssize_t pull_unfilter_read(struct pull_unfilter *unfilter, const void **bytes,
                           struct md_err *err)
{
    struct reader *reader = &unfilter->reader;
    la_int64_t offset;
    size_t len = 0;

    /* A block may be empty without being the last. */
    while (len == 0) {
        int result = archive_read_data_block(reader->archive, bytes, &len, &offset);

        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK)
            return failed(reader, err);
    }
    return (ssize_t)len;
}
