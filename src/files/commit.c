/* SPDX-License-Identifier: Apache-2.0 */
/* commit: what a container has changed becomes a layer, and that an image. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/ref.h"
#include "files/commit_config.h"
#include "files/files.h"
#include "files/freeze.h"
#include "files/pack.h"
#include "files/producer.h"
#include "files/root.h"
#include "pull/hash.h"
#include "pull/unpack.h"
#include "store/diff.h"
#include "store/layer.h"
#include "store/merge.h"

/* A commit under way. */
struct commit {
    const struct store *store;
    const struct files_commit *wanted;
    struct md_ref ref;
    struct files_root root;
    struct md_oci_config config; /* of the new image */
    struct store_layer *layers;  /* those of the image, and the new one, held */
    size_t layer_count;
    struct md_digest diff_id; /* of the new one */
};

/* A name that a layer would take for one of its own marks cannot be kept in one. */
static bool is_mark(const char *path)
{
    return strstr(path, "/.wh.") != NULL;
}

static int pack_deleted(struct files_tar *tar, const char *path, struct md_err *err)
{
    const char *name = strrchr(path, '/') + 1;
    MD_AUTO_FREE char *mark =
        md_xasprintf("%.*s.wh.%s", (int)(name - path - 1), path + 1, name);
    const struct files_entry entry = { .path = mark, .st.st_mode = S_IFREG, .fd = -1 };

    return files_tar_add(tar, &entry, err);
}

static int pack_changes(struct files_tar *tar, int upper, const struct store_changes *changes,
                        struct md_err *err)
{
    struct store_inodes inodes = { 0 };
    int status = 0;

    for (size_t i = 0; status == 0 && i < changes->count; i++) {
        const struct store_change *change = &changes->items[i];

        if (is_mark(change->path))
            continue;
        status = change->kind == STORE_DELETED
                     ? pack_deleted(tar, change->path, err)
                     : files_pack_one(tar, upper, change->path + 1, &inodes, err);
    }
    store_inodes_clear(&inodes);
    return status;
}

/* A files_produce_fn: the new layer. */
static int produce(struct files_tar *tar, void *context, struct md_err *err)
{
    const struct files_root *root = context;
    const struct files_tree all = { root->fd, "", -1 };
    struct store_changes changes = { 0 };
    int status;

    if (!root->overlay.image.id[0])
        return files_pack(tar, &all, err);
    status = store_diff(root->overlay.upper, root->overlay.lower, &changes, err);
    if (status == 0)
        status = pack_changes(tar, root->overlay.upper, &changes, err);
    store_changes_clear(&changes);
    return status;
}

/* The image's own layers. Held before one is claimed: whoever waits holds no claim. */
static int hold_layers(struct commit *commit, struct md_err *err)
{
    const struct md_oci_config *base = &commit->root.overlay.image.config;

    commit->layers = md_xcalloc(base->diff_id_count + 1, sizeof(*commit->layers));
    for (size_t i = 0; i < base->diff_id_count; i++) {
        struct store_layer *layer = &commit->layers[i];

        *layer = (struct store_layer){ .dir = -1, .tree = -1 };
        commit->layer_count++;
        if (store_layer_get(commit->store, &base->diff_ids[i], STORE_WAIT, layer, err) < 0)
            return -1;
        if (layer->state != STORE_LAYER_READY)
            return md_err_set(err, MD_ERR_NOT_FOUND,
                              "layer %s of the image is missing: pull the image again",
                              base->diff_ids[i].text);
    }
    return 0;
}

/* The new layer goes the way of every layer: through a tar, unpacked and verified. */
static int make_layer(struct commit *commit, struct md_err *err)
{
    const struct pull_promise promise = { .size = -1 };
    struct files_producer producer = { .output = -1, .failure = -1 };
    struct store_layer *layer = &commit->layers[commit->layer_count];
    struct pull_source source = { 0 };
    struct pull_unpacked unpacked;
    struct files_freeze freeze = { .lifeline = -1 };
    int status;

    *layer = (struct store_layer){ .dir = -1, .tree = -1 };
    commit->layer_count++;
    if (store_layer_claim_unknown(commit->store, layer, err) < 0)
        return -1;
    if (commit->wanted->pause)
        files_freeze_start(commit->store, &commit->root.container, &freeze);
    status = files_producer_start(produce, &commit->root, &producer, err);
    source.fd = producer.output;
    if (status == 0)
        status = pull_unpack(&source, &promise, layer->dir, &unpacked, err);
    if (files_producer_end(&producer, err) < 0)
        status = -1;
    files_freeze_end(&freeze);
    if (status < 0)
        return -1;
    commit->diff_id = unpacked.diff_id;
    return store_layer_finish(commit->store, &commit->diff_id, layer, err);
}

static int merge(struct commit *commit, int rootfs, uint64_t *size, struct md_err *err)
{
    for (size_t i = 0; i < commit->layer_count; i++) {
        if (store_merge(rootfs, commit->layers[i].dir, size, err) < 0)
            return -1;
    }
    return 0;
}

static void add_layer(struct md_oci_config *config, const struct md_digest *diff_id)
{
    config->diff_ids = md_xreallocarray(config->diff_ids, config->diff_id_count + 1,
                                        sizeof(*config->diff_ids));
    config->diff_ids[config->diff_id_count++] = *diff_id;
}

/* While the draft's lock keeps the image, which may have no name. */
static int set_name(const struct commit *commit, const char *id, struct md_err *err)
{
    struct store_name record = { .platform = commit->config.platform, .time = time(NULL) };

    if (!commit->wanted->name)
        return 0;
    md_ref_store_name(&commit->ref, record.name);
    snprintf(record.image_id, sizeof(record.image_id), "%s", id);
    return store_name_move(commit->store, &record, err);
}

static int publish(struct commit *commit, struct md_digest *id, struct md_err *err)
{
    struct store_draft draft = { .dir = -1, .rootfs = -1, .sync = -1 };
    struct store_publication publication = { .config = &commit->config };
    MD_AUTO_FREE char *bytes = NULL;
    MD_AUTO_JSON json = NULL;
    /* Opened before the first byte of the layer is written. */
    int status = store_draft_open(commit->store, &draft, err);

    if (status == 0)
        status = make_layer(commit, err);
    if (status == 0) {
        add_layer(&commit->config, &commit->diff_id);
        json = md_oci_config_json(&commit->config);
        bytes = md_json_line(json);
        pull_hash_bytes(MD_SHA256, bytes, strlen(bytes), id);
        publication.id = md_digest_hex(id);
        publication.config_bytes = bytes;
        publication.config_len = strlen(bytes);
        status = merge(commit, draft.rootfs, &publication.size, err);
    }
    if (status == 0)
        status = store_draft_publish(commit->store, &draft, &publication, err);
    if (status == 0)
        status = set_name(commit, publication.id, err);
    store_draft_clear(commit->store, &draft);
    return status;
}

static int check_name(struct commit *commit, struct md_err *err)
{
    if (!commit->wanted->name)
        return 0;
    if (md_ref_parse(commit->wanted->name, &commit->ref, err) < 0)
        return -1;
    return commit->ref.digest.alg
               ? md_err_set(err, MD_ERR_USAGE, "a new image cannot be named by a digest")
               : 0;
}

static int run(struct commit *commit, struct md_digest *id, struct md_err *err)
{
    const struct files_root *root = &commit->root;

    if (check_name(commit, err) < 0 || files_root_open(commit->store, commit->wanted->container,
                                                       FILES_BARE, &commit->root, err) < 0)
        return -1;
    if (files_commit_config(commit->wanted, &root->container, &root->overlay.image.config,
                            &commit->config, err) < 0 ||
        hold_layers(commit, err) < 0)
        return -1;
    return publish(commit, id, err);
}

int files_commit(const struct store *store, const struct files_commit *wanted,
                 struct md_err *err)
{
    struct commit *commit = md_xcalloc(1, sizeof(*commit));
    struct md_digest id = { 0 };
    int status;

    commit->store = store;
    commit->wanted = wanted;
    commit->root =
        (struct files_root){ .fd = -1, .overlay = { .lower = -1, .upper = -1, .work = -1 } };
    status = run(commit, &id, err);
    for (size_t i = 0; i < commit->layer_count; i++)
        store_layer_clear(store, &commit->layers[i]);
    free(commit->layers);
    files_root_close(&commit->root);
    md_oci_config_clear(&commit->config);
    free(commit);
    if (status == 0)
        printf("%s\n", id.text);
    return status;
}
