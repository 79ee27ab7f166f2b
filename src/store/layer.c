/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claiming layers. A layer under way is the directory .partial/<diff id>.new, and whoever holds
 * its exclusive lock is the one who unpacks it; what died there left it unlocked. Verified, it
 * is renamed to .partial/<diff id>.<boot id>, and with its image to .layers/<diff id>.
 *
 * kill -9 at any moment: the lock goes with the process, so the next who asks finds a .new that
 * nobody holds, discards it and begins anew; a finished one stays and is taken as it is while
 * this boot lasts: its pages are in memory, or written. The sweep removes what it can lock, so
 * after locking the name is looked at again, and a claim is only believed when .layers and the
 * finished name were seen to be missing after it was locked.
 *
 * Others wait for a shared lock: the winner keeps one too when it has finished.
 */
#include "store/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#define UNKNOWN_DIGITS 32
#define NAME_SIZE 176 /* 128 hex digits, a dot, a boot id */

static int open_tree(struct store_layer *layer, struct md_err *err)
{
    layer->tree = openat(layer->dir, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layer->tree < 0)
        return md_err_sys(err, "cannot open the layer's tree");
    return 0;
}

/* Take folder/name where it is there: 1, or 0, or -1. */
static int take_from(int folder, const char *name, struct store_layer *layer,
                     struct md_err *err)
{
    struct md_err failed = { 0 };

    layer->dir = store_lock(folder, name, STORE_SHARED, &failed);
    if (layer->dir < 0 && failed.kind == MD_ERR_NOT_FOUND)
        return 0;
    if (layer->dir < 0) {
        *err = failed;
        return -1;
    }
    if (open_tree(layer, err) < 0) {
        md_fd_close(&layer->dir);
        return -1;
    }
    layer->state = STORE_LAYER_READY;
    layer->temporary[0] = '\0';
    return 1;
}

static void finished_name(const struct store *store, const struct md_digest *diff_id, char *out)
{
    snprintf(out, NAME_SIZE, "%s.%s", md_digest_hex(diff_id), store->boot_id);
}

/* Take the layer where it is ready: 1, or 0, or -1. */
static int take_ready(const struct store *store, const struct md_digest *diff_id,
                      struct store_layer *layer, struct md_err *err)
{
    const char *hex = md_digest_hex(diff_id);
    char finished[NAME_SIZE];
    int found = take_from(store->layers, hex, layer, err);

    if (found != 0)
        return found;
    finished_name(store, diff_id, finished);
    found = take_from(store->partial, finished, layer, err);
    if (found != 0)
        return found;
    /* Between the two looks it may have been published. */
    return take_from(store->layers, hex, layer, err);
}

static int make_tree(struct store_layer *layer, struct md_err *err)
{
    if (mkdirat(layer->dir, "tree", 0755) < 0)
        return md_err_sys(err, "cannot make the layer's tree");
    if (open_tree(layer, err) < 0)
        return -1;
    layer->state = STORE_LAYER_CLAIMED;
    return 0;
}

static void discard(const struct store *store, const char *name)
{
    struct md_err failed = { 0 };

    if (store_discard(store, store->partial, name, &failed) < 0)
        md_log("discard an unfinished layer: %s", failed.text);
}

/*
 * Lock .partial/<name> exclusively, making it where it is missing. Returns the lock, -2 when
 * another process has it, or -1.
 */
static int lock_claim(const struct store *store, const char *name, struct md_err *err)
{
    for (;;) {
        struct md_err failed = { 0 };
        int dir = store_try_lock(store->partial, name, &failed);

        if (dir >= 0)
            return dir;
        if (failed.kind == MD_ERR_CONFLICT)
            return -2;
        if (failed.kind != MD_ERR_NOT_FOUND) {
            *err = failed;
            return -1;
        }
        if (mkdirat(store->partial, name, 0700) < 0 && errno != EEXIST)
            return md_err_sys(err, "cannot make a layer's directory");
    }
}

static bool is_fresh(int dir)
{
    struct stat st;

    return fstatat(dir, "tree", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/*
 * Claim under layer->temporary: 1 claimed or found ready after all, 0 another process has it,
 * -1 failed.
 */
static int try_claim(const struct store *store, const struct md_digest *diff_id,
                     struct store_layer *layer, struct md_err *err)
{
    const char *name = layer->temporary;

    for (;;) {
        struct store_layer ready = { .dir = -1, .tree = -1 };
        MD_AUTO_FD dir = lock_claim(store, name, err);
        int found;

        if (dir < 0)
            return dir == -2 ? 0 : -1;
        /* It may have been finished after our first look and before our lock. */
        found = take_ready(store, diff_id, &ready, err);
        if (found != 0) {
            discard(store, name);
            if (found > 0)
                *layer = ready;
            return found;
        }
        if (is_fresh(dir)) {
            layer->dir = md_fd_take(&dir);
            return make_tree(layer, err) < 0 ? -1 : 1;
        }
        if (store_discard(store, store->partial, name, err) < 0) /* what a killed one left */
            return -1;
    }
}

/* Wait until whoever has the claim has finished or died. */
static int wait_for_other(const struct store *store, const char *name, struct md_err *err)
{
    struct md_err failed = { 0 };
    MD_AUTO_FD dir = store_lock(store->partial, name, STORE_SHARED, &failed);

    if (dir < 0 && failed.kind != MD_ERR_NOT_FOUND) {
        *err = failed;
        return -1;
    }
    md_fd_close(&dir);
    /* Two that wait must not hold their shared locks against each other for ever. */
    usleep((useconds_t)(1 + getpid() % 16) * 200);
    return 0;
}

int store_layer_get(const struct store *store, const struct md_digest *diff_id,
                    enum store_layer_wait wait, struct store_layer *layer, struct md_err *err)
{
    char name[sizeof(layer->temporary)];

    snprintf(name, sizeof(name), "%s.new", md_digest_hex(diff_id));
    for (;;) {
        int taken;

        *layer = (struct store_layer){ .dir = -1, .tree = -1 };
        taken = take_ready(store, diff_id, layer, err);
        if (taken == 0) {
            memcpy(layer->temporary, name, sizeof(name));
            taken = try_claim(store, diff_id, layer, err);
        }
        if (taken > 0)
            return 0;
        if (taken < 0) {
            store_layer_clear(store, layer);
            return -1;
        }
        layer->temporary[0] = '\0';
        layer->state = STORE_LAYER_BUSY;
        if (wait == STORE_TRY)
            return 0;
        if (wait_for_other(store, name, err) < 0)
            return -1;
    }
}

int store_layer_claim_unknown(const struct store *store, struct store_layer *layer,
                              struct md_err *err)
{
    *layer = (struct store_layer){ .dir = -1, .tree = -1 };
    layer->dir = store_make(store->partial, "unknown-", UNKNOWN_DIGITS, layer->temporary, err);
    if (layer->dir < 0) {
        layer->temporary[0] = '\0';
        return -1;
    }
    if (make_tree(layer, err) < 0) {
        store_layer_clear(store, layer);
        return -1;
    }
    return 0;
}

/* Somebody else has finished the same layer: take that one. */
static void exchange(const struct store *store, struct store_layer *layer,
                     const struct store_layer *ready)
{
    store_layer_clear(store, layer);
    *layer = *ready;
}

/* Give the claimed layer its finished name: 1, or 0 when there is one already, or -1. */
static int rename_finished(const struct store *store, const struct md_digest *diff_id,
                           struct store_layer *layer, struct md_err *err)
{
    char finished[NAME_SIZE];

    finished_name(store, diff_id, finished);
    if (renameat(store->partial, layer->temporary, store->partial, finished) < 0) {
        if (errno == EEXIST || errno == ENOTEMPTY)
            return 0;
        return md_err_sys(err, "cannot rename a finished layer");
    }
    layer->temporary[0] = '\0';
    layer->state = STORE_LAYER_READY;
    /* The sweep leaves it alone by its name, and nobody else looks for it without a lock. */
    if (flock(layer->dir, LOCK_SH) < 0)
        return md_err_sys(err, "cannot lock a finished layer");
    return 1;
}

int store_layer_finish(const struct store *store, const struct md_digest *diff_id,
                       struct store_layer *layer, struct md_err *err)
{
    for (;;) {
        struct store_layer ready = { .dir = -1, .tree = -1 };
        int found = take_ready(store, diff_id, &ready, err);

        if (found > 0)
            exchange(store, layer, &ready);
        if (found != 0)
            return found < 0 ? -1 : 0;
        found = rename_finished(store, diff_id, layer, err);
        if (found != 0)
            return found < 0 ? -1 : 0;
    }
}

int store_layer_renew(const struct store *store, struct store_layer *layer, struct md_err *err)
{
    md_fd_close(&layer->tree);
    if (store_discard(store, layer->dir, "tree", err) < 0 ||
        store_discard(store, layer->dir, "entries", err) < 0)
        return -1;
    return make_tree(layer, err);
}

bool store_layer_is_there(const struct store *store, const struct md_digest *diff_id)
{
    char finished[NAME_SIZE];
    struct stat st;

    finished_name(store, diff_id, finished);
    return fstatat(store->layers, md_digest_hex(diff_id), &st, AT_SYMLINK_NOFOLLOW) == 0 ||
           fstatat(store->partial, finished, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Rename .partial/<name> to .layers/<hex>, the old one to .partial/<name>. Its shared lock
 * keeps away who is about to delete it by its name. Returns 1, or 0 when there was none, or -1.
 */
static int put_in_place(const struct store *store, const char *name, const char *hex,
                        struct md_err *err)
{
    for (;;) {
        struct md_err gone = { 0 };
        MD_AUTO_FD old = store_lock(store->layers, hex, STORE_SHARED, &gone);
        unsigned int how = old < 0 ? RENAME_NOREPLACE : RENAME_EXCHANGE;

        if (old < 0 && gone.kind != MD_ERR_NOT_FOUND) {
            *err = gone;
            return -1;
        }
        if (renameat2(store->partial, name, store->layers, hex, how) == 0)
            return old >= 0;
        if (errno != EEXIST)
            return md_err_sys(err, "cannot put the layer into its place");
    }
}

int store_layer_replace(const struct store *store, const struct md_digest *diff_id,
                        struct store_layer *layer, struct md_err *err)
{
    char finished[NAME_SIZE];
    char name[sizeof(layer->temporary)];
    int old;

    memcpy(name, layer->temporary, sizeof(name));
    old = put_in_place(store, name, md_digest_hex(diff_id), err);
    if (old < 0)
        return -1;
    layer->temporary[0] = '\0';
    layer->state = STORE_LAYER_READY;
    if (flock(layer->dir, LOCK_SH) < 0)
        return md_err_sys(err, "cannot lock a layer");
    if (old > 0)
        store_discard_idle(store, store->partial, name);
    /* Or the one that waits for another image would be in the way of that. */
    finished_name(store, diff_id, finished);
    store_discard_idle(store, store->partial, finished);
    return 0;
}

void store_layer_clear(const struct store *store, struct store_layer *layer)
{
    /* Discarded while the lock is held: the name is ours. */
    if (layer->dir >= 0 && layer->temporary[0])
        discard(store, layer->temporary);
    layer->temporary[0] = '\0';
    md_fd_close(&layer->tree);
    md_fd_close(&layer->dir);
}
