/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup: <mount>/minidock/<id>, where <mount> is that of the cgroup v2 hierarchy
 * (a hybrid host's too) or, on hosts without one, of the v1 freezer; or below our own cgroup
 * where we may not write at the top. Limits will be set in it; so far it is what pause freezes
 * and what is killed as a whole.
 */
#ifndef MD_RUN_CGROUP_H
#define MD_RUN_CGROUP_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

enum run_cgroup_kind {
    RUN_CGROUP_NONE,
    RUN_CGROUP_V2,     /* a process is born in it */
    RUN_CGROUP_FREEZER /* v1: a process is moved into it, which takes 15 ms */
};

#define RUN_CGROUP_PATH_SIZE 512

struct run_cgroup {
    enum run_cgroup_kind kind;
    int dir;  /* -1: none */
    int home; /* FREEZER: the caller's own cgroup, else -1 */
    char path[RUN_CGROUP_PATH_SIZE];
};

/* Where a container's cgroup may be made, the best place first. Plain value. */
struct run_cgroup_place {
    enum run_cgroup_kind kind;
    char top[RUN_CGROUP_PATH_SIZE]; /* <mount>/minidock */
    char own[RUN_CGROUP_PATH_SIZE]; /* <mount>/<our own cgroup>/minidock */
};

/*
 * From the text of /proc/self/mountinfo and /proc/self/cgroup; kind NONE: the host has neither.
 * Source: proc(5), cgroups(7).
 */
void run_cgroup_find(const char *mountinfo, const char *cgroups,
                     struct run_cgroup_place *place);

/*
 * Make the cgroup of a container: v2 where there is one, and else, if that is wanted, a
 * RUN_CGROUP_FREEZER.
 *
 * Errors: MD_ERR_SYSTEM, MD_ERR_NOT_FOUND  why there is none; the container can do without
 */
MD_MUST_CHECK
int run_cgroup_make(const char *id, enum run_cgroup_kind wanted, struct run_cgroup *cgroup,
                    struct md_err *err);
void run_cgroup_close(struct run_cgroup *cgroup);

/*
 * For a FREEZER: move this process in, so that what it clones next is born there, and back to
 * where it was. Nothing to do for the other kinds.
 */
MD_MUST_CHECK
int run_cgroup_enter(const struct run_cgroup *cgroup, struct md_err *err);
MD_MUST_CHECK
int run_cgroup_return(const struct run_cgroup *cgroup, struct md_err *err);

/* Kill what is in the cgroup, wait until that is dead, remove it and those below it. "" and
 * what is not the path of a container's cgroup are left alone. */
void run_cgroup_end(const char *path);

/* The same where nobody has written down the path: its runner died before it could. */
void run_cgroup_end_of(const char *id);

/* Where that is; false: nowhere. */
bool run_cgroup_locate(const char *id, char path[RUN_CGROUP_PATH_SIZE]);

/* Errors: MD_ERR_NOT_FOUND  there is no cgroup (any more); MD_ERR_SYSTEM */
MD_MUST_CHECK
int run_cgroup_freeze(const char *path, struct md_err *err);
MD_MUST_CHECK
int run_cgroup_thaw(const char *path, struct md_err *err);
bool run_cgroup_is_frozen(const char *path);

/* Did the kernel kill something in it for want of memory? */
bool run_cgroup_ran_out_of_memory(const char *path);

/*
 * Leave the caller's cgroup for one that outlives its session or unit: returns a descriptor of
 * a v2 cgroup to be born in, or -1 where there is nothing to leave or nowhere to go.
 */
int run_cgroup_refuge(void);

/* The same for the named hierarchy that systemd tracks its units by on hosts with v1: moves
 * this process. */
void run_cgroup_leave_unit(void);

#endif
