/* SPDX-License-Identifier: Apache-2.0 */
/* images: the names that there are, and images without one. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ref.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/table.h"
#include "store/image.h"

/* A row, and what it is sorted by. */
struct row {
    struct json_t *json;
    struct timespec created; /* 0 when the image does not say */
    size_t order;            /* by which equal ones stay as they are */
};

/* What `images` was asked for, and what it found. */
struct listing {
    struct md_list operands; /* at most one: a repository, or a reference */
    struct md_list typed;
    struct cli_filters filters;
    struct timespec *bounds; /* of each before= and since= */
    const char *format;
    bool quiet, all, full, digests;
    struct row *rows;
    size_t count;
};

/* An image under one of its names. */
struct item {
    const struct store_image *image;
    const char *repository; /* NULL: it has no name */
    const char *tag;
    const char *digest;
    struct timespec created;
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

static const struct cli_column others[] = {
    { "DIGEST", "Digest" },
    { "CREATED AT", "CreatedAt" },
    { "CONTAINERS", "Containers" },
    { "VIRTUAL SIZE", "VirtualSize" },
    { "SHARED SIZE", "SharedSize" },
    { "UNIQUE SIZE", "UniqueSize" },
    { 0 },
};

static const char *const known_filters[] = { "before",    "dangling", "label",
                                             "reference", "since",    NULL };

static int order_of(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static struct timespec created_of(const struct store_image *image)
{
    struct timespec when = { 0 };

    if (md_text_parse_time(image->config.created, &when) < 0)
        when = (struct timespec){ 0 };
    return when;
}

/* before= and since= name an image, which must be there. */
static int read_filters(const struct store *store, struct listing *listing, struct md_err *err)
{
    if (cli_filters_read(&listing->typed, known_filters, &listing->filters, err) < 0)
        return -1;
    listing->bounds = md_xcalloc(listing->filters.count + 1, sizeof(*listing->bounds));
    for (size_t i = 0; i < listing->filters.count; i++) {
        const struct cli_filter *filter = &listing->filters.items[i];
        struct store_image image = { 0 };
        bool ignored;

        if (strcmp(filter->key, "dangling") == 0 && cli_filter_bool(filter, &ignored, err) < 0)
            return -1;
        if (strcmp(filter->key, "before") != 0 && strcmp(filter->key, "since") != 0)
            continue;
        if (store_image_open(store, filter->value, &image, err) < 0)
            return -1;
        listing->bounds[i] = created_of(&image);
        store_image_clear(&image);
    }
    return 0;
}

static bool matches(const struct item *item, const char *pattern)
{
    if (!item->repository)
        return false;
    MD_AUTO_FREE char *full = md_xasprintf("%s:%s", item->repository, item->tag);

    return fnmatch(pattern, item->repository, FNM_PATHNAME) == 0 ||
           fnmatch(pattern, full, FNM_PATHNAME) == 0;
}

static bool passes(const struct listing *listing, size_t i, const struct item *item)
{
    const struct cli_filter *filter = &listing->filters.items[i];
    struct md_err impossible = { 0 };
    bool dangling = false;

    switch (filter->key[0]) {
    case 'b':
        return order_of(&item->created, &listing->bounds[i]) < 0;
    case 's':
        return order_of(&item->created, &listing->bounds[i]) > 0;
    case 'd':
        return cli_filter_bool(filter, &dangling, &impossible) == 0 &&
               dangling == !item->repository;
    case 'l':
        return cli_filter_label(item->image->config.labels, filter->value);
    default:
        return matches(item, filter->value);
    }
}

/* Patterns are alternatives; everything else has to hold. */
static bool is_wanted(const struct listing *listing, const struct item *item)
{
    bool asked = listing->operands.count > 0;
    bool matched = asked && matches(item, listing->operands.items[0]);

    if (asked && !matched)
        return false;
    asked = matched = false;
    for (size_t i = 0; i < listing->filters.count; i++) {
        bool pass = passes(listing, i, item);

        if (strcmp(listing->filters.items[i].key, "reference") == 0) {
            asked = true;
            matched = matched || pass;
        } else if (!pass) {
            return false;
        }
    }
    return !asked || matched;
}

static void set_text(struct json_t *row, const char *field, char *text)
{
    md_json_set(row, field, md_json_string(text));
    free(text);
}

static struct json_t *make_row(const struct listing *listing, const struct item *item)
{
    struct json_t *row = md_json_object();
    bool dated = item->created.tv_sec != 0;
    char size[32];

    md_text_size(item->image->size, size, sizeof(size));
    set_text(row, "Containers", md_xstrdup("N/A"));
    set_text(row, "CreatedAt", dated ? cli_created_at(&item->created) : md_xstrdup("N/A"));
    set_text(row, "CreatedSince", dated ? cli_ago(item->created.tv_sec) : md_xstrdup("N/A"));
    set_text(row, "Digest", md_xstrdup(item->digest[0] ? item->digest : "<none>"));
    set_text(row, "ID", md_xasprintf(listing->full ? "sha256:%s" : "%.12s", item->image->id));
    set_text(row, "Repository", md_xstrdup(item->repository ? item->repository : "<none>"));
    set_text(row, "SharedSize", md_xstrdup("N/A"));
    set_text(row, "Size", md_xstrdup(size));
    set_text(row, "Tag", md_xstrdup(item->tag));
    set_text(row, "UniqueSize", md_xstrdup("N/A"));
    set_text(row, "VirtualSize", md_xstrdup(size));
    return row;
}

static void add_row(struct listing *listing, const struct item *item)
{
    if ((listing->count & (listing->count - 1)) == 0)
        listing->rows =
            md_xreallocarray(listing->rows, listing->count * 2 + 1, sizeof(*listing->rows));
    listing->rows[listing->count] =
        (struct row){ make_row(listing, item), item->created, listing->count };
    listing->count++;
}

/* One row: an image under a name, or without one. Damaged images are said, not fatal. */
static void list_one(const struct store *store, struct listing *listing, const char *id,
                     const struct store_name *name)
{
    struct store_image image = { 0 };
    struct md_err damage = { 0 };
    struct md_ref ref = { 0 };
    char repository[MD_REF_TEXT_SIZE] = "";

    if (name && md_ref_from_store_name(name->name, &ref) < 0)
        return; /* not a name of ours */
    if (store_image_open_id(store, id, &image, &damage) < 0) {
        if (damage.kind != MD_ERR_NOT_FOUND)
            cli_report(&damage, CLI_FAILED);
        return;
    }
    if (name)
        md_ref_familiar_repository(&ref, repository);
    const struct item item = {
        .image = &image,
        .repository = name ? repository : NULL,
        .tag = ref.tag[0] ? ref.tag : "<none>",
        .digest = name ? name->served.text : "",
        .created = created_of(&image),
    };

    if (is_wanted(listing, &item))
        add_row(listing, &item);
    store_image_clear(&image);
}

static bool is_named(const struct store_name *names, size_t count, const char *id)
{
    for (size_t i = 0; names && i < count; i++) {
        if (strcmp(names[i].image_id, id) == 0)
            return true;
    }
    return false;
}

/* docker's order: what was made last comes first. */
static int newest_first(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = order_of(&right->created, &left->created);

    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static int list_all(const struct store *store, struct listing *listing, struct md_err *err)
{
    MD_AUTO_FREE struct store_name *names = NULL;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t name_count = 0;
    size_t id_count = 0;

    if (read_filters(store, listing, err) < 0 ||
        store_name_list(store, &names, &name_count, err) < 0 ||
        store_image_list(store, &ids, &id_count, err) < 0)
        return -1;
    for (size_t i = 0; i < name_count; i++)
        list_one(store, listing, names[i].image_id, &names[i]);
    for (size_t i = 0; i < id_count; i++) {
        if (!is_named(names, name_count, ids[i]))
            list_one(store, listing, ids[i], NULL);
    }
    if (listing->count > 0)
        qsort(listing->rows, listing->count, sizeof(*listing->rows), newest_first);
    return 0;
}

/* An image with two names is one id. */
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

static int print_rows(struct listing *listing, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();
    const struct cli_table table = {
        .rows = rows,
        .columns = listing->digests ? columns_with_digest : columns,
        .others = others,
    };

    for (size_t i = 0; i < listing->count; i++)
        md_json_append(rows, md_ptr_take(&listing->rows[i].json));
    return listing->quiet ? print_ids(rows) : cli_table_show(&table, listing->format, err);
}

static void clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        md_json_free(&listing->rows[i].json);
    free(listing->rows);
    free(listing->bounds);
    cli_filters_clear(&listing->filters);
    md_list_clear(&listing->operands);
    md_list_clear(&listing->typed);
}

int cli_images(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct listing listing = { 0 };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Show all images (the default shows the same)",
          &listing.all },
        { 0, "digests", CLI_FLAG, NULL, "Show what the registry served for the tag",
          &listing.digests },
        { 'f', "filter", CLI_LIST, "FILTER",
          "before=IMAGE, dangling=BOOL, label=KEY[=VALUE], reference=PATTERN or since=IMAGE",
          &listing.typed },
        { 0, "format", CLI_TEXT, "FORMAT", "json, '{{.Field}}' or 'table {{.Field}}'",
          &listing.format },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids", &listing.full },
        { 'q', "quiet", CLI_FLAG, NULL, "Only ids", &listing.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "images [OPTIONS] [REPOSITORY[:TAG]]", "List images", NULL, 0, 1, false, options
    };
    int status = cli_parse(&syntax, argc, argv, &listing.operands, err);

    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        status = list_all(&store, &listing, err);
        store_close(&store);
    }
    if (status == 0)
        status = print_rows(&listing, err);
    clear(&listing);
    return status;
}
