/* SPDX-License-Identifier: Apache-2.0 */
/* An image being made, and its publication: all of it or nothing, and durable. */
#include "store/draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/image.h"

#define PREFIX "image-"
#define DIGITS 32
#define FINISHED_SIZE (128 + 1 + 36 + 1) /* <diff id>.<boot id> */

static int make_rootfs(const struct store_draft *draft)
{
    if (mkdirat(draft->dir, "rootfs", 0755) < 0) {
        return -1;
    }
    /* Whatever the umask is: a layer need not mention the root. */
    if (fchmodat(draft->dir, "rootfs", 0755, 0) < 0) {
        return -1;
    }
    return openat(draft->dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * A shared lock is enough to keep sweeps away, and can stay when the draft has become an image.
 * flock(2) gives up the exclusive one first, so its name is looked at again.
 */
static int make_draft(const struct store *store, char *name, struct md_err *err)
{
    for (;;) {
        MD_AUTO_FD dir = store_make(store->partial, PREFIX, DIGITS, name, err);

        if (dir < 0) {
            return -1;
        }
        if (flock(dir, LOCK_SH) < 0) {
            md_err_sys(err, "cannot lock the image being made");
            unlinkat(store->partial, name, AT_REMOVEDIR);
            return -1;
        }
        if (faccessat(store->partial, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            return md_fd_take(&dir);
        }
    }
}

int store_draft_open(const struct store *store, struct store_draft *draft, struct md_err *err)
{
    *draft = (struct store_draft){ .dir = -1, .rootfs = -1, .sync = -1 };
    draft->sync = openat(store->partial, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (draft->sync < 0) {
        return md_err_sys(err, "cannot open the store's .partial");
    }
    draft->stage = STORE_DRAFT_OPEN;
    draft->dir = make_draft(store, draft->temporary, err);
    if (draft->dir < 0) {
        draft->temporary[0] = '\0';
        store_draft_clear(store, draft);
        return -1;
    }
    draft->rootfs = make_rootfs(draft);
    if (draft->rootfs < 0) {
        md_err_sys(err, "cannot make the image's rootfs");
        store_draft_clear(store, draft);
        return -1;
    }
    return 0;
}

static int write_image_json(int dir, const struct store_publication *publication,
                            struct md_err *err)
{
    MD_AUTO_JSON json = md_oci_config_json(publication->config);

    md_json_set(json, "id", md_json_string(publication->id));
    md_json_set(json, "size", md_json_number((int64_t)publication->size));
    return md_json_write(dir, "image.json", json, err);
}

static int write_config(int dir, const struct store_publication *publication,
                        struct md_err *err)
{
    if (write_image_json(dir, publication, err) < 0) {
        return -1;
    }
    return md_file_replace(dir, "config.json", publication->config_bytes,
                           publication->config_len, 0600, err);
}

static int write_manifest(int dir, const struct store_publication *publication,
                          struct md_err *err)
{
    MD_AUTO_FD manifests = -1;
    char name[MD_DIGEST_TEXT_SIZE + 8];

    if (!publication->manifest_bytes) {
        return 0;
    }
    if (mkdirat(dir, "manifests", 0700) < 0 && errno != EEXIST) {
        return md_err_sys(err, "cannot make manifests");
    }
    manifests = openat(dir, "manifests", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (manifests < 0) {
        return md_err_sys(err, "cannot open manifests");
    }
    snprintf(name, sizeof(name), "%s.json", md_digest_hex(&publication->manifest_digest));
    return md_file_replace(manifests, name, publication->manifest_bytes,
                           publication->manifest_len, 0600, err);
}

static const char *finished_name(const struct store *store, const struct md_digest *diff_id,
                                 char *out)
{
    snprintf(out, FINISHED_SIZE, "%s.%s", md_digest_hex(diff_id), store->boot_id);
    return out;
}

/* The kernel lost bytes, perhaps those of a waiting layer: nobody must take one of ours. */
static void discard_waiting(const struct store *store, const struct md_oci_config *config)
{
    char name[FINISHED_SIZE];

    for (size_t i = 0; i < config->diff_id_count; i++) {
        struct md_err failed = { 0 };

        finished_name(store, &config->diff_ids[i], name);
        if (store_discard(store, store->partial, name, &failed) < 0) {
            md_log("discard a layer: %s", failed.text);
        }
    }
}

int store_draft_sync(const struct store *store, const struct store_draft *draft,
                     const struct md_oci_config *config, struct md_err *err)
{
    if (syncfs(draft->sync) < 0) {
        md_err_sys(err, "cannot make the image durable");
        discard_waiting(store, config);
        return -1;
    }
    return 0;
}

static int publish_layer(const struct store *store, const struct md_digest *diff_id,
                         const char *image_id, struct md_err *err)
{
    const char *hex = md_digest_hex(diff_id);
    char name[FINISHED_SIZE];
    struct stat st;

    finished_name(store, diff_id, name);
    if (renameat(store->partial, name, store->layers, hex) == 0) {
        return 0;
    }
    if (errno == EEXIST || errno == ENOTEMPTY) {
        return store_discard(store, store->partial, name, err);
    }
    if (errno != ENOENT) {
        return md_err_sys(err, "cannot publish layer %s", diff_id->text);
    }
    /* Another pull has done it, or it was there from the start. An image that is there already
     * has links of its own to the files. */
    if (fstatat(store->layers, hex, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
        fstatat(store->images, image_id, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return md_err_set(err, MD_ERR_NOT_FOUND, "layer %s is not in the store", diff_id->text);
    }
    return 0;
}

static bool is_damaged(const struct store *store, const char *id)
{
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    bool damaged =
        store_image_open_id(store, id, &image, &err) < 0 && err.kind == MD_ERR_FORMAT;

    store_image_clear(&image);
    return damaged;
}

/* The image is there already: dir is its directory, locked. */
static int complete_existing(const struct store *store, int dir,
                             const struct store_draft *draft,
                             const struct store_publication *publication, struct md_err *err)
{
    if (write_manifest(dir, publication, err) < 0) {
        return -1;
    }
    if (is_damaged(store, publication->id)) {
        if (write_config(dir, publication, err) < 0) {
            return -1;
        }
        if (is_damaged(store, publication->id)) {
            return md_err_set(err, MD_ERR_FORMAT,
                              "image %.12s is damaged: fetch it again with pull --force",
                              publication->id);
        }
    }
    if (syncfs(draft->sync) < 0) {
        return md_err_sys(err, "cannot make the image durable");
    }
    return 0;
}

/* Rename the draft into place. Returns 1, or 0 when the image is there already, or -1. */
static int move_draft(const struct store *store, const struct store_draft *draft,
                      const char *id, struct md_err *err)
{
    if (renameat(store->partial, draft->temporary, store->images, id) == 0) {
        return 1;
    }
    if (errno == EEXIST || errno == ENOTEMPTY) {
        return 0;
    }
    return md_err_sys(err, "cannot publish image %.12s", id);
}

/* Become the holder of the image that is there already, in place of the draft. */
static void hold_existing(const struct store *store, struct store_draft *draft, int dir)
{
    struct md_err failed = { 0 };

    if (store_discard(store, store->partial, draft->temporary, &failed) < 0) {
        md_log("discard the draft: %s", failed.text);
    }
    md_fd_close(&draft->dir);
    draft->dir = dir;
}

struct inheritance {
    int from;
    int to;
};

static int inherit_manifest(const char *name, unsigned char type, void *context,
                            struct md_err *err)
{
    const struct inheritance *inheritance = context;

    if (type != DT_REG || linkat(inheritance->from, name, inheritance->to, name, 0) == 0 ||
        errno == EEXIST) {
        return 0;
    }
    return md_err_sys(err, "cannot keep the manifest \"%s\"", name);
}

/* The manifests that other names of the image were served with. */
static int inherit_manifests(const struct store_draft *draft, int old, struct md_err *err)
{
    MD_AUTO_FD from = openat(old, "manifests", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    MD_AUTO_FD to = -1;

    if (from < 0 && errno == ENOENT) {
        return 0;
    }
    if (mkdirat(draft->dir, "manifests", 0700) < 0 && errno != EEXIST) {
        return md_err_sys(err, "cannot make manifests");
    }
    to = openat(draft->dir, "manifests", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || to < 0) {
        return md_err_sys(err, "cannot open manifests");
    }
    if (store_visit(from, inherit_manifest, &(struct inheritance){ .from = from, .to = to },
                    err) < 0) {
        return -1;
    }
    return fsync(to) < 0 ? md_err_sys(err, "cannot keep the manifests") : 0;
}

/*
 * Exchange the draft for the image that is there. Its shared lock keeps away who is about to
 * delete it by its name. Returns 1, or 0 when there is none, or -1.
 */
static int exchange_image(const struct store *store, const struct store_draft *draft,
                          const char *id, struct md_err *err)
{
    struct md_err gone = { 0 };
    MD_AUTO_FD old = store_lock(store->images, id, STORE_SHARED, &gone);

    if (old < 0 && gone.kind == MD_ERR_NOT_FOUND) {
        return 0;
    }
    if (old < 0) {
        *err = gone;
        return -1;
    }
    if (inherit_manifests(draft, old, err) < 0) {
        return -1;
    }
    if (renameat2(store->partial, draft->temporary, store->images, id, RENAME_EXCHANGE) < 0) {
        return md_err_sys(err, "cannot publish image %.12s", id);
    }
    md_fd_close(&old);
    store_discard_idle(store, store->partial, draft->temporary);
    return 1;
}

static int publish_image(const struct store *store, struct store_draft *draft,
                         const struct store_publication *publication, struct md_err *err)
{
    for (;;) {
        struct md_err gone = { 0 };
        int moved =
            publication->replace ? exchange_image(store, draft, publication->id, err) : 0;
        MD_AUTO_FD dir = -1;

        if (moved == 0) {
            moved = move_draft(store, draft, publication->id, err);
        }
        if (moved < 0) {
            return -1;
        }
        if (moved > 0) {
            return 0;
        }
        dir = store_lock(store->images, publication->id, STORE_SHARED, &gone);
        if (dir >= 0) {
            if (complete_existing(store, dir, draft, publication, err) < 0) {
                return -1;
            }
            hold_existing(store, draft, md_fd_take(&dir));
            return 0;
        }
        if (gone.kind != MD_ERR_NOT_FOUND) {
            *err = gone;
            return -1;
        }
    }
}

int store_draft_publish(const struct store *store, struct store_draft *draft,
                        const struct store_publication *publication, struct md_err *err)
{
    const struct md_oci_config *config = publication->config;

    if (!md_is_id(publication->id)) {
        return md_err_set(err, MD_ERR_FORMAT, "\"%.70s\" is no image id", publication->id);
    }
    if (write_config(draft->dir, publication, err) < 0 ||
        write_manifest(draft->dir, publication, err) < 0) {
        return -1;
    }
    if (store_draft_sync(store, draft, config, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < config->diff_id_count; i++) {
        if (publish_layer(store, &config->diff_ids[i], publication->id, err) < 0) {
            return -1;
        }
    }
    if (fsync(store->layers) < 0) {
        return md_err_sys(err, "cannot make the layers durable");
    }
    if (publish_image(store, draft, publication, err) < 0) {
        return -1;
    }
    draft->stage = STORE_DRAFT_PUBLISHED;
    /* Before any name is switched to it: the name's old image must not be lost for nothing. */
    if (fsync(store->images) < 0) {
        return md_err_sys(err, "cannot make the image durable");
    }
    return 0;
}

void store_draft_clear(const struct store *store, struct store_draft *draft)
{
    struct md_err failed = { 0 };

    if (draft->stage == STORE_DRAFT_NONE) {
        return;
    }
    if (draft->stage == STORE_DRAFT_OPEN && draft->temporary[0] &&
        store_discard(store, store->partial, draft->temporary, &failed) < 0) {
        md_log("discard the draft: %s", failed.text);
    }
    md_fd_close(&draft->rootfs);
    md_fd_close(&draft->dir);
    md_fd_close(&draft->sync);
    draft->stage = STORE_DRAFT_NONE;
}
