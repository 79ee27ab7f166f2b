/* SPDX-License-Identifier: Apache-2.0 */
/* The container's root: an overlay over the image, and going there for good. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/child.h"
#include "run/mount.h"

#define FD_PATH_SIZE sizeof("/proc/self/fd/-2147483648")

int run_step_private_mounts(struct run_child *child, struct md_err *err)
{
    (void)child;
    /* Not slave: what the host mounts later is none of the container's business. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return md_err_sys(err, "cannot make \"/\" private");
    return 0;
}

static void fd_path(int fd, char *path)
{
    snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

static int find_name(int fd, char name[PATH_MAX], struct md_err *err)
{
    char link[FD_PATH_SIZE];
    ssize_t len;

    if (fd < 0)
        return 0;
    fd_path(fd, link);
    len = readlink(link, name, PATH_MAX - 1);
    if (len < 0)
        return md_err_sys(err, "cannot read %s (is /proc mounted?)", link);
    name[len] = '\0';
    return 0;
}

int run_root_find(struct run_child *child, struct md_err *err)
{
    const struct run_plan *plan = child->plan;

    if (find_name(plan->lower, child->names.lower, err) < 0 ||
        find_name(plan->mount_point, child->names.mount_point, err) < 0 ||
        find_name(plan->upper, child->names.upper, err) < 0)
        return -1;
    return find_name(plan->work, child->names.work, err);
}

/*
 * A descriptor from before clone belongs to the runner's mounts, and overlay and move_mount
 * take only those of the own namespace (EINVAL): open the same directory again, by its name.
 */
static int reopen(int fd, const char *name, struct md_err *err)
{
    struct stat wanted;
    struct stat found;
    MD_AUTO_FD again = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (again < 0 || fstat(fd, &wanted) < 0 || fstat(again, &found) < 0)
        return md_err_sys(err, "cannot open \"%.300s\"", name);
    if (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino) {
        errno = ESTALE;
        return md_err_sys(err, "cannot open \"%.300s\"", name);
    }
    return md_fd_take(&again);
}

/*
 * The tmpfs for the files in /etc, and for upper and work where the plan has none. It lies
 * below the overlay, where nobody sees it: before Linux 6.15 only an attached mount can be
 * cloned or be part of an overlay.
 */
static int mount_files(struct run_child *child, int point, struct md_err *err)
{
    const struct run_mount_option small[] = { { "size", "1m" }, { "mode", "0755" }, { 0 } };
    const struct run_mount_option whole[] = { { "mode", "0755" }, { 0 } };

    child->files = run_mount_new("tmpfs", child->plan->upper < 0 ? whole : small,
                                 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
    if (child->files < 0 || run_mount_attach(child->files, point, "", err) < 0)
        return -1;
    return run_files_write(child, err);
}

/* A directory on the tmpfs, where the plan has no upper and work. */
static int make_in_memory(int files, const char *name, struct md_err *err)
{
    int fd;

    if (mkdirat(files, name, 0755) < 0)
        return md_err_sys(err, "cannot make \"%s\" in memory", name);
    fd = openat(files, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? md_err_sys(err, "cannot open \"%s\" in memory", name) : fd;
}

/* Directories as descriptors, never as names: a comma or colon would be an option. */
static int new_overlay(const struct run_plan *plan, int lower, int upper, int work,
                       struct md_err *err)
{
    char paths[3][FD_PATH_SIZE];
    struct run_mount_option options[] = {
        { "lowerdir", paths[0] },
        { "upperdir", paths[1] },
        { "workdir", paths[2] },
        /* Whatever the kernel's defaults are: attributes in an image lead nowhere else. */
        { "redirect_dir", "nofollow" },
        { "metacopy", "off" },
        { "index", "off" },
        { "xino", "off" },
        { plan->upper < 0 || plan->upper_is_temporary ? "volatile" : NULL, NULL },
        { NULL, NULL },
    };

    fd_path(lower, paths[0]);
    fd_path(upper, paths[1]);
    fd_path(work, paths[2]);
    return run_mount_new("overlay", options, MOUNT_ATTR_NODEV, err);
}

int run_step_mount_root(struct run_child *child, struct md_err *err)
{
    const struct run_plan *plan = child->plan;
    MD_AUTO_FD lower = reopen(plan->lower, child->names.lower, err);
    MD_AUTO_FD point = -1;
    MD_AUTO_FD upper = -1;
    MD_AUTO_FD work = -1;
    MD_AUTO_FD root = -1;

    if (lower < 0)
        return -1;
    if (plan->mount_point != plan->lower) {
        point = reopen(plan->mount_point, child->names.mount_point, err);
        if (point < 0)
            return -1;
    }
    if (mount_files(child, point < 0 ? lower : point, err) < 0)
        return -1;
    upper = plan->upper < 0 ? make_in_memory(child->files, "upper", err)
                            : reopen(plan->upper, child->names.upper, err);
    if (upper < 0)
        return -1;
    work = plan->upper < 0 ? make_in_memory(child->files, "work", err)
                           : reopen(plan->work, child->names.work, err);
    if (work < 0)
        return -1;
    root = new_overlay(plan, lower, upper, work, err);
    if (root < 0 || run_mount_attach(root, point < 0 ? lower : point, "", err) < 0)
        return -1;
    child->root = md_fd_take(&root);
    return 0;
}

int run_step_enter_root(struct run_child *child, struct md_err *err)
{
    if (child->plan->read_only && run_mount_set(child->root, MOUNT_ATTR_RDONLY, err) < 0)
        return -1;
    if (fchdir(child->root) < 0)
        return md_err_sys(err, "fchdir");
    /* The old root lands on top of the new one, and "." is it: pivot_root(2), NOTES. */
    if (sys_pivot_root(".", ".") < 0)
        return md_err_sys(err, "pivot_root");
    if (umount2(".", MNT_DETACH) < 0)
        return md_err_sys(err, "cannot detach the old root");
    if (chdir("/") < 0)
        return md_err_sys(err, "chdir");
    return 0;
}
