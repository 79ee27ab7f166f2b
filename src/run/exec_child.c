/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process on its way into a container that runs, between clone and exec: as child.c, the
 * steps in their order. It is in the container's PID namespace already, where nobody may look
 * into it, and has nothing of the host's but what it is to give up.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "run/child.h"
#include "run/exec.h"
#include "run/sync.h"

/* CVE-2024-21626: what is not open leads nowhere. */
static int let_go(struct run_child *child, struct md_err *err)
{
    int keep[8] = { child->sync, child->exec->pidfd };
    size_t count = 2;

    (void)err;
    for (int i = 0; i < 3; i++) {
        if (child->stdio[i] >= 0)
            keep[count++] = child->stdio[i];
    }
    if (child->exec->freezer >= 0)
        keep[count++] = child->exec->freezer;
    keep[count] = -1;
    md_fd_close_others(STDERR_FILENO + 1, keep);
    return 0;
}

static int join_cgroup(struct run_child *child, struct md_err *err)
{
    if (child->exec->freezer >= 0 && md_fd_write_all(child->exec->freezer, "0", 1) < 0)
        return md_err_sys(err, "cgroup.procs");
    return 0;
}

/* All by one call on one pidfd: of a container that has died meanwhile there are none. */
static int enter_namespaces(struct run_child *child, struct md_err *err)
{
    struct stat root;

    if (setns(child->exec->pidfd, child->exec->namespaces) < 0)
        return md_err_sys(err, "setns");
    if (chdir("/") < 0 || stat("/", &root) < 0)
        return md_err_sys(err, "chdir");
    if (root.st_dev == child->exec->host_device && root.st_ino == child->exec->host_inode)
        return md_err_set(err, MD_ERR_SYSTEM, "its root is still the host's");
    return 0;
}

/*
 * One who is left alone becomes a child of the container's first process, which the kernel has
 * reap it when the container ends. A parent outside could make that wait for ever.
 */
static int leave_to_container(struct run_child *child, struct md_err *err)
{
    pid_t pid = child->exec->detach ? fork() : 0;

    if (pid < 0)
        return md_err_sys(err, "fork");
    if (pid > 0)
        _exit(0);
    return 0;
}

static int become_root(struct run_child *child, struct md_err *err)
{
    if (!(child->exec->namespaces & CLONE_NEWUSER))
        return 0;
    if (sys_setresgid(0) < 0 || sys_setresuid(0) < 0)
        return md_err_sys(err, "cannot take id 0");
    return 0;
}

static bool is_null_device(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

/* What the container has put at that name instead is not opened: CVE-2025-31133. */
static int open_null(struct md_err *err)
{
    MD_AUTO_FD place = md_path_try_in(AT_FDCWD, "/dev/null", O_PATH, 0);
    MD_AUTO_FD null = -1;

    if (place < 0)
        return md_err_sys(err, "/dev/null");
    if (is_null_device(place))
        null = md_path_try_in(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY, 0);
    if (null < 0 || !is_null_device(null))
        return md_err_set(err, MD_ERR_SYSTEM,
                          "the container's /dev/null is not the null device");
    return md_fd_take(&null);
}

/* For the streams that have nobody. */
static int find_null(struct run_child *child, struct md_err *err)
{
    int null = -1;

    for (int i = 0; i < 3 && child->slave < 0; i++) {
        if (child->stdio[i] >= 0)
            continue;
        if (null < 0)
            null = open_null(err);
        if (null < 0)
            return -1;
        child->stdio[i] = null;
    }
    return 0;
}

static rlim_t least(rlim_t one, rlim_t other)
{
    return one < other ? one : other;
}

/* Without CAP_SYS_RESOURCE none can be raised above what the caller has. */
static int take_limit(int number, const struct rlimit *wanted, struct md_err *err)
{
    enum __rlimit_resource resource = (enum __rlimit_resource)number;
    struct rlimit own;

    if (setrlimit(resource, wanted) == 0)
        return 0;
    if (errno != EPERM || getrlimit(resource, &own) < 0)
        return md_err_sys(err, "setrlimit %d", number);
    own.rlim_max = least(own.rlim_max, wanted->rlim_max);
    own.rlim_cur = least(own.rlim_max, wanted->rlim_cur);
    return setrlimit(resource, &own) < 0 ? md_err_sys(err, "setrlimit %d", number) : 0;
}

static int take_limits(struct run_child *child, struct md_err *err)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        if (take_limit(i, &child->exec->limits[i], err) < 0)
            return -1;
    }
    return 0;
}

/* A directory that is not below the root has no name here: getcwd(2), ENOENT. */
static int check_inside(struct run_child *child, struct md_err *err)
{
    char path[PATH_MAX];

    (void)child;
    if (!getcwd(path, sizeof(path)) || path[0] != '/')
        return md_err_sys(err, "it is not below the container's root");
    return 0;
}

static const struct run_child_step steps[] = {
    { "hide from other processes", run_step_hide },
    { "let go of what is the host's", let_go },
    { "join the container's cgroup", join_cgroup }, /* its files are the host's */
    { "enter the container's namespaces", enter_namespaces },
    { "leave the process to the container", leave_to_container },
    { "become root of the container", become_root },
    { "open a terminal", run_step_join_terminal },
    { "find the container's /dev/null", find_null },
    { "connect stdin, stdout and stderr", run_step_connect_stdio },
    { "leave the session keyring", run_step_leave_keyring },
    { "take over the container's limits", take_limits },
    { "load the seccomp filter", run_step_load_seccomp }, /* needs CAP_SYS_ADMIN */
    { "become the user", run_step_become_user },          /* drops capabilities */
    { "stay hidden", run_step_hide }, /* a change of user ends it: prctl(2) */
    { "enter the working directory", run_step_enter_working_dir },
    { "see that the working directory is inside", check_inside },
    { "report that set-up is done", run_step_report_ready },
    { "wait for the runner", run_step_wait_for_runner },
    { "execute the program", run_step_execute },
};

_Noreturn void run_exec_child(struct run_child *child)
{
    run_child_perform(child, steps, sizeof(steps) / sizeof(*steps));
}
