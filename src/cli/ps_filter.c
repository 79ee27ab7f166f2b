/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of ps, by docker's rules. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ps.h"

/* What a filter was made into before it is asked about a thousand containers. */
struct prepared {
    regex_t regex; /* id, name */
    bool has_regex;
    int64_t code;                 /* exited */
    struct store_container other; /* before, since */
    struct store_image ancestor;  /* an image, if there is one of that name */
};

struct cli_ps_filter {
    struct cli_filters filters;
    struct prepared *prepared;
};

/* Those that need what minidock does not have, or is not going to have. */
static const char *const unsupported[] = { "expose",    "health",  "is-task",
                                           "isolation", "network", "publish" };

static const char *const known[] = { "ancestor", "before", "exited",  "expose",
                                     "health",   "id",     "is-task", "isolation",
                                     "label",    "name",   "network", "publish",
                                     "since",    "status", "volume",  NULL };

static int prepare_status(const struct cli_filter *filter, struct md_err *err)
{
    static const char *const words[] = { "created", "restarting", "running", "removing",
                                         "paused",  "exited",     "dead" };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(filter->value, words[i]) == 0)
            return 0;
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid filter 'status=%s'", filter->value);
}

static int prepare_regex(const struct cli_filter *filter, struct prepared *prepared,
                         struct md_err *err)
{
    int failed = regcomp(&prepared->regex, filter->value, REG_EXTENDED | REG_NOSUB);
    char reason[100];

    if (failed == 0) {
        prepared->has_regex = true;
        return 0;
    }
    regerror(failed, &prepared->regex, reason, sizeof(reason));
    return md_err_set(err, MD_ERR_USAGE, "invalid filter '%s=%s': %s", filter->key,
                      filter->value, reason);
}

static int prepare_code(const struct cli_filter *filter, struct prepared *prepared,
                        struct md_err *err)
{
    bool negative = filter->value[0] == '-';
    uint64_t code = 0;

    if (md_text_parse_u64(filter->value + negative, INT32_MAX, &code) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid filter 'exited=%s'", filter->value);
    prepared->code = negative ? -(int64_t)code : (int64_t)code;
    return 0;
}

static int prepare(const struct store *store, const struct cli_filter *filter,
                   struct prepared *prepared, struct md_err *err)
{
    struct md_err ignored = { 0 };
    const char *key = filter->key;

    for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
        if (strcmp(key, unsupported[i]) == 0)
            return md_err_set(err, MD_ERR_USAGE, "filter '%s' is not supported yet", key);
    }
    if (strcmp(key, "status") == 0)
        return prepare_status(filter, err);
    if (strcmp(key, "exited") == 0)
        return prepare_code(filter, prepared, err);
    if (strcmp(key, "id") == 0 || strcmp(key, "name") == 0)
        return prepare_regex(filter, prepared, err);
    if (strcmp(key, "before") == 0 || strcmp(key, "since") == 0)
        return store_container_open(store, filter->value, &prepared->other, err);
    /* An image that is not there has no containers: docker says nothing about that. */
    if (strcmp(key, "ancestor") == 0 &&
        store_image_open(store, filter->value, &prepared->ancestor, &ignored) < 0)
        prepared->ancestor = (struct store_image){ .dir = -1, .rootfs = -1 };
    return 0;
}

struct cli_ps_filter *cli_ps_filter_read(const struct store *store, const struct md_list *typed,
                                         struct md_err *err)
{
    struct cli_ps_filter *filter = md_xcalloc(1, sizeof(*filter));

    if (cli_filters_read(typed, known, &filter->filters, err) < 0) {
        cli_ps_filter_free(filter);
        return NULL;
    }
    filter->prepared = md_xcalloc(filter->filters.count + 1, sizeof(*filter->prepared));
    for (size_t i = 0; i < filter->filters.count; i++) {
        filter->prepared[i].other.dir = -1;
        if (prepare(store, &filter->filters.items[i], &filter->prepared[i], err) < 0) {
            cli_ps_filter_free(filter);
            return NULL;
        }
    }
    return filter;
}

void cli_ps_filter_free(struct cli_ps_filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; filter->prepared && i < filter->filters.count; i++) {
        struct prepared *prepared = &filter->prepared[i];

        if (prepared->has_regex)
            regfree(&prepared->regex);
        store_container_clear(&prepared->other);
        store_image_clear(&prepared->ancestor);
    }
    free(filter->prepared);
    cli_filters_clear(&filter->filters);
    free(filter);
}

bool cli_ps_filter_wants_all(const struct cli_ps_filter *filter)
{
    for (size_t i = 0; i < filter->filters.count; i++) {
        if (strcmp(filter->filters.items[i].key, "status") == 0)
            return true;
    }
    return false;
}

/* Made before or after another container, which is neither itself. */
static bool passes_age(const struct cli_filter *filter, const struct store_container *other,
                       const struct store_container *container)
{
    const struct timespec *a = &container->created;
    const struct timespec *b = &other->created;
    int order = a->tv_sec != b->tv_sec ? (a->tv_sec > b->tv_sec) - (a->tv_sec < b->tv_sec)
                                       : (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);

    return filter->key[0] == 'b' ? order < 0 : order > 0;
}

/* Of the image itself, or of one whose layers begin with all of its layers. */
static bool passes_ancestor(const struct store *store, const struct prepared *prepared,
                            const struct store_container *container)
{
    const struct md_oci_config *above = &prepared->ancestor.config;
    struct store_image image = { 0 };
    struct md_err ignored = { 0 };

    if (!prepared->ancestor.id[0] || !container->image_id[0])
        return false;
    if (strcmp(prepared->ancestor.id, container->image_id) == 0)
        return true;
    if (above->diff_id_count == 0 ||
        store_image_open_id(store, container->image_id, &image, &ignored) < 0)
        return false;
    bool below = image.config.diff_id_count > above->diff_id_count;

    for (size_t i = 0; below && i < above->diff_id_count; i++)
        below = md_digest_equal(&image.config.diff_ids[i], &above->diff_ids[i]);
    store_image_clear(&image);
    return below;
}

static bool passes_name(const struct prepared *prepared, const char *name)
{
    MD_AUTO_FREE char *slashed = md_xasprintf("/%s", name);

    return regexec(&prepared->regex, name, 0, NULL, 0) == 0 ||
           regexec(&prepared->regex, slashed, 0, NULL, 0) == 0;
}

/* A volume by its name, or whatever is mounted by its place in the container. */
static bool passes_volume(const char *wanted, const struct json_t *mounts)
{
    for (size_t i = 0; i < md_json_count(mounts); i++) {
        const struct json_t *mount = md_json_at(mounts, i);
        const char *members[] = { "Name", "Source", "Destination" };

        for (size_t m = 0; m < sizeof(members) / sizeof(*members); m++) {
            const char *text = md_json_get_text(mount, members[m]);

            if (text && *text && strcmp(text, wanted) == 0)
                return true;
        }
    }
    return false;
}

static bool passes_one(const struct store *store, const struct cli_filter *filter,
                       const struct prepared *prepared, const struct cli_ps_item *item)
{
    const struct store_container *container = item->container;
    const char *key = filter->key;

    if (strcmp(key, "id") == 0)
        return regexec(&prepared->regex, container->id, 0, NULL, 0) == 0;
    if (strcmp(key, "name") == 0)
        return passes_name(prepared, container->name);
    if (strcmp(key, "status") == 0)
        return strcmp(store_status_word(item->state->status), filter->value) == 0;
    if (strcmp(key, "exited") == 0)
        return item->state->status == STORE_EXITED && item->state->exit_code == prepared->code;
    if (strcmp(key, "before") == 0 || strcmp(key, "since") == 0)
        return passes_age(filter, &prepared->other, container);
    if (strcmp(key, "ancestor") == 0)
        return passes_ancestor(store, prepared, container);
    if (strcmp(key, "label") == 0)
        return cli_filter_label(md_json_get(md_json_get(container->config, "Config"), "Labels"),
                                filter->value);
    return passes_volume(filter->value, md_json_get(container->config, "Mounts"));
}

bool cli_ps_filter_passes(const struct store *store, const struct cli_ps_filter *filter,
                          const struct cli_ps_item *item)
{
    const struct cli_filters *filters = &filter->filters;

    for (size_t i = 0; i < filters->count; i++) {
        bool all = strcmp(filters->items[i].key, "label") == 0;
        bool any = false;

        for (size_t j = 0; j < filters->count && !any; j++) {
            if (all ? j == i : strcmp(filters->items[i].key, filters->items[j].key) == 0)
                any = passes_one(store, &filters->items[j], &filter->prepared[j], item);
        }
        if (!any)
            return false;
    }
    return true;
}
