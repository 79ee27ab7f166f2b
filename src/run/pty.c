/* SPDX-License-Identifier: Apache-2.0 */
/* The program's stdin, stdout and stderr: a terminal of the container's own, or the pipes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "run/child.h"
#include "run/mount.h"

/* /dev/console is the terminal, bound by its descriptor: its name could lead elsewhere
 * (CVE-2025-52565). */
static int bind_console(struct run_child *child, struct md_err *err)
{
    MD_AUTO_FD clone = -1;

    if (mknodat(child->dev, "console", S_IFREG | 0600, 0) < 0)
        return md_err_sys(err, "cannot make /dev/console");
    clone = run_mount_clone(child->slave, "");
    if (clone < 0)
        return md_err_sys(err, "cannot clone the terminal");
    return run_mount_attach(clone, child->dev, "console", err);
}

/* The other end of child->master, its size and its owner. */
static int set_up_terminal(struct run_child *child, struct md_err *err)
{
    const struct winsize size = { .ws_row = child->plan->rows, .ws_col = child->plan->columns };
    int unlock = 0;

    if (child->master < 0)
        return md_err_sys(err, "cannot open /dev/pts/ptmx");
    if (ioctl(child->master, TIOCSPTLCK, &unlock) < 0)
        return md_err_sys(err, "cannot unlock the terminal");
    child->slave = ioctl(child->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (child->slave < 0)
        return md_err_sys(err, "cannot open the terminal's other end");
    if (ioctl(child->master, TIOCSWINSZ, &size) < 0)
        return md_err_sys(err, "cannot set the size of the terminal");
    if (fchown(child->slave, child->plan->user.uid, (gid_t)-1) < 0)
        return md_err_sys(err, "cannot give the terminal to the user");
    return 0;
}

int run_step_open_terminal(struct run_child *child, struct md_err *err)
{
    if (!child->plan->terminal)
        return 0;
    child->master = openat(child->dev, "pts/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return set_up_terminal(child, err) < 0 ? -1 : bind_console(child, err);
}

/* What the container has at that name is opened only if it is the device. */
int run_step_join_terminal(struct run_child *child, struct md_err *err)
{
    struct statfs info;

    if (!child->plan->terminal)
        return 0;
    child->master =
        md_path_try_in(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
    if (child->master >= 0 &&
        (fstatfs(child->master, &info) < 0 || info.f_type != DEVPTS_SUPER_MAGIC))
        return md_err_set(err, MD_ERR_SYSTEM,
                          "the container's /dev/pts/ptmx is none of its terminals");
    return set_up_terminal(child, err);
}

/* A descriptor that may stand in for stream 0, 1 or 2 must not be one of these itself. */
static int keep_clear(int fd, struct md_err *err)
{
    int moved;

    if (fd > STDERR_FILENO)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return moved < 0 ? md_err_sys(err, "cannot move a descriptor") : moved;
}

static int take_terminal(struct run_child *child, struct md_err *err)
{
    if (ioctl(child->slave, TIOCSCTTY, 0) < 0)
        return md_err_sys(err, "cannot make it the controlling terminal");
    for (int i = 0; i < 3; i++)
        child->stdio[i] = child->slave;
    return 0;
}

int run_step_connect_stdio(struct run_child *child, struct md_err *err)
{
    int source[3];

    /* A session of its own: the caller's terminal is out of reach (TIOCSTI). */
    if (setsid() < 0)
        return md_err_sys(err, "setsid");
    if (child->slave >= 0 && take_terminal(child, err) < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        if (child->stdio[i] < 0)
            child->stdio[i] = openat(child->dev, "null", O_RDWR | O_CLOEXEC);
        if (child->stdio[i] < 0)
            return md_err_sys(err, "cannot open /dev/null");
        source[i] = keep_clear(child->stdio[i], err);
        if (source[i] < 0)
            return -1;
    }
    for (int i = 0; i < 3; i++) {
        /* not CLOEXEC: the program's own */
        if (dup2(source[i], i) < 0)
            return md_err_sys(err, "dup2");
    }
    return 0;
}
