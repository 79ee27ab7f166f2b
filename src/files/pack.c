/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree into a tar, directory by directory. Every file is opened first and looked at then, and
 * directories are opened below the tree's root without following any link: a container that
 * swaps them changes what is packed, but not from where.
 */
#include "files/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store/inodes.h"
#include "store/store.h"

struct pack {
    struct files_tar *tar;
    const struct files_tree *tree;
    struct stat dev;        /* /dev of the container */
    struct md_list pending; /* directories still to be read, "" is the tree */
    struct store_inodes inodes;
    int dir;
    const char *path; /* of dir, below the tree */
};

static int cannot_read(const char *path, struct md_err *err)
{
    char name[300];

    return md_err_sys(err, "cannot read \"%s\"",
                      md_text_escape(path, strlen(path), name, sizeof(name)));
}

/* Read an opened file's data through a second descriptor: the first one was only a look. */
static int reopen(int fd)
{
    char link[sizeof("/proc/self/fd/-2147483648")];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* The entry for what fd has open; directories get a "/" behind their names. */
static int add(struct files_tar *tar, int fd, struct files_entry *entry, struct md_err *err)
{
    MD_AUTO_FREE char *slashed = NULL;
    MD_AUTO_FD data = -1;
    char target[PATH_MAX];
    ssize_t len;

    entry->fd = -1;
    if (S_ISDIR(entry->st.st_mode)) {
        slashed = md_xasprintf("%s/", entry->path);
        entry->path = slashed;
        entry->fd = fd;
    } else if (S_ISREG(entry->st.st_mode) && !entry->hard_link) {
        data = reopen(fd);
        if (data < 0)
            return cannot_read(entry->path, err);
        entry->fd = data;
    } else if (S_ISLNK(entry->st.st_mode)) {
        len = readlinkat(fd, "", target, sizeof(target) - 1);
        if (len < 0)
            return cannot_read(entry->path, err);
        target[len] = '\0';
        entry->symlink = target;
    }
    return files_tar_add(tar, entry, err);
}

int files_pack_one(struct files_tar *tar, int dir, const char *path,
                   struct store_inodes *inodes, struct md_err *err)
{
    MD_AUTO_FD fd = md_path_try_below(dir, path, O_PATH | O_NOFOLLOW);
    struct files_entry entry = { .path = path };

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0
                                                                     : cannot_read(path, err);
    if (fstat(fd, &entry.st) < 0)
        return cannot_read(path, err);
    if (S_ISSOCK(entry.st.st_mode))
        return 0;
    entry.hard_link = store_inodes_seen(inodes, &entry.st, path);
    return add(tar, fd, &entry, err);
}

/* "as" and what is below it, "./x" for the tree itself as ".". */
static char *name_of(const struct pack *pack, const char *below)
{
    const char *as = pack->tree->as;

    return md_xasprintf("%s%s%s", as, *as && *below ? "/" : "", below);
}

/* What shows the kernel, not files; looked at only where another file system begins. */
static bool is_kernels(const struct pack *pack, int dir, const struct stat *st)
{
    struct statfs where;

    if (pack->tree->root < 0 || fstatfs(dir, &where) < 0)
        return false;
    if (where.f_type == PROC_SUPER_MAGIC || where.f_type == SYSFS_MAGIC ||
        where.f_type == CGROUP_SUPER_MAGIC || where.f_type == CGROUP2_SUPER_MAGIC)
        return true;
    return st->st_dev == pack->dev.st_dev && st->st_ino == pack->dev.st_ino &&
           where.f_type == TMPFS_MAGIC;
}

static int pack_entry(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct pack *pack = context;
    MD_AUTO_FREE char *below = md_xasprintf("%s%s%s", pack->path, *pack->path ? "/" : "", name);
    MD_AUTO_FREE char *path = name_of(pack, below);
    MD_AUTO_FD fd = openat(pack->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct files_entry entry = { .path = path };

    (void)type;
    if (fd < 0)
        return errno == ENOENT ? 0 : cannot_read(path, err);
    if (fstat(fd, &entry.st) < 0)
        return cannot_read(path, err);
    if (S_ISSOCK(entry.st.st_mode))
        return 0;
    if (S_ISDIR(entry.st.st_mode))
        md_list_add(&pack->pending, below);
    entry.hard_link = store_inodes_seen(&pack->inodes, &entry.st, path);
    return add(pack->tar, fd, &entry, err);
}

static int pack_dir(struct pack *pack, const char *path, struct md_err *err)
{
    MD_AUTO_FD dir = md_path_try_below(pack->tree->fd, path, O_RDONLY | O_DIRECTORY);
    struct stat st;

    if (dir < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR ? 0
                                                                     : cannot_read(path, err);
    if (fstat(dir, &st) < 0)
        return cannot_read(path, err);
    if (is_kernels(pack, dir, &st))
        return 0;
    pack->dir = dir;
    pack->path = path;
    return store_visit(dir, pack_entry, pack, err);
}

static int pack_dirs(struct pack *pack, struct md_err *err)
{
    int status = 0;

    md_list_add(&pack->pending, "");
    while (status == 0 && pack->pending.count > 0) {
        MD_AUTO_FREE char *path = pack->pending.items[--pack->pending.count];

        pack->pending.items[pack->pending.count] = NULL;
        status = pack_dir(pack, path, err);
    }
    md_list_clear(&pack->pending);
    store_inodes_clear(&pack->inodes);
    return status;
}

int files_pack(struct files_tar *tar, const struct files_tree *tree, struct md_err *err)
{
    struct pack pack = { .tar = tar, .tree = tree };
    struct files_entry entry = { .path = tree->as };

    if (fstat(tree->fd, &entry.st) < 0)
        return cannot_read(tree->as, err);
    if (tree->root >= 0 && fstatat(tree->root, "dev", &pack.dev, AT_SYMLINK_NOFOLLOW) < 0)
        pack.dev = (struct stat){ 0 };
    bool is_dir = S_ISDIR(entry.st.st_mode);

    if (*tree->as && !S_ISSOCK(entry.st.st_mode) && add(tar, tree->fd, &entry, err) < 0)
        return -1;
    return is_dir ? pack_dirs(&pack, err) : 0;
}
