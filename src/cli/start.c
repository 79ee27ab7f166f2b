/* SPDX-License-Identifier: Apache-2.0 */
/* start and restart. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/life.h"
#include "cli/options.h"
#include "cli/report.h"

/* What start was asked for. */
struct starting {
    bool attach, interactive, boot;
    const char *detach_keys;
    bool sig_proxy;
};

/* In the background. One that runs already is left alone, as docker does. */
static int start_one(const struct store *store, struct store_container *container,
                     void *context, struct md_err *err)
{
    const struct cli_order order = { .new_life = true, .status_fd = -1 };
    int locked = cli_lock_for_start(store, container, err);

    (void)context;
    if (locked <= 0)
        return locked;
    MD_AUTO_FD link = cli_supervise(store, container, &order, err);

    return link < 0 ? -1 : 0;
}

static unsigned wanted_streams(const struct starting *starting,
                               const struct store_container *container)
{
    const struct json_t *config = md_json_get(container->config, "Config");
    bool open_stdin = md_json_true(md_json_get(config, "OpenStdin"));

    return RUN_STREAMS_OUTPUT | (starting->interactive && open_stdin ? RUN_STREAM(0) : 0);
}

static int start_attached(const struct store *store, struct store_container *container,
                          const struct starting *starting, struct md_err *err)
{
    struct cli_order order = { .new_life = true, .status_fd = -1 };
    const struct cli_client client = { .streams = wanted_streams(starting, container),
                                       .sig_proxy = starting->sig_proxy,
                                       .detach_keys = starting->detach_keys };
    struct winsize size = { 0 };
    int locked = cli_lock_for_start(store, container, err);

    if (locked < 0)
        return -1;
    if (locked == 0)
        return md_err_set(
            err, MD_ERR_CONFLICT,
            "container \"%s\" is running already: \"minidock attach\" connects to "
            "it",
            container->name);
    order.streams = client.streams;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        order.rows = size.ws_row;
        order.columns = size.ws_col;
    }
    MD_AUTO_FD link = cli_supervise(store, container, &order, err);

    return link < 0 ? -1 : cli_be_client(store, container, link, &client, err);
}

static int attach_first(const struct cli_global *global, const struct md_list *names,
                        const struct starting *starting, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store store;
    int status;

    if (names->count > 1)
        return md_err_set(err, MD_ERR_USAGE,
                          "you cannot start and attach multiple containers at once");
    if (store_open(global->root, STORE_WRITE, &store, err) < 0)
        return -1;
    cli_mend(&store);
    status = store_container_open(&store, names->items[0], &container, err);
    if (status == 0)
        status = start_attached(&store, &container, starting, err);
    store_container_clear(&container);
    store_close(&store);
    return status;
}

/* --- after a reboot */

static bool wants_boot(const struct store *store, const struct store_container *container)
{
    const char *text = md_json_get_text(md_json_get(container->config, "options"), "restart");
    struct md_err ignored = { 0 };
    struct cli_policy policy;
    struct store_state state;

    return store_container_state(store, container, &state, &ignored) == 0 &&
           strcmp(state.boot_id, store->boot_id) != 0 &&
           cli_policy_parse(text, &policy, &ignored) == 0 &&
           cli_policy_starts_at_boot(&policy, &state);
}

/* One that fails does not keep the others from starting. */
static int boot(const struct cli_global *global, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct store store;
    size_t count = 0;
    int status;

    if (store_open(global->root, STORE_WRITE, &store, err) < 0)
        return -1;
    cli_mend(&store);
    status = store_container_list(&store, &ids, &count, err);
    for (size_t i = count; status >= 0 && i > 0; i--) { /* the oldest first */
        struct store_container container = { .dir = -1 };
        struct md_err one = { 0 };

        if (store_container_open(&store, ids[i - 1], &container, &one) == 0 &&
            wants_boot(&store, &container)) {
            if (start_one(&store, &container, NULL, &one) < 0)
                status = cli_report(&one, CLI_FAILED);
            else
                puts(container.name);
        }
        store_container_clear(&container);
    }
    store_close(&store);
    return status;
}

static int check(const struct starting *starting, const struct md_list *names,
                 struct md_err *err)
{
    if (starting->boot ? names->count > 0 : names->count == 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "%s. Run 'minidock start --help' for more "
                          "information",
                          starting->boot ? "--boot takes no arguments"
                                         : "requires at least 1 argument, got 0");
    return 0;
}

int cli_start(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct starting starting = { .sig_proxy = true };
    const struct cli_option options[] = {
        { 'a', "attach", CLI_FLAG, NULL, "Stay in the foreground; exit status: the container's",
          &starting.attach },
        { 0, "boot", CLI_FLAG, NULL,
          "Start what ran before the reboot and has --restart always or unless-stopped",
          &starting.boot },
        { 0, "detach-keys", CLI_TEXT, "KEYS", "Keys that leave it (default: ctrl-p,ctrl-q)",
          &starting.detach_keys },
        { 'i', "interactive", CLI_FLAG, NULL, "Connect stdin as well", &starting.interactive },
        { 0, "sig-proxy", CLI_FLAG, NULL, "Pass signals on (the default)",
          &starting.sig_proxy },
        { 0 },
    };
    const struct cli_syntax syntax = { "start [OPTIONS] CONTAINER [CONTAINER...]",
                                       "Start containers that do not run",
                                       NULL,
                                       0,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = check(&starting, &names, err);
    if (status == 0 && starting.boot)
        status = boot(global, err);
    else if (status == 0)
        status = starting.attach || starting.interactive
                     ? attach_first(global, &names, &starting, err)
                     : cli_for_each(global, &names, start_one, NULL, err);
    md_list_clear(&names);
    return status;
}

/* --- restart */

static int restart_one(const struct store *store, struct store_container *container,
                       void *context, struct md_err *err)
{
    if (cli_stop_container(store, container, context, err) < 0)
        return md_err_in(err, "cannot restart container: %s", container->name);
    return start_one(store, container, NULL, err);
}

int cli_restart(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    const struct cli_stopping stopping = {
        .usage = "restart [OPTIONS] CONTAINER [CONTAINER...]",
        .summary = "Stop containers, and start them again",
        .by = "minidock restart",
        .one = restart_one,
    };

    return cli_stop_each(global, argc, argv, &stopping, err);
}
