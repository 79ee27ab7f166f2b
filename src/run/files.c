/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts, /etc/hostname and /etc/resolv.conf: the container's own, on a tmpfs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "run/child.h"
#include "run/mount.h"

struct file {
    const char *name;
    const char *content; /* NULL: the image's own stays */
    const char *tail;
};

#define COUNT 3

static void list_files(const struct run_plan *plan, struct file files[COUNT])
{
    files[0] = (struct file){ "hosts", plan->hosts, "" };
    files[1] = (struct file){ "hostname", plan->hostname, "\n" };
    files[2] = (struct file){ "resolv.conf", plan->resolv_conf, "" };
}

static int write_file(int dir, const struct file *file)
{
    MD_AUTO_FD fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || md_fd_write_all(fd, file->content, strlen(file->content)) < 0)
        return -1;
    return md_fd_write_all(fd, file->tail, strlen(file->tail));
}

int run_files_write(struct run_child *child, struct md_err *err)
{
    struct file files[COUNT];

    list_files(child->plan, files);
    for (size_t i = 0; i < COUNT; i++) {
        if (files[i].content && write_file(child->files, &files[i]) < 0)
            return md_err_sys(err, "cannot write \"%s\" in memory", files[i].name);
    }
    return 0;
}

/*
 * What the file is mounted on. A symbolic link in the image gives way to an empty file: in a
 * resolv.conf that leads to /run, programs would look in vain, or find what a later mount has
 * put there. Only the container's own layer changes.
 */
static int open_target(int etc, const char *name, struct md_err *err)
{
    struct stat info = { 0 };
    int fd = openat(etc, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISLNK(info.st_mode)) {
        md_fd_close(&fd);
        if (unlinkat(etc, name, 0) < 0)
            return md_err_sys(err, "cannot replace the link \"/etc/%s\"", name);
        errno = ENOENT;
    }
    if (fd < 0 && errno == ENOENT && mknodat(etc, name, S_IFREG | 0644, 0) == 0)
        fd = openat(etc, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return md_err_sys(err, "cannot make \"/etc/%s\"", name);
    if (S_ISDIR(info.st_mode)) {
        md_fd_close(&fd);
        return md_err_set(err, MD_ERR_SYSTEM, "\"/etc/%s\" of the image is a directory", name);
    }
    return fd;
}

static int attach_file(struct run_child *child, int etc, const char *name, struct md_err *err)
{
    MD_AUTO_FD target = open_target(etc, name, err);
    MD_AUTO_FD clone = -1;

    if (target < 0)
        return -1;
    clone = run_mount_clone(child->files, name);
    if (clone < 0)
        return md_err_sys(err, "cannot clone \"%s\"", name);
    if (run_mount_attach(clone, target, "", err) < 0)
        return md_err_in(err, "/etc/%s", name);
    return child->plan->read_only ? run_mount_set(clone, MOUNT_ATTR_RDONLY, err) : 0;
}

int run_step_attach_files(struct run_child *child, struct md_err *err)
{
    struct file files[COUNT];
    MD_AUTO_FD etc = md_path_make_dirs_in(child->root, "/etc", err);

    if (etc < 0)
        return -1;
    list_files(child->plan, files);
    for (size_t i = 0; i < COUNT; i++) {
        if (files[i].content && attach_file(child, etc, files[i].name, err) < 0)
            return -1;
    }
    return 0;
}
