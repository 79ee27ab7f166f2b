/* SPDX-License-Identifier: Apache-2.0 */
/* rmi, tag and image path. */
#include <stdio.h>
#include <time.h>

#include "base/ref.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "store/image.h"

static int remove_each(const struct store *store, const struct md_list *names,
                       enum store_force force)
{
    int status = CLI_OK;

    for (size_t i = 0; i < names->count; i++) {
        struct store_removal removal = { 0 };
        struct md_err one = { 0 };

        if (store_image_remove(store, names->items[i], force, &removal, &one) < 0)
            status = cli_report(&one, CLI_FAILED);
        for (size_t l = 0; l < removal.lines.count; l++)
            puts(removal.lines.items[l]);
        md_list_clear(&removal.lines);
    }
    return status;
}

int cli_rmi(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct store store;
    bool force = false;
    const struct cli_option options[] = {
        { 'f', "force", CLI_FLAG, NULL, "Remove names of images that containers use too",
          &force },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "rmi [OPTIONS] IMAGE [IMAGE...]", "Remove images", NULL, 1, -1, false, options
    };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0) {
        status = store_open(global->root, STORE_WRITE, &store, err);
        if (status == 0) {
            store_sweep(&store);
            status = remove_each(&store, &names, force ? STORE_FORCE : STORE_CAREFUL);
            store_close(&store);
        }
    }
    md_list_clear(&names);
    return status;
}

static int tag(const struct store *store, const char *source, const char *target,
               struct md_err *err)
{
    struct store_image image = { 0 };
    struct store_name record = { 0 };
    struct md_err ignored = { 0 };
    struct md_ref ref = { 0 };
    char source_name[MD_REF_TEXT_SIZE];

    if (md_ref_parse(target, &ref, err) < 0)
        return -1;
    if (ref.digest.alg)
        return md_err_set(err, MD_ERR_USAGE,
                          "refusing to create a tag with a digest reference");
    if (store_image_open(store, source, &image, err) < 0)
        return -1;
    /* What the registry served belongs to the source's repository: a new name knows nothing. */
    record.platform = image.config.platform;
    record.time = time(NULL);
    md_ref_store_name(&ref, record.name);
    snprintf(record.image_id, sizeof(record.image_id), "%s", image.id);

    struct store_name old = { 0 };
    struct md_ref source_ref = { 0 };

    if (md_ref_parse(source, &source_ref, &ignored) == 0) {
        md_ref_store_name(&source_ref, source_name);
        if (store_name_read(store, source_name, &old, &ignored) == 0)
            record.manifest = old.manifest;
    }
    int status = store_name_set(store, &record, err);

    store_image_clear(&image);
    return status;
}

int cli_tag(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    struct store store;
    const struct cli_syntax syntax = {
        "tag SOURCE TARGET", "Give an image one more name", NULL, 2, 2, false, NULL
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0) {
        status = store_open(global->root, STORE_WRITE, &store, err);
        if (status == 0) {
            status = tag(&store, operands.items[0], operands.items[1], err);
            store_close(&store);
        }
    }
    md_list_clear(&operands);
    return status;
}

int cli_image_path(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    struct store_image image = { 0 };
    struct store store;
    const struct cli_syntax syntax = {
        "image path NAME", "Print where an image's root file system is", NULL, 1, 1, false, NULL
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0) {
        status = store_open(global->root, STORE_READ, &store, err);
        if (status == 0) {
            status = store_image_open(&store, operands.items[0], &image, err);
            store_close(&store);
        }
        if (status == 0) {
            puts(image.path);
            store_image_clear(&image);
        }
    }
    md_list_clear(&operands);
    return status;
}
