/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --init: the first process stays ours. It starts the program as its child, passes signals on
 * to it, reaps whatever is orphaned in the container, and ends as the program does. It is never
 * executed, so /proc/1/exe leads to our program, which a process that may not trace us cannot
 * open: PR_SET_DUMPABLE is 0 since the first step, and stays so as no user changes after it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/child.h"

/* Reap all that has ended. Returns the program's exit status, or -1 while it lives. */
static int reap(pid_t program)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid != program)
            continue;
        /* As process 1 it cannot die of a signal of its own: pid_namespaces(7). */
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return -1;
}

/* The container sees this process: what it shows of its command line is not the host's. */
static void hide_command_line(void)
{
    static const char name[] = "init";
    char *start = program_invocation_name; /* argv[0], and the environment follows the others */

    if (environ && environ[0] > start + sizeof(name)) {
        memset(start, 0, (size_t)(environ[0] - start));
        memcpy(start, name, sizeof(name));
    }
}

static _Noreturn void look_after(pid_t program, const sigset_t *all)
{
    for (;;) {
        siginfo_t info;
        int signal = sigwaitinfo(all, &info);
        int status;

        if (signal > 0 && signal != SIGCHLD)
            (void)kill(program, signal);
        status = reap(program);
        if (status >= 0)
            _exit(status);
    }
}

/* Its own process group, in front on its terminal: ctrl-c is for it and its children. */
static void come_to_front(void)
{
    (void)setpgid(0, 0);
    if (isatty(STDIN_FILENO))
        (void)tcsetpgrp(STDIN_FILENO, getpid());
}

int run_step_split_off_init(struct run_child *child, struct md_err *err)
{
    sigset_t all;
    pid_t program;

    if (!child->plan->init)
        return 0;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* tcsetpgrp(3) from the background, too */
    program = fork();
    if (program < 0)
        return md_err_sys(err, "fork");
    if (program == 0) {
        come_to_front();
        return 0; /* and is executed; signals are reset there */
    }
    if (prctl(PR_SET_NAME, "init", 0, 0, 0) < 0)
        _exit(125);
    hide_command_line();
    /* All, the socket to the runner above all: its end of file says that the program runs. */
    close_range(0, ~0u, 0);
    look_after(program, &all);
}
