/* SPDX-License-Identifier: Apache-2.0 */
/* attach, and being the client of a supervisor. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/life.h"
#include "cli/options.h"
#include "cli/report.h"
#include "run/server.h"

/* What a client's signals go to. */
struct target {
    const struct store *store;
    struct store_container *container;
    const char *by;
};

static void pass_signal(void *context, int signal)
{
    const struct target *target = context;
    struct md_err ignored = { 0 };

    if (cli_signal_container(target->store, target->container, signal, target->by, &ignored) <
        0)
        md_log("%s", ignored.text);
}

/* Dropped, or its supervisor was killed: then the container's state tells. */
static int lost(const struct store *store, struct store_container *container,
                struct md_err *err)
{
    struct store_state state;

    cli_mend(store);
    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    if (state.status == STORE_RUNNING || state.status == STORE_PAUSED)
        return md_err_set(err, MD_ERR_SYSTEM,
                          "detached from container \"%s\": its output was not read for %d s",
                          container->name, RUN_CLIENT_PATIENCE_MS / 1000);
    return md_err_set(err, MD_ERR_SYSTEM, "the supervisor of container \"%s\" was killed",
                      container->name);
}

static int end_status(const struct run_attach_end *end, struct md_err *err)
{
    errno = end->write_errno;
    if (end->write_errno == 0)
        return end->end.exit_code;
    md_err_sys(err, "cannot write the container's output");
    if (end->end.exit_code == 0)
        return -1;
    cli_report(err, CLI_RUNTIME_FAILED);
    return end->end.exit_code;
}

int cli_be_client(const struct store *store, struct store_container *container, int link,
                  const struct cli_client *client, struct md_err *err)
{
    const struct json_t *config = md_json_get(container->config, "Config");
    struct target target = { store, container,
                             client->leads ? "a signal to minidock run"
                                           : "a signal to an attached minidock" };
    struct run_attach attach = { .link = link,
                                 .streams = client->streams,
                                 .terminal = md_json_true(md_json_get(config, "Tty")),
                                 .context = &target,
                                 .signal = client->sig_proxy ? pass_signal : NULL };
    struct run_attach_end end;

    if (run_keys_parse(client->detach_keys ? client->detach_keys : RUN_KEYS_DEFAULT,
                       &attach.keys, err) < 0 ||
        run_attach(&attach, &end, err) < 0)
        return -1;
    switch (end.outcome) {
    case RUN_ATTACH_DETACHED:
        fprintf(stderr, "\r\n");
        return 0;
    case RUN_ATTACH_LEFT:
        return end.end.exit_code;
    case RUN_ATTACH_LOST:
        return lost(store, container, err);
    case RUN_ATTACH_ENDED:
        break;
    }
    if (strstr(end.end.reason, target.by) == NULL)
        cli_say_reason(end.end.exit_code, end.end.reason);
    return end_status(&end, err);
}

/* docker's words for those that cannot be attached to. */
static int check_state(const struct store *store, const struct store_container *container,
                       struct md_err *err)
{
    struct store_state state;

    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    switch (state.status) {
    case STORE_RUNNING:
        return 0;
    case STORE_PAUSED:
        return md_err_set(err, MD_ERR_CONFLICT,
                          "You cannot attach to a paused container, unpause it first");
    case STORE_RESTARTING:
        return md_err_set(err, MD_ERR_CONFLICT,
                          "You cannot attach to a restarting container, wait until it is "
                          "running");
    case STORE_CREATED:
    case STORE_EXITED:
        break;
    }
    return md_err_set(err, MD_ERR_CONFLICT,
                      "You cannot attach to a stopped container, start it first");
}

static int connect_to(const struct store_container *container, unsigned streams,
                      struct md_err *err)
{
    const struct run_link_hello hello = { .streams = streams };
    struct md_err failed = { 0 };
    MD_AUTO_FD link = run_link_connect(container->id, &failed);

    if (link < 0 && (failed.sys == ENOENT || failed.sys == ECONNREFUSED))
        return md_err_set(err, MD_ERR_CONFLICT,
                          "container \"%s\" is in the foreground of another command, which has "
                          "its streams",
                          container->name);
    if (link < 0) {
        *err = failed;
        return -1;
    }
    if (run_link_send(link, RUN_LINK_HELLO, &hello, sizeof(hello)) < 0)
        return md_err_sys(err, "cannot attach to container \"%s\"", container->name);
    return md_fd_take(&link);
}

static int attach_to(const struct store *store, const char *what,
                     const struct cli_client *client, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    int status = store_container_open(store, what, &container, err);
    struct cli_client wanted = *client;
    MD_AUTO_FD link = -1;

    if (status == 0)
        status = check_state(store, &container, err);
    if (status == 0) {
        const struct json_t *config = md_json_get(container.config, "Config");

        if (!md_json_true(md_json_get(config, "OpenStdin")))
            wanted.streams &= ~RUN_STREAM(0);
        link = connect_to(&container, wanted.streams, err);
        status = link < 0 ? -1 : cli_be_client(store, &container, link, &wanted, err);
    }
    store_container_clear(&container);
    return status;
}

int cli_attach(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct cli_client client = { .sig_proxy = true };
    struct store store;
    bool no_stdin = false;
    const struct cli_option options[] = {
        { 0, "detach-keys", CLI_TEXT, "KEYS", "Keys that leave it (default: ctrl-p,ctrl-q)",
          &client.detach_keys },
        { 0, "no-stdin", CLI_FLAG, NULL, "Do not connect stdin", &no_stdin },
        { 0, "sig-proxy", CLI_FLAG, NULL, "Pass signals on (the default)", &client.sig_proxy },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "attach [OPTIONS] CONTAINER",
        "Connect stdin, stdout and stderr to a container that runs",
        "Exit status: the container's, or 0 after detaching. A command that does not read "
        "what\n"
        "the container writes makes it wait, for five seconds at most; then it is detached.",
        1,
        1,
        false,
        options
    };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        cli_mend(&store);
        client.streams = RUN_STREAMS_OUTPUT | (no_stdin ? 0 : RUN_STREAM(0));
        status = attach_to(&store, names.items[0], &client, err);
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}
