/* SPDX-License-Identifier: Apache-2.0 */
/* Data and attributes of regular files, and which extended attributes an image may set. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/log.h"
#include "pull/crc32c.h"
#include "pull/tree.h"

/* Writing back begins after so many bytes, so that the final syncfs has little to wait for. */
#define WRITE_BACK_BYTES (8 << 20)
#define WRITE_BACK_FROM (1 << 20) /* files of fewer bytes are left to syncfs */

/* A file being written. */
struct output {
    struct pull_tree *tree;
    int fd;
    int64_t size;  /* what it will have */
    int64_t at;    /* written so far, holes included */
    int64_t begun; /* write-back was started up to here */
    uint32_t crc32c;
};

static void write_back(struct output *output, int64_t least)
{
    /* Advice: the final syncfs reports what fails. */
    if (output->at - output->begun < least)
        return;
    if (sync_file_range(output->fd, output->begun, output->at - output->begun,
                        SYNC_FILE_RANGE_WRITE) == 0)
        output->begun = output->at;
}

static bool has_room_after_all(const struct pull_tree *tree)
{
    int full = errno;
    bool made = (full == ENOSPC || full == EDQUOT) && tree->make_room &&
                tree->make_room(tree->room_context);

    errno = full;
    return made;
}

static int write_at(struct output *output, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = pwrite(output->fd, bytes, len, output->at);

        if (done < 0 && (errno == EINTR || has_room_after_all(output->tree)))
            continue;
        if (done < 0)
            return -1;
        output->at += done;
        bytes += done;
        len -= (size_t)done;
    }
    return 0;
}

/* Go to offset, leaving a hole. */
static void skip_to(struct output *output, int64_t offset)
{
    output->crc32c = pull_crc32c_zeros(output->crc32c, (uint64_t)(offset - output->at));
    output->at = offset;
}

static int put(struct output *output, const struct pull_piece *piece, struct md_err *err)
{
    if (piece->len == 0)
        return 0;
    if (piece->offset < output->at || piece->offset > output->size ||
        piece->len > (uint64_t)(output->size - piece->offset))
        return md_err_set(err, MD_ERR_FORMAT, "its data lies outside its size");
    if (piece->offset > output->at)
        skip_to(output, piece->offset);
    output->crc32c = pull_crc32c(output->crc32c, piece->bytes, piece->len);
    if (write_at(output, piece->bytes, piece->len) < 0)
        return md_err_sys(err, "cannot write it");
    write_back(output, WRITE_BACK_BYTES);
    return 0;
}

static int write_data(struct output *output, struct pull_tar *tar, struct md_err *err)
{
    struct pull_piece piece;
    int more;

    while ((more = pull_tar_data(tar, &piece, err)) > 0) {
        if (put(output, &piece, err) < 0)
            return -1;
    }
    if (more < 0)
        return -1;
    if (output->at < output->size) {
        skip_to(output, output->size); /* the hole at its end */
        if (ftruncate(output->fd, output->size) < 0)
            return md_err_sys(err, "cannot give it its size");
    }
    if (output->size > WRITE_BACK_FROM)
        write_back(output, 1);
    return 0;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Left out: trusted.* and user.overlay.*, which overlay would obey; labels and hashes that
 * belong to the host (security.selinux, .ima, .evm); all that this list does not know.
 */
bool pull_tree_wants(const char *name)
{
    if (starts_with(name, "user."))
        return !starts_with(name, "user.overlay.") && name[strlen("user.")] != '\0';
    return strcmp(name, "security.capability") == 0 ||
           strcmp(name, "system.posix_acl_access") == 0 ||
           strcmp(name, "system.posix_acl_default") == 0;
}

int pull_tree_xattr(struct pull_tar *tar, struct pull_xattr *xattr)
{
    while (pull_tar_xattr(tar, xattr)) {
        if (xattr->name && pull_tree_wants(xattr->name))
            return 1;
    }
    return 0;
}

int pull_tree_set_xattr(struct pull_tree *tree, int fd, const struct pull_xattr *xattr,
                        struct md_err *err)
{
    if (xattr->len > MD_MAX_XATTR_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "an extended attribute of %zu bytes", xattr->len);
    if (fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) == 0)
        return 0;
    if (errno == ERANGE)
        errno = ENAMETOOLONG; /* the attribute's name; xattr(7) */
    if (errno != ENOTSUP)
        return pull_tree_failed("set an extended attribute", err);
    if (!tree->xattr_noted)
        md_log("the store's file system does not keep every extended attribute of this image");
    tree->xattr_noted = true;
    return 0;
}

static int set_xattrs(struct pull_tree *tree, struct pull_tar *tar, int fd, struct md_err *err)
{
    struct pull_xattr xattr;

    for (int count = 0; pull_tree_xattr(tar, &xattr); count++) {
        if (count >= MD_MAX_XATTRS)
            return md_err_set(err, MD_ERR_LIMIT, "more than %d extended attributes",
                              MD_MAX_XATTRS);
        if (pull_tree_set_xattr(tree, fd, &xattr, err) < 0)
            return -1;
    }
    return 0;
}

/* In this order: chown clears set-user-id bits and capabilities. chown(2) */
static int set_attributes(struct pull_tree *tree, struct pull_tar *tar,
                          const struct pull_entry *entry, int fd, struct md_err *err)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, entry->mtime };

    if ((entry->uid != tree->uid || entry->gid != tree->gid) &&
        fchown(fd, (uid_t)entry->uid, (gid_t)entry->gid) < 0)
        return md_err_sys(err, "cannot give it to user %lld", (long long)entry->uid);
    if (set_xattrs(tree, tar, fd, err) < 0)
        return -1;
    if ((entry->mode & (S_ISUID | S_ISGID)) && fchmod(fd, entry->mode) < 0)
        return md_err_sys(err, "cannot set its mode");
    if (futimens(fd, times) < 0)
        return md_err_sys(err, "cannot set its time");
    return 0;
}

int pull_tree_fill(struct pull_tree *tree, struct pull_tar *tar, const struct pull_entry *entry,
                   int fd, struct md_err *err)
{
    struct output output = { .tree = tree, .fd = fd, .size = entry->size };

    if (entry->size < 0 || (uint64_t)entry->size > MD_MAX_LAYER_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "a size of %lld bytes", (long long)entry->size);
    if (write_data(&output, tar, err) < 0 || set_attributes(tree, tar, entry, fd, err) < 0)
        return -1;
    return store_entries_file(&tree->entries, (uint64_t)entry->size, output.crc32c, tree->real,
                              err);
}
