/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container under way, from its options to its end, in whatever process looks after it.
 *
 * There are two ways:
 *
 *   in the foreground  run without -t and --restart: this process starts the container, relays
 *                      its bytes and sees its end; a watching process (run/watch.h) is at hand
 *                      in case this one is killed
 *   supervised         run -d, run -t, start, --restart: a supervisor (cli/supervise.c) does it
 *                      alone; this process is its first client, or has only waited until the
 *                      program runs
 *
 * The container's directory is locked by whoever does it, from before its state says "running"
 * until after it says how it ended. When a supervisor is killed the kernel kills the
 * container's process 1 (PR_SET_PDEATHSIG); should that have changed its user, which clears the
 * setting, the next command of minidock does.
 */
#ifndef MD_CLI_SESSION_H
#define MD_CLI_SESSION_H

#include "cli/command.h"
#include "cli/policy.h"
#include "cli/run_mounts.h"
#include "cli/run_options.h"
#include "run/cgroup.h"
#include "run/run.h"
#include "store/log.h"

struct cli_session {
    const struct cli_global *global;
    struct cli_run_options options;
    char *rootfs_path; /* --rootfs, made absolute */
    struct store store;
    struct store_image image;
    int rootfs; /* the image's, borrowed, or --rootfs DIR, ours */
    struct store_container container;
    struct store_state state;
    struct timespec started_before; /* when it ran last; zero: never */
    struct store_log *log;
    struct run_plan plan;
    struct cli_mounts mounts; /* until the container's config.json names them */
    struct run_cgroup cgroup;
    int status_fd; /* --status-fd, or -1 */
    int keep[5];   /* what the watching process works on */
    /* A supervisor's part; NULL in the foreground. */
    void *context;
    void (*runs)(void *context); /* the program was executed */
    /* It has ended: state may become RESTARTING. */
    void (*decide)(void *context, const struct run_result *result);
    void (*over)(void *context); /* that is on disk */
};

/* Nothing opened yet; always to be cleared. */
void cli_session_init(struct cli_session *session, const struct cli_global *global);
void cli_session_clear(struct cli_session *session);

/*
 * From the options, settled here, to a container on disk that is locked: the store is opened,
 * the image pulled if it must be, the plan made.
 *
 * Errors: those of all of these; without a text when pull has said why
 */
MD_MUST_CHECK
int cli_session_create(struct cli_session *session, struct md_err *err);

/* session_root.c: rootfs, and image where it is one's. */
MD_MUST_CHECK
int cli_session_open_root(struct cli_session *session, struct md_err *err);

/* From a container on disk to its plan; container and store are those of the session already.
 * */
MD_MUST_CHECK
int cli_session_load(struct cli_session *session, struct md_err *err);

/* Its log, its cgroup, the hooks: all that is left before run_container() or run_detached(). */
MD_MUST_CHECK
int cli_session_prepare(struct cli_session *session, struct run_hooks *hooks,
                        struct md_err *err);

/* It could not start: that is noted, or it is removed. One that never ran stays "created". */
void cli_session_settle_unstarted(struct cli_session *session, const struct md_err *err);

/* Report to --status-fd. */
void cli_session_report(const struct cli_session *session, const char *event);

/* The container's state with the truth about being paused. */
MD_MUST_CHECK
int cli_container_state(const struct store *store, const struct store_container *container,
                        struct store_state *state, struct md_err *err);

/* store_container_mend() with what lies outside of the store. */
void cli_mend(const struct store *store);

/* Why it ended, for state->reason; "" where that was its own doing. */
void cli_reason(const struct run_result *result, const struct cli_run_options *options,
                int container_dir, struct store_state *state);

#endif
