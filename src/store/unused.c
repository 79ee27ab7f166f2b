/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting an image that nothing names any more, and the layers that no image uses. */
#include "store/unused.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/image.h"

/* Layers are locked and looked at in batches: reading all images costs more than a lock. */
#define BATCH 64

/*
 * Add the hex diff ids that an image.json lists; a damaged one lists none. One that cannot be
 * read just now is an error: its layers would seem unused.
 */
static int add_layers(int dir, struct md_list *layers, struct md_err *err)
{
    struct md_err damaged = { 0 };
    MD_AUTO_JSON json = md_json_read(dir, "image.json", &damaged);
    const struct json_t *ids = md_json_get(md_json_get(json, "rootfs"), "diff_ids");

    if (damaged.kind == MD_ERR_SYSTEM && damaged.sys != ENOENT) {
        *err = damaged;
        return -1;
    }

    for (size_t i = 0; i < md_json_count(ids); i++) {
        const char *text = md_json_text(md_json_at(ids, i));
        struct md_digest digest = { 0 };

        if (text && md_digest_parse(text, &digest, &damaged) == 0) {
            md_list_add(layers, md_digest_hex(&digest));
        }
    }
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted. An image whose image.json is damaged has links of its own to its layers' files. */
static int list_used(const struct store *store, struct md_list *used, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;

    if (store_image_list(store, &ids, &count, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        MD_AUTO_FD dir =
            openat(store->images, ids[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir < 0 && errno != ENOENT) {
            return md_err_sys(err, "cannot open image %.12s", ids[i]);
        }
        if (dir >= 0 && add_layers(dir, used, err) < 0) {
            return -1;
        }
    }
    if (used->count > 0) {
        qsort(used->items, used->count, sizeof(char *), compare_texts);
    }
    return 0;
}

static bool is_used(const struct md_list *used, const char *hex)
{
    return used->count > 0 &&
           bsearch(&hex, used->items, used->count, sizeof(char *), compare_texts);
}

struct candidates {
    const struct md_list *used;
    struct md_list unused;
};

static int add_unused(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct candidates *candidates = context;

    (void)err;
    if (type == DT_DIR && !is_used(candidates->used, name)) {
        md_list_add(&candidates->unused, name);
    }
    return 0;
}

/* Locked first, looked at again then: an image that is being published keeps its layers locked
 * until it is there. */
static int discard_batch(const struct store *store, char *const *layers, size_t count,
                         struct md_list *gone, struct md_err *err)
{
    int locks[BATCH];
    struct md_list used = { 0 };
    struct md_err busy = { 0 };
    int result;

    for (size_t i = 0; i < count; i++) {
        locks[i] = store_try_lock(store->layers, layers[i], &busy);
    }
    result = list_used(store, &used, err);
    for (size_t i = 0; i < count; i++) {
        if (result == 0 && locks[i] >= 0 && !is_used(&used, layers[i])) {
            result = store_discard(store, store->layers, layers[i], err);
            md_list_add(gone, layers[i]);
        }
        md_fd_close(&locks[i]);
    }
    md_list_clear(&used);
    return result;
}

int store_unused_layers(const struct store *store, struct md_list *gone, struct md_err *err)
{
    struct md_list used = { 0 };
    struct candidates candidates = { .used = &used };
    int result = list_used(store, &used, err);

    if (result == 0) {
        result = store_visit(store->layers, add_unused, &candidates, err);
    }
    for (size_t i = 0; result == 0 && i < candidates.unused.count; i += BATCH) {
        size_t left = candidates.unused.count - i;

        result = discard_batch(store, candidates.unused.items + i, left < BATCH ? left : BATCH,
                               gone, err);
    }
    md_list_clear(&used);
    md_list_clear(&candidates.unused);
    return result;
}

static bool has(const struct md_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* Once, however often an image has a layer. */
static void add_line(struct md_list *lines, const char *hex)
{
    MD_AUTO_FREE char *line =
        md_xasprintf("Deleted: %s:%s", strlen(hex) == 64 ? "sha256" : "sha512", hex);

    if (!has(lines, line)) {
        md_list_take(lines, md_ptr_take(&line));
    }
}

int store_unused_image(const struct store *store, const char *id, int dir,
                       struct md_list *lines, struct md_err *err)
{
    struct md_list layers = { 0 };
    struct md_list gone = { 0 };
    int result;

    result = add_layers(dir, &layers, err);
    if (result == 0) {
        result = store_discard(store, store->images, id, err);
    }
    if (result == 0) {
        add_line(lines, id);
        result = store_unused_layers(store, &gone, err);
    }
    for (size_t i = layers.count; i > 0; i--) {
        if (has(&gone, layers.items[i - 1])) {
            add_line(lines, layers.items[i - 1]);
        }
    }
    md_list_clear(&layers);
    md_list_clear(&gone);
    return result;
}
