/* SPDX-License-Identifier: Apache-2.0 */
/* The mount system calls on descriptors. */
#include "run/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"

/* What the kernel has to say: "e overlay: No changes allowed ...", fsopen(2). */
static int fail(int context, const char *type, const char *doing, struct md_err *err)
{
    int saved = errno;
    char said[200];
    ssize_t len = read(context, said, sizeof(said) - 1);

    errno = saved;
    md_err_sys(err, "cannot %s a file system of type %s", doing, type);
    if (len > 2) {
        said[len] = '\0';
        said[strcspn(said, "\n")] = '\0';
        md_err_in(err, "%s", said + 2);
    }
    return -1;
}

int run_mount_new(const char *type, const struct run_mount_option *options, unsigned attributes,
                  struct md_err *err)
{
    MD_AUTO_FD context = fsopen(type, FSOPEN_CLOEXEC);
    int mount;

    if (context < 0)
        return md_err_sys(err, "cannot use a file system of type %s", type);
    /* What mount(8) shows as the device. */
    if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0)
        return fail(context, type, "name", err);
    for (; options && options->key; options++) {
        unsigned command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

        if (fsconfig(context, command, options->key, options->value, 0) < 0)
            return fail(context, type, "set an option of", err);
    }
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail(context, type, "make", err);
    mount = fsmount(context, FSMOUNT_CLOEXEC, attributes);
    return mount < 0 ? fail(context, type, "mount", err) : mount;
}

int run_mount_attach(int mount, int dir, const char *name, struct md_err *err)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*name ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

    if (move_mount(mount, "", dir, name, flags) < 0)
        return md_err_sys(err, "cannot attach a mount%s%s", *name ? " to " : "", name);
    return 0;
}

int run_mount_clone(int dir, const char *name)
{
    return open_tree(dir, name,
                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
                         (*name ? 0 : AT_EMPTY_PATH));
}

int run_mount_set(int mount, unsigned attributes, struct md_err *err)
{
    struct mount_attr attr = { .attr_set = attributes };

    if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return md_err_sys(err, "cannot set the attributes of a mount");
    return 0;
}

int run_mount_point(int root, const char *name, struct md_err *err)
{
    int fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && mkdirat(root, name, 0755) == 0)
        fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return md_err_set(err, MD_ERR_SYSTEM,
                          "\"/%s\" of the root file system is no ordinary directory", name);
    return fd < 0 ? md_err_sys(err, "cannot use \"/%s\"", name) : fd;
}
