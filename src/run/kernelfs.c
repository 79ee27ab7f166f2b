/* SPDX-License-Identifier: Apache-2.0 */
/* /proc and /sys, and what of them a container does not get to see or to write. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "run/child.h"
#include "run/mount.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* The lists of moby's oci/defaults.go. */
static const char *const masked_files[] = {
    "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "timer_list", "timer_stats",
};
static const char *const masked_proc_dirs[] = { "acpi", "asound", "scsi" };
static const char *const masked_sys_dirs[] = { "firmware", "devices/virtual/powercap" };
static const char *const read_only[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static int mount_one(struct run_child *child, const char *type, const char *name,
                     unsigned attributes, struct md_err *err)
{
    MD_AUTO_FD point = run_mount_point(child->root, name, err);
    MD_AUTO_FD mount = -1;

    if (point < 0)
        return -1;
    mount = run_mount_new(type, NULL, attributes, err);
    if (mount < 0 || run_mount_attach(mount, point, "", err) < 0)
        return -1;
    return md_fd_take(&mount);
}

int run_step_mount_kernelfs(struct run_child *child, struct md_err *err)
{
    child->proc = mount_one(child, "proc", "proc", QUIET, err);
    if (child->proc < 0)
        return -1;
    child->sys = mount_one(child, "sysfs", "sys", QUIET | MOUNT_ATTR_RDONLY, err);
    return child->sys < 0 ? -1 : 0;
}

/* Put a clone of from (name below it) over dir/name; what the kernel does not have is
 * skipped. */
static int cover(int from, const char *what, int dir, const char *name, struct md_err *err)
{
    MD_AUTO_FD clone = run_mount_clone(from, what);

    if (clone < 0)
        return md_err_sys(err, "cannot clone a mount to cover %s", name);
    if (move_mount(clone, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 && errno != ENOENT)
        return md_err_sys(err, "cannot cover %s", name);
    return 0;
}

/* Files are covered by the container's own null device, which was just made: nobody can have
 * put another file in its place (CVE-2025-31133). */
static int mask_files(struct run_child *child, struct md_err *err)
{
    for (size_t i = 0; i < COUNT(masked_files); i++) {
        if (faccessat(child->proc, masked_files[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (cover(child->dev, "null", child->proc, masked_files[i], err) < 0)
            return -1;
    }
    return 0;
}

/* Directories are all covered by one empty file system: it is attached to the first and cloned
 * from there, because before Linux 6.15 a mount that is attached nowhere cannot be cloned. */
static int mask_dirs(int *empty, int dir, const char *const *names, size_t count,
                     struct md_err *err)
{
    const struct run_mount_option options[] = { { "mode", "0555" },
                                                { "nr_inodes", "2" },
                                                { 0 } };

    for (size_t i = 0; i < count; i++) {
        if (faccessat(dir, names[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (*empty >= 0) {
            if (cover(*empty, "", dir, names[i], err) < 0)
                return -1;
            continue;
        }
        *empty = run_mount_new("tmpfs", options, QUIET | MOUNT_ATTR_RDONLY, err);
        if (*empty < 0 || run_mount_attach(*empty, dir, names[i], err) < 0)
            return -1;
    }
    return 0;
}

static int protect(int dir, const char *name, struct md_err *err)
{
    MD_AUTO_FD clone = run_mount_clone(dir, name);

    if (clone < 0)
        return errno == ENOENT ? 0 : md_err_sys(err, "cannot clone /proc/%s", name);
    if (run_mount_set(clone, MOUNT_ATTR_RDONLY, err) < 0)
        return -1;
    return run_mount_attach(clone, dir, name, err);
}

int run_step_mask_kernelfs(struct run_child *child, struct md_err *err)
{
    MD_AUTO_FD empty = -1;

    if (mask_files(child, err) < 0 ||
        mask_dirs(&empty, child->proc, masked_proc_dirs, COUNT(masked_proc_dirs), err) < 0 ||
        mask_dirs(&empty, child->sys, masked_sys_dirs, COUNT(masked_sys_dirs), err) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(read_only); i++) {
        if (protect(child->proc, read_only[i], err) < 0)
            return -1;
    }
    return 0;
}
