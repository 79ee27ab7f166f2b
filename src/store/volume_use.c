/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses a volume, and removing those that nobody does. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store/container.h"
#include "store/inodes.h"
#include "store/volume.h"

static void add_used(const struct store_container *container, struct md_list *names,
                     struct md_list *ids)
{
    const struct json_t *mounts = md_json_get(container->config, "Mounts");

    for (size_t i = 0; i < md_json_count(mounts); i++) {
        const struct json_t *mount = md_json_at(mounts, i);
        const char *type = md_json_get_text(mount, "Type");
        const char *name = md_json_get_text(mount, "Name");

        if (!type || strcmp(type, "volume") != 0 || !name) {
            continue;
        }
        md_list_add(names, name);
        if (ids) {
            md_list_add(ids, container->id);
        }
    }
}

int store_volume_used(const struct store *store, struct md_list *names, struct md_list *ids,
                      struct md_err *err)
{
    MD_AUTO_FREE char(*all)[STORE_ID_SIZE] = NULL;
    size_t count = 0;

    if (store_container_list(store, &all, &count, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct store_container container = { .dir = -1 };
        struct md_err gone = { 0 };

        if (store_container_open(store, all[i], &container, &gone) == 0) {
            add_used(&container, names, ids);
        } else if (gone.kind == MD_ERR_SYSTEM) {
            *err = gone; /* what cannot be read may use anything */
            return -1;
        }
        store_container_clear(&container);
    }
    return 0;
}

/* docker's words: all containers that use it. */
static int check_unused(const struct store *store, const char *name, struct md_err *err)
{
    struct md_list names = { 0 };
    struct md_list ids = { 0 };
    struct md_buf users = { 0 };
    int result = store_volume_used(store, &names, &ids, err);

    for (size_t i = 0; result == 0 && i < names.count; i++) {
        if (strcmp(names.items[i], name) == 0) {
            md_buf_printf(&users, "%s%s", users.len ? ", " : "", ids.items[i]);
        }
    }
    if (users.len > 0) {
        result = md_err_set(err, MD_ERR_CONFLICT, "remove %s: volume is in use - [%s]", name,
                            users.data);
    }
    md_buf_clear(&users);
    md_list_clear(&names);
    md_list_clear(&ids);
    return result;
}

int store_volume_remove(const struct store *store, const char *name, struct md_err *err)
{
    struct md_err failed = { 0 };
    char shown[300];
    MD_AUTO_FD lock = -1;

    md_text_escape(name, strlen(name), shown, sizeof(shown));
    if (!name[0] || strchr(name, '/') || name[0] == '.') {
        return md_err_set(err, MD_ERR_NOT_FOUND, "get %s: no such volume", shown);
    }
    lock = store_try_lock(store->volumes, name, &failed);
    if (lock < 0 && failed.kind == MD_ERR_NOT_FOUND) {
        return md_err_set(err, MD_ERR_NOT_FOUND, "get %s: no such volume", shown);
    }
    if (lock < 0 && failed.kind == MD_ERR_CONFLICT && check_unused(store, name, err) == 0) {
        /* Its user is just being made. */
        return md_err_set(err, MD_ERR_CONFLICT, "remove %s: volume is in use", shown);
    }
    if (lock < 0) {
        if (err->kind == MD_ERR_NONE) {
            *err = failed;
        }
        return -1;
    }
    if (check_unused(store, name, err) < 0) {
        return -1;
    }
    if (store_discard(store, store->volumes, name, err) < 0) {
        return md_err_in(err, "remove %s", shown);
    }
    return 0;
}

void store_volume_release(const struct store *store, const struct json_t *config)
{
    const struct json_t *names = md_json_get(config, "anonymous_volumes");

    for (size_t i = 0; i < md_json_count(names); i++) {
        const char *name = md_json_text(md_json_at(names, i));
        struct md_err kept = { 0 };

        if (name && store_volume_remove(store, name, &kept) < 0) {
            md_log("%s", kept.text);
        }
    }
}

/* Adding up a volume's files. */
struct sum {
    struct md_list pending; /* directories still to be read, "" first */
    struct store_inodes inodes;
    uint64_t bytes;
    int dir;
    const char *path;
};

static int add_size(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct sum *sum = context;
    struct stat st;

    (void)type;
    (void)err;
    if (fstatat(sum->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        md_list_take(&sum->pending,
                     md_xasprintf("%s%s%s", sum->path, *sum->path ? "/" : "", name));
    } else if (!store_inodes_seen(&sum->inodes, &st, "")) {
        sum->bytes += (uint64_t)st.st_size;
    }
    return 0;
}

uint64_t store_volume_size(const struct store_volume *volume)
{
    struct sum sum = { 0 };

    md_list_add(&sum.pending, "");
    while (sum.pending.count > 0) {
        MD_AUTO_FREE char *path = sum.pending.items[--sum.pending.count];
        MD_AUTO_FD dir = md_path_try_below(volume->data, path, O_RDONLY | O_DIRECTORY);
        struct md_err ignored = { 0 };

        sum.pending.items[sum.pending.count] = NULL;
        sum.dir = dir;
        sum.path = path;
        if (dir >= 0 && store_visit(dir, add_size, &sum, &ignored) < 0) {
            md_log("%s", ignored.text);
        }
    }
    md_list_clear(&sum.pending);
    store_inodes_clear(&sum.inodes);
    return sum.bytes;
}
