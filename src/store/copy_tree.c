/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a tree directory by directory, without recursion; attributes of each at its end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/path.h"
#include "store/copy.h"
#include "store/inodes.h"

struct tree {
    int from;
    int to;
    struct md_list pending; /* directories still to be read, "" first */
    struct store_inodes inodes;
    dev_t device;
    int from_dir;
    int to_dir;
    const char *path; /* of these two */
};

static int copy_entry(struct tree *tree, const char *name)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s%s%s", tree->path, *tree->path ? "/" : "", name);
    const char *first;
    struct stat st;

    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (fstatat(tree->from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        if (st.st_dev == tree->device) {
            md_list_add(&tree->pending, path);
        }
        return mkdirat(tree->to_dir, name, 0700);
    }
    first = store_inodes_seen(&tree->inodes, &st, path);
    return first ? linkat(tree->to, first, tree->to_dir, name, 0)
                 : store_copy(tree->from_dir, name, tree->to_dir, name);
}

static int copy_entries(struct tree *tree)
{
    int fd = fcntl(tree->from_dir, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int result = 0;

    if (!dir) {
        md_fd_close(&fd);
        return -1;
    }
    while (result == 0 && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            result = copy_entry(tree, entry->d_name);
        }
    }
    if (result == 0 && errno) {
        result = -1;
    }
    int saved = errno;

    closedir(dir);
    errno = saved;
    return result;
}

static int copy_dir(struct tree *tree, const char *path)
{
    MD_AUTO_FD from = md_path_try_below(tree->from, path, O_RDONLY | O_DIRECTORY);
    MD_AUTO_FD to = md_path_try_below(tree->to, path, O_RDONLY | O_DIRECTORY);
    struct stat st;

    if (from < 0 || to < 0 || fstat(from, &st) < 0) {
        return -1;
    }
    tree->from_dir = from;
    tree->to_dir = to;
    tree->path = path;
    if (copy_entries(tree) < 0) {
        return -1;
    }
    /* Its directories are made, and only filled after this: its time stays. */
    return store_copy_attributes(from, &st, to);
}

int store_copy_tree(int from, int to)
{
    struct tree tree = { .from = from, .to = to };
    struct stat st;
    int result = fstat(from, &st);

    tree.device = st.st_dev;
    md_list_add(&tree.pending, "");
    while (result == 0 && tree.pending.count > 0) {
        MD_AUTO_FREE char *path = tree.pending.items[--tree.pending.count];

        tree.pending.items[tree.pending.count] = NULL;
        result = copy_dir(&tree, path);
    }
    int saved = errno;

    md_list_clear(&tree.pending);
    store_inodes_clear(&tree.inodes);
    errno = saved;
    return result;
}
