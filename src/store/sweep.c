/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting objects through .trash, and clearing what crashed commands left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "store/name.h"
#include "store/store.h"

#define TRASH_DIGITS 16
/* What an interrupted pull left is of use until its image is pulled again: a week is enough. */
#define KEPT_SECONDS (7 * 86400)

/* What the visits below are given. */
struct sweep {
    const struct store *store;
};

/* Move folder/name into .trash. Returns 1, or 0 when there is nothing to move, or -1. */
static int move_to_trash(const struct store *store, int folder, const char *name, char *trashed,
                         struct md_err *err)
{
    for (;;) {
        if (store_random(trashed, TRASH_DIGITS, err) < 0) {
            return -1;
        }
        if (renameat2(folder, name, store->trash, trashed, RENAME_NOREPLACE) == 0 ||
            (errno == EINVAL && renameat(folder, name, store->trash, trashed) == 0)) {
            return 1;
        }
        if (errno == ENOENT) {
            return 0;
        }
        if (errno != EEXIST) {
            return md_err_sys(err, "cannot move \"%s\" into the store's trash", name);
        }
    }
}

int store_discard(const struct store *store, int folder, const char *name, struct md_err *err)
{
    char trashed[TRASH_DIGITS + 1];
    struct md_err failed = { 0 };
    int moved = move_to_trash(store, folder, name, trashed, &failed);

    if (moved == 0) {
        return 0;
    }
    if (moved < 0 && failed.sys != ENOSPC && failed.sys != EDQUOT) {
        *err = failed;
        return -1;
    }
    if (md_path_remove_tree(moved > 0 ? store->trash : folder, moved > 0 ? trashed : name) <
        0) {
        return md_err_sys(err, "cannot delete all of \"%s\"", name);
    }
    return 0;
}

static int sweep_trashed(const char *name, unsigned char type, void *context,
                         struct md_err *err)
{
    const struct store *store = ((struct sweep *)context)->store;
    MD_AUTO_FD lock = -1;
    struct md_err busy = { 0 };

    (void)err;
    /* Who deletes it right now holds its lock still; a link or socket cannot be locked. */
    if (type == DT_DIR || type == DT_REG) {
        lock = store_try_lock(store->trash, name, &busy);
        if (lock < 0 && busy.kind != MD_ERR_SYSTEM) {
            return 0;
        }
    }
    if (md_path_remove_tree(store->trash, name) < 0) {
        md_log("cannot delete .trash/%s: %m", name);
    }
    return 0;
}

/* <diff id>.<boot id>: verified, unpacked in this boot, and waiting for its image. */
static bool is_finished_layer(const struct store *store, const char *name)
{
    size_t hex = strspn(name, "0123456789abcdef");

    return (hex == 64 || hex == 128) && name[hex] == '.' &&
           strcmp(name + hex + 1, store->boot_id) == 0;
}

/* <diff id>.<half a digest>.prefix: see store/prefix.h. */
static bool is_prefix(const char *name)
{
    size_t hex = strspn(name, "0123456789abcdef");

    return (hex == 64 || hex == 128) && name[hex] == '.' &&
           strspn(name + hex + 1, "0123456789abcdef") == 32 &&
           strcmp(name + hex + 33, ".prefix") == 0;
}

/* Not changed for so long that nobody will come for it. */
static bool is_stale(const struct store *store, const char *name)
{
    struct stat st;

    return fstatat(store->partial, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - st.st_mtime > KEPT_SECONDS;
}

/* The start of a layer goes when it is stale or the layer came otherwise, unless claimed. */
static int sweep_prefix(const struct store *store, const char *name, struct md_err *err)
{
    struct md_err failed = { 0 };
    MD_AUTO_FD claim = -1;
    char layer[MD_MAX_NAME + 1];
    size_t hex = strcspn(name, ".");
    struct stat st;

    snprintf(layer, sizeof(layer), "%.*s", (int)hex, name);
    if (!is_stale(store, name) && fstatat(store->layers, layer, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return 0;
    }
    snprintf(layer, sizeof(layer), "%.*s.new", (int)hex, name);
    claim = store_try_lock(store->partial, layer, &failed);
    if (claim < 0 && failed.kind != MD_ERR_NOT_FOUND) {
        return 0;
    }
    return store_discard(store, store->partial, name, err);
}

void store_discard_idle(const struct store *store, int folder, const char *name)
{
    struct md_err failed = { 0 };
    MD_AUTO_FD lock = store_try_lock(folder, name, &failed);

    if (lock >= 0 && store_discard(store, folder, name, &failed) < 0) {
        md_log("discard \"%s\": %s", name, failed.text);
    }
}

static int sweep_partial(const char *name, unsigned char type, void *context,
                         struct md_err *err)
{
    const struct store *store = ((struct sweep *)context)->store;
    struct md_err failed = { 0 };

    (void)err;
    if (is_finished_layer(store, name) && !is_stale(store, name)) {
        return 0;
    }
    if (type == DT_REG && is_prefix(name)) {
        if (sweep_prefix(store, name, &failed) < 0) {
            md_log("sweep: %s", failed.text);
        }
        return 0;
    }
    if (type == DT_DIR || type == DT_REG) {
        store_discard_idle(store, store->partial, name);
    } else if (store_discard(store, store->partial, name, &failed) < 0) {
        md_log("sweep: %s", failed.text);
    }
    return 0;
}

/* .names/<name>.json and its kin whose symlink is gone. */
static int sweep_name(const char *entry, unsigned char type, void *context, struct md_err *err)
{
    const struct store *store = ((struct sweep *)context)->store;
    const char *dot = strrchr(entry, '.');
    char name[MD_MAX_NAME + 1];
    struct stat st;
    MD_AUTO_FD lock = -1;

    (void)type;
    (void)err;
    if (!dot || dot == entry) {
        return 0;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(dot - entry), entry);
    if (fstatat(store->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) {
        return 0;
    }
    /* Looks again, under the lock, whether the name is there. */
    lock = store_name_try_lock(store, name);
    store_name_unlock(store, name, &lock);
    return 0;
}

void store_sweep(const struct store *store)
{
    struct sweep sweep = { .store = store };
    struct md_err err = { 0 };

    if (store_visit(store->trash, sweep_trashed, &sweep, &err) < 0 ||
        store_visit(store->partial, sweep_partial, &sweep, &err) < 0 ||
        store_visit(store->names, sweep_name, &sweep, &err) < 0) {
        md_log("sweep: %s", err.text);
    }
}
