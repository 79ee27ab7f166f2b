/* SPDX-License-Identifier: Apache-2.0 */
/* The watching process. */
#include "run/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/process.h"

#define MAX_KEPT 16

/* Close all but lifeline, pidfd, the terminal and what the hooks need. */
static void close_others(const struct run_watch *watch, int lifeline, int terminal)
{
    const int *keep = watch->hooks ? watch->hooks->keep : NULL;
    int kept[MAX_KEPT + 4] = { lifeline, watch->pidfd };
    size_t count = 2;

    if (terminal >= 0)
        kept[count++] = terminal;
    for (size_t i = 0; keep && i < MAX_KEPT && keep[i] != -1; i++)
        kept[count++] = keep[i];
    kept[count] = -1;
    md_fd_close_others(STDERR_FILENO + 1, kept);
}

/* Nothing of the caller's may stay open here: who waits for the end of the runner's output must
 * not wait for this. The terminal's descriptor is moved out of the way first. */
static void let_go(const struct run_watch *watch, int lifeline, struct run_terminal *terminal)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (terminal->fd >= 0)
        terminal->fd = fcntl(terminal->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    for (int i = 0; i < 3; i++)
        dup3(null, i, O_CLOEXEC);
    md_fd_close(&null);
    close_others(watch, lifeline, terminal->fd);
    if (chdir("/") < 0) /* the caller's may be unmounted meanwhile */
        _exit(1);
}

/* Until the runner says something or has gone. */
static void await_runner(const struct run_watch *watch, int lifeline)
{
    struct pollfd fds[] = { { .fd = lifeline, .events = POLLIN },
                            { .fd = watch->pidfd, .events = POLLIN } };

    if (watch->runner == 0)
        return;
    while (poll(fds, 2, -1) < 0 || fds[0].revents == 0) {
        if (fds[1].revents == 0)
            continue;
        if (getppid() == watch->runner)
            kill(watch->runner, SIGCONT);
        fds[1].fd = -1;
        fds[1].revents = 0;
    }
}

static _Noreturn void stand_by(const struct run_watch *watch, int lifeline)
{
    struct run_terminal terminal = *watch->terminal;
    struct pollfd dead = { .fd = watch->pidfd, .events = POLLIN };
    sigset_t all;
    struct run_result result;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid(); /* a kill of the runner's whole process group must not hit this too */
    prctl(PR_SET_NAME, "minidock-watch", 0, 0, 0);
    let_go(watch, lifeline, &terminal);
    await_runner(watch, lifeline);
    for (;;) {
        ssize_t got = read(lifeline, &result, sizeof(result));

        if (got > 0) { /* all is well: the runner has dismissed us */
            watch->hooks->aftermath(watch->hooks->context, &result);
            _exit(0);
        }
        if (got == 0) /* the runner has gone */
            break;
    }
    run_process_kill(watch->pidfd);
    poll(&dead, 1, -1);
    /* Whether the runner had made it raw by then is not known here. */
    terminal.raw = true;
    run_terminal_restore(&terminal);
    if (watch->hooks && watch->hooks->orphaned)
        watch->hooks->orphaned(watch->hooks->context);
    _exit(0);
}

pid_t run_watch_start(const struct run_watch *watch, int *lifeline, struct md_err *err)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make the watcher's pipe");
    pid = fork();
    if (pid == 0) {
        close(ends[1]);
        stand_by(watch, ends[0]);
    }
    md_fd_close(&ends[0]);
    if (pid < 0) {
        md_err_sys(err, "cannot start the watcher");
        md_fd_close(&ends[1]);
        return -1;
    }
    *lifeline = ends[1];
    return pid;
}
