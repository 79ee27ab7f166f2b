/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a container, being its foreground, and seeing it end. */
#ifndef MD_RUN_RUN_H
#define MD_RUN_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "run/plan.h"

/* How it ended. */
struct run_result {
    int exit_code;  /* the program's own, 128+n, or 130 for Ctrl-C on a PID 1 without handler */
    int signal;     /* n, or 0 */
    bool expected;  /* that signal came by way of this process */
    bool timed_out; /* --timeout ended it: exit_code is 124 */
    bool dismissed; /* the supervisor was asked to end, and ended the container */
    bool orphaned;  /* killed with the command in whose foreground it was */
    bool left;      /* run_exec() only: it runs on, and there is nothing else to say */
    /* Why output did not reach the caller's stdout or stderr; 0: it did, or its reader had gone
     * (EPIPE), and so the program was told. */
    int write_errno;
};

/* What the runner does with the program's output and what it wants to know; all may be NULL. */
struct run_hooks {
    void *context;
    /* The container's PID 1 exists (before exec): pid is valid in the caller's namespace. */
    int (*started)(void *context, pid_t pid, struct md_err *err);
    /* The program runs: it was executed. */
    void (*running)(void *context);
    /* Bytes of stdout (1) or stderr (2), as they came, before they are copied to the
     * caller's. */
    void (*output)(void *context, int stream, const void *bytes, size_t len);
    /* The container has ended and is reaped; runs before run_container() returns. */
    void (*ended)(void *context, const struct run_result *result);
    /*
     * Runs in the watching process after that, while this one goes on: for what nobody has to
     * wait for. It shares descriptors and memory as they were before the container ran.
     */
    void (*aftermath)(void *context, const struct run_result *result);
    /* Descriptors that these two and orphaned use, ended by -1: the watching process has no
     * others of this one, nor its working directory. */
    const int *keep;
    /*
     * Runs in the watching process, a fork of this one, after the runner was killed and the
     * container with it: put the state on disk right. No locks of the runner may be waited for.
     */
    void (*orphaned)(void *context);
};

/*
 * Run the container in the foreground until its PID 1 ends: stdin (if open_stdin), stdout and
 * stderr are relayed, signals forwarded, the terminal is raw meanwhile and restored whatever
 * happens. When this process is killed, the container is too, and nothing of it is left.
 *
 * Returns 0 with *result, or -1: nothing is left running.
 * Errors: MD_ERR_EXEC    the program cannot be started; err->sys is ENOENT or another errno
 *         MD_ERR_SYSTEM  "cannot <step of the set-up>: ..."
 */
MD_MUST_CHECK
int run_container(const struct run_plan *plan, const struct run_hooks *hooks,
                  struct run_result *result, struct md_err *err);

/* For run_detached(). */
struct run_server;
struct run_terminal;

/*
 * The same in a supervisor: what runs is seen by the clients of server, and the caller's
 * streams and terminal are left alone. leader is the terminal of the leading client, or has fd
 * -1. There is no watching process: see run_plan.dies_with_runner.
 */
MD_MUST_CHECK
int run_detached(const struct run_plan *plan, const struct run_hooks *hooks,
                 struct run_server *server, struct run_terminal *leader,
                 struct run_result *result, struct md_err *err);

/*
 * Run a program in a container that runs: see run/exec.h. Of the plan what concerns the program
 * counts: args, env, working_dir, user, capabilities, terminal, open_stdin, umask, seccomp.
 * As in run_container() the caller's streams and terminal are the program's, signals are passed
 * on, and when this process is killed, the program is too.
 */
struct run_exec;
MD_MUST_CHECK
int run_exec(const struct run_plan *plan, const struct run_exec *exec,
             struct run_result *result, struct md_err *err);

#endif
