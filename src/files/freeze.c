/* SPDX-License-Identifier: Apache-2.0 */
/* A container that stands still while its files are read. */
#include "files/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "run/cgroup.h"

/* Thaws when the lifeline's other end is closed. Out of reach of ctrl-c and of a hangup, which
 * end the process that it guards. */
static _Noreturn void guard(const char *cgroup, int lifeline)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct md_err failed = { 0 };
    char byte;

    setsid();
    sigaction(SIGTERM, &ignore, NULL);
    while (read(lifeline, &byte, 1) < 0 && errno == EINTR)
        ;
    _exit(run_cgroup_thaw(cgroup, &failed) < 0);
}

/* The guard is there before anything is frozen. */
static int start_guard(const char *cgroup, struct files_freeze *freeze, struct md_err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make a pipe");
    freeze->guard = fork();
    if (freeze->guard == 0) {
        md_fd_close(&ends[1]);
        guard(cgroup, ends[0]);
    }
    md_fd_close(&ends[0]);
    freeze->lifeline = ends[1];
    if (freeze->guard > 0)
        return 0;
    freeze->guard = 0;
    md_fd_close(&freeze->lifeline);
    return md_err_sys(err, "cannot start a process");
}

void files_freeze_start(const struct store *store, const struct store_container *container,
                        struct files_freeze *freeze)
{
    struct store_state state = { 0 };
    struct md_err failed = { 0 };

    *freeze = (struct files_freeze){ .lifeline = -1 };
    if (store_container_state(store, container, &state, &failed) < 0 ||
        state.status != STORE_RUNNING || !state.cgroup[0] || run_cgroup_is_frozen(state.cgroup))
        return;
    if (start_guard(state.cgroup, freeze, &failed) == 0 &&
        run_cgroup_freeze(state.cgroup, &failed) == 0)
        return;
    md_log("container %.12s is not paused: %s", container->id, failed.text);
    files_freeze_end(freeze);
}

void files_freeze_end(struct files_freeze *freeze)
{
    md_fd_close(&freeze->lifeline);
    while (freeze->guard > 0 && waitpid(freeze->guard, NULL, 0) < 0 && errno == EINTR)
        ;
    freeze->guard = 0;
}
