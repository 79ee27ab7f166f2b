/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a container that runs. The process is born in its cgroup and its PID namespace, as a
 * child of the runner that nobody inside may look into, and joins the other namespaces itself:
 * exec_child.c. All of them are those of one pidfd, so they are this container's or, once that
 * has died, nobody's.
 */
#ifndef MD_RUN_EXEC_H
#define MD_RUN_EXEC_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/keys.h"

struct run_exec {
    int pidfd;         /* of the container's process 1; borrowed */
    int root;          /* its root, O_PATH, to look up users in */
    int namespaces;    /* CLONE_NEW* that the process joins itself */
    int cgroup;        /* v2: the directory to be born in; -1: none */
    int freezer;       /* v1: cgroup.procs to move to; -1: none */
    dev_t host_device; /* the runner's own root, which must not be the process's */
    ino_t host_inode;
    struct rlimit limits[RLIM_NLIMITS]; /* the container's */
    bool detach; /* nobody stays with it: no streams, no signals, no watching process */
    struct run_keys keys; /* that leave it running */
};

/*
 * Look at the container whose process 1 is pid, and pidfd. cgroup is its directory, or "".
 * Waits until it is set up.
 *
 * Errors: MD_ERR_NOT_FOUND  it has died; MD_ERR_SYSTEM. run_exec_close() is due all the same.
 */
MD_MUST_CHECK
int run_exec_open(pid_t pid, int pidfd, const char *cgroup, struct run_exec *exec,
                  struct md_err *err);
void run_exec_close(struct run_exec *exec);

/* Has process 1 ended? Then whatever was learned of its pid may be another's. */
bool run_exec_is_over(int pidfd);

/* A child in the container's cgroup and PID namespace, 0 there. *pidfd is the child's. */
MD_MUST_CHECK
pid_t run_exec_clone(const struct run_exec *exec, int *pidfd, struct md_err *err);

/* Start a process that keeps the terminal of one who is left alone, and reads what it writes,
 * until nobody has it open any more: a terminal without a master hangs up. */
MD_MUST_CHECK
int run_exec_keep_terminal(int master, struct md_err *err);

#endif
