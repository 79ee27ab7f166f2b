/* SPDX-License-Identifier: Apache-2.0 */
/* One image on its way: from what is asked for to an image in the store. */
#include "pull/image.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/ref.h"
#include "pull/layers.h"
#include "store/image.h"
#include "store/merge.h"

/* What the registry served last time, if the image of then is still what the name leads to. */
static void look_up_name(struct pull *pull, struct md_digest *known)
{
    struct store_image image = { .dir = -1, .rootfs = -1 };
    struct md_err ignored = { 0 };
    char name[MD_REF_TEXT_SIZE];

    if (pull->name_count == 0)
        return;
    md_ref_store_name(&pull->names[0], name);
    if (store_name_read(pull->store, name, &pull->old, &ignored) < 0)
        return;
    if (store_image_open_id(pull->store, pull->old.image_id, &image, &ignored) < 0)
        return;
    if (md_platform_rank(&pull->options->platform, &image.config.platform) > 0)
        *known = pull->old.served;
    store_image_clear(&image);
}

/* Read a document that came as a memfd. */
static int take_document(struct pull *pull, const struct pull_message *message, int fd,
                         struct md_err *err)
{
    if (message->document >= PULL_DOCUMENTS || fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "unexpected document %d", (int)message->document);
    struct pull_paper *document = &pull->documents[message->document];

    free(document->bytes);
    document->bytes = md_fd_read_all(fd, MD_MAX_STATE, &document->len, "document", err);
    return document->bytes ? 0 : -1;
}

static int take_layer(struct pull *pull, const struct pull_layer *layer, struct md_err *err)
{
    if (layer->index != pull->part_count || layer->index >= MD_MAX_LAYERS)
        return md_err_set(err, MD_ERR_FORMAT, "unexpected layer %u", layer->index);
    pull->parts = md_xreallocarray(pull->parts, pull->part_count + 1, sizeof(*pull->parts));
    pull->parts[pull->part_count++] = (struct pull_part){
        .wanted = *layer,
        .held = { .dir = -1, .tree = -1 },
        .kept = { .fd = -1 },
    };
    return 0;
}

static int take_resolved(struct pull *pull, const struct pull_resolved *resolved,
                         struct md_err *err)
{
    pull->resolved = *resolved;
    for (size_t i = 0; i < PULL_DOCUMENTS; i++) {
        if (!pull->documents[i].bytes)
            return md_err_set(err, MD_ERR_FORMAT, "document %zu is missing", i);
    }
    const struct pull_paper *image = &pull->documents[PULL_IMAGE];
    MD_AUTO_JSON json = md_json_parse(image->bytes, image->len, "image config", err);

    if (!json || md_oci_config_parse(json, &pull->config, err) < 0)
        return -1;
    if (resolved->layer_count != pull->part_count ||
        pull->config.diff_id_count != pull->part_count)
        return md_err_set(err, MD_ERR_FORMAT, "%zu layers came, %u were said to",
                          pull->part_count, resolved->layer_count);
    return 0;
}

/* Handle one answer to RESOLVE: 1 when it was the last. */
static int take_answer(struct pull *pull, const struct pull_message *message, int fd,
                       struct md_err *err)
{
    switch ((int)message->tag) {
    case PULL_DOCUMENT:
        return take_document(pull, message, fd, err);
    case PULL_LAYER:
        return take_layer(pull, &message->layer, err);
    case PULL_UP_TO_DATE:
        pull->resolved = message->resolved;
        pull->up_to_date = true;
        return 1;
    case PULL_RESOLVED:
        return take_resolved(pull, &message->resolved, err) < 0 ? -1 : 1;
    case PULL_FAILED:
        *err = message->err;
        return -1;
    default:
        return md_err_set(err, MD_ERR_FORMAT, "unexpected message %d", (int)message->tag);
    }
}

/* Forget what an earlier answer said. */
static void forget_answer(struct pull *pull)
{
    free(pull->parts);
    pull->parts = NULL;
    pull->part_count = 0;
    pull->up_to_date = false;
    md_oci_config_clear(&pull->config);
    for (size_t i = 0; i < PULL_DOCUMENTS; i++) {
        free(pull->documents[i].bytes);
        pull->documents[i] = (struct pull_paper){ 0 };
    }
}

int pull_ask(struct pull *pull, const struct md_ref *asked, struct md_err *err)
{
    struct pull_message message = {
        .tag = PULL_RESOLVE,
        .ring = PULL_RINGS,
        .resolve = { .ref = *asked,
                     .image = pull->image,
                     .platform = pull->options->platform,
                     .platform_asked = pull->options->platform_asked,
                     .patience = { .attempts = pull->options->attempts } },
    };
    int done = 0;

    forget_answer(pull);
    look_up_name(pull, &message.resolve.known);
    if (pull->options->force || pull->local)
        message.resolve.known = (struct md_digest){ 0 };
    if (pull_wire_send(pull->crew->network.socket, &message, NULL, 0, err) < 0)
        return -1;
    while (done == 0) {
        int fds[PULL_MESSAGE_FDS];
        int got = pull_wire_receive(pull->crew->network.socket, &message, fds, err);

        if (got == 0)
            return md_err_set(err, MD_ERR_SYSTEM, "the network process has ended unexpectedly");
        if (got < 0)
            return -1;
        done = take_answer(pull, &message, fds[0], err);
        for (size_t i = 0; i < PULL_MESSAGE_FDS; i++)
            md_fd_close(&fds[i]);
    }
    return done < 0 ? -1 : 0;
}

static int set_names(struct pull *pull, struct md_err *err)
{
    struct store_name record = {
        .platform = pull->config.platform,
        .time = time(NULL),
    };

    if (!pull->nowhere_served) {
        record.served = pull->resolved.served;
        record.manifest = pull->resolved.manifest;
    }
    snprintf(record.image_id, sizeof(record.image_id), "%s",
             md_digest_hex(&pull->resolved.config));
    for (size_t i = 0; i < pull->name_count; i++) {
        md_ref_store_name(&pull->names[i], record.name);
        if (store_name_move(pull->store, &record, err) < 0)
            return -1;
    }
    return 0;
}

/*
 * --force: put the layers that were fetched again into the place of those that are there. They
 * must be durable before, as those were.
 */
static int replace_layers(struct pull *pull, struct md_err *err)
{
    if (!pull->options->force)
        return 0;
    if (store_draft_sync(pull->store, &pull->draft, &pull->config, err) < 0)
        return -1;
    for (size_t i = 0; i < pull->part_count; i++) {
        struct pull_part *part = &pull->parts[i];

        if (part->stage == PULL_PART_READY &&
            store_layer_replace(pull->store, &part->wanted.diff_id, &part->held, err) < 0)
            return md_err_in(err, "layer %s", part->wanted.layer.blob.digest.text);
    }
    return 0;
}

/* Make the draft, whose rootfs has all layers, an image, or give one that is there already its
 * new manifest; name it. */
static int publish(struct pull *pull, uint64_t size, struct md_err *err)
{
    const struct pull_paper *documents = pull->documents;
    const struct store_publication publication = {
        .id = md_digest_hex(&pull->resolved.config),
        .config = &pull->config,
        .config_bytes = documents[PULL_CONFIG].bytes,
        .config_len = documents[PULL_CONFIG].len,
        .manifest_bytes = pull->nowhere_served ? NULL : documents[PULL_MANIFEST].bytes,
        .manifest_len = documents[PULL_MANIFEST].len,
        .manifest_digest = pull->resolved.manifest,
        .size = size,
        .replace = pull->options->force,
    };

    if (replace_layers(pull, err) < 0 ||
        store_draft_publish(pull->store, &pull->draft, &publication, err) < 0)
        return -1;
    return set_names(pull, err); /* while the draft's lock keeps the nameless image */
}

static void print_lines_of_existing(struct pull *pull, struct pull_progress *progress)
{
    for (size_t i = 0; i < pull->part_count; i++)
        pull_progress_phase(progress, i, PULL_EXISTS);
    pull_progress_end(progress);
}

/* Get and merge the layers into the draft, with the bars of it, and publish. */
static int get_layers(struct pull *pull, struct pull_progress *progress, struct md_err *err)
{
    struct pull_layers layers = {
        .store = pull->store,
        .crew = pull->crew,
        .parts = pull->parts,
        .count = pull->part_count,
        .progress = progress,
        .draft = &pull->draft,
        .config = &pull->config,
    };
    int status = pull_layers_get(&layers, err);

    pull_progress_end(progress);
    /* Whoever had a layer that is ours now may have died after our first sweep. */
    store_sweep(pull->store);
    return status < 0 ? -1 : publish(pull, layers.size, err);
}

static void describe_parts(struct pull *pull, struct pull_line *lines)
{
    for (size_t i = 0; i < pull->part_count; i++) {
        const struct md_descriptor *blob = &pull->parts[i].wanted.layer.blob;

        snprintf(lines[i].id, sizeof(lines[i].id), "%.12s", md_digest_hex(&blob->digest));
        lines[i].total = (uint64_t)blob->size;
        pull->parts[i].fresh = pull->options->force;
        pull->parts[i].keeps = !pull->options->force && !pull->local;
    }
}

int pull_get(struct pull *pull, struct md_err *err)
{
    struct store_image existing = { .dir = -1, .rootfs = -1 };
    struct pull_progress progress = { 0 };
    struct md_err ignored = { 0 };
    MD_AUTO_FREE struct pull_line *lines = md_xcalloc(pull->part_count + 1, sizeof(*lines));
    int status;

    describe_parts(pull, lines);
    pull_progress_open(&progress, pull->options->quiet ? NULL : pull->options->out,
                       pull->options->show);
    pull_progress_begin(&progress, lines, pull->part_count);
    if (pull_crew_hire(pull->crew, pull->part_count, err) < 0)
        return -1;
    status = store_draft_open(pull->store, &pull->draft, err);
    /* Its lock keeps the existing image until it has the manifest and the name. */
    if (status == 0 && !pull->options->force &&
        store_image_open_id(pull->store, md_digest_hex(&pull->resolved.config), &existing,
                            &ignored) == 0) {
        print_lines_of_existing(pull, &progress);
        status = publish(pull, existing.size, err);
        store_image_clear(&existing);
    } else if (status == 0) {
        status = get_layers(pull, &progress, err);
    }
    return status;
}

bool pull_has(struct pull *pull, const struct md_digest *digest)
{
    struct md_digest known = { 0 };

    forget_answer(pull);
    look_up_name(pull, &known);
    pull->resolved.served = known;
    pull->up_to_date = md_digest_equal(&known, digest);
    return pull->up_to_date;
}

enum pull_change pull_change_of(const struct pull *pull)
{
    if (pull->up_to_date)
        return PULL_UNCHANGED;
    if (pull->options->force)
        return PULL_FORCED;
    return strcmp(pull->old.image_id, md_digest_hex(&pull->resolved.config)) == 0
               ? PULL_UNCHANGED
               : PULL_CHANGED;
}

void pull_clear(struct pull *pull)
{
    store_draft_clear(pull->store, &pull->draft);
    pull_parts_clear(pull->store, pull->parts, pull->part_count);
    forget_answer(pull);
}
