/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a tar stream, for import. */
#include "pull/mktar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* What libarchive says, with the name it was about. */
static int failed(struct archive *archive, const char *path, struct md_err *err)
{
    char name[300];

    errno = archive_errno(archive);
    md_text_escape(path, strlen(path), name, sizeof(name));
    if (errno > 0)
        return md_err_sys(err, "cannot read \"%s\"", name);
    return md_err_set(err, MD_ERR_SYSTEM, "cannot read \"%s\": %s", name,
                      archive_error_string(archive));
}

/* Zeros for a hole: the writer takes a file whole, and leaves holes out itself. */
static int write_zeros(struct archive *tar, int64_t count)
{
    static const char zeros[16384];

    while (count > 0) {
        size_t size = count < (int64_t)sizeof(zeros) ? (size_t)count : sizeof(zeros);

        if (archive_write_data(tar, zeros, size) < 0)
            return -1;
        count -= (int64_t)size;
    }
    return 0;
}

static int copy_data(struct archive *disk, struct archive *tar, const char *path,
                     struct md_err *err)
{
    int64_t done = 0;

    for (;;) {
        const void *block;
        size_t size;
        int64_t offset;
        int status = archive_read_data_block(disk, &block, &size, &offset);

        if (status == ARCHIVE_EOF) {
            /* A hole at the end: offset is the file's size then. */
            return write_zeros(tar, offset - done) < 0 ? failed(tar, path, err) : 0;
        }
        if (status < ARCHIVE_WARN)
            return failed(disk, path, err);
        if (write_zeros(tar, offset - done) < 0 || archive_write_data(tar, block, size) < 0)
            return failed(tar, path, err);
        done = offset + (int64_t)size;
    }
}

static int write_entry(struct archive *disk, struct archive *tar, struct archive_entry *entry,
                       struct md_err *err)
{
    const char *path = archive_entry_pathname(entry);

    if (archive_write_header(tar, entry) < ARCHIVE_WARN)
        return failed(tar, path, err);
    if (archive_entry_size(entry) > 0 && archive_entry_filetype(entry) == AE_IFREG)
        return copy_data(disk, tar, path, err);
    return 0;
}

static int walk(struct archive *disk, struct archive *tar, struct md_err *err)
{
    struct archive_entry_linkresolver *links = archive_entry_linkresolver_new();
    struct archive_entry *entry = archive_entry_new();
    int status = 0;

    archive_entry_linkresolver_set_strategy(links, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE);
    while (status == 0) {
        struct archive_entry *second = NULL;
        int next = archive_read_next_header2(disk, entry);

        if (next == ARCHIVE_EOF)
            break;
        if (next < ARCHIVE_WARN) {
            status = failed(disk, ".", err);
            break;
        }
        archive_read_disk_descend(disk);
        if (archive_entry_filetype(entry) == AE_IFSOCK)
            continue;
        /* Flags of the host's file system (immutable ...) are none of the image's. */
        archive_entry_set_fflags(entry, 0, 0);
        archive_entry_linkify(links, &entry, &second);
        status = write_entry(disk, tar, entry, err);
    }
    archive_entry_free(entry);
    archive_entry_linkresolver_free(links);
    return status;
}

int pull_mktar(const char *path, int fd, struct md_err *err)
{
    struct archive *disk = archive_read_disk_new();
    struct archive *tar = archive_write_new();
    int status = 0;

    if (chdir(path) < 0)
        status = md_err_sys(err, "cannot read \"%s\"", path);
    archive_read_disk_set_symlink_physical(disk);
    archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS |
                                             ARCHIVE_READDISK_NO_ACL |
                                             ARCHIVE_READDISK_NO_FFLAGS);
    archive_write_set_format_pax(tar); /* restricted, it would drop nanoseconds */
    archive_write_set_bytes_per_block(tar, 256 * 1024);
    archive_write_set_bytes_in_last_block(tar, 1);
    if (status == 0 && (archive_write_open_fd(tar, fd) < ARCHIVE_WARN ||
                        archive_read_disk_open(disk, ".") < ARCHIVE_WARN))
        status = failed(tar, path, err);
    if (status == 0)
        status = walk(disk, tar, err);
    if (status == 0 && archive_write_close(tar) < ARCHIVE_WARN)
        status = failed(tar, path, err);
    archive_write_free(tar);
    archive_read_free(disk);
    return status;
}
