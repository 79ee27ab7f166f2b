/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that act on containers share. */
#ifndef MD_CLI_LIFE_H
#define MD_CLI_LIFE_H

#include "cli/command.h"
#include "cli/policy.h"
#include "cli/supervise.h"
#include "run/attach.h"

/* One container of a command line. context is the command's. */
typedef int cli_container_fn(const struct store *store, struct store_container *container,
                             void *context, struct md_err *err);

/*
 * Open the store, mend it, and do act() to each container that is named, which is then printed
 * as it was typed; errors are reported, and the others get their turn. Returns the exit status,
 * or -1 with *err.
 */
MD_MUST_CHECK
int cli_for_each(const struct cli_global *global, const struct md_list *names,
                 cli_container_fn *act, void *context, struct md_err *err);

/* How to end a container. */
struct cli_stop {
    int signal;     /* 0: the container's own stop signal */
    int timeout_s;  /* until it is killed, -1: never; CLI_STOP_DEFAULT: the container's own */
    const char *by; /* "minidock stop", for its reason */
};
#define CLI_STOP_DEFAULT (-2)

/*
 * End it and wait for that; one that does not run is left alone. No lock is held meanwhile.
 *
 * Errors: MD_ERR_SYSTEM  it does not die, even killed
 */
MD_MUST_CHECK
int cli_stop_container(const struct store *store, struct store_container *container,
                       const struct cli_stop *stop, struct md_err *err);

/* A command that stops containers, as its help tells it; note may be NULL. */
struct cli_stopping {
    const char *usage;
    const char *summary;
    const char *note;
    const char *by;        /* as in struct cli_stop */
    cli_container_fn *one; /* its context is a struct cli_stop */
};

/* Take the options of such a command and do it to each container: as cli_for_each(). */
MD_MUST_CHECK
int cli_stop_each(const struct cli_global *global, int argc, char **argv,
                  const struct cli_stopping *stopping, struct md_err *err);

/*
 * Send a signal to its process 1. One that would end a process 1 which does nothing about it
 * does end it, and is its exit status then; KILL and the container's stop signal mean that no
 * policy starts it again.
 */
MD_MUST_CHECK
int cli_signal_container(const struct store *store, struct store_container *container,
                         int signal, const char *by, struct md_err *err);

/* What its config or --stop-signal says, or TERM. */
int cli_stop_signal(const struct store_container *container);

/* Whatever state it is in: end it at once and remove it. */
MD_MUST_CHECK
int cli_remove_container(const struct store *store, struct store_container *container,
                         struct md_err *err);

/* Take the lock of a container that is to be started, waiting for one that is just ending.
 * Returns 1 with container->dir locked, or 0: it runs. */
MD_MUST_CHECK
int cli_lock_for_start(const struct store *store, struct store_container *container,
                       struct md_err *err);

/* What a client passes on. */
struct cli_client {
    unsigned streams; /* RUN_STREAM() bits */
    bool sig_proxy;
    bool leads; /* detaching lets it go on in the background; its signals are expected */
    const char *detach_keys; /* NULL: the default */
};

/*
 * Be the client of a supervisor until the container ends or is left. Returns the exit status:
 * the container's, or 0 after detaching.
 */
MD_MUST_CHECK
int cli_be_client(const struct store *store, struct store_container *container, int link,
                  const struct cli_client *client, struct md_err *err);

/* "exited 137: out of memory" on stderr, if there is a reason. */
void cli_say_reason(int exit_code, const char *reason);

/* With a policy that is to outlive a reboot: say so if the unit that does it is not enabled. */
void cli_note_boot(const struct cli_policy *policy);

#endif
