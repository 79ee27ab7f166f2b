/* SPDX-License-Identifier: Apache-2.0 */
/* volume ls, and the filters of volumes. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/volumes.h"

static const struct cli_column columns[] = {
    { "DRIVER", "Driver" },
    { "VOLUME NAME", "Name" },
    { 0 },
};

static bool is_listed(const struct md_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

const char *const cli_volume_filters[] = {
    "dangling", "driver", "label", "label!", "name", NULL
};

/* Does it pass one filter? */
static int passes(const struct store_volume *volume, const struct cli_filter *filter,
                  const struct md_list *used, struct md_err *err)
{
    const struct json_t *labels = md_json_get(volume->config, "Labels");
    bool dangling = false;

    if (strcmp(filter->key, "name") == 0)
        return strstr(volume->name, filter->value) != NULL;
    if (strcmp(filter->key, "driver") == 0)
        return strcmp(filter->value, "local") == 0;
    if (strcmp(filter->key, "label") == 0)
        return cli_filter_label(labels, filter->value);
    if (strcmp(filter->key, "label!") == 0)
        return !cli_filter_label(labels, filter->value);
    if (cli_filter_bool(filter, &dangling, err) < 0)
        return -1;
    return dangling != is_listed(used, volume->name);
}

int cli_volume_passes(const struct store_volume *volume, const struct cli_filters *filters,
                      const struct md_list *used, struct md_err *err)
{
    for (size_t i = 0; i < filters->count; i++) {
        const char *key = filters->items[i].key;
        bool all = strncmp(key, "label", 5) == 0;
        int any = 0;

        for (size_t j = 0; j < filters->count; j++) {
            bool counts = all ? i == j : strcmp(key, filters->items[j].key) == 0;
            int one = counts ? passes(volume, &filters->items[j], used, err) : 0;

            if (one < 0)
                return -1;
            any = any || one;
        }
        if (!any)
            return 0;
    }
    return 1;
}

static struct json_t *row(const struct store_volume *volume)
{
    static const char *const unknown[] = { "Availability", "Group", "Links", "Size", "Status" };
    struct json_t *object = cli_volume_object(volume);
    const struct json_t *labels = md_json_get(volume->config, "Labels");
    struct md_buf text = { 0 };

    for (const char *key = NULL; (key = md_json_next_key(labels, key));)
        md_buf_printf(&text, "%s%s=%s", text.len ? "," : "", key,
                      md_json_get_text(labels, key));
    md_json_set(object, "Labels", md_json_string(text.data ? text.data : ""));
    md_buf_clear(&text);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        md_json_set(object, unknown[i], md_json_string("N/A"));
    return object;
}

/* Values that mean nothing are refused also where there is no volume to look at. */
static int check_filters(const struct cli_filters *filters, struct md_err *err)
{
    const struct store_volume none = { .name = "" };
    const struct md_list nothing = { 0 };

    return cli_volume_passes(&none, filters, &nothing, err) < 0 ? -1 : 0;
}

static int list(const struct store *store, const struct cli_filters *filters,
                struct json_t *rows, struct md_err *err)
{
    struct md_list names = { 0 };
    struct md_list used = { 0 };
    int status = check_filters(filters, err);

    if (status == 0)
        status = store_volume_list(store, &names, err);
    if (status == 0 && filters->count > 0)
        status = store_volume_used(store, &used, NULL, err);
    for (size_t i = 0; status == 0 && i < names.count; i++) {
        struct store_volume volume = { .dir = -1, .data = -1 };
        struct md_err gone = { 0 };

        if (store_volume_open(store, names.items[i], &volume, &gone) < 0)
            continue;
        int wanted = cli_volume_passes(&volume, filters, &used, err);

        if (wanted > 0)
            md_json_append(rows, row(&volume));
        store_volume_clear(&volume);
        status = wanted < 0 ? -1 : 0;
    }
    md_list_clear(&names);
    md_list_clear(&used);
    return status;
}

int cli_volume_ls(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();
    struct md_list operands = { 0 };
    struct md_list typed = { 0 };
    struct cli_filters filters = { 0 };
    const char *format = NULL;
    bool quiet = false;
    struct store store;
    const struct cli_option options[] = {
        { 'f', "filter", CLI_LIST, "FILTER", "dangling=, driver=, label= or name=", &typed },
        { 0, "format", CLI_TEXT, "FORMAT", "table, json or '{{.Field}}'", &format },
        { 'q', "quiet", CLI_FLAG, NULL, "Only names", &quiet },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "volume ls [OPTIONS]", "List volumes", NULL, 0, 0, false, options
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = cli_filters_read(&typed, cli_volume_filters, &filters, err);
    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        status = list(&store, &filters, rows, err);
        store_close(&store);
        if (status == 0)
            status = cli_table_print(rows, columns, quiet ? "{{.Name}}" : format, err);
    }
    md_list_clear(&operands);
    md_list_clear(&typed);
    cli_filters_clear(&filters);
    return status;
}
