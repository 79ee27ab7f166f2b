/* SPDX-License-Identifier: Apache-2.0 */
/* A container's mounts in its config.json, so that a later start has the very same ones. */
#include <string.h>

#include "base/mem.h"
#include "cli/run_mounts.h"

static const char *const kinds[] = {
    [CLI_MOUNT_BIND] = "bind", [CLI_MOUNT_VOLUME] = "volume", [CLI_MOUNT_TMPFS] = "tmpfs"
};

#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

static void set_text(struct json_t *object, const char *key, const char *text)
{
    if (text)
        md_json_set(object, key, md_json_string(text));
}

static struct json_t *save_one(const struct cli_mount *mount)
{
    struct json_t *object = md_json_object();

    md_json_set(object, "kind", md_json_string(kinds[mount->kind]));
    set_text(object, "source", mount->source);
    set_text(object, "target", mount->target);
    set_text(object, "subpath", mount->subpath);
    set_text(object, "mode", mount->mode);
    set_text(object, "tmpfs_size", mount->tmpfs_size);
    md_json_set(object, "tmpfs_mode", md_json_number(mount->tmpfs_mode));
    md_json_set(object, "attributes", md_json_number((int64_t)mount->attributes));
    md_json_set(object, "anonymous", md_json_bool(mount->anonymous));
    md_json_set(object, "not_recursive", md_json_bool(mount->not_recursive));
    return object;
}

struct json_t *cli_mounts_save(const struct cli_mounts *mounts)
{
    struct json_t *array = md_json_array();

    for (size_t i = 0; i < mounts->count; i++)
        md_json_append(array, save_one(&mounts->items[i]));
    return array;
}

static char *get_text(const struct json_t *object, const char *key)
{
    const char *text = md_json_get_text(object, key);

    return text ? md_xstrdup(text) : NULL;
}

static int load_one(const struct json_t *object, struct cli_mount *mount)
{
    const char *kind = md_json_get_text(object, "kind");
    size_t at = 0;

    while (at < KIND_COUNT && (!kind || strcmp(kind, kinds[at]) != 0))
        at++;
    *mount = (struct cli_mount){
        .source = get_text(object, "source"),
        .target = get_text(object, "target"),
        .subpath = get_text(object, "subpath"),
        .mode = get_text(object, "mode"),
        .tmpfs_size = get_text(object, "tmpfs_size"),
        .tmpfs_mode = (mode_t)md_json_get_int(object, "tmpfs_mode") & 07777,
        .attributes = (unsigned long long)md_json_get_int(object, "attributes"),
        .anonymous = md_json_true(md_json_get(object, "anonymous")),
        .not_recursive = md_json_true(md_json_get(object, "not_recursive")),
        .no_copy = true, /* it was filled when the container was made */
    };
    if (at == KIND_COUNT || !mount->target || mount->target[0] != '/')
        return -1;
    mount->kind = (enum cli_mount_kind)at;
    return mount->kind == CLI_MOUNT_TMPFS || mount->source ? 0 : -1;
}

int cli_mounts_load(const struct json_t *saved, struct cli_mounts *mounts, struct md_err *err)
{
    size_t count = md_json_count(saved);

    mounts->items = md_xcalloc(count + 1, sizeof(*mounts->items));
    for (size_t i = 0; i < count; i++) {
        mounts->count++;
        if (load_one(md_json_at(saved, i), &mounts->items[i]) < 0)
            return md_err_set(err, MD_ERR_FORMAT,
                              "the container's config.json is damaged at \"mounts\"");
    }
    return 0;
}
