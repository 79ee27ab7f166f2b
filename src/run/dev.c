/* SPDX-License-Identifier: Apache-2.0 */
/* The container's /dev: docker's list of devices on a tmpfs of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/child.h"
#include "run/mount.h"

static const struct {
    const char *name;
    unsigned major, minor;
} devices[] = {
    { "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
    { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
    const char *name, *target;
} links[] = {
    { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
    { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
    { "ptmx", "pts/ptmx" },
};

static int make_nodes(int dev, struct md_err *err)
{
    /* The umask is 0 during set-up. */
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        if (mknodat(dev, devices[i].name, S_IFCHR | 0666,
                    makedev(devices[i].major, devices[i].minor)) < 0)
            return md_err_sys(err, "cannot make the device %s", devices[i].name);
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        if (symlinkat(links[i].target, dev, links[i].name) < 0)
            return md_err_sys(err, "cannot make the link %s", links[i].name);
    }
    return 0;
}

static int mount_below(int dev, const char *type, const char *name,
                       const struct run_mount_option *options, unsigned attributes,
                       struct md_err *err)
{
    MD_AUTO_FD mount = -1;

    if (mkdirat(dev, name, 0755) < 0)
        return md_err_sys(err, "cannot make the directory %s", name);
    mount = run_mount_new(type, options, attributes, err);
    if (mount < 0)
        return -1;
    return run_mount_attach(mount, dev, name, err);
}

/* What programs expect below /dev, with docker's options. */
static int mount_dirs(int dev, struct md_err *err)
{
    const struct run_mount_option pts[] = { { "newinstance", NULL },
                                            { "ptmxmode", "0666" },
                                            { "mode", "0620" },
                                            { "gid", "5" },
                                            { 0 } };
    const struct run_mount_option shm[] = { { "mode", "1777" }, { "size", "65536k" }, { 0 } };
    const unsigned quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

    if (mount_below(dev, "devpts", "pts", pts, quiet, err) < 0 ||
        mount_below(dev, "tmpfs", "shm", shm, quiet | MOUNT_ATTR_NODEV, err) < 0)
        return -1;
    return mount_below(dev, "mqueue", "mqueue", NULL, quiet | MOUNT_ATTR_NODEV, err);
}

int run_step_make_dev(struct run_child *child, struct md_err *err)
{
    const struct run_mount_option options[] = { { "mode", "755" },
                                                { "size", "65536k" },
                                                { 0 } };
    MD_AUTO_FD point = run_mount_point(child->root, "dev", err);

    if (point < 0)
        return -1;
    child->dev =
        run_mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, err);
    if (child->dev < 0 || run_mount_attach(child->dev, point, "", err) < 0 ||
        make_nodes(child->dev, err) < 0)
        return -1;
    if (faccessat(child->proc, "kcore", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
        symlinkat("/proc/kcore", child->dev, "core") < 0)
        return md_err_sys(err, "cannot make the link core");
    return mount_dirs(child->dev, err);
}
