/* SPDX-License-Identifier: Apache-2.0 */
/* The root directory of a container: which way leads to it, and that it is the right one. */
#include "files/root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "files/offline.h"
#include "run/leftovers.h"

#define WAIT_NS 10000000 /* between two looks at a container that is about to start or to go */

static bool is_dead(int pidfd)
{
    struct pollfd death = { .fd = pidfd, .events = POLLIN };

    return poll(&death, 1, 0) != 0;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Until it has entered its root, a container's PID 1 has that of the process that made it: then
 * what /proc shows is the host's.
 */
static bool is_entered(int root, pid_t runner)
{
    char path[40];
    struct stat theirs;
    struct stat ours;
    struct stat found;

    snprintf(path, sizeof(path), "/proc/%d/root/", (int)runner);
    if (fstat(root, &found) < 0 || stat("/", &ours) < 0 || same(&found, &ours))
        return false;
    return stat(path, &theirs) < 0 || !same(&found, &theirs);
}

/* In a process of its own, which shares descriptors: a clone without what is mounted on it. */
_Noreturn static void clone_there(int pidfd, int root, int answer)
{
    int fd = setns(pidfd, CLONE_NEWNS) < 0
                 ? -1
                 : open_tree(root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    int result = fd < 0 ? -errno : fd;

    _exit(write(answer, &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
}

/* In a process of its own, which shares descriptors: a clone without what is mounted there. */
static int clone_bare(int pidfd, int root, struct md_err *err)
{
    const struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
    int answer[2];
    int result = -EIO;
    pid_t pid;

    if (pipe2(answer, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make a pipe");
    pid = sys_clone3(&args);
    if (pid == 0)
        clone_there(pidfd, root, answer[1]);
    if (pid > 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        md_fd_close(&answer[1]);
        if (read(answer[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
            result = -EIO;
    } else {
        result = -errno;
        md_fd_close(&answer[1]);
    }
    md_fd_close(&answer[0]);
    errno = result < 0 ? -result : 0;
    return result < 0 ? md_err_sys(err, "cannot reach the container's root") : result;
}

/* Returns 1 with root->fd, 0 when it has not started yet or has ended, or -1. */
static int open_live(const struct store_state *state, enum files_view view,
                     struct files_root *root, struct md_err *err)
{
    MD_AUTO_FD pidfd = state->init.pid > 0 ? store_process_open(&state->init) : -1;
    MD_AUTO_FD fd = -1;
    char path[40];

    if (pidfd < 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/root", (int)state->init.pid);
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* Alive after it was opened: so it was this process's and not that of a later one. */
    if (fd < 0 || is_dead(pidfd) || !is_entered(fd, state->runner.pid))
        return 0;
    if (view != FILES_BARE) {
        root->fd = md_fd_take(&fd);
        return 1;
    }
    root->fd = clone_bare(pidfd, fd, err);
    return root->fd < 0 ? -1 : 1;
}

static int open_offline(const struct store *store, enum files_view view,
                        struct files_root *root, struct md_err *err)
{
    bool mounts = view != FILES_BARE && files_offline_has_mounts(&root->container);

    root->fd = mounts || view == FILES_WRITE ? files_offline_write(store, root, err)
                                             : files_offline_read(root, err);
    return root->fd < 0 ? -1 : 1;
}

/* One look: 1 with root->fd, 0 to look again, or -1. */
static int try_open(const struct store *store, enum files_view view, struct files_root *root,
                    struct md_err *err)
{
    bool shared = view == FILES_BARE ||
                  (view == FILES_READ && !files_offline_has_mounts(&root->container));
    struct store_state state = { 0 };
    struct stat st;

    if (flock(root->container.dir, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return md_err_sys(err, "cannot lock container %.12s", root->container.id);
        if (store_container_state(store, &root->container, &state, err) < 0)
            return -1;
        if (state.status == STORE_RESTARTING)
            return md_err_set(err, MD_ERR_CONFLICT,
                              "Container %s is restarting, wait until the container is running",
                              root->container.id);
        return open_live(&state, view, root, err);
    }
    if (fstatat(store->containers, root->container.id, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return md_err_set(err, MD_ERR_NOT_FOUND, "No such container: %.12s",
                          root->container.id);
    return open_offline(store, view, root, err);
}

static int open_patiently(const struct store *store, enum files_view view,
                          struct files_root *root, struct md_err *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_NS };

    for (;;) {
        int opened = try_open(store, view, root, err);

        if (opened != 0)
            return opened < 0 ? -1 : 0;
        nanosleep(&pause, NULL);
    }
}

int files_root_open(const struct store *store, const char *what, enum files_view view,
                    struct files_root *root, struct md_err *err)
{
    *root = (struct files_root){ .fd = -1,
                                 .container = { .dir = -1 },
                                 .overlay = { .image = { .dir = -1, .rootfs = -1 },
                                              .lower = -1,
                                              .upper = -1,
                                              .work = -1 } };
    store_container_mend(store, run_leftovers_clear);
    if (store_container_open(store, what, &root->container, err) == 0 &&
        store_overlay_open(store, &root->container, &root->overlay, err) == 0 &&
        open_patiently(store, view, root, err) == 0)
        return 0;
    files_root_close(root);
    return -1;
}

void files_root_close(struct files_root *root)
{
    md_fd_close(&root->fd);
    store_overlay_close(&root->overlay);
    store_container_clear(&root->container);
}
