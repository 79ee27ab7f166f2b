/* SPDX-License-Identifier: Apache-2.0 */
/* history: the steps that made an image, the last one first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "store/image.h"
#include "store/usage.h"

#define COMMAND_CHARACTERS 45

/* What `history` was asked for. */
struct asked {
    const char *format;
    bool full, quiet;
    bool human; /* true unless said otherwise */
};

static const struct cli_column columns[] = {
    { "IMAGE", "ID" },  { "CREATED", "CreatedSince" }, { "CREATED BY", "CreatedBy" },
    { "SIZE", "Size" }, { "COMMENT", "Comment" },      { 0 },
};

static const struct cli_column others[] = { { "CREATED AT", "CreatedAt" }, { 0 } };

static void set_text(struct json_t *row, const char *field, char *text)
{
    md_json_set(row, field, md_json_string(text));
    free(text);
}

static const char *member(const struct json_t *step, const char *key)
{
    const char *text = md_json_get_text(step, key);

    return text ? text : "";
}

/* With tabs as blanks, as docker has it. */
static char *command_text(const char *command, const struct asked *asked)
{
    MD_AUTO_FREE char *blanks = md_xstrdup(command);

    for (char *p = blanks; *p; p++)
        *p = *p == '\t' ? ' ' : *p;
    MD_AUTO_FREE char *safe = cli_cell(blanks);

    return cli_shortened(safe, asked->full ? SIZE_MAX : COMMAND_CHARACTERS);
}

static struct json_t *make_row(const struct json_t *step, uint64_t bytes,
                               const struct asked *asked)
{
    const char *created = member(step, "created");
    struct json_t *row = md_json_object();
    struct timespec when;
    char size[32];
    bool known = md_text_parse_time(created, &when) == 0;

    md_text_size(bytes, size, sizeof(size));
    set_text(row, "Comment", cli_cell(member(step, "comment")));
    set_text(row, "CreatedAt", cli_cell(created));
    set_text(row, "CreatedBy", command_text(member(step, "created_by"), asked));
    set_text(row, "CreatedSince",
             !known         ? md_xstrdup("N/A")
             : asked->human ? cli_ago(when.tv_sec)
                            : cli_cell(created));
    set_text(row, "Size",
             asked->human ? md_xstrdup(size) : md_xasprintf("%llu", (unsigned long long)bytes));
    return row;
}

/* One row per step, oldest first in the config, and last here; steps that changed no file
 * have no layer. An image without a history has a row per layer. */
static struct json_t *make_rows(const struct store *store, const struct store_image *image,
                                const struct asked *asked)
{
    const struct md_oci_config *config = &image->config;
    size_t count = config->history ? md_json_count(config->history) : config->diff_id_count;
    struct json_t **rows = md_xcalloc(count + 1, sizeof(*rows));
    struct json_t *array = md_json_array();
    size_t layer = 0;

    for (size_t i = 0; i < count; i++) {
        const struct json_t *step = md_json_at(config->history, i);
        struct md_err ignored = { 0 };
        uint64_t bytes = 0;

        if (!md_json_true(md_json_get(step, "empty_layer")) && layer < config->diff_id_count &&
            store_layer_usage(store, &config->diff_ids[layer++], &bytes, &ignored) < 0)
            bytes = 0;
        rows[i] = make_row(step, bytes, asked);
    }
    for (size_t i = count; i-- > 0;) {
        char *id = md_xasprintf(asked->full ? "sha256:%s" : "%.12s", image->id);

        set_text(rows[i], "ID", i + 1 == count ? id : md_xstrdup("<missing>"));
        if (i + 1 != count)
            free(id);
        md_json_append(array, rows[i]);
    }
    free(rows);
    return array;
}

static int history(const struct cli_global *global, const char *what, const struct asked *asked,
                   struct md_err *err)
{
    struct store_image image = { 0 };
    struct store store;

    if (store_open(global->root, STORE_READ, &store, err) < 0)
        return -1;
    int status = store_image_open(&store, what, &image, err);

    if (status == 0) {
        MD_AUTO_JSON rows = make_rows(&store, &image, asked);
        const struct cli_table table = { .rows = rows, .columns = columns, .others = others };

        status = cli_table_show(&table, asked->quiet ? "{{.ID}}" : asked->format, err);
        store_image_clear(&image);
    }
    store_close(&store);
    return status;
}

int cli_history(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    struct asked asked = { .human = true };
    const struct cli_option options[] = {
        { 0, "format", CLI_TEXT, "FORMAT", "json, '{{.Field}}' or 'table {{.Field}}'",
          &asked.format },
        { 'H', "human", CLI_FLAG, NULL, "Sizes and ages for people (the default)",
          &asked.human },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids and commands", &asked.full },
        { 'q', "quiet", CLI_FLAG, NULL, "Only ids", &asked.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = { "history [OPTIONS] IMAGE",
                                       "Show the steps that made an image",
                                       NULL,
                                       1,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = history(global, operands.items[0], &asked, err);
    md_list_clear(&operands);
    return status;
}
