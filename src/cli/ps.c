/* SPDX-License-Identifier: Apache-2.0 */
/* ps and rm. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/table.h"
#include "store/container.h"
#include "store/volume.h"

/* What `ps` was asked for. */
struct listing {
    struct md_list filters;
    const char *format, *last;
    bool all, quiet, full, latest;
    struct json_t *rows;
};

static const struct cli_column columns[] = {
    { "CONTAINER ID", "ID" }, { "IMAGE", "Image" },
    { "COMMAND", "Command" }, { "CREATED", "RunningFor" },
    { "STATUS", "Status" },   { "PORTS", "Ports" },
    { "NAMES", "Names" },     { 0 },
};

static const char *state_word(enum store_status status)
{
    switch (status) {
    case STORE_CREATED:
        return "created";
    case STORE_RUNNING:
        return "running";
    case STORE_EXITED:
        break;
    }
    return "exited";
}

/* "Up 5 minutes", "Exited (0) 2 hours ago", "Created". */
static char *status_text(const struct store_state *state)
{
    int64_t now = time(NULL);
    char text[64];

    if (state->status == STORE_CREATED)
        return md_xstrdup("Created");
    if (state->status == STORE_RUNNING) {
        md_text_duration(now - state->started.tv_sec, text, sizeof(text));
        return md_xasprintf("Up %s", text);
    }
    if (!state->finished.tv_sec)
        return md_xasprintf("Exited (%d)", state->exit_code);
    md_text_duration(now - state->finished.tv_sec, text, sizeof(text));
    return md_xasprintf("Exited (%d) %s ago", state->exit_code, text);
}

/* The command in quotes, 20 characters unless --no-trunc, as docker shows it. */
static char *command_text(const struct listing *listing, const struct md_list *args)
{
    struct md_buf line = { 0 };

    for (size_t i = 0; i < args->count; i++)
        md_buf_printf(&line, "%s%s", i ? " " : "", args->items[i]);

    char *safe = md_text_escaped(line.data ? line.data : "", line.len);
    char *text = listing->full || strlen(safe) <= 20
                     ? md_xasprintf("\"%s\"", safe)
                     : md_xasprintf("\"%.19s\xe2\x80\xa6\"", safe);

    md_buf_clear(&line);
    free(safe);
    return text;
}

/* Does it pass one filter? -1 for an unknown one. */
static int passes(const char *filter, const struct store_container *container,
                  const struct store_state *state, struct md_err *err)
{
    uint64_t code = 0;

    if (strncmp(filter, "name=", 5) == 0)
        return strstr(container->name, filter + 5) != NULL;
    if (strncmp(filter, "id=", 3) == 0)
        return strncmp(container->id, filter + 3, strlen(filter + 3)) == 0;
    if (strncmp(filter, "status=", 7) == 0)
        return strcmp(state_word(state->status), filter + 7) == 0;
    if (strncmp(filter, "ancestor=", 9) == 0)
        return strcmp(container->image_name, filter + 9) == 0 ||
               strncmp(container->image_id, filter + 9, strlen(filter + 9)) == 0;
    if (strncmp(filter, "exited=", 7) == 0 && md_text_parse_u64(filter + 7, 255, &code) == 0)
        return state->status == STORE_EXITED && state->exit_code == (int)code;
    return md_err_set(err, MD_ERR_USAGE, "invalid filter \"%s\"", filter);
}

/* Filters of the same key are alternatives, those of different keys all have to pass. */
static int passes_all(const struct md_list *filters, const struct store_container *container,
                      const struct store_state *state, struct md_err *err)
{
    for (size_t i = 0; i < filters->count; i++) {
        size_t key = strcspn(filters->items[i], "=") + 1;
        int any = 0;

        for (size_t j = 0; j < filters->count; j++) {
            int one = strncmp(filters->items[i], filters->items[j], key) == 0
                          ? passes(filters->items[j], container, state, err)
                          : 0;

            if (one < 0)
                return -1;
            any = any || one;
        }
        if (!any)
            return 0;
    }
    return 1;
}

static void add_row(struct listing *listing, const struct store_container *container,
                    const struct store_state *state)
{
    struct json_t *row = md_json_object();
    MD_AUTO_FREE char *command = command_text(listing, &container->args);
    MD_AUTO_FREE char *status = status_text(state);
    char id[STORE_ID_SIZE];
    char when[40];
    char age[64];

    snprintf(id, sizeof(id), "%.*s", listing->full ? 64 : 12, container->id);
    md_text_duration(time(NULL) - container->created.tv_sec, age, sizeof(age));
    MD_AUTO_FREE char *ago = md_xasprintf("%s ago", age);

    md_json_set(row, "ID", md_json_string(id));
    md_json_set(row, "Image", md_json_string(container->image_name));
    md_json_set(row, "Command", md_json_string(command));
    md_json_set(row, "CreatedAt",
                md_json_string(md_text_time(&container->created, when, sizeof(when))));
    md_json_set(row, "RunningFor", md_json_string(ago));
    md_json_set(row, "State", md_json_string(state_word(state->status)));
    md_json_set(row, "Status", md_json_string(status));
    md_json_set(row, "Ports", md_json_string(""));
    md_json_set(row, "Names", md_json_string(container->name));
    md_json_append(listing->rows, row);
}

static int list_one(const struct store *store, struct listing *listing, const char *id,
                    size_t limit, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct md_err damage = { 0 };
    struct store_state state = { 0 };
    int want = listing->all;

    if (store_container_open(store, id, &container, &damage) < 0 ||
        store_container_state(store, &container, &state, &damage) < 0) {
        if (damage.kind != MD_ERR_NOT_FOUND) /* else it has just gone */
            cli_report(&damage, CLI_FAILED);
        store_container_clear(&container);
        return 0;
    }
    want = want || limit > 0 || state.status == STORE_RUNNING;
    if (want > 0)
        want = passes_all(&listing->filters, &container, &state, err);
    if (want > 0)
        add_row(listing, &container, &state);
    store_container_clear(&container);
    return want < 0 ? -1 : 0;
}

static int list_all(const struct store *store, struct listing *listing, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;
    uint64_t limit = listing->latest ? 1 : 0;

    if (listing->last && md_text_parse_u64(listing->last, 1000000, &limit) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid number \"%s\"", listing->last);
    if (store_container_list(store, &ids, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (limit > 0 && md_json_count(listing->rows) >= limit)
            break;
        if (list_one(store, listing, ids[i], limit, err) < 0)
            return -1;
    }
    return 0;
}

int cli_ps(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();
    struct md_list operands = { 0 };
    struct listing listing = { .rows = rows };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Show those that have ended too", &listing.all },
        { 'f', "filter", CLI_LIST, "FILTER",
          "name=, id=, status=, ancestor= or exited=", &listing.filters },
        { 0, "format", CLI_TEXT, "FORMAT", "table, json or '{{.Field}}'", &listing.format },
        { 'n', "last", CLI_TEXT, "N", "The N that were created last, in any state",
          &listing.last },
        { 'l', "latest", CLI_FLAG, NULL, "The one that was created last", &listing.latest },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids and commands", &listing.full },
        { 'q', "quiet", CLI_FLAG, NULL, "Only ids", &listing.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = { "ps [OPTIONS]", "List containers", NULL, 0, 0, false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        store_container_mend(&store);
        status = list_all(&store, &listing, err);
        store_close(&store);
        if (status == 0)
            status =
                cli_table_print(rows, columns, listing.quiet ? "{{.ID}}" : listing.format, err);
    }
    md_list_clear(&operands);
    md_list_clear(&listing.filters);
    return status;
}

/* End a running container: its runner sees that, and lets go of the lock. */
static int kill_running(const struct store *store, const struct store_container *container,
                        struct md_err *err)
{
    struct store_state state = { 0 };

    if (store_container_state(store, container, &state, err) < 0)
        return -1;
    MD_AUTO_FD pidfd = store_process_open(&state.init);

    if (pidfd >= 0 && pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return md_err_sys(err, "cannot kill container \"%s\"", container->name);
    return 0;
}

/* End it, wait until its runner has seen that, and remove what the runner leaves. */
static int force_remove(const struct store *store, const struct store_container *container,
                        struct md_err *err)
{
    if (kill_running(store, container, err) < 0)
        return -1;
    MD_AUTO_FD lock = store_lock(store->containers, container->id, STORE_EXCLUSIVE, err);

    if (lock < 0)
        return err->kind == MD_ERR_NOT_FOUND ? 0 : -1; /* --rm: its runner was faster */
    md_fd_close(&lock);
    return store_container_remove(store, container, err);
}

/* An image that lost its name while this container used it has no reason to stay. */
static void collect_image(const struct store *store, const struct store_container *container)
{
    struct md_err later = { 0 };

    if (container->image_id[0] && store_image_collect(store, container->image_id, &later) < 0)
        md_log("cannot remove image %s: %s", container->image_id, later.text);
}

/* What rm was asked for. */
struct removing {
    bool force;
    bool volumes;
};

static int remove_one(const struct store *store, const char *what,
                      const struct removing *removing, struct md_err *err)
{
    struct store_container container = { .dir = -1 };

    if (store_container_open(store, what, &container, err) < 0)
        return -1;
    int status = store_container_remove(store, &container, err);

    if (status < 0 && err->kind == MD_ERR_CONFLICT) {
        *err = (struct md_err){ 0 };
        status = removing->force
                     ? force_remove(store, &container, err)
                     : md_err_set(err, MD_ERR_CONFLICT,
                                  "cannot remove container \"/%s\": container is running: stop "
                                  "the container before removing or force remove",
                                  container.name);
    }
    if (status == 0 && removing->volumes)
        store_volume_release(store, container.config);
    if (status == 0)
        collect_image(store, &container);
    store_container_clear(&container);
    return status;
}

int cli_rm(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct store store;
    struct removing removing = { 0 };
    const struct cli_option options[] = {
        { 'f', "force", CLI_FLAG, NULL, "End a running container first", &removing.force },
        { 'v', "volumes", CLI_FLAG, NULL, "Remove its anonymous volumes too",
          &removing.volumes },
        { 0 },
    };
    const struct cli_syntax syntax = { "rm [OPTIONS] CONTAINER [CONTAINER...]",
                                       "Remove containers",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        store_container_mend(&store);
        store_sweep(&store);
        for (size_t i = 0; i < names.count; i++) {
            struct md_err one = { 0 };

            if (remove_one(&store, names.items[i], &removing, &one) == 0)
                puts(names.items[i]);
            else if (!removing.force ||
                     one.kind != MD_ERR_NOT_FOUND) /* docker: rm -f of nothing is 0 */
                status = cli_report(&one, CLI_FAILED);
        }
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}
