/* SPDX-License-Identifier: Apache-2.0 */
/* volume create, ls, inspect and rm. Pruning is in volume_prune.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/volumes.h"
#include "store/container.h"

struct json_t *cli_volume_object(const struct store_volume *volume)
{
    struct json_t *object = md_json_object();
    static const char *const members[] = { "CreatedAt", "Driver", "Labels" };

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        md_json_set(object, members[i], md_json_copy(md_json_get(volume->config, members[i])));
    md_json_set(object, "Mountpoint", md_json_string(volume->path));
    md_json_set(object, "Name", md_json_string(volume->name));
    md_json_set(object, "Options", NULL);
    md_json_set(object, "Scope", md_json_string("local"));
    return object;
}

/* KEY=VALUE, or KEY alone. */
static void add_label(struct json_t *labels, const char *text)
{
    MD_AUTO_FREE char *key = md_xstrdup(text);
    char *value = strchr(key, '=');

    if (value)
        *value++ = '\0';
    md_json_set(labels, key, md_json_string(value ? value : ""));
}

static int create(const struct store *store, const char *name, const struct md_list *labels,
                  struct md_err *err)
{
    MD_AUTO_JSON object = md_json_object();
    struct store_volume volume = { .dir = -1, .data = -1 };

    for (size_t i = 0; i < labels->count; i++)
        add_label(object, labels->items[i]);
    if (store_volume_get(store, name, object, &volume, err) < 0)
        return -1;
    puts(volume.name);
    store_volume_clear(&volume);
    return 0;
}

int cli_volume_create(const struct cli_global *global, int argc, char **argv,
                      struct md_err *err)
{
    struct md_list operands = { 0 };
    struct md_list labels = { 0 };
    const char *driver = "local";
    struct store store;
    const struct cli_option options[] = {
        { 'd', "driver", CLI_TEXT, "DRIVER", "local is the only one", &driver },
        { 0, "label", CLI_LIST, "KEY[=VALUE]", "A label of the volume", &labels },
        { 0 },
    };
    const struct cli_syntax syntax = { "volume create [OPTIONS] [NAME]",
                                       "Make a volume",
                                       "Without NAME it gets a random one, and prune removes "
                                       "it. One that is there already stays as it is.",
                                       0,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0 && strcmp(driver, "local") != 0)
        status = md_err_set(err, MD_ERR_NOT_FOUND,
                            "error looking up volume plugin %s: plugin \"%s\" not found",
                            driver, driver);
    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        status = create(&store, operands.count ? operands.items[0] : "", &labels, err);
        store_close(&store);
    }
    md_list_clear(&operands);
    md_list_clear(&labels);
    return status;
}

static int inspect_one(const struct store *store, const char *name, struct json_t *found,
                       struct md_err *err)
{
    struct store_volume volume = { .dir = -1, .data = -1 };

    if (store_volume_open(store, name, &volume, err) < 0)
        return -1;
    md_json_append(found, cli_volume_object(&volume));
    store_volume_clear(&volume);
    return 0;
}

static int print(const struct json_t *found, const char *format, struct md_err *err)
{
    if (!format || strcmp(format, "json") == 0) {
        MD_AUTO_FREE char *text = format ? md_json_line(found) : md_json_pretty(found);

        puts(text);
        return 0;
    }
    return cli_table_print(found, NULL, format, err);
}

int cli_volume_inspect(const struct cli_global *global, int argc, char **argv,
                       struct md_err *err)
{
    MD_AUTO_JSON found = md_json_array();
    struct md_list names = { 0 };
    const char *format = NULL;
    struct store store;
    int failed = 0;
    const struct cli_option options[] = {
        { 'f', "format", CLI_TEXT, "FORMAT", "json or '{{.Field}}' (default: indented JSON)",
          &format },
        { 0 },
    };
    const struct cli_syntax syntax = { "volume inspect [OPTIONS] VOLUME [VOLUME...]",
                                       "Show all about volumes as JSON",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        for (size_t i = 0; i < names.count; i++) {
            struct md_err one = { 0 };

            if (inspect_one(&store, names.items[i], found, &one) < 0)
                failed = cli_report(&one, CLI_FAILED);
        }
        store_close(&store);
        status = print(found, format, err);
    }
    md_list_clear(&names);
    return status == 0 ? failed : status;
}

int cli_volume_rm(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct store store;
    bool force = false;
    const struct cli_option options[] = {
        { 'f', "force", CLI_FLAG, NULL, "A volume that is not there is no failure", &force },
        { 0 },
    };
    const struct cli_syntax syntax = { "volume rm [OPTIONS] VOLUME [VOLUME...]",
                                       "Remove volumes that no container uses",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        cli_mend(&store);
        store_sweep(&store);
        for (size_t i = 0; i < names.count; i++) {
            struct md_err one = { 0 };

            if (store_volume_remove(&store, names.items[i], &one) == 0 ||
                (force && one.kind == MD_ERR_NOT_FOUND))
                puts(names.items[i]);
            else
                status = cli_report(&one, CLI_FAILED);
        }
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}
