/* SPDX-License-Identifier: Apache-2.0 */
/* images, rmi, tag and image path. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/ref.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/table.h"
#include "store/image.h"

/* What `images` was asked for. */
struct listing {
    struct md_list operands; /* at most one: a repository, or a reference */
    struct md_list filters;
    const char *format;
    bool quiet, all, full, digests;
    struct json_t *rows;
};

static const struct cli_column columns[] = {
    { "REPOSITORY", "Repository" }, { "TAG", "Tag" },   { "IMAGE ID", "ID" },
    { "CREATED", "CreatedSince" },  { "SIZE", "Size" }, { 0 },
};

static const struct cli_column columns_with_digest[] = {
    { "REPOSITORY", "Repository" },
    { "TAG", "Tag" },
    { "DIGEST", "Digest" },
    { "IMAGE ID", "ID" },
    { "CREATED", "CreatedSince" },
    { "SIZE", "Size" },
    { 0 },
};

/* label=KEY or label=KEY=VALUE */
static bool has_label(const struct store_image *image, const char *label)
{
    size_t len = strcspn(label, "=");
    MD_AUTO_FREE char *key = md_xstrndup(label, len);
    const char *value = md_json_get_text(image->config.labels, key);

    return value && (!label[len] || strcmp(value, label + len + 1) == 0);
}

/* Does this image under this name (NULL: none) pass one filter? -1 for an unknown filter. */
static int passes(const char *filter, const struct store_image *image, const char *repository,
                  const char *tag, struct md_err *err)
{
    MD_AUTO_FREE char *full = md_xasprintf("%s:%s", repository ? repository : "", tag);
    if (strcmp(filter, "dangling=true") == 0)
        return repository == NULL;
    if (strcmp(filter, "dangling=false") == 0)
        return repository != NULL;
    if (strncmp(filter, "label=", 6) == 0)
        return has_label(image, filter + 6);
    if (strncmp(filter, "reference=", 10) == 0)
        return repository && (fnmatch(filter + 10, repository, FNM_PATHNAME) == 0 ||
                              fnmatch(filter + 10, full, FNM_PATHNAME) == 0);
    return md_err_set(err, MD_ERR_USAGE, "invalid filter \"%s\"", filter);
}

static int wanted(const struct listing *listing, const struct store_image *image,
                  const char *repository, const char *tag, struct md_err *err)
{
    if (listing->operands.count > 0) {
        MD_AUTO_FREE char *filter = md_xasprintf("reference=%s", listing->operands.items[0]);

        if (!passes(filter, image, repository, tag, err))
            return 0;
    }
    for (size_t i = 0; i < listing->filters.count; i++) {
        int pass = passes(listing->filters.items[i], image, repository, tag, err);

        if (pass <= 0)
            return pass;
    }
    return 1;
}

/* "3 weeks ago", or "N/A" for an image that does not say when. */
static char *since(const char *created)
{
    struct timespec when;
    char text[64];

    if (md_text_parse_time(created, &when) < 0)
        return md_xstrdup("N/A");
    md_text_duration(time(NULL) - when.tv_sec, text, sizeof(text));
    return md_xasprintf("%s ago", text);
}

static void add_row(struct listing *listing, const struct store_image *image,
                    const char *repository, const char *tag, const char *digest)
{
    struct json_t *row = md_json_object();
    MD_AUTO_FREE char *age = since(image->config.created);
    MD_AUTO_FREE char *full_id = md_xasprintf("sha256:%s", image->id);
    char size[32];

    md_json_set(row, "Repository", md_json_string(repository ? repository : "<none>"));
    md_json_set(row, "Tag", md_json_string(tag));
    md_json_set(row, "Digest", md_json_string(digest[0] ? digest : "<none>"));
    full_id[listing->full ? strlen(full_id) : 19] = '\0';
    md_json_set(row, "ID", md_json_string(listing->full ? full_id : full_id + 7));
    md_json_set(row, "CreatedAt", md_json_string(image->config.created));
    md_json_set(row, "CreatedSince", md_json_string(age));
    md_json_set(row, "Size", md_json_string(md_text_size(image->size, size, sizeof(size))));
    md_json_append(listing->rows, row);
}

/* One row: an image under a name, or without one. Damaged images are said, not fatal. */
static int list_one(const struct store *store, struct listing *listing, const char *id,
                    const struct store_name *name, struct md_err *err)
{
    struct store_image image = { 0 };
    struct md_err damage = { 0 };
    struct md_ref ref = { 0 };
    char repository[MD_REF_TEXT_SIZE] = "";
    const char *tag = "<none>";

    if (name && md_ref_from_store_name(name->name, &ref) < 0)
        return 0; /* not a name of ours */
    if (store_image_open_id(store, id, &image, &damage) < 0) {
        if (damage.kind != MD_ERR_NOT_FOUND)
            cli_report(&damage, CLI_FAILED);
        return 0;
    }
    if (name)
        md_ref_familiar_repository(&ref, repository);
    if (ref.tag[0])
        tag = ref.tag;
    int want = wanted(listing, &image, name ? repository : NULL, tag, err);

    if (want > 0)
        add_row(listing, &image, name ? repository : NULL, tag, name ? name->served.text : "");
    store_image_clear(&image);
    return want < 0 ? -1 : 0;
}

static bool is_named(const struct store_name *names, size_t count, const char *id)
{
    for (size_t i = 0; names && i < count; i++) {
        if (strcmp(names[i].image_id, id) == 0)
            return true;
    }
    return false;
}

static int list_all(const struct store *store, struct listing *listing, struct md_err *err)
{
    MD_AUTO_FREE struct store_name *names = NULL;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t name_count = 0;
    size_t id_count = 0;

    if (store_name_list(store, &names, &name_count, err) < 0 ||
        store_image_list(store, &ids, &id_count, err) < 0)
        return -1;
    for (size_t i = 0; i < name_count; i++) {
        if (list_one(store, listing, names[i].image_id, &names[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < id_count; i++) {
        if (!is_named(names, name_count, ids[i]) &&
            list_one(store, listing, ids[i], NULL, err) < 0)
            return -1;
    }
    return 0;
}

static int print_ids(const struct json_t *rows)
{
    const char *last = "";

    for (size_t i = 0; i < md_json_count(rows); i++) {
        const char *id = md_json_get_text(md_json_at(rows, i), "ID");

        if (strcmp(id, last) != 0)
            puts(id);
        last = id;
    }
    return CLI_OK;
}

int cli_images(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();
    struct listing listing = { .rows = rows };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Show all images (the default shows the same)",
          &listing.all },
        { 0, "digests", CLI_FLAG, NULL, "Show what the registry served for the tag",
          &listing.digests },
        { 'f', "filter", CLI_LIST, "FILTER",
          "dangling=BOOL, label=KEY[=VALUE] or reference=PATTERN", &listing.filters },
        { 0, "format", CLI_TEXT, "FORMAT", "table, json or '{{.Field}}'", &listing.format },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids", &listing.full },
        { 'q', "quiet", CLI_FLAG, NULL, "Only ids", &listing.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "images [OPTIONS] [REPOSITORY[:TAG]]", "List images", NULL, 0, 1, false, options
    };
    int status = cli_parse(&syntax, argc, argv, &listing.operands, err);

    if (status == 0) {
        status = store_open(global->root, STORE_READ, &store, err);
        if (status == 0) {
            status = list_all(&store, &listing, err);
            store_close(&store);
        }
        if (status == 0 && listing.quiet)
            status = print_ids(rows);
        else if (status == 0)
            status = cli_table_print(rows, listing.digests ? columns_with_digest : columns,
                                     listing.format, err);
    }
    md_list_clear(&listing.operands);
    md_list_clear(&listing.filters);
    return status;
}

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
