/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a tar through libarchive. */
#include "files/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/tree.h"

#define BLOCK_BYTES (256u << 10)
#define LIST_BYTES (64u << 10) /* XATTR_LIST_MAX */

struct files_tar {
    struct archive *archive;
    struct archive_entry *entry;
    char *block;
};

static int failed(struct files_tar *tar, const char *path, struct md_err *err)
{
    char name[300];

    errno = archive_errno(tar->archive);
    md_text_escape(path, strlen(path), name, sizeof(name));
    if (errno > 0)
        return md_err_sys(err, "cannot write \"%s\" into the tar", name);
    return md_err_set(err, MD_ERR_SYSTEM, "cannot write \"%s\" into the tar: %s", name,
                      archive_error_string(tar->archive));
}

static int cannot_read(const char *path, struct md_err *err)
{
    char name[300];

    return md_err_sys(err, "cannot read \"%s\"",
                      md_text_escape(path, strlen(path), name, sizeof(name)));
}

struct files_tar *files_tar_open(int fd)
{
    struct files_tar *tar = md_xcalloc(1, sizeof(*tar));

    tar->archive = archive_write_new();
    tar->entry = archive_entry_new();
    tar->block = md_xmalloc(BLOCK_BYTES);
    if (!tar->archive || !tar->entry)
        md_out_of_memory();
    archive_write_set_format_pax(tar->archive); /* restricted, it would drop nanoseconds */
    archive_write_set_bytes_per_block(tar->archive, BLOCK_BYTES);
    archive_write_set_bytes_in_last_block(tar->archive, 1);
    /* It cannot fail: nothing is written yet. */
    archive_write_open_fd(tar->archive, fd);
    return tar;
}

void files_tar_close(struct files_tar **tar)
{
    if (!*tar)
        return;
    archive_entry_free((*tar)->entry);
    archive_write_free((*tar)->archive);
    free((*tar)->block);
    free(*tar);
    *tar = NULL;
}

/* Those that an image may have; the descriptor may be one of O_PATH. */
static int add_xattrs(struct files_tar *tar, const struct files_entry *from, struct md_err *err)
{
    MD_AUTO_FREE char *names = NULL;
    MD_AUTO_FREE char *value = NULL;
    char link[sizeof("/proc/self/fd/-2147483648")];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", from->fd);
    if (from->fd < 0 || listxattr(link, NULL, 0) <= 0)
        return 0;
    names = md_xmalloc(LIST_BYTES);
    value = md_xmalloc(MD_MAX_XATTR_BYTES);
    len = listxattr(link, names, LIST_BYTES);
    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        ssize_t size =
            pull_tree_wants(name) ? getxattr(link, name, value, MD_MAX_XATTR_BYTES) : -1;

        if (size < 0 && pull_tree_wants(name) && errno != ENODATA)
            return cannot_read(from->path, err);
        if (size >= 0)
            archive_entry_xattr_add_entry(tar->entry, name, value, (size_t)size);
    }
    return 0;
}

/* Say which parts are data, so that the tar leaves the holes out. */
static void add_holes(struct files_tar *tar, const struct files_entry *from)
{
    off_t at = 0;

    if ((uint64_t)from->st.st_blocks * 512 >= (uint64_t)from->st.st_size)
        return;
    while (at < from->st.st_size) {
        off_t data = lseek(from->fd, at, SEEK_DATA);
        off_t hole = data < 0 ? -1 : lseek(from->fd, data, SEEK_HOLE);

        if (hole < 0)
            break;
        if (hole > from->st.st_size)
            hole = from->st.st_size;
        if (data >= hole)
            break;
        archive_entry_sparse_add_entry(tar->entry, data, hole - data);
        at = hole;
    }
    if (at == 0) /* nothing but a hole */
        archive_entry_sparse_add_entry(tar->entry, from->st.st_size, 0);
}

static void describe(struct files_tar *tar, const struct files_entry *from)
{
    struct archive_entry *entry = tar->entry;

    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, from->path);
    archive_entry_set_mode(entry, from->st.st_mode);
    archive_entry_set_uid(entry, from->st.st_uid);
    archive_entry_set_gid(entry, from->st.st_gid);
    archive_entry_set_mtime(entry, from->st.st_mtim.tv_sec, from->st.st_mtim.tv_nsec);
    if (from->hard_link)
        archive_entry_set_hardlink(entry, from->hard_link);
    else if (S_ISREG(from->st.st_mode))
        archive_entry_set_size(entry, from->st.st_size);
    if (from->symlink)
        archive_entry_set_symlink(entry, from->symlink);
    if (S_ISCHR(from->st.st_mode) || S_ISBLK(from->st.st_mode)) {
        archive_entry_set_rdevmajor(entry, major(from->st.st_rdev));
        archive_entry_set_rdevminor(entry, minor(from->st.st_rdev));
    }
}

/* As many bytes as were promised: a file that shrinks meanwhile is filled up with zeros. */
static int add_data(struct files_tar *tar, const struct files_entry *from, struct md_err *err)
{
    int64_t left = from->st.st_size;
    off_t at = 0;

    while (left > 0) {
        size_t want = left < (int64_t)BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
        ssize_t got = pread(from->fd, tar->block, want, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(from->path, err);
        if (got == 0)
            return 0; /* the rest is libarchive's */
        if (archive_write_data(tar->archive, tar->block, (size_t)got) < 0)
            return failed(tar, from->path, err);
        at += got;
        left -= got;
    }
    return 0;
}

int files_tar_add(struct files_tar *tar, const struct files_entry *from, struct md_err *err)
{
    bool data = S_ISREG(from->st.st_mode) && !from->hard_link && from->st.st_size > 0;

    describe(tar, from);
    if (!from->hard_link && add_xattrs(tar, from, err) < 0)
        return -1;
    if (data)
        add_holes(tar, from);
    /* ARCHIVE_WARN: a name is not text in this locale. Names are bytes. */
    if (archive_write_header(tar->archive, tar->entry) < ARCHIVE_WARN)
        return failed(tar, from->path, err);
    if (data && add_data(tar, from, err) < 0)
        return -1;
    return archive_write_finish_entry(tar->archive) < ARCHIVE_WARN
               ? failed(tar, from->path, err)
               : 0;
}

int files_tar_finish(struct files_tar *tar, struct md_err *err)
{
    return archive_write_close(tar->archive) < ARCHIVE_WARN ? failed(tar, "", err) : 0;
}
