/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of directories, set after the last entry: until then each is plain 0755 or 0700,
 * so that no set-group-id bit or default ACL is inherited and no mode is in the way, and its
 * time does not change any more. What is to be set waits in an unlinked file, so that memory
 * stays the same for any number of directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "pull/tree.h"

/* One directory; followed by its path and xattr_count times a struct waiting_xattr. */
struct waiting_dir {
    struct timespec mtime;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    uint32_t path_len;
    uint32_t xattr_count;
};

/* Followed by its name and value. */
struct waiting_xattr {
    uint32_t name_len;
    uint32_t value_len;
};

static int put(struct pull_tree *tree, const void *bytes, size_t len, struct md_err *err)
{
    if (len > 0 && fwrite(bytes, len, 1, tree->dirs) != 1)
        return md_err_sys(err, "cannot write the list of directories");
    return 0;
}

static int get(struct pull_tree *tree, void *bytes, size_t len, struct md_err *err)
{
    if (len > 0 && fread(bytes, len, 1, tree->dirs) != 1)
        return md_err_sys(err, "cannot read the list of directories");
    return 0;
}

static int put_xattr(struct pull_tree *tree, const struct pull_xattr *xattr, struct md_err *err)
{
    struct waiting_xattr waiting = { .name_len = (uint32_t)strlen(xattr->name),
                                     .value_len = (uint32_t)xattr->len };

    if (waiting.name_len > MD_MAX_NAME || xattr->len > MD_MAX_XATTR_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "an extended attribute of %zu bytes", xattr->len);
    if (put(tree, &waiting, sizeof(waiting), err) < 0 ||
        put(tree, xattr->name, waiting.name_len, err) < 0)
        return -1;
    return put(tree, xattr->value, waiting.value_len, err);
}

static int count_xattrs(struct pull_tar *tar, uint32_t *count, struct md_err *err)
{
    struct pull_xattr xattr;

    for (*count = 0; pull_tree_xattr(tar, &xattr); (*count)++) {
        if (*count >= MD_MAX_XATTRS)
            return md_err_set(err, MD_ERR_LIMIT, "more than %d extended attributes",
                              MD_MAX_XATTRS);
    }
    pull_tar_xattr_rewind(tar);
    return 0;
}

static int put_xattrs(struct pull_tree *tree, struct pull_tar *tar, struct md_err *err)
{
    struct pull_xattr xattr;

    while (tar && pull_tree_xattr(tar, &xattr)) {
        if (put_xattr(tree, &xattr, err) < 0)
            return -1;
    }
    return 0;
}

struct pull_entry pull_tree_implied(const struct pull_tree *tree)
{
    return (struct pull_entry){
        .kind = PULL_DIR, .mode = 0755, .uid = tree->uid, .gid = tree->uid == 0 ? 0 : tree->gid
    };
}

int pull_tree_note_dir(struct pull_tree *tree, const char *real, const struct pull_entry *entry,
                       struct pull_tar *tar, struct md_err *err)
{
    struct waiting_dir waiting;

    /* Zeroed with its padding: it goes to a file. */
    memset(&waiting, 0, sizeof(waiting));
    if (tar && count_xattrs(tar, &waiting.xattr_count, err) < 0)
        return -1;
    waiting.mtime = entry->mtime;
    waiting.uid = (uid_t)entry->uid;
    waiting.gid = (gid_t)entry->gid;
    waiting.mode = entry->mode;
    waiting.path_len = (uint32_t)strlen(real);
    if (put(tree, &waiting, sizeof(waiting), err) < 0 ||
        put(tree, real, waiting.path_len, err) < 0)
        return -1;
    return put_xattrs(tree, tar, err);
}

/* Read a directory's extended attributes and, with fd not -1, set them. */
static int take_xattrs(struct pull_tree *tree, int fd, uint32_t count, struct md_err *err)
{
    MD_AUTO_FREE char *value = count > 0 ? md_xmalloc(MD_MAX_XATTR_BYTES) : NULL;
    char name[MD_MAX_NAME + 1];

    for (; count > 0; count--) {
        struct waiting_xattr waiting;
        struct pull_xattr xattr = { .name = name, .value = value };

        if (get(tree, &waiting, sizeof(waiting), err) < 0 ||
            get(tree, name, waiting.name_len, err) < 0 ||
            get(tree, value, waiting.value_len, err) < 0)
            return -1;
        name[waiting.name_len] = '\0';
        xattr.len = waiting.value_len;
        if (fd >= 0 && pull_tree_set_xattr(tree, fd, &xattr, err) < 0)
            return -1;
    }
    return 0;
}

/* What an earlier entry gave it, or one for a directory before this one, does not hold. */
static int drop_xattrs(int fd, struct md_err *err)
{
    char names[4096];
    ssize_t len = flistxattr(fd, names, sizeof(names));

    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        if (pull_tree_wants(name) && fremovexattr(fd, name) < 0 && errno != ENODATA)
            return md_err_sys(err, "cannot remove an extended attribute");
    }
    return 0;
}

static int finish_dir(struct pull_tree *tree, const struct waiting_dir *waiting,
                      struct md_err *err)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, waiting->mtime };
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    MD_AUTO_FD fd = pull_tree_open_below(tree, tree->path, flags);
    struct stat st;

    /* Something else may be there now; with another directory, its own record comes later. */
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return md_err_sys(err, "cannot open a directory again");
    if (fd < 0 || fstat(fd, &st) < 0)
        return take_xattrs(tree, -1, waiting->xattr_count, err);
    if ((st.st_uid != waiting->uid || st.st_gid != waiting->gid) &&
        fchown(fd, waiting->uid, waiting->gid) < 0)
        return md_err_sys(err, "cannot give a directory to user %lld", (long long)waiting->uid);
    if (drop_xattrs(fd, err) < 0 || take_xattrs(tree, fd, waiting->xattr_count, err) < 0)
        return -1;
    if ((st.st_mode & 07777) != waiting->mode && fchmod(fd, waiting->mode) < 0)
        return md_err_sys(err, "cannot set a directory's mode");
    if (futimens(fd, times) < 0)
        return md_err_sys(err, "cannot set a directory's time");
    return 0;
}

int pull_tree_finish_dirs(struct pull_tree *tree, struct md_err *err)
{
    struct waiting_dir waiting;

    if (fflush(tree->dirs) != 0)
        return md_err_sys(err, "cannot write the list of directories");
    rewind(tree->dirs);
    while (fread(&waiting, sizeof(waiting), 1, tree->dirs) == 1) {
        if (get(tree, tree->path, waiting.path_len, err) < 0)
            return -1;
        tree->path[waiting.path_len] = '\0';
        if (finish_dir(tree, &waiting, err) < 0)
            return -1;
    }
    return ferror(tree->dirs) ? md_err_sys(err, "cannot read the list of directories") : 0;
}
