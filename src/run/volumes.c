/* SPDX-License-Identifier: Apache-2.0 */
/* -v and --tmpfs: mounts of the plan, attached where the container's root says, never
 * outside. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/path.h"
#include "run/child.h"
#include "run/mount.h"

/* An empty file at target, and the directories above it. A dangling link is followed inside. */
static int make_file(int root, const char *target, struct md_err *err)
{
    char parent[PATH_MAX];
    size_t len = (size_t)(strrchr(target, '/') - target);
    MD_AUTO_FD dir = -1;
    MD_AUTO_FD made = -1;

    if (len >= sizeof(parent)) {
        errno = ENAMETOOLONG;
        return md_err_sys(err, "cannot make the file \"%.100s\"", target);
    }
    memcpy(parent, target, len);
    parent[len] = '\0';
    dir = md_path_make_dirs_in(root, parent, err);
    if (dir < 0)
        return -1;
    made = md_path_open_in(root, target, O_RDONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0644, err);
    return made < 0 ? -1 : 0;
}

/* The target inside the root, made alike to its source when missing. */
static int open_target(const struct run_child *child, const struct run_mount *mount,
                       struct md_err *err)
{
    int fd = md_path_try_in(child->root, mount->target, O_PATH, 0);

    if (fd >= 0 || errno != ENOENT)
        return fd < 0 ? md_err_sys(err, "cannot use the target \"%.300s\"", mount->target) : fd;
    if (mount->kind == RUN_MOUNT_TMPFS || mount->is_directory)
        return md_path_make_dirs_in(child->root, mount->target, err);
    if (make_file(child->root, mount->target, err) < 0)
        return -1;
    return md_path_open_in(child->root, mount->target, O_PATH, 0, err);
}

/* Whatever links led there: not over the root, nor over any of /proc or /sys, CVE-2015-3631. */
static int check_target(const struct run_child *child, const struct run_mount *mount,
                        int target, struct md_err *err)
{
    bool wants_directory = mount->kind == RUN_MOUNT_TMPFS || mount->is_directory;
    struct statfs where;
    struct stat info;
    struct stat root;

    if (fstatfs(target, &where) < 0 || fstat(target, &info) < 0 ||
        fstat(child->root, &root) < 0)
        return md_err_sys(err, "cannot examine the target \"%.300s\"", mount->target);
    if (where.f_type == PROC_SUPER_MAGIC || where.f_type == SYSFS_MAGIC)
        return md_err_set(err, MD_ERR_USAGE,
                          "nothing can be mounted on \"%.300s\": it is in /proc or /sys",
                          mount->target);
    if (info.st_dev == root.st_dev && info.st_ino == root.st_ino)
        return md_err_set(err, MD_ERR_USAGE,
                          "nothing can be mounted on \"%.300s\": it is the root",
                          mount->target);
    if (wants_directory != S_ISDIR(info.st_mode))
        return md_err_set(
            err, MD_ERR_USAGE, "\"%.200s\" is %s directory, its target \"%.200s\" %s",
            mount->source ? mount->source : "a tmpfs", wants_directory ? "a" : "no",
            mount->target, wants_directory ? "is not" : "is one");
    return 0;
}

static int prepare_bind(const struct run_mount *mount, struct md_err *err)
{
    struct mount_attr attr = { .attr_set = mount->attributes, .propagation = MS_PRIVATE };

    /* The clone shares what its source shared with the host, until it is told otherwise. */
    if (mount_setattr(mount->source_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) <
        0)
        return md_err_sys(err, "cannot set the attributes of \"%.300s\"", mount->source);
    return 0;
}

static int new_tmpfs(const struct run_mount *mount, struct md_err *err)
{
    char mode[16];
    const struct run_mount_option options[] = { { "mode", mode },
                                                { mount->tmpfs_size ? "size" : NULL,
                                                  mount->tmpfs_size },
                                                { NULL, NULL } };

    snprintf(mode, sizeof(mode), "%o", (unsigned)mount->tmpfs_mode);
    return run_mount_new("tmpfs", options, (unsigned)mount->attributes, err);
}

static int mount_one(const struct run_child *child, const struct run_mount *mount,
                     struct md_err *err)
{
    MD_AUTO_FD target = open_target(child, mount, err);
    MD_AUTO_FD tmpfs = -1;

    if (target < 0 || check_target(child, mount, target, err) < 0)
        return -1;
    if (mount->kind == RUN_MOUNT_BIND)
        return prepare_bind(mount, err) < 0
                   ? -1
                   : run_mount_attach(mount->source_fd, target, "", err);
    tmpfs = new_tmpfs(mount, err);
    return tmpfs < 0 ? -1 : run_mount_attach(tmpfs, target, "", err);
}

int run_step_mount_volumes(struct run_child *child, struct md_err *err)
{
    for (size_t i = 0; i < child->plan->mount_count; i++) {
        if (mount_one(child, &child->plan->mounts[i], err) < 0)
            return -1;
    }
    return 0;
}
