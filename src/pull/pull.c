/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling: from a name to an image in the store. */
#include "pull/pull.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ref.h"
#include "pull/layers.h"
#include "store/image.h"
#include "store/merge.h"

/* A document as it came: bytes of ours. */
struct document {
    char *bytes;
    size_t len;
};

/* The pull of one name. */
struct pull {
    const struct store *store;
    const struct pull_options *options;
    struct pull_crew *crew;
    struct md_ref ref;
    char familiar[MD_REF_TEXT_SIZE];
    char full[MD_REF_TEXT_SIZE];
    struct store_name old; /* what the name is now; image_id "" when it is new */
    struct pull_resolved resolved;
    bool up_to_date;
    struct document documents[PULL_DOCUMENTS];
    struct md_oci_config config;
    struct pull_part *parts;
    size_t part_count;
    struct store_draft draft;
};

/* What the registry served last time, if the image of then is still what the name leads to. */
static void look_up_name(struct pull *pull, struct md_digest *known)
{
    struct store_image image = { .dir = -1, .rootfs = -1 };
    struct md_err ignored = { 0 };
    char name[MD_REF_TEXT_SIZE];

    md_ref_store_name(&pull->ref, name);
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
    struct document *document = &pull->documents[message->document];

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
    const struct document *image = &pull->documents[PULL_IMAGE];
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

static int resolve(struct pull *pull, struct md_err *err)
{
    struct pull_message message = {
        .tag = PULL_RESOLVE,
        .ring = PULL_RINGS,
        .resolve = { .ref = pull->ref,
                     .platform = pull->options->platform,
                     .platform_asked = pull->options->platform_asked },
    };
    int done = 0;

    look_up_name(pull, &message.resolve.known);
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

static int set_name(struct pull *pull, struct md_err *err)
{
    struct store_name record = {
        .served = pull->resolved.served,
        .manifest = pull->resolved.manifest,
        .platform = pull->config.platform,
        .time = time(NULL),
    };

    md_ref_store_name(&pull->ref, record.name);
    snprintf(record.image_id, sizeof(record.image_id), "%s",
             md_digest_hex(&pull->resolved.config));
    return store_name_move(pull->store, &record, err);
}

/* Make the draft, whose rootfs has all layers, an image, or give one that is there already its
 * new manifest; name it. */
static int publish(struct pull *pull, uint64_t size, struct md_err *err)
{
    const struct document *documents = pull->documents;
    const struct store_publication publication = {
        .id = md_digest_hex(&pull->resolved.config),
        .config = &pull->config,
        .config_bytes = documents[PULL_CONFIG].bytes,
        .config_len = documents[PULL_CONFIG].len,
        .manifest_bytes = documents[PULL_MANIFEST].bytes,
        .manifest_len = documents[PULL_MANIFEST].len,
        .manifest_digest = pull->resolved.manifest,
        .size = size,
    };

    if (store_draft_publish(pull->store, &pull->draft, &publication, err) < 0)
        return -1;
    return set_name(pull, err); /* while the draft's lock keeps the nameless image */
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

static int get_image(struct pull *pull, struct md_err *err)
{
    struct store_image existing = { .dir = -1, .rootfs = -1 };
    struct pull_progress progress = { 0 };
    struct md_err ignored = { 0 };
    MD_AUTO_FREE struct pull_line *lines = md_xcalloc(pull->part_count + 1, sizeof(*lines));
    int status;

    for (size_t i = 0; i < pull->part_count; i++) {
        const struct md_descriptor *blob = &pull->parts[i].wanted.layer.blob;

        snprintf(lines[i].id, sizeof(lines[i].id), "%.12s", md_digest_hex(&blob->digest));
        lines[i].total = (uint64_t)blob->size;
    }
    pull_progress_open(&progress, pull->options->quiet ? NULL : pull->options->out);
    pull_progress_begin(&progress, lines, pull->part_count);
    if (pull_crew_hire(pull->crew, pull->part_count, err) < 0)
        return -1;
    status = store_draft_open(pull->store, &pull->draft, err);
    /* Its lock keeps the existing image until it has the manifest and the name. */
    if (status == 0 && store_image_open_id(pull->store, md_digest_hex(&pull->resolved.config),
                                           &existing, &ignored) == 0) {
        print_lines_of_existing(pull, &progress);
        status = publish(pull, existing.size, err);
        store_image_clear(&existing);
    } else if (status == 0) {
        status = get_layers(pull, &progress, err);
    }
    return status;
}

static void print_head(const struct pull *pull)
{
    const char *repository = pull->ref.repository;

    if (pull->options->quiet)
        return;
    if (pull->ref.default_tag)
        fprintf(pull->options->out, "Using default tag: latest\n");
    fprintf(pull->options->out, "%s: Pulling from %s\n",
            pull->ref.digest.alg ? pull->full : pull->ref.tag, repository);
    fflush(pull->options->out);
}

static void print_tail(const struct pull *pull)
{
    bool changed = !pull->up_to_date &&
                   strcmp(pull->old.image_id, md_digest_hex(&pull->resolved.config)) != 0;

    if (!pull->options->quiet) {
        fprintf(pull->options->out, "Digest: %s\n", pull->resolved.served.text);
        fprintf(pull->options->out, "Status: %s for %s\n",
                changed ? "Downloaded newer image" : "Image is up to date", pull->familiar);
    }
    fprintf(pull->options->out, "%s\n", pull->full);
    fflush(pull->options->out);
}

static int pull_name(struct pull *pull, struct md_err *err)
{
    print_head(pull);
    if (resolve(pull, err) < 0)
        return -1;
    if (!pull->up_to_date && get_image(pull, err) < 0)
        return -1;
    print_tail(pull);
    return 0;
}

static int pull_one(const struct store *store, const struct pull_options *options,
                    struct pull_crew *crew, const char *name, struct md_err *err)
{
    struct pull pull = {
        .store = store,
        .options = options,
        .crew = crew,
        .draft = { .dir = -1, .rootfs = -1, .sync = -1 },
    };

    if (md_ref_parse(name, &pull.ref, err) < 0)
        return -1;
    md_ref_familiar(&pull.ref, pull.familiar);
    md_ref_full(&pull.ref, pull.full);
    int status = pull_name(&pull, err);

    if (status < 0) {
        md_err_in(err, "pull \"%s\"", pull.familiar);
        pull_crew_stop(crew); /* before its unfinished trees are removed */
    }
    store_draft_clear(store, &pull.draft);
    pull_layers_clear(store, pull.parts, pull.part_count);
    free(pull.parts);
    for (size_t i = 0; i < PULL_DOCUMENTS; i++)
        free(pull.documents[i].bytes);
    md_oci_config_clear(&pull.config);
    return status;
}

/* Whatever proves who asks goes ahead of the first question; the network process, which will be
 * told by strangers what to do, looks nothing up. */
static int send_credential(const struct pull_options *options, struct pull_crew *crew,
                           const struct md_ref *ref, struct md_err *err)
{
    struct pull_message message = { .tag = PULL_CREDENTIAL, .ring = PULL_RINGS };
    struct pull_account *account = &message.account;
    int status = 0;

    memcpy(account->registry, ref->registry, sizeof(account->registry));
    memcpy(account->repository, ref->repository, sizeof(account->repository));
    if (pull_credentials_find(&options->credentials, account, NULL, err) < 0)
        return -1;
    if (account->credential.kind != PULL_CREDENTIAL_NONE)
        status = pull_wire_send(crew->network.socket, &message, NULL, 0, err);
    explicit_bzero(&message, sizeof(message));
    return status;
}

static int send_credentials(const struct pull_options *options, struct pull_crew *crew,
                            const struct md_list *names, struct md_err *err)
{
    struct md_ref before = { 0 };

    for (size_t i = 0; i < names->count; i++) {
        struct md_ref ref;

        if (md_ref_parse(names->items[i], &ref, err) < 0)
            return -1;
        bool same = strcmp(ref.registry, before.registry) == 0 &&
                    strcmp(ref.repository, before.repository) == 0;

        if (!same && send_credential(options, crew, &ref, err) < 0)
            return md_err_in(err, "pull \"%s\"", names->items[i]);
        before = ref;
    }
    return 0;
}

int pull_images(const struct store *store, const struct pull_options *options,
                const struct md_list *names, struct md_err *err)
{
    struct pull_crew crew = { 0 };
    struct md_ref ref;
    int status = 0;

    for (size_t i = 0; i < names->count; i++) { /* all of them before any is pulled */
        if (md_ref_parse(names->items[i], &ref, err) < 0)
            return -1;
    }
    store_sweep(store);
    status = pull_crew_start(&crew, PULL_CREW_FULL, err);
    if (status == 0)
        status = send_credentials(options, &crew, names, err);
    for (size_t i = 0; status == 0 && i < names->count; i++)
        status = pull_one(store, options, &crew, names->items[i], err);
    pull_crew_stop(&crew);
    return status;
}
