/* SPDX-License-Identifier: Apache-2.0 */
/* Images: found by what a user typed, opened under a shared lock, listed. */
#include "store/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define SHA256 "sha256:"

/* How often a tag may move while we open what it pointed at. */
#define MAX_MOVES 16

static const char *without_algorithm(const char *what)
{
    return strncmp(what, SHA256, sizeof(SHA256) - 1) == 0 ? what + sizeof(SHA256) - 1 : what;
}

static int no_such_image(const struct md_ref *ref, const char *what, struct md_err *err)
{
    char shown[MD_REF_TEXT_SIZE];

    if (ref) {
        md_ref_familiar(ref, shown);
    } else {
        md_text_escape(what, strlen(what), shown, sizeof(shown));
    }
    return md_err_set(err, MD_ERR_NOT_FOUND, "No such image: %s", shown);
}

/* Does this name's record say that the reference's digest was served for it? */
static bool was_served(const struct store_name *record, const struct md_ref *wanted)
{
    struct md_ref ref;

    return (md_digest_equal(&record->served, &wanted->digest) ||
            md_digest_equal(&record->manifest, &wanted->digest)) &&
           md_ref_from_store_name(record->name, &ref) == 0 &&
           strcmp(ref.registry, wanted->registry) == 0 &&
           strcmp(ref.repository, wanted->repository) == 0;
}

static int find_served(const struct store *store, const struct md_ref *ref, char *id,
                       char *name, struct md_err *err)
{
    MD_AUTO_FREE struct store_name *list = NULL;
    size_t count = 0;

    if (store_name_list(store, &list, &count, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (was_served(&list[i], ref)) {
            memcpy(id, list[i].image_id, STORE_ID_SIZE);
            memcpy(name, list[i].name, sizeof(list[i].name));
            return 0;
        }
    }
    return no_such_image(ref, NULL, err);
}

static int find_by_name(const struct store *store, const struct md_ref *ref, char *id,
                        char *name, struct md_err *err)
{
    md_ref_store_name(ref, name);
    if (store_name_target(store, name, id, err) == 0) {
        return 0;
    }
    *name = '\0';
    if (err->kind == MD_ERR_NOT_FOUND && ref->digest.alg) {
        return find_served(store, ref, id, name, err);
    }
    return -1;
}

static int find_by_prefix(const struct store *store, const char *prefix, char *id,
                          struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;
    size_t found = 0;

    if (store_image_list(store, &ids, &count, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (strncmp(ids[i], prefix, strlen(prefix)) == 0) {
            memcpy(id, ids[i], STORE_ID_SIZE);
            found++;
        }
    }
    if (found > 1) {
        return md_err_set(err, MD_ERR_USAGE, "multiple IDs found with provided prefix: %s",
                          prefix);
    }
    return found == 1 ? 0 : no_such_image(NULL, prefix, err);
}

int store_image_find(const struct store *store, const char *what, char id[STORE_ID_SIZE],
                     char *name, struct md_err *err)
{
    const char *prefix = without_algorithm(what);
    struct md_err missing = { 0 };
    struct md_ref ref;
    bool is_ref;

    *name = '\0';
    /* Neither is ever a name: 64 hex digits are refused as one. */
    if (md_is_id(prefix)) {
        memcpy(id, prefix, STORE_ID_SIZE);
        return 0;
    }
    is_ref = md_ref_parse(what, &ref, err) == 0;
    if (!is_ref && !md_is_id_prefix(prefix)) {
        return -1;
    }
    if (is_ref && find_by_name(store, &ref, id, name, &missing) == 0) {
        return 0;
    }
    if (is_ref && missing.kind != MD_ERR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    if (md_is_id_prefix(prefix)) {
        if (find_by_prefix(store, prefix, id, err) == 0) {
            return 0;
        }
        if (err->kind != MD_ERR_NOT_FOUND) {
            return -1;
        }
    }
    return no_such_image(is_ref ? &ref : NULL, what, err);
}

static int read_image(const struct store *store, struct store_image *image, struct md_err *err)
{
    MD_AUTO_JSON json = md_json_read(image->dir, "image.json", err);
    const char *id = json ? md_json_get_text(json, "id") : NULL;

    if (!json) {
        return -1;
    }
    if (!id || strcmp(id, image->id) != 0 || md_json_get_int(json, "size") < 0) {
        return md_err_set(err, MD_ERR_FORMAT, "id or size");
    }
    if (md_oci_config_parse(json, &image->config, err) < 0) {
        return -1;
    }
    image->size = (uint64_t)md_json_get_int(json, "size");
    image->path = md_xasprintf("%s/.images/%s/rootfs", store->path, image->id);
    image->rootfs = openat(image->dir, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (image->rootfs < 0) {
        return md_err_sys(err, "rootfs");
    }
    return 0;
}

int store_image_open_id(const struct store *store, const char *id, struct store_image *image,
                        struct md_err *err)
{
    struct md_err damage = { 0 };

    *image = (struct store_image){ .dir = -1, .rootfs = -1 };
    if (!md_is_id(id)) {
        return no_such_image(NULL, id, err);
    }
    memcpy(image->id, id, STORE_ID_SIZE);
    image->dir = store_lock(store->images, id, STORE_SHARED, err);
    if (image->dir < 0) {
        return err->kind == MD_ERR_NOT_FOUND ? no_such_image(NULL, id, err) : -1;
    }
    if (read_image(store, image, &damage) < 0) {
        store_image_clear(image);
        /* Only what reading again may mend is no damage. */
        if (damage.kind == MD_ERR_SYSTEM && damage.sys != ENOENT && damage.sys != ENOTDIR) {
            *err = damage;
            return md_err_in(err, "image %.12s", id);
        }
        return md_err_set(
            err, MD_ERR_FORMAT,
            "image %.12s is damaged (%s): pull it again, or remove it with rmi -f", id,
            damage.text);
    }
    return 0;
}

int store_image_open(const struct store *store, const char *what, struct store_image *image,
                     struct md_err *err)
{
    char name[MD_REF_TEXT_SIZE];
    char last[STORE_ID_SIZE] = "";
    char id[STORE_ID_SIZE];

    *image = (struct store_image){ .dir = -1, .rootfs = -1 };
    for (int moves = 0; moves < MAX_MOVES; moves++) {
        if (store_image_find(store, what, id, name, err) < 0) {
            return -1;
        }
        /* Gone, and the name still says so: nobody is going to mend that. */
        if (strcmp(id, last) == 0) {
            break;
        }
        if (store_image_open_id(store, id, image, err) == 0) {
            return 0;
        }
        if (err->kind != MD_ERR_NOT_FOUND) {
            return -1;
        }
        memcpy(last, id, sizeof(last));
    }
    return no_such_image(NULL, what, err);
}

void store_image_clear(struct store_image *image)
{
    if (!image->id[0]) {
        return;
    }
    md_fd_close(&image->dir);
    md_fd_close(&image->rootfs);
    md_ptr_free(&image->path);
    md_oci_config_clear(&image->config);
    image->id[0] = '\0';
}

struct id_list {
    char (*ids)[STORE_ID_SIZE];
    size_t count;
    size_t size;
};

static int add_id(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct id_list *list = context;

    (void)err;
    if (type != DT_DIR || !md_is_id(name)) {
        return 0;
    }
    if (list->count == list->size) {
        list->size = list->size ? list->size * 2 : 32;
        list->ids = md_xreallocarray(list->ids, list->size, sizeof(*list->ids));
    }
    memcpy(list->ids[list->count++], name, STORE_ID_SIZE);
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

int store_image_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                     struct md_err *err)
{
    struct id_list list = { 0 };

    if (store_visit(store->images, add_id, &list, err) < 0) {
        free(list.ids);
        return -1;
    }
    if (list.count > 0) {
        qsort(list.ids, list.count, sizeof(*list.ids), compare_ids);
    }
    *ids = list.ids;
    *count = list.count;
    return 0;
}
