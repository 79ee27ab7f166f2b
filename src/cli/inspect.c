/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: containers, images and volumes with docker's field names. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/inspect.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/template.h"
#include "cli/volumes.h"

/* What was asked for, and what was found. */
struct inspection {
    const char *type; /* NULL: whatever has the name */
    const char *format;
    enum cli_sizes sizes;
    struct json_t *found;
};

static int inspect_image(const struct store *store, const char *what,
                         struct inspection *inspection, struct md_err *err)
{
    struct store_image image = { 0 };

    if (store_image_open(store, what, &image, err) < 0)
        return -1;
    struct json_t *object = cli_inspect_image(store, &image, err);

    if (object)
        md_json_append(inspection->found, object);
    store_image_clear(&image);
    return object ? 0 : -1;
}

static int inspect_container(const struct store *store, const char *what,
                             struct inspection *inspection, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store_state state = { 0 };
    int status = store_container_open(store, what, &container, err);

    if (status == 0)
        status = cli_container_state(store, &container, &state, err);
    if (status == 0)
        md_json_append(inspection->found,
                       cli_inspect_container(store, &container, &state, inspection->sizes));
    store_container_clear(&container);
    return status;
}

static int inspect_volume(const struct store *store, const char *what,
                          struct inspection *inspection, struct md_err *err)
{
    struct store_volume volume = { .dir = -1, .data = -1 };

    if (store_volume_open(store, what, &volume, err) < 0)
        return -1;
    md_json_append(inspection->found, cli_volume_object(&volume));
    store_volume_clear(&volume);
    return 0;
}

/* docker's order: a container of that name before an image, and that before a volume. */
static int inspect_one(const struct store *store, const char *what,
                       struct inspection *inspection, struct md_err *err)
{
    const char *type = inspection->type;

    if (!type || strcmp(type, "container") == 0) {
        if (inspect_container(store, what, inspection, err) == 0)
            return 0;
        if (type || err->kind != MD_ERR_NOT_FOUND)
            return -1;
        memset(err, 0, sizeof(*err));
    }
    if (!type || strcmp(type, "image") == 0) {
        if (inspect_image(store, what, inspection, err) == 0)
            return 0;
        if (type || err->kind != MD_ERR_NOT_FOUND)
            return -1;
        memset(err, 0, sizeof(*err));
    }
    if (inspect_volume(store, what, inspection, err) == 0)
        return 0;
    if (!type && err->kind == MD_ERR_NOT_FOUND)
        return md_err_set(err, MD_ERR_NOT_FOUND, "No such object: %s", what);
    return -1;
}

static int print(const struct json_t *found, const struct cli_template *template,
                 struct md_err *err)
{
    for (size_t i = 0; i < md_json_count(found); i++) {
        const struct cli_template_data data = { .value = md_json_at(found, i) };
        struct md_buf out = { 0 };
        int status = cli_template_render(template, &data, &out, err);

        if (status == 0)
            cli_print_text(out.data ? out.data : "");
        md_buf_clear(&out);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int print_json(const struct json_t *found, const char *format)
{
    MD_AUTO_FREE char *text = format ? md_json_line(found) : md_json_pretty(found);

    puts(text);
    return 0;
}

/* Returns an exit status, or -1: what is there is shown, even where something else is not. */
static int inspect(const struct cli_global *global, const struct md_list *names,
                   struct inspection *inspection, struct md_err *err)
{
    bool json = !inspection->format || strcmp(inspection->format, "json") == 0;
    MD_AUTO_TEMPLATE template = json ? NULL : cli_template_parse(inspection->format, err);
    struct store store;
    int failed = 0;

    if ((!json && !template) || store_open(global->root, STORE_READ, &store, err) < 0)
        return -1;
    cli_mend(&store);
    for (size_t i = 0; i < names->count; i++) {
        struct md_err one = { 0 };

        if (inspect_one(&store, names->items[i], inspection, &one) < 0)
            failed = cli_report(&one, CLI_FAILED);
    }
    store_close(&store);
    int status = json ? print_json(inspection->found, inspection->format)
                      : print(inspection->found, template, err);

    return status < 0 ? -1 : failed;
}

static int check_type(const char *type, struct md_err *err)
{
    if (!type || strcmp(type, "container") == 0 || strcmp(type, "image") == 0 ||
        strcmp(type, "volume") == 0)
        return 0;
    return md_err_set(err, MD_ERR_USAGE, "\"%s\" is not a valid value for --type", type);
}

int cli_inspect(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON found = md_json_array();
    struct inspection inspection = { .found = found };
    struct md_list names = { 0 };
    bool sizes = false;
    const struct cli_option options[] = {
        { 'f', "format", CLI_TEXT, "FORMAT", "json or '{{.Field}}' (default: indented JSON)",
          &inspection.format },
        { 's', "size", CLI_FLAG, NULL, "Show how much containers have written", &sizes },
        { 0, "type", CLI_TEXT, "TYPE", "container, image or volume", &inspection.type },
        { 0 },
    };
    const struct cli_syntax syntax = { "inspect [OPTIONS] NAME|ID [NAME|ID...]",
                                       "Show all about containers, images and volumes as JSON",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = check_type(inspection.type, err);
    inspection.sizes = sizes ? CLI_SIZES_COUNTED : CLI_SIZES_LEFT_OUT;
    if (status == 0)
        status = inspect(global, &names, &inspection, err);
    md_list_clear(&names);
    return status;
}

/* inspect of one kind: the words are passed on with a --type in front, which a later one that
 * was typed would have to contradict. */
static int inspect_typed(const struct cli_global *global, char *type, int argc, char **argv,
                         struct md_err *err)
{
    MD_AUTO_FREE char **words = md_xcalloc((size_t)argc + 2, sizeof(*words));

    words[0] = argv[0];
    words[1] = type;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    return cli_inspect(global, argc + 1, words, err);
}

int cli_image_inspect(const struct cli_global *global, int argc, char **argv,
                      struct md_err *err)
{
    char type[] = "--type=image";

    return inspect_typed(global, type, argc, argv, err);
}

int cli_container_inspect(const struct cli_global *global, int argc, char **argv,
                          struct md_err *err)
{
    char type[] = "--type=container";

    return inspect_typed(global, type, argc, argv, err);
}
