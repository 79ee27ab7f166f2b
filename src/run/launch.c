/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a container and stays with it until its end: the runner's side. Reads beside
 * child.c. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/child.h"
#include "run/exec.h"
#include "run/ids.h"
#include "run/process.h"
#include "run/relay.h"
#include "run/run.h"
#include "run/serve.h"
#include "run/sync.h"
#include "run/watch.h"

#define TIMED_OUT 124 /* as timeout(1) has it */

/* What one run holds; launch_clear() closes it. */
struct launch {
    const struct run_plan *plan;
    const struct run_exec *exec; /* the container to enter, or NULL: a new one */
    const struct run_hooks *hooks;
    struct run_signals signals;
    struct run_terminal terminal;
    struct run_pipes pipes;
    struct run_sync_cargo cargo; /* the program's terminal */
    int sync;
    int pidfd;
    int lifeline;              /* of the watcher */
    int stopped_by;            /* a signal that came before the program ran */
    struct run_server *server; /* a supervisor's clients, or NULL: this is the foreground */
    struct run_terminal *leader;
};

static void launch_clear(struct launch *launch)
{
    run_terminal_restore(&launch->terminal);
    run_pipes_clear(&launch->pipes);
    md_fd_close(&launch->cargo.master);
    md_fd_close(&launch->cargo.slave);
    md_fd_close(&launch->sync);
    md_fd_close(&launch->pidfd);
    md_fd_close(&launch->lifeline);
}

/* Our own program's file, for the child to recognise; it is no error when nobody can say. */
static void know_ourselves(struct run_child *child)
{
    struct stat info;

    if (stat("/proc/self/exe", &info) == 0) {
        child->exe_device = info.st_dev;
        child->exe_inode = info.st_ino;
    }
}

/* clone3 with the plan's namespaces; 0 in the child. */
static pid_t clone_init(const struct run_plan *plan, int *pidfd, struct md_err *err)
{
    struct clone_args args = {
        .flags = plan->namespaces | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    if (plan->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)plan->cgroup;
    }
    pid = sys_clone3(&args);
    if (pid < 0 && plan->cgroup >= 0) { /* a cgroup is no condition of running */
        args.flags &= ~CLONE_INTO_CGROUP;
        args.cgroup = 0;
        pid = sys_clone3(&args);
    }
    if (pid < 0)
        return md_err_sys(err, "cannot make the namespaces");
    return pid;
}

static pid_t start_init(struct launch *launch, struct md_err *err)
{
    struct run_child child = { .plan = launch->plan,
                               .exec = launch->exec,
                               .files = -1,
                               .root = -1,
                               .proc = -1,
                               .sys = -1,
                               .dev = -1,
                               .master = -1,
                               .slave = -1 };
    MD_AUTO_FD theirs = -1;
    pid_t pid;

    if (run_sync_pair(&launch->sync, &theirs, err) < 0)
        return -1;
    if (run_root_find(&child, err) < 0)
        return -1;
    know_ourselves(&child);
    pid = launch->exec ? run_exec_clone(launch->exec, &launch->pidfd, err)
                       : clone_init(launch->plan, &launch->pidfd, err);
    if (pid == 0) {
        md_fd_close(&launch->sync); /* or the child could not see our death */
        child.sync = theirs;
        memcpy(child.stdio, launch->pipes.theirs, sizeof(child.stdio));
        if (launch->exec)
            run_exec_child(&child);
        run_child(&child);
    }
    run_pipes_close_theirs(&launch->pipes);
    return pid;
}

static pid_t start_watcher(struct launch *launch, struct md_err *err)
{
    const struct run_watch watch = { .pidfd = launch->pidfd,
                                     .terminal = &launch->terminal,
                                     .hooks = launch->hooks,
                                     .runner = launch->exec ? getpid() : 0 };

    return run_watch_start(&watch, &launch->lifeline, err);
}

/* Before the program runs there is nobody to pass a signal to: it ends the set-up. */
static int check_signals(struct launch *launch)
{
    struct signalfd_siginfo info;

    while (read(launch->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (run_signal_ends((int)info.ssi_signo)) {
            launch->stopped_by = (int)info.ssi_signo;
            return -1;
        }
    }
    return 0;
}

/* The next message of the child, or -1 also for a signal. */
static int next_message(struct launch *launch, struct md_err *err)
{
    struct pollfd fds[] = { { .fd = launch->sync, .events = POLLIN },
                            { .fd = launch->signals.fd, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return md_err_sys(err, "poll");
        if (fds[1].revents && check_signals(launch) < 0)
            return md_err_set(err, MD_ERR_SYSTEM, "interrupted by signal %d",
                              launch->stopped_by);
        if (fds[0].revents)
            return run_sync_receive(launch->sync, &launch->cargo, err);
    }
}

/* Until the program runs: READY, then the end of file that exec makes of a CLOEXEC
 * descriptor. */
static int await_program(struct launch *launch, struct md_err *err)
{
    int got = next_message(launch, err);

    if (got == RUN_READY)
        got = next_message(launch, err);
    else if (got == RUN_GONE)
        return md_err_set(err, MD_ERR_SYSTEM,
                          "the container's first process was killed "
                          "during its set-up");
    if (got == RUN_GONE)
        return 0;
    if (got > 0 && got != RUN_FAILED)
        return md_err_set(err, MD_ERR_SYSTEM, "unexpected message %d of the set-up", got);
    return -1;
}

/* How the process ended, in a shell's terms. */
static int reap(pid_t *pid, const struct run_relay_end *end, struct run_result *result,
                struct md_err *err)
{
    int status;

retry:
    if (waitpid(*pid, &status, 0) < 0) {
        if (errno == EINTR)
            goto retry;
        return md_err_sys(err, "cannot learn how the container ended");
    }
    *pid = -1;
    *result = (struct run_result){ .write_errno = end->write_error,
                                   .timed_out = end->timed_out,
                                   .dismissed = end->dismissed,
                                   .orphaned = end->orphaned };
    if (WIFEXITED(status)) {
        result->exit_code = WEXITSTATUS(status);
        result->timed_out = false; /* it was faster */
        return 0;
    }
    result->signal = end->killed_for ? end->killed_for : WTERMSIG(status);
    result->expected = end->killed_for || end->forwarded == WTERMSIG(status);
    result->exit_code = result->timed_out ? TIMED_OUT : 128 + result->signal;
    return 0;
}

/*
 * The watcher goes, and does what is left to do, while this process has other things to do; it
 * is not waited for. If it was killed, what is left is done here.
 */
static void dismiss(const struct launch *launch, pid_t *watcher,
                    const struct run_result *result)
{
    const struct run_hooks *hooks = launch->hooks;
    bool left = hooks && hooks->aftermath;

    if (left && *watcher > 0 &&
        write(launch->lifeline, result, sizeof(*result)) == (ssize_t)sizeof(*result)) {
        *watcher = -1;
        return;
    }
    if (*watcher > 0)
        kill(*watcher, SIGKILL);
    if (launch->exec)
        *watcher = -1; /* to wait for it would take longer than a short program */
    if (left)
        hooks->aftermath(hooks->context, result);
}

static bool is_detached(const struct launch *launch)
{
    return launch->exec && launch->exec->detach;
}

/* The process goes on without us. */
static int leave_running(struct launch *launch, pid_t *pid, struct run_result *result,
                         struct md_err *err)
{
    if (launch->cargo.master >= 0 && run_exec_keep_terminal(launch->cargo.master, err) < 0)
        return -1;
    if (is_detached(launch))
        run_process_end(pid); /* it has gone: the program is its child */
    *pid = -1;
    *result = (struct run_result){ .left = true };
    return 0;
}

static int relay(struct launch *launch, pid_t pid, struct run_relay_end *end,
                 struct md_err *err)
{
    const struct run_relay relay = {
        .hooks = launch->hooks,
        .signals = &launch->signals,
        .terminal = &launch->terminal,
        .pipes = &launch->pipes,
        .master = launch->cargo.master,
        .open_stdin = launch->plan->open_stdin,
        .withheld = launch->plan->withheld,
        .timeout_s = launch->plan->timeout_s,
        .pid = pid,
        .pidfd = launch->pidfd,
        .leads_group = launch->exec != NULL,
        .keys = launch->exec ? &launch->exec->keys : NULL,
    };

    run_terminal_enter(&launch->terminal);
    return run_relay(&relay, end, err);
}

static int serve(struct launch *launch, pid_t pid, struct run_relay_end *end,
                 struct md_err *err)
{
    const struct run_serve serve = {
        .plan = launch->plan,
        .hooks = launch->hooks,
        .server = launch->server,
        .signals = &launch->signals,
        .terminal = launch->leader,
        .pipes = &launch->pipes,
        .master = launch->cargo.master,
        .pid = pid,
        .pidfd = launch->pidfd,
    };

    /* Ours would keep the terminal open after all of the container's have gone. */
    md_fd_close(&launch->cargo.slave);
    return run_serve(&serve, end, err);
}

static int accompany(struct launch *launch, pid_t *pid, pid_t *watcher,
                     struct run_result *result, struct md_err *err)
{
    struct run_relay_end end = { 0 };
    int status =
        launch->server ? serve(launch, *pid, &end, err) : relay(launch, *pid, &end, err);

    if (status < 0)
        return -1;
    if (end.detached) {
        run_process_end(watcher);
        return leave_running(launch, pid, result, err);
    }
    if (reap(pid, &end, result, err) < 0)
        return -1;
    if (launch->hooks && launch->hooks->ended)
        launch->hooks->ended(launch->hooks->context, result);
    dismiss(launch, watcher, result);
    return 0;
}

/* A child that has failed meanwhile does not listen any more: what it said comes next. */
static void tell(const struct launch *launch, enum run_sync_tag tag)
{
    struct md_err ignored = { 0 };

    if (run_sync_send(launch->sync, tag, NULL, &ignored) < 0)
        return;
}

static int write_maps(const struct launch *launch, pid_t pid, struct md_err *err)
{
    const struct run_id_map *ids = &launch->plan->ids;

    if (ids->uid_count + ids->gid_count == 0)
        return 0;
    if (run_ids_write(pid, ids, err) < 0)
        return -1;
    tell(launch, RUN_MAPPED);
    return 0;
}

static int open_streams(struct launch *launch, struct md_err *err)
{
    if (is_detached(launch))
        return 0;
    if (!launch->server)
        run_terminal_open(launch->plan, &launch->terminal);
    return run_pipes_open(launch->plan, &launch->pipes, err);
}

static int launch_run(struct launch *launch, struct run_result *result, struct md_err *err)
{
    const struct run_hooks *hooks = launch->hooks;
    RUN_AUTO_CHILD watcher = -1;
    RUN_AUTO_CHILD pid = -1; /* both are killed and reaped on every return, this one first */

    if (open_streams(launch, err) < 0)
        return -1;
    pid = start_init(launch, err);
    if (pid < 0 || write_maps(launch, pid, err) < 0)
        return -1;
    if (hooks && hooks->started && hooks->started(hooks->context, pid, err) < 0)
        return -1;
    if (!launch->server && !is_detached(launch)) {
        watcher = start_watcher(launch, err);
        if (watcher < 0)
            return -1;
    }
    tell(launch, RUN_GO);
    if (await_program(launch, err) < 0)
        return -1;
    if (hooks && hooks->running)
        hooks->running(hooks->context);
    if (is_detached(launch))
        return leave_running(launch, &pid, result, err);
    return accompany(launch, &pid, &watcher, result, err);
}

/* A signal came while it was set up: that is how it ended. */
static void end_unstarted(const struct launch *launch, struct run_result *result)
{
    const struct run_hooks *hooks = launch->hooks;

    *result = (struct run_result){ .exit_code = 128 + launch->stopped_by,
                                   .signal = launch->stopped_by,
                                   .dismissed = launch->server != NULL };
    if (hooks && hooks->ended)
        hooks->ended(hooks->context, result);
    if (hooks && hooks->aftermath) /* the watcher is gone */
        hooks->aftermath(hooks->context, result);
}

static int run(struct launch *launch, struct run_result *result, struct md_err *err)
{
    int status;

    if (md_fd_fill_standard() < 0)
        return md_err_sys(err, "cannot open /dev/null");
    if (run_signals_take(&launch->signals, err) < 0)
        return -1;
    status = launch_run(launch, result, err);
    launch_clear(launch);
    run_signals_give_back(&launch->signals);
    if (status < 0 && launch->stopped_by) {
        memset(err, 0, sizeof(*err));
        end_unstarted(launch, result);
        return 0;
    }
    return status;
}

static void prepare(struct launch *launch, const struct run_plan *plan,
                    const struct run_hooks *hooks)
{
    *launch = (struct launch){
        .plan = plan,
        .hooks = hooks,
        .pipes = { { -1, -1, -1 }, { -1, -1, -1 } },
        .terminal = { .fd = -1 },
        .cargo = { -1, -1 },
        .sync = -1,
        .pidfd = -1,
        .lifeline = -1,
    };
}

int run_container(const struct run_plan *plan, const struct run_hooks *hooks,
                  struct run_result *result, struct md_err *err)
{
    struct launch launch;

    prepare(&launch, plan, hooks);
    return run(&launch, result, err);
}

int run_detached(const struct run_plan *plan, const struct run_hooks *hooks,
                 struct run_server *server, struct run_terminal *leader,
                 struct run_result *result, struct md_err *err)
{
    struct launch launch;

    prepare(&launch, plan, hooks);
    launch.server = server;
    launch.leader = leader;
    return run(&launch, result, err);
}

int run_exec(const struct run_plan *plan, const struct run_exec *exec,
             struct run_result *result, struct md_err *err)
{
    struct launch launch;

    prepare(&launch, plan, NULL);
    launch.exec = exec;
    return run(&launch, result, err);
}
