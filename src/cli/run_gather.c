/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts a container gets: those that were named, other containers', its image's. */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "cli/run_mounts.h"
#include "store/container.h"

static struct cli_mount *add(struct cli_mounts *mounts)
{
    mounts->items = md_xreallocarray(mounts->items, mounts->count + 1, sizeof(*mounts->items));
    mounts->items[mounts->count] = (struct cli_mount){ 0 };
    return &mounts->items[mounts->count++];
}

static void drop_last(struct cli_mounts *mounts)
{
    cli_mount_clear(&mounts->items[--mounts->count]);
}

/* Is there a mount for the same target before the last one? */
static bool is_taken(const struct cli_mounts *mounts)
{
    const char *target = mounts->items[mounts->count - 1].target;

    for (size_t i = 0; i + 1 < mounts->count; i++) {
        if (strcmp(mounts->items[i].target, target) == 0)
            return true;
    }
    return false;
}

typedef int parse_fn(const char *text, struct cli_mount *mount, struct md_err *err);

/* What was named on the command line; no target may come twice. Anonymous ones come later. */
static int add_named(struct cli_mounts *mounts, const struct md_list *texts, parse_fn *parse,
                     struct md_err *err)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct cli_mount *mount = add(mounts);

        if (parse(texts->items[i], mount, err) < 0)
            return -1;
        if (mount->anonymous && parse == cli_mount_volume)
            drop_last(mounts);
        else if (is_taken(mounts))
            return md_err_set(err, MD_ERR_USAGE, "Duplicate mount point: %s", mount->target);
    }
    return 0;
}

static bool is_anonymous(const struct json_t *config, const char *name)
{
    const struct json_t *names = md_json_get(config, "anonymous_volumes");

    for (size_t i = 0; i < md_json_count(names); i++) {
        const char *one = md_json_text(md_json_at(names, i));

        if (one && strcmp(one, name) == 0)
            return true;
    }
    return false;
}

/* One of another container's mounts, as inspect shows it. Returns 0 when it is not taken. */
static int copy_mount(const struct json_t *config, const struct json_t *from,
                      struct cli_mount *mount)
{
    const char *type = md_json_get_text(from, "Type");
    const char *target = md_json_get_text(from, "Destination");
    const char *source = md_json_get_text(from, "Source");
    const char *name = md_json_get_text(from, "Name");
    bool volume = type && strcmp(type, "volume") == 0;

    if (!type || !target || !(volume ? name : source) || (!volume && strcmp(type, "bind") != 0))
        return 0;
    mount->kind = volume ? CLI_MOUNT_VOLUME : CLI_MOUNT_BIND;
    mount->target = md_xstrdup(target);
    mount->source = md_xstrdup(volume ? name : source);
    mount->anonymous = volume && is_anonymous(config, name);
    mount->no_copy = true;
    mount->attributes = md_json_true(md_json_get(from, "RW")) ? 0 : MOUNT_ATTR_RDONLY;
    return 1;
}

static void copy_mounts(struct cli_mounts *mounts, const struct json_t *config,
                        unsigned long long attributes)
{
    const struct json_t *theirs = md_json_get(config, "Mounts");

    for (size_t i = 0; i < md_json_count(theirs); i++) {
        struct cli_mount *mount = add(mounts);

        if (!copy_mount(config, md_json_at(theirs, i), mount) || is_taken(mounts))
            drop_last(mounts);
        else
            mount->attributes |= attributes;
    }
}

/* --volumes-from CONTAINER[:ro] */
static int add_from(struct cli_mounts *mounts, const struct store *store, const char *text,
                    struct md_err *err)
{
    MD_AUTO_FREE char *name = md_xstrdup(text);
    struct store_container container = { .dir = -1 };
    char *mode = strchr(name, ':');

    if (mode)
        *mode++ = '\0';
    if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid mode for volumes-from: %s", mode);
    if (store_container_open(store, name, &container, err) < 0) {
        store_container_clear(&container);
        return -1;
    }
    copy_mounts(mounts, container.config,
                mode && strcmp(mode, "ro") == 0 ? MOUNT_ATTR_RDONLY : 0);
    store_container_clear(&container);
    return 0;
}

/* -v TARGET and the image's VOLUME entries: where nothing else is. */
static int add_anonymous(struct cli_mounts *mounts, const char *target, struct md_err *err)
{
    struct cli_mount *mount = add(mounts);

    if (cli_mount_volume(target, mount, err) < 0)
        return -1;
    if (!mount->anonymous || is_taken(mounts))
        drop_last(mounts);
    return 0;
}

static int add_image_volumes(struct cli_mounts *mounts, const struct md_oci_config *image,
                             struct md_err *err)
{
    const char *target = NULL;

    if (md_json_count(image->volumes) > MD_MAX_VOLUMES)
        return md_err_set(err, MD_ERR_LIMIT, "the image has more than %d volumes",
                          MD_MAX_VOLUMES);
    while ((target = md_json_next_key(image->volumes, target))) {
        struct cli_mount *mount = add(mounts);

        mount->kind = CLI_MOUNT_VOLUME;
        mount->anonymous = true;
        if (cli_mount_set_target(mount, target, err) < 0)
            return md_err_in(err, "a volume of the image");
        if (is_taken(mounts))
            drop_last(mounts);
    }
    return 0;
}

/* Shorter targets first: where one holds another, the outer one has to be mounted before. */
static int by_target(const void *a, const void *b)
{
    const struct cli_mount *left = a;
    const struct cli_mount *right = b;
    size_t left_len = strlen(left->target);
    size_t right_len = strlen(right->target);

    if (left_len != right_len)
        return left_len < right_len ? -1 : 1;
    return strcmp(left->target, right->target);
}

int cli_mounts_gather(const struct cli_mounts_from *from, struct cli_mounts *mounts,
                      struct md_err *err)
{
    const struct cli_run_options *options = from->options;

    if (from->saved)
        return cli_mounts_load(from->saved, mounts, err);
    if (add_named(mounts, &options->volumes, cli_mount_volume, err) < 0 ||
        add_named(mounts, &options->mounts, cli_mount_flag, err) < 0 ||
        add_named(mounts, &options->tmpfs, cli_mount_tmpfs, err) < 0)
        return -1;
    for (size_t i = 0; i < options->volumes_from.count; i++) {
        if (add_from(mounts, from->store, options->volumes_from.items[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < options->volumes.count; i++) {
        if (add_anonymous(mounts, options->volumes.items[i], err) < 0)
            return -1;
    }
    if (add_image_volumes(mounts, from->image, err) < 0)
        return -1;
    if (mounts->count > 0)
        qsort(mounts->items, mounts->count, sizeof(*mounts->items), by_target);
    return 0;
}
