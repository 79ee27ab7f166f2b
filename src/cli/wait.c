/* SPDX-License-Identifier: Apache-2.0 */
/* wait, rename and update. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/life.h"
#include "cli/options.h"
#include "cli/report.h"
#include "store/gone.h"

/* --- wait */

/* One that was made with --rm has left its tombstone. */
static int gone_status(const struct store *store, const char *id, struct store_state *state,
                       struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct store_container tomb = { .dir = -1 };
    size_t count = 0;
    int status;

    if (store_gone_list(store, &ids, &count, err) < 0) /* waits for it */
        return -1;
    status = store_gone_open(store, id, &tomb, err);
    if (status == 0)
        status = store_container_state(store, &tomb, state, err);
    store_container_clear(&tomb);
    return status;
}

static int wait_one(const struct store *store, struct store_container *container,
                    struct md_err *err)
{
    struct store_state state;
    struct store_process init;

    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    init = state.init;
    if ((state.status == STORE_RUNNING || state.status == STORE_PAUSED) &&
        store_container_await(store, container, &init, -1, &state, err) < 0) {
        if (err->kind != MD_ERR_NOT_FOUND)
            return -1;
        *err = (struct md_err){ 0 };
        if (gone_status(store, container->id, &state, err) < 0)
            return -1;
    }
    printf("%d\n", state.exit_code);
    fflush(stdout);
    return 0;
}

int cli_wait(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    static const struct cli_option options[] = { { 0 } };
    const struct cli_syntax syntax = { "wait CONTAINER [CONTAINER...]",
                                       "Wait until containers have ended; print their exit "
                                       "statuses",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    struct md_list names = { 0 };
    struct store store;
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        cli_mend(&store);
        for (size_t i = 0; i < names.count; i++) {
            struct store_container container = { .dir = -1 };
            struct md_err one = { 0 };

            if (store_container_open(&store, names.items[i], &container, &one) < 0 ||
                wait_one(&store, &container, &one) < 0)
                status = cli_report(&one, CLI_FAILED);
            store_container_clear(&container);
        }
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}

/* --- rename */

int cli_rename(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    static const struct cli_option options[] = { { 0 } };
    const struct cli_syntax syntax = {
        "rename CONTAINER NEW-NAME", "Give a container another name", NULL, 2, 2, false, options
    };
    struct store_container container = { .dir = -1 };
    struct md_list names = { 0 };
    struct store store;
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        cli_mend(&store);
        status = store_container_open(&store, names.items[0], &container, err);
        if (status == 0)
            status = store_container_rename(&store, &container, names.items[1], err);
        if (status < 0 && err->kind == MD_ERR_CONFLICT)
            md_err_in(err, "Error when allocating new name");
        store_container_clear(&container);
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}

/* --- update */

static int set_policy(struct json_t *config, void *context, struct md_err *err)
{
    const char *text = context;
    struct json_t *saved;
    struct json_t *host;
    struct cli_policy policy;

    if (cli_policy_parse(text, &policy, err) < 0)
        return -1;
    saved = md_json_copy(md_json_get(config, "options"));
    host = md_json_copy(md_json_get(config, "HostConfig"));
    md_json_set(saved, "restart", md_json_string(text));
    md_json_set(config, "options", saved);
    md_json_set(host, "RestartPolicy", cli_run_policy(&policy));
    md_json_set(config, "HostConfig", host);
    return 0;
}

static int update_one(const struct store *store, struct store_container *container,
                      void *context, struct md_err *err)
{
    struct cli_policy policy;

    (void)store;
    if (cli_policy_parse(context, &policy, err) < 0)
        return -1;
    if (policy.kind != CLI_POLICY_NO &&
        md_json_true(md_json_get(container->config, "auto_remove")))
        return md_err_set(err, MD_ERR_CONFLICT,
                          "cannot update container %s: a restart policy and --rm exclude each "
                          "other",
                          container->id);
    return store_container_change(container, set_policy, context, err);
}

int cli_update(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    const char *restart = NULL;
    const struct cli_option options[] = {
        { 0, "restart", CLI_TEXT, "POLICY", "no, on-failure[:N], always or unless-stopped",
          &restart },
        { 0 },
    };
    const struct cli_syntax syntax = { "update [OPTIONS] CONTAINER [CONTAINER...]",
                                       "Change containers",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    struct md_list names = { 0 };
    struct cli_policy policy;
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0 && !restart)
        status = md_err_set(err, MD_ERR_USAGE,
                            "you must provide one or more flags when using this command. Run "
                            "'minidock update --help' for more information");
    if (status == 0)
        status = cli_policy_parse(restart, &policy, err);
    if (status == 0) {
        cli_note_boot(&policy);
        status = cli_for_each(global, &names, update_one, (void *)restart, err);
    }
    md_list_clear(&names);
    return status;
}
