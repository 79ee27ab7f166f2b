/* SPDX-License-Identifier: Apache-2.0 */
/* The working directory and the program itself; what is missing when it cannot be executed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "run/child.h"
#include "run/image_file.h"

int run_step_make_working_dir(struct run_child *child, struct md_err *err)
{
    MD_AUTO_FD dir = md_path_make_dirs_in(child->root, child->plan->working_dir, err);

    return dir < 0 ? -1 : 0;
}

/* As the user, whom it may be closed to; and never through a magic link like /proc/self/fd/7,
 * behind which a directory of the host could be (CVE-2024-21626). */
int run_step_enter_working_dir(struct run_child *child, struct md_err *err)
{
    MD_AUTO_FD dir =
        md_path_open_in(AT_FDCWD, child->plan->working_dir, O_PATH | O_DIRECTORY, 0, err);

    if (dir < 0)
        return -1;
    if (fchdir(dir) < 0)
        return md_err_sys(err, "\"%.300s\"", child->plan->working_dir);
    return 0;
}

/* Signals as a program expects to find them, whatever the caller ignores or blocks. */
static void reset_signals(void)
{
    const struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

enum outcome {
    ABSENT, /* go on to the next directory of PATH */
    DENIED, /* go on, but remember */
    FAILED, /* it is there and cannot be executed: errno */
};

/*
 * Execute one path. Our own program is refused, by whatever links and interpreter lines it is
 * reached: inside, /proc/self/exe would be a handle on the host's file (CVE-2019-5736).
 */
static enum outcome try_path(const struct run_child *child, const char *path)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return errno == ENOENT || errno == ENOTDIR ? ABSENT : errno == EACCES ? DENIED : FAILED;
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return DENIED;
    }
    if (run_image_file_leads_to(path, child->exe_device, child->exe_inode)) {
        errno = EPERM;
        return FAILED;
    }
    execve(path, child->plan->args.items, child->plan->env.items);
    return errno == EACCES ? DENIED : FAILED;
}

static int cannot_execute(const char *name, int reason, const char *why, struct md_err *err)
{
    char shown[200];

    md_err_set(err, MD_ERR_EXEC, "exec: \"%s\": %s",
               md_text_escape(name, strlen(name), shown, sizeof(shown)), why);
    err->sys = reason;
    return -1;
}

/* The sentence for errno after path could not be executed. */
static int explain(const char *path, struct md_err *err)
{
    int reason = errno;
    char missing[100];
    char shown[200];
    char why[300];

    switch (reason) {
    case ENOENT:
        if (!run_image_file_interpreter(path, missing, sizeof(missing)))
            return cannot_execute(path, reason, "no such file or directory", err);
        md_text_escape(missing, strlen(missing), shown, sizeof(shown));
        snprintf(why, sizeof(why), "its interpreter \"%s\" is not there", shown);
        return cannot_execute(path, reason, why, err);
    case EACCES:
        return cannot_execute(path, reason, run_image_file_why_denied(path), err);
    case EISDIR:
        return cannot_execute(path, reason, "is a directory", err);
    case EPERM:
        return cannot_execute(path, reason, "operation not permitted", err);
    case ENOEXEC:
        return cannot_execute(path, reason, run_image_file_why_not(path), err);
    case E2BIG:
        return cannot_execute(path, reason, "arguments and environment are too long", err);
    default:
        snprintf(why, sizeof(why), "error %d", reason);
        return cannot_execute(path, reason, why, err);
    }
}

static const char *find_path(const struct run_child *child)
{
    const struct md_list *env = &child->plan->env;

    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], "PATH=", 5) == 0)
            return env->items[i] + 5;
    }
    return "";
}

/* Each directory of the container's PATH in turn; an empty one is the working directory. */
static int search(const struct run_child *child, const char *name, struct md_err *err)
{
    char path[PATH_MAX];
    const char *dir = find_path(child);
    int denied = 0;

    while (*dir) {
        size_t len = strcspn(dir, ":");
        int size =
            snprintf(path, sizeof(path), "%.*s/%s", len ? (int)len : 1, len ? dir : ".", name);

        if (size > 0 && (size_t)size < sizeof(path)) {
            enum outcome outcome = try_path(child, path);

            if (outcome == FAILED)
                return explain(path, err);
            if (outcome == DENIED)
                denied = errno == EISDIR ? denied : EACCES;
        }
        dir += len + (dir[len] == ':');
    }
    if (denied)
        return cannot_execute(name, denied, "permission denied", err);
    return cannot_execute(name, ENOENT, "executable file not found in $PATH", err);
}

int run_step_execute(struct run_child *child, struct md_err *err)
{
    const char *name = child->plan->args.items[0];

    umask(child->plan->umask);
    reset_signals();
    /* Whatever the caller has left open: only 0, 1, 2 and --preserve-fds are the program's. */
    if (close_range(STDERR_FILENO + 1 + child->plan->preserve_fds, ~0u, CLOSE_RANGE_CLOEXEC) <
        0)
        return md_err_sys(err, "close_range");
    if (!strchr(name, '/'))
        return *name ? search(child, name, err)
                     : cannot_execute(name, ENOENT, "the name is empty", err);
    if (try_path(child, name) == ABSENT)
        errno = ENOENT;
    return explain(name, err);
}
