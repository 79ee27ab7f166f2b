/* SPDX-License-Identifier: Apache-2.0 */
/* ps. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/ps.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "store/gone.h"

/* What `ps` was asked for. */
struct listing {
    struct md_list filters;
    const char *format, *last;
    bool all, quiet, latest, gone;
    uint64_t limit; /* 0: none */
    struct cli_ps_style style;
    struct cli_ps_filter *filter;
    struct json_t *rows, *labels;
};

static const struct cli_column columns[] = {
    { "CONTAINER ID", "ID" }, { "IMAGE", "Image" },
    { "COMMAND", "Command" }, { "CREATED", "RunningFor" },
    { "STATUS", "Status" },   { "PORTS", "Ports" },
    { "NAMES", "Names" },     { 0 },
};

static const struct cli_column columns_with_size[] = {
    { "CONTAINER ID", "ID" },    { "IMAGE", "Image" },   { "COMMAND", "Command" },
    { "CREATED", "RunningFor" }, { "STATUS", "Status" }, { "PORTS", "Ports" },
    { "NAMES", "Names" },        { "SIZE", "Size" },     { 0 },
};

static const struct cli_column others[] = {
    { "CREATED AT", "CreatedAt" },
    { "STATE", "State" },
    { "SIZE", "Size" },
    { "LABELS", "Labels" },
    { "MOUNTS", "Mounts" },
    { "LOCAL VOLUMES", "LocalVolumes" },
    { "NETWORKS", "Networks" },
    { 0 },
};

static bool is_wanted(const struct store *store, const struct listing *listing,
                      const struct cli_ps_item *item)
{
    bool runs = item->state->status != STORE_CREATED && item->state->status != STORE_EXITED;

    return (runs || listing->all || listing->gone || listing->limit > 0) &&
           cli_ps_filter_passes(store, listing->filter, item);
}

static void add_row(const struct store *store, struct listing *listing,
                    const struct cli_ps_item *item)
{
    const struct json_t *labels =
        md_json_get(md_json_get(item->container->config, "Config"), "Labels");

    md_json_append(listing->rows, cli_ps_row(store, item, &listing->style));
    md_json_append(listing->labels,
                   md_json_is_object(labels) ? md_json_copy(labels) : md_json_object());
}

/* The container, or with --gone its tombstone. */
static int open_one(const struct store *store, const struct listing *listing, const char *id,
                    struct store_container *container, struct md_err *err)
{
    return listing->gone ? store_gone_open(store, id, container, err)
                         : store_container_open(store, id, container, err);
}

static void list_one(const struct store *store, struct listing *listing, const char *id)
{
    struct store_container container = { .dir = -1 };
    struct store_state state = { 0 };
    const struct cli_ps_item item = { &container, &state };
    struct md_err damage = { 0 };

    if (open_one(store, listing, id, &container, &damage) < 0 ||
        cli_container_state(store, &container, &state, &damage) < 0) {
        if (damage.kind != MD_ERR_NOT_FOUND) /* else it has just gone */
            cli_report(&damage, CLI_FAILED);
    } else if (is_wanted(store, listing, &item)) {
        add_row(store, listing, &item);
    }
    store_container_clear(&container);
}

static int list_all(const struct store *store, struct listing *listing, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;

    listing->filter = cli_ps_filter_read(store, &listing->filters, err);
    if (!listing->filter ||
        (listing->gone ? store_gone_list(store, &ids, &count, err)
                       : store_container_list(store, &ids, &count, err)) < 0)
        return -1;
    listing->all = listing->all || cli_ps_filter_wants_all(listing->filter);
    for (size_t i = 0; i < count; i++) {
        if (listing->limit > 0 && md_json_count(listing->rows) >= listing->limit)
            break;
        list_one(store, listing, ids[i]);
    }
    return 0;
}

/* -n 5; docker's own default, -1, is no limit. */
static int read_limit(struct listing *listing, struct md_err *err)
{
    listing->limit = listing->latest ? 1 : 0;
    if (listing->last && strcmp(listing->last, "-1") != 0 &&
        md_text_parse_u64(listing->last, INT32_MAX, &listing->limit) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid argument \"%s\" for \"-n, --last\" flag",
                          listing->last);
    return 0;
}

static int print_rows(const struct listing *listing, struct md_err *err)
{
    const struct cli_table table = {
        .rows = listing->rows,
        .labels = listing->labels,
        .columns = listing->style.sizes ? columns_with_size : columns,
        .others = others,
    };

    return cli_table_show(&table, listing->quiet ? "{{.ID}}" : listing->format, err);
}

static int list(const struct cli_global *global, struct listing *listing, struct md_err *err)
{
    struct store store;
    int status;

    if (read_limit(listing, err) < 0 || store_open(global->root, STORE_READ, &store, err) < 0)
        return -1;
    cli_mend(&store);
    /* As docker does: who prints sizes wants them to be looked up. */
    if (!listing->quiet && listing->format && strstr(listing->format, ".Size"))
        listing->style.sizes = true;
    status = list_all(&store, listing, err);
    store_close(&store);
    return status < 0 ? -1 : print_rows(listing, err);
}

int cli_ps(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();
    MD_AUTO_JSON labels = md_json_array();
    struct md_list operands = { 0 };
    struct listing listing = { .rows = rows, .labels = labels };
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Show those that do not run too", &listing.all },
        { 'f', "filter", CLI_LIST, "FILTER",
          "ancestor=, before=, exited=, id=, label=, name=, since=, status= or volume=",
          &listing.filters },
        { 0, "format", CLI_TEXT, "FORMAT", "json, '{{.Field}}' or 'table {{.Field}}'",
          &listing.format },
        { 0, "gone", CLI_FLAG, NULL, "The last that were removed at their end (--rm)",
          &listing.gone },
        { 'n', "last", CLI_TEXT, "N", "The N that were created last, in any state",
          &listing.last },
        { 'l', "latest", CLI_FLAG, NULL, "The one that was created last", &listing.latest },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids and commands", &listing.style.full },
        { 'q', "quiet", CLI_FLAG, NULL, "Only ids", &listing.quiet },
        { 's', "size", CLI_FLAG, NULL, "Show how much they have written",
          &listing.style.sizes },
        { 0 },
    };
    const struct cli_syntax syntax = { "ps [OPTIONS]", "List containers", NULL, 0, 0, false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = list(global, &listing, err);
    cli_ps_filter_free(listing.filter);
    md_list_clear(&operands);
    md_list_clear(&listing.filters);
    return status;
}
