/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's first process between clone and exec: a table of named steps, in child.c. No
 * step uses the heap, stdio or a third-party library; a failure goes to the runner as data.
 */
#ifndef MD_RUN_CHILD_H
#define MD_RUN_CHILD_H

#include <limits.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/plan.h"

/* The child's own state; descriptors are -1 until their step. */
struct run_exec;
struct run_child {
    const struct run_plan *plan;
    const struct run_exec *exec; /* the container that is entered; NULL: a new one is made */
    int sync;
    /* The plan's directories by name: only the parent can ask for them, as /proc tells what a
     * descriptor is relative to a root that the child has left with its namespace. */
    struct {
        char lower[PATH_MAX], mount_point[PATH_MAX], upper[PATH_MAX], work[PATH_MAX];
    } names;
    int stdio[3];     /* the program's ends of the pipes; -1: its terminal, or /dev/null */
    dev_t exe_device; /* our own program, which the container must not execute */
    ino_t exe_inode;
    int files; /* a tmpfs: the container's hosts, hostname and resolv.conf */
    int root;  /* the container's root, from before it is entered */
    int proc, sys, dev;
    int master, slave; /* the terminal */
};

/* Before clone: fill names. */
MD_MUST_CHECK
int run_root_find(struct run_child *child, struct md_err *err);

/* Perform all steps. Never returns. */
_Noreturn void run_child(struct run_child *child);

/* The same for a process in a container that runs already: exec_child.c. */
_Noreturn void run_exec_child(struct run_child *child);

/* One step. Returns 0, or -1 with *err, to which "cannot <doing>: " is added. */
typedef int run_step(struct run_child *child, struct md_err *err);

/* A row of a table of steps. */
struct run_child_step {
    const char *doing;
    run_step *step;
};

/* Perform the steps of a table until one fails, which is reported. Never returns. */
_Noreturn void run_child_perform(struct run_child *child, const struct run_child_step *steps,
                                 size_t count);

/* child.c: what every table has */
run_step run_step_hide; /* from whoever shares a namespace with the container */
run_step run_step_report_ready;
run_step run_step_wait_for_runner;

/* root.c */
run_step run_step_private_mounts; /* nothing mounted from here on reaches the host */
run_step run_step_mount_root;     /* needs the old /proc in sight */
run_step run_step_enter_root;

/* kernelfs.c */
run_step run_step_mount_kernelfs;
run_step run_step_mask_kernelfs;

/* dev.c */
run_step run_step_make_dev;

/* files.c */
run_step run_step_attach_files;

/* volumes.c */
run_step run_step_mount_volumes;

/* pty.c */
run_step run_step_open_terminal;
run_step run_step_join_terminal; /* of a container that runs: no /dev/console is made */
run_step run_step_connect_stdio;

/* identity.c */
run_step run_step_become_root;
run_step run_step_name_host;
run_step run_step_raise_loopback;
run_step run_step_leave_keyring;
run_step run_step_load_seccomp;
run_step run_step_become_user;

/* init.c: with --init, only the program's own process goes on */
run_step run_step_split_off_init;

/* program.c */
run_step run_step_make_working_dir;
run_step run_step_enter_working_dir;
run_step run_step_execute;

/* files.c: write the files into the tmpfs child->files. */
MD_MUST_CHECK
int run_files_write(struct run_child *child, struct md_err *err);

/* caps.c: cut the bounding set to wanted; returns in *held what of it this process has at
 * all. */
MD_MUST_CHECK
int run_caps_bound(uint64_t wanted, uint64_t *held, struct md_err *err);

#endif
