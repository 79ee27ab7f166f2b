/* SPDX-License-Identifier: Apache-2.0 */
/* stop, kill, pause and unpause. */
#include <signal.h>

#include "cli/life.h"
#include "cli/options.h"

static int stop_one(const struct store *store, struct store_container *container, void *context,
                    struct md_err *err)
{
    if (cli_stop_container(store, container, context, err) < 0)
        return md_err_in(err, "cannot stop container: %s", container->name);
    return 0;
}

int cli_stop_each(const struct cli_global *global, int argc, char **argv,
                  const struct cli_stopping *stopping, struct md_err *err)
{
    struct md_list names = { 0 };
    struct cli_stop stop = { .timeout_s = CLI_STOP_DEFAULT, .by = stopping->by };
    const char *signal = NULL;
    const char *timeout = NULL;
    const struct cli_option options[] = {
        { 's', "signal", CLI_TEXT, "SIGNAL", "Instead of the container's own (TERM)", &signal },
        { 't', "timeout", CLI_TEXT, "SECONDS", "Until it is killed (10); -1 never", &timeout },
        { 0, "time", CLI_TEXT, "SECONDS", "The same as --timeout", &timeout },
        { 0 },
    };
    const struct cli_syntax syntax = {
        stopping->usage, stopping->summary, stopping->note, 1, -1, false, options
    };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0 && signal)
        status = cli_signal_parse(signal, &stop.signal, err);
    if (status == 0 && timeout)
        status = cli_seconds_parse(timeout, "timeout", &stop.timeout_s, err);
    if (status == 0)
        status = cli_for_each(global, &names, stopping->one, &stop, err);
    md_list_clear(&names);
    return status;
}

int cli_stop(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    const struct cli_stopping stopping = {
        .usage = "stop [OPTIONS] CONTAINER [CONTAINER...]",
        .summary = "End containers: by a signal, and killed if they take too long",
        .note =
            "A program that is process 1 and does nothing about the signal is ended at once.",
        .by = "minidock stop",
        .one = stop_one,
    };

    return cli_stop_each(global, argc, argv, &stopping, err);
}

static int kill_one(const struct store *store, struct store_container *container, void *context,
                    struct md_err *err)
{
    if (cli_signal_container(store, container, *(int *)context, "minidock kill", err) < 0)
        return md_err_in(err, "cannot kill container: %s", container->name);
    return 0;
}

int cli_kill(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    const char *text = "KILL";
    int signal = SIGKILL;
    const struct cli_option options[] = {
        { 's', "signal", CLI_TEXT, "SIGNAL", "What to send (KILL)", &text },
        { 0 },
    };
    const struct cli_syntax syntax = { "kill [OPTIONS] CONTAINER [CONTAINER...]",
                                       "Send a signal to containers",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = cli_signal_parse(text, &signal, err);
    if (status == 0)
        status = cli_for_each(global, &names, kill_one, &signal, err);
    md_list_clear(&names);
    return status;
}

/* --- pause and unpause */

static int pause_one(const struct store *store, struct store_container *container,
                     void *context, struct md_err *err)
{
    struct store_state state;

    (void)context;
    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    if (state.status == STORE_PAUSED)
        return md_err_set(err, MD_ERR_CONFLICT, "container %s is already paused",
                          container->id);
    if (state.status != STORE_RUNNING)
        return md_err_set(err, MD_ERR_CONFLICT, "container %s is not running", container->id);
    if (run_cgroup_freeze(state.cgroup, err) < 0)
        return md_err_in(err, "cannot pause container \"%s\"", container->name);
    return 0;
}

static int unpause_one(const struct store *store, struct store_container *container,
                       void *context, struct md_err *err)
{
    struct store_state state;

    (void)context;
    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    if (state.status != STORE_PAUSED)
        return md_err_set(err, MD_ERR_CONFLICT, "container %s is not paused", container->id);
    return run_cgroup_thaw(state.cgroup, err);
}

struct plain {
    const char *usage;
    const char *summary;
    cli_container_fn *one;
};

/* A command without options. */
static int do_each(const struct cli_global *global, int argc, char **argv,
                   const struct plain *plain, struct md_err *err)
{
    const struct cli_option none[] = { { 0 } };
    const struct cli_syntax syntax = { plain->usage, plain->summary, NULL, 1, -1, false, none };
    struct md_list names = { 0 };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = cli_for_each(global, &names, plain->one, NULL, err);
    md_list_clear(&names);
    return status;
}

int cli_pause(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    const struct plain plain = { "pause CONTAINER [CONTAINER...]",
                                 "Freeze all processes of containers", pause_one };

    return do_each(global, argc, argv, &plain, err);
}

int cli_unpause(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    const struct plain plain = { "unpause CONTAINER [CONTAINER...]",
                                 "Let frozen containers go on", unpause_one };

    return do_each(global, argc, argv, &plain, err);
}
