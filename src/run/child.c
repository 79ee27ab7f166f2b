/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process: the steps between clone and exec, in their order. */
#include "run/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/sync.h"

static int wait_for_maps(struct run_child *child, struct md_err *err)
{
    if (child->plan->ids.uid_count + child->plan->ids.gid_count == 0)
        return 0;
    return run_sync_expect(child->sync, RUN_MAPPED, err);
}

/* Nobody who shares a namespace with the container may look into this process. */
int run_step_hide(struct run_child *child, struct md_err *err)
{
    (void)child;
    umask(0);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return md_err_sys(err, "prctl");
    return 0;
}

int run_step_report_ready(struct run_child *child, struct md_err *err)
{
    const struct run_sync_cargo cargo = { .master = child->master, .slave = child->slave };

    return run_sync_send(child->sync, RUN_READY, &cargo, err);
}

/* End of file here means that the runner died before there was a watcher: then this dies
 * too. */
int run_step_wait_for_runner(struct run_child *child, struct md_err *err)
{
    return run_sync_expect(child->sync, RUN_GO, err);
}

/* If the runner dies before this, its end of the socket closes, which is seen at the next step
 * but one. */
static int die_with_runner(struct run_child *child, struct md_err *err)
{
    if (child->plan->dies_with_runner && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return md_err_sys(err, "prctl");
    return 0;
}

static const struct run_child_step steps[] = {
    { "wait for the id maps", wait_for_maps },
    { "hide from other processes", run_step_hide },
    { "become root of the new namespace", run_step_become_root },
    { "stop mounts reaching the host", run_step_private_mounts },
    { "mount the root file system", run_step_mount_root }, /* needs the old /proc in sight */
    { "mount /proc and /sys", run_step_mount_kernelfs },
    { "make /dev", run_step_make_dev },
    { "put /etc/hosts and its kin in place", run_step_attach_files },
    { "mount the volumes", run_step_mount_volumes },
    { "make the working directory", run_step_make_working_dir },
    { "hide what /proc and /sys show of the host",
      run_step_mask_kernelfs }, /* needs /dev/null */
    { "open the terminal", run_step_open_terminal },
    { "enter the root file system", run_step_enter_root },
    { "set the host name", run_step_name_host },
    { "bring up the loopback interface", run_step_raise_loopback },
    { "connect stdin, stdout and stderr", run_step_connect_stdio },
    { "leave the session keyring", run_step_leave_keyring },
    { "load the seccomp filter", run_step_load_seccomp }, /* needs CAP_SYS_ADMIN */
    { "become the user", run_step_become_user },          /* drops capabilities */
    { "enter the working directory", run_step_enter_working_dir },
    { "die with the runner", die_with_runner }, /* a change of user would clear it */
    { "report that set-up is done", run_step_report_ready },
    { "wait for the runner", run_step_wait_for_runner },
    { "start the first process", run_step_split_off_init },
    { "execute the program", run_step_execute },
};

_Noreturn void run_child_perform(struct run_child *child, const struct run_child_step *table,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct md_err err = { 0 };

        if (table[i].step(child, &err) < 0) {
            md_err_in(&err, "cannot %s", table[i].doing);
            run_sync_fail(child->sync, &err);
            break;
        }
    }
    _exit(125); /* never exit(): atexit belongs to the parent */
}

_Noreturn void run_child(struct run_child *child)
{
    run_child_perform(child, steps, sizeof(steps) / sizeof(*steps));
}
