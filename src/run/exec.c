/* SPDX-License-Identifier: Apache-2.0 */
/* Entering a container that runs: the runner's side. Reads beside exec_child.c. */
#include "run/exec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/process.h"

#define PATH_SIZE sizeof("/proc/-2147483648/ns/user")
#define SET_UP_MS 10000 /* for a container that is just starting */
#define LOOK_MS 2

/* Of /proc/<pid>/limits: its size, and the columns. */
#define LIMITS_SIZE 4096
#define LIMIT_SOFT 26
#define LIMIT_HARD 47

#define JOINED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

bool run_exec_is_over(int pidfd)
{
    struct pollfd death = { .fd = pidfd, .events = POLLIN };

    return poll(&death, 1, 0) != 0;
}

static int over(struct md_err *err)
{
    return md_err_set(err, MD_ERR_NOT_FOUND, "the container's first process has ended");
}

static const char *proc_path(pid_t pid, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "/proc/%d/%s", (int)pid, name);
    return path;
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat left;
    struct stat right;

    return stat(one, &left) == 0 && stat(other, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

static bool has_descriptors(pid_t pid)
{
    char path[PATH_SIZE];
    DIR *dir = opendir(proc_path(pid, "fd", path));
    struct dirent *entry;
    bool any = !dir; /* as far as anybody can tell */

    while (dir && !any && (entry = readdir(dir)))
        any = entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return any;
}

/* Its program was executed; or it is --init's, which is ours, after its last step. */
static bool is_set_up(pid_t pid)
{
    char path[PATH_SIZE];
    struct stat program;
    struct stat ours;

    if (stat(proc_path(pid, "exe", path), &program) < 0 || stat("/proc/self/exe", &ours) < 0)
        return false;
    return program.st_dev != ours.st_dev || program.st_ino != ours.st_ino ||
           !has_descriptors(pid);
}

/*
 * While it is set up its namespaces are still being filled: its mount namespace is a copy of
 * the host's until the last mount of that has gone.
 */
static int await_set_up(pid_t pid, int pidfd, struct md_err *err)
{
    for (int waited = 0; waited < SET_UP_MS; waited += LOOK_MS) {
        bool ready = is_set_up(pid);

        if (run_exec_is_over(pidfd))
            return over(err);
        if (ready)
            return 0;
        poll(NULL, 0, LOOK_MS);
    }
    return md_err_set(err, MD_ERR_SYSTEM, "the container is still being set up");
}

static int open_cgroup(const char *path, struct run_exec *exec, struct md_err *err)
{
    MD_AUTO_FD dir = -1;
    struct statfs info;

    if (!path[0]) /* it could have none where it was started */
        return 0;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || fstatfs(dir, &info) < 0)
        return md_err_sys(err, "the container's cgroup \"%s\"", path);
    if (info.f_type == CGROUP2_SUPER_MAGIC) {
        exec->cgroup = md_fd_take(&dir);
        return 0;
    }
    exec->freezer = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    return exec->freezer < 0 ? md_err_sys(err, "the container's cgroup \"%s\"", path) : 0;
}

static rlim_t read_limit(const char *text)
{
    return strncmp(text, "unlimited", 9) == 0 ? RLIM_INFINITY : strtoull(text, NULL, 10);
}

/* prlimit(2) would need CAP_SYS_RESOURCE. One line for each, in the order of their numbers:
 * "Max open files            1024                 524288               files", proc(5). */
static int read_limits(pid_t pid, struct run_exec *exec, struct md_err *err)
{
    char path[PATH_SIZE];
    MD_AUTO_FD fd = open(proc_path(pid, "limits", path), O_RDONLY | O_CLOEXEC);
    char text[LIMITS_SIZE];
    ssize_t len = fd < 0 ? -1 : md_fd_read_full(fd, text, sizeof(text) - 1);
    const char *line = text;

    if (len < 0)
        return md_err_sys(err, "cannot read %s", path);
    text[len] = '\0';
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        line = strchr(line, '\n');
        if (!line || strlen(++line) < LIMIT_HARD)
            return md_err_set(err, MD_ERR_FORMAT, "%s has another form than expected", path);
        exec->limits[i].rlim_cur = read_limit(line + LIMIT_SOFT);
        exec->limits[i].rlim_max = read_limit(line + LIMIT_HARD);
    }
    return 0;
}

static int look_at(pid_t pid, const char *cgroup, struct run_exec *exec, struct md_err *err)
{
    char path[PATH_SIZE];
    struct stat host;

    exec->namespaces = JOINED;
    if (!is_same_file(proc_path(pid, "ns/user", path), "/proc/self/ns/user"))
        exec->namespaces |= CLONE_NEWUSER; /* setns(2): one's own cannot be entered */
    exec->root = open(proc_path(pid, "root", path), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (exec->root < 0)
        return md_err_sys(err, "cannot open the container's root");
    if (stat("/", &host) < 0)
        return md_err_sys(err, "stat \"/\"");
    exec->host_device = host.st_dev;
    exec->host_inode = host.st_ino;
    return open_cgroup(cgroup, exec, err) < 0 ? -1 : read_limits(pid, exec, err);
}

int run_exec_open(pid_t pid, int pidfd, const char *cgroup, struct run_exec *exec,
                  struct md_err *err)
{
    *exec = (struct run_exec){ .pidfd = pidfd, .root = -1, .cgroup = -1, .freezer = -1 };
    if (await_set_up(pid, pidfd, err) < 0)
        return -1;
    int status = look_at(pid, cgroup, exec, err);

    if (run_exec_is_over(pidfd)) /* then it need not have been this process */
        return over(err);
    return status;
}

void run_exec_close(struct run_exec *exec)
{
    md_fd_close(&exec->root);
    md_fd_close(&exec->cgroup);
    md_fd_close(&exec->freezer);
}

/* Back to our own PID namespace: the watching process is forked next. */
static int come_back(int self, pid_t *pid, struct md_err *err)
{
    if (setns(self, CLONE_NEWPID) == 0)
        return 0;
    md_err_sys(err, "cannot leave the container's PID namespace");
    run_process_end(pid);
    return -1;
}

/* Not dumpable from its birth: CVE-2016-9962. Restored here, as it is the child that counts. */
static pid_t clone_hidden(struct clone_args *args)
{
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    pid_t pid;

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;
    pid = sys_clone3(args);
    if (pid != 0 && dumpable == 1) {
        int saved = errno;

        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        errno = saved;
    }
    return pid;
}

pid_t run_exec_clone(const struct run_exec *exec, int *pidfd, struct md_err *err)
{
    MD_AUTO_FD self = pidfd_open(getpid(), 0);
    struct clone_args args = {
        .flags = CLONE_PIDFD | (exec->cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = exec->cgroup >= 0 ? (uint64_t)exec->cgroup : 0,
    };
    pid_t pid;

    if (self < 0)
        return md_err_sys(err, "pidfd_open");
    /* Only what is born from here on is in it: pid_namespaces(7). */
    if (setns(exec->pidfd, CLONE_NEWPID) < 0)
        return md_err_sys(err, "cannot enter the container's PID namespace");
    pid = clone_hidden(&args);
    if (pid == 0)
        return 0;
    if (pid < 0)
        md_err_sys(err, "cannot start a process in the container");
    return come_back(self, &pid, err) < 0 ? -1 : pid;
}

/* --- the terminal of one who is left alone */

static _Noreturn void keep_terminal(int master)
{
    const int keep[] = { master, -1 };
    struct pollfd output = { .fd = master, .events = POLLIN };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char bytes[4096];
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    prctl(PR_SET_NAME, "minidock-tty", 0, 0, 0);
    for (int i = 0; i < 3; i++)
        dup3(null, i, O_CLOEXEC);
    md_fd_close_others(STDERR_FILENO + 1, keep);
    if (chdir("/") < 0)
        _exit(1);
    for (;;) {
        ssize_t got = read(master, bytes, sizeof(bytes));

        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            _exit(0); /* EIO: nobody has the other end any more */
        if (got < 0)
            poll(&output, 1, -1);
    }
}

int run_exec_keep_terminal(int master, struct md_err *err)
{
    pid_t pid = fork();

    if (pid < 0)
        return md_err_sys(err, "cannot start a keeper of the terminal");
    if (pid == 0)
        keep_terminal(master);
    return 0;
}
