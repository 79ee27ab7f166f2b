/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar into a directory. An entry's directory is opened inside the target by the kernel, the
 * entry itself is made new in there and never followed: who swaps directories for links
 * meanwhile gets files in other places of his own, never outside.
 */
#include "files/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "pull/tar.h"
#include "pull/tree.h"

#define BLOCK_BYTES (256u << 10)
#define MAX_ID ((int64_t)UINT32_MAX - 1)

/* A directory whose time is set when all that is in it was made. */
struct dated {
    char *path;
    struct timespec mtime;
};

struct extract {
    const struct files_target *target;
    struct files_extracted *extracted;
    struct pull_tar *tar;
    int input;
    unsigned char *block;
    int parent; /* the directory of the last entry; -1: none */
    char *parent_path;
    struct dated *dated;
    size_t dated_count;
    const char *name; /* of the entry, in parent */
    char path[MD_MAX_PATH + 1];
};

/* A pull_read_fn. */
static ssize_t next_block(void *context, const void **bytes, struct md_err *err)
{
    struct extract *extract = context;
    ssize_t len;

    do
        len = read(extract->input, extract->block, BLOCK_BYTES);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return md_err_sys(err, "cannot read the tar");
    *bytes = extract->block;
    extract->extracted->bytes += (uint64_t)len;
    return len;
}

/* Into the directory of extract->path, made when missing; name becomes the rest. */
static int enter(struct extract *extract, struct md_err *err)
{
    char *slash = strrchr(extract->path, '/');
    MD_AUTO_FREE char *parent =
        md_xstrndup(extract->path, slash ? (size_t)(slash - extract->path) : 0);

    extract->name = slash ? slash + 1 : extract->path;
    if (extract->parent >= 0 && strcmp(extract->parent_path, parent) == 0)
        return 0;
    md_fd_close(&extract->parent);
    extract->parent = md_path_make_dirs_in(extract->target->dir, parent, err);
    free(extract->parent_path);
    extract->parent_path = md_ptr_take(&parent);
    return extract->parent < 0 ? -1 : 0;
}

/* Remove what is in the way, unless it is a directory where none comes, or the reverse. */
static int make_room(struct extract *extract, const struct pull_entry *entry,
                     struct md_err *err)
{
    struct stat st;
    char name[300];

    if (fstatat(extract->parent, extract->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : md_err_sys(err, "cannot look at what is there");
    md_text_escape(extract->path, strlen(extract->path), name, sizeof(name));
    if (S_ISDIR(st.st_mode) && entry->kind != PULL_DIR)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "cannot overwrite directory \"%s\" with non-directory", name);
    if (!S_ISDIR(st.st_mode) && entry->kind == PULL_DIR)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "cannot overwrite non-directory \"%s\" with directory", name);
    if (S_ISDIR(st.st_mode))
        return 1;
    if (unlinkat(extract->parent, extract->name, 0) < 0 && errno != ENOENT)
        return md_err_sys(err, "cannot replace what is there");
    return 0;
}

static void owner_of(const struct extract *extract, const struct pull_entry *entry, uid_t *uid,
                     gid_t *gid)
{
    bool keep = extract->target->owner == FILES_KEEP;

    *uid = keep ? (uid_t)entry->uid : extract->target->uid;
    *gid = keep ? (gid_t)entry->gid : extract->target->gid;
}

/* Bits and attributes that mean something only for their owner stay with him. */
static mode_t mode_of(const struct extract *extract, const struct pull_entry *entry)
{
    bool keep = extract->target->owner == FILES_KEEP || entry->kind == PULL_DIR;

    return entry->mode & (keep ? 07777 : 01777);
}

static int set_xattrs(struct extract *extract, int fd, struct md_err *err)
{
    struct pull_xattr xattr;

    while (pull_tree_xattr(extract->tar, &xattr)) {
        if (extract->target->owner != FILES_KEEP && strncmp(xattr.name, "user.", 5) != 0)
            continue;
        if (fsetxattr(fd, xattr.name, xattr.value, xattr.len, 0) < 0 && errno != ENOTSUP)
            return md_err_sys(err, "cannot set an extended attribute");
    }
    return 0;
}

/* In this order: chown clears set-user-id bits and capabilities. chown(2) */
static int set_attributes(struct extract *extract, const struct pull_entry *entry, int fd,
                          struct md_err *err)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, entry->mtime };
    uid_t uid;
    gid_t gid;

    owner_of(extract, entry, &uid, &gid);
    if (fchown(fd, uid, gid) < 0)
        return md_err_sys(err, "cannot give it to user %u", (unsigned)uid);
    if (set_xattrs(extract, fd, err) < 0)
        return -1;
    if (fchmod(fd, mode_of(extract, entry)) < 0)
        return md_err_sys(err, "cannot set its mode");
    return futimens(fd, times) < 0 ? md_err_sys(err, "cannot set its time") : 0;
}

static int write_piece(int fd, const struct pull_piece *piece, struct md_err *err)
{
    const char *bytes = piece->bytes;
    size_t done = 0;

    while (done < piece->len) {
        ssize_t wrote =
            pwrite(fd, bytes + done, piece->len - done, piece->offset + (off_t)done);

        if (wrote < 0 && errno != EINTR)
            return md_err_sys(err, "cannot write it");
        done += wrote < 0 ? 0 : (size_t)wrote;
    }
    return 0;
}

static int write_data(struct extract *extract, const struct pull_entry *entry, int fd,
                      struct md_err *err)
{
    struct pull_piece piece;
    int more;

    while ((more = pull_tar_data(extract->tar, &piece, err)) > 0) {
        if (piece.offset < 0 || piece.offset > entry->size ||
            piece.len > (uint64_t)(entry->size - piece.offset))
            return md_err_set(err, MD_ERR_FORMAT, "its data lies outside its size");
        if (write_piece(fd, &piece, err) < 0)
            return -1;
    }
    if (more < 0)
        return -1;
    return ftruncate(fd, entry->size) < 0 ? md_err_sys(err, "cannot give it its size") : 0;
}

static int add_file(struct extract *extract, const struct pull_entry *entry, struct md_err *err)
{
    MD_AUTO_FD fd = -1;

    if (entry->size < 0 || (uint64_t)entry->size > MD_MAX_LAYER_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "a size of %lld bytes", (long long)entry->size);
    fd = openat(extract->parent, extract->name,
                O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return md_err_sys(err, "cannot make it");
    if (write_data(extract, entry, fd, err) < 0)
        return -1;
    return set_attributes(extract, entry, fd, err);
}

static void note_time(struct extract *extract, const struct timespec *mtime)
{
    extract->dated =
        md_xreallocarray(extract->dated, extract->dated_count + 1, sizeof(*extract->dated));
    extract->dated[extract->dated_count++] =
        (struct dated){ md_xstrdup(extract->path), *mtime };
}

static int add_dir(struct extract *extract, const struct pull_entry *entry, struct md_err *err)
{
    MD_AUTO_FD fd = -1;

    if (mkdirat(extract->parent, extract->name, 0700) < 0 && errno != EEXIST)
        return md_err_sys(err, "cannot make it");
    fd =
        openat(extract->parent, extract->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return md_err_sys(err, "cannot make it");
    note_time(extract, &entry->mtime);
    return set_attributes(extract, entry, fd, err);
}

/* What cannot be opened: links, fifos and devices. */
static int add_special(struct extract *extract, const struct pull_entry *entry,
                       struct md_err *err)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, entry->mtime };
    mode_t kind = entry->kind == PULL_FIFO          ? S_IFIFO
                  : entry->kind == PULL_CHAR_DEVICE ? S_IFCHR
                                                    : S_IFBLK;
    dev_t device = makedev((unsigned)entry->major, (unsigned)entry->minor);
    int made =
        entry->kind == PULL_SYMLINK
            ? symlinkat(entry->target ? entry->target : "", extract->parent, extract->name)
            : mknodat(extract->parent, extract->name, kind | mode_of(extract, entry),
                      kind == S_IFIFO ? 0 : device);
    uid_t uid;
    gid_t gid;

    owner_of(extract, entry, &uid, &gid);
    if (made < 0)
        return md_err_sys(err, "cannot make it");
    if (fchownat(extract->parent, extract->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return md_err_sys(err, "cannot give it to user %u", (unsigned)uid);
    return utimensat(extract->parent, extract->name, times, AT_SYMLINK_NOFOLLOW) < 0
               ? md_err_sys(err, "cannot set its time")
               : 0;
}

static int add_device(struct extract *extract, const struct pull_entry *entry,
                      struct md_err *err)
{
    /* Overlay would take a character device 0:0 for a whiteout. */
    if (entry->major > 4095 || entry->minor > 1048575 ||
        (entry->kind == PULL_CHAR_DEVICE && entry->major == 0 && entry->minor == 0))
        return md_err_set(err, MD_ERR_FORMAT, "a device number out of range");
    if (extract->target->devices == FILES_NO_DEVICES) {
        extract->extracted->skipped_devices++;
        return 0;
    }
    return add_special(extract, entry, err);
}

static int add_hard_link(struct extract *extract, const struct pull_entry *entry,
                         struct md_err *err)
{
    MD_AUTO_FREE char *target = md_xmalloc(MD_MAX_PATH + 1);
    MD_AUTO_FREE char *folder = NULL;
    MD_AUTO_FD dir = -1;
    const char *slash;

    if (!entry->target || md_path_clean(entry->target, target) < 0 || !*target)
        return md_err_set(err, MD_ERR_FORMAT, "a hard link to something impossible");
    slash = strrchr(target, '/');
    folder = md_xstrndup(target, slash ? (size_t)(slash - target) : 0);
    dir = md_path_try_in(extract->target->dir, folder, O_PATH | O_DIRECTORY, 0);
    if (dir < 0 ||
        linkat(dir, slash ? slash + 1 : target, extract->parent, extract->name, 0) < 0)
        return md_err_sys(err, "cannot link it");
    return 0;
}

static int add_kind(struct extract *extract, const struct pull_entry *entry, struct md_err *err)
{
    switch (entry->kind) {
    case PULL_FILE:
        return add_file(extract, entry, err);
    case PULL_DIR:
        return add_dir(extract, entry, err);
    case PULL_SYMLINK:
    case PULL_FIFO:
        return add_special(extract, entry, err);
    case PULL_CHAR_DEVICE:
    case PULL_BLOCK_DEVICE:
        return add_device(extract, entry, err);
    case PULL_HARD_LINK:
        return add_hard_link(extract, entry, err);
    case PULL_OTHER:
        break;
    }
    return md_err_set(err, MD_ERR_FORMAT, "an entry of a kind that no tar can hold");
}

static int add_entry(struct extract *extract, struct pull_entry *entry, struct md_err *err)
{
    if (!entry->path)
        return md_err_set(err, MD_ERR_FORMAT, "it has no name");
    if (md_path_clean(entry->path, extract->path) < 0)
        return errno == EXDEV ? md_err_set(err, MD_ERR_FORMAT, "it leads outside")
                              : md_err_sys(err, "cannot take its name");
    if (entry->uid < 0 || entry->uid > MAX_ID || entry->gid < 0 || entry->gid > MAX_ID)
        return md_err_set(err, MD_ERR_FORMAT, "user %lld, group %lld", (long long)entry->uid,
                          (long long)entry->gid);
    /* utimensat(2) has meanings of its own for what is no count of nanoseconds. */
    if (entry->mtime.tv_nsec < 0 || entry->mtime.tv_nsec > 999999999)
        entry->mtime.tv_nsec = 0;
    if (!extract->path[0])
        return 0;
    if (enter(extract, err) < 0 || make_room(extract, entry, err) < 0)
        return -1;
    return add_kind(extract, entry, err);
}

static int add_entries(struct extract *extract, struct md_err *err)
{
    struct pull_entry entry;
    char shown[200];
    int more;

    while ((more = pull_tar_next(extract->tar, &entry, err)) > 0) {
        if (add_entry(extract, &entry, err) < 0)
            return md_err_in(err, "entry \"%s\"",
                             entry.path ? md_text_escape(entry.path, strlen(entry.path), shown,
                                                         sizeof(shown))
                                        : "");
    }
    return more;
}

/* The innermost ones first; who is gone or moved by now keeps its time. */
static void set_times(struct extract *extract)
{
    while (extract->dated_count > 0) {
        struct dated *last = &extract->dated[--extract->dated_count];
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, last->mtime };
        MD_AUTO_FD fd = md_path_try_in(extract->target->dir, last->path,
                                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

        if (fd >= 0)
            (void)futimens(fd, times);
        free(last->path);
    }
}

static int extract_all(struct extract *extract, struct md_err *err)
{
    const void *bytes;
    ssize_t len;
    int status;

    extract->tar = pull_tar_open(next_block, extract, err);
    if (!extract->tar)
        return -1;
    status = add_entries(extract, err);
    set_times(extract);
    pull_tar_close(&extract->tar);
    /* What follows the end of the tar: or its writer would die of a closed pipe. */
    while (status == 0 && (len = next_block(extract, &bytes, err)) != 0)
        status = len < 0 ? -1 : 0;
    return status;
}

int files_extract(int fd, const struct files_target *target, struct files_extracted *extracted,
                  struct md_err *err)
{
    struct extract *extract = md_xcalloc(1, sizeof(*extract));
    mode_t mask = umask(0);
    int status;

    *extracted = (struct files_extracted){ 0 };
    extract->target = target;
    extract->extracted = extracted;
    extract->input = fd;
    extract->parent = -1;
    extract->block = md_xmalloc(BLOCK_BYTES);
    status = extract_all(extract, err);
    umask(mask);
    md_fd_close(&extract->parent);
    free(extract->parent_path);
    free(extract->dated);
    free(extract->block);
    free(extract);
    return status;
}
