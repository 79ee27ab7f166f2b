/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of run share: a root file system, a plan for it, and a container's outcome. */
#ifndef TESTS_RUN_KIT_H
#define TESTS_RUN_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "run/plan.h"
#include "run/run.h"

/* A directory of this test, with a root file system below it that holds /bin/inside. */
struct kit {
    char *dir;
    char *root;
    int root_fd;
};

/* cmocka set-up and tear-down of one test; *state is a struct kit. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* Skip with a reason, or fail with MINIDOCK_STRICT=1, where containers cannot be made. */
void kit_need_containers(void);

/* Paths below the test's directory, and below its root. Kept until tear-down. */
char *kit_path(const struct kit *kit, const char *name);
void kit_write(const struct kit *kit, const char *name, const char *text, mode_t mode);

/* A plan with every namespace of its own, root in memory, that runs inside with these words. */
void kit_plan(const struct kit *kit, struct run_plan *plan, ...) __attribute__((sentinel));

/* One system call that fails, in the runner and in the container until exec. */
struct kit_deny {
    int number;
    int argument;   /* -1: whatever its arguments */
    uint32_t value; /* the lower half of that argument */
    int error;
};

struct kit_how {
    const struct kit_deny *deny;
    const struct run_hooks *hooks;
    const struct run_exec *exec; /* the plan is for a program in this container */
    const char *input;           /* bytes on stdin; NULL: /dev/null */
    int kill_after_ms; /* the runner gets the signal after this time; 0: it gets none */
    int signal;
    int out;    /* the runner's stdout instead of what is collected; 0: collect */
    int closed; /* how many of 0, 1, 2 are closed in the runner, from 0 on */
};

struct kit_outcome {
    int status; /* of run_container; -2: the runner itself was killed */
    struct run_result result;
    struct md_err err;
    char out[1 << 16];
    size_t out_len;
    char complaints[4096]; /* stderr */
};

/* Run it in a process of its own. how may be NULL. */
void kit_run(const struct run_plan *plan, const struct kit_how *how,
             struct kit_outcome *outcome);

#endif
