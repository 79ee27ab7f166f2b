/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to a verified manifest and config. */
#include "pull/resolve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/documents.h"
#include "pull/hash.h"

#define ACCEPTED                                                                               \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "    \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                              \
    "application/vnd.docker.distribution.manifest.v2+json"

#define MAX_MANIFESTS 16 /* asked for on the way from a name to an image */

/* One document as served. */
struct document {
    struct md_buf bytes;
    struct md_digest digest; /* verified */
    char content_type[256];
};

/* What a pull of one reference has found so far. */
struct finding {
    struct pull_repository *repository;
    const struct pull_resolve *order;
    char name[MD_REF_TEXT_SIZE]; /* as docker shows the reference */
    struct document manifest;
    struct document config_bytes;
    struct md_digest served;
    int fetched; /* entries of indexes */
    struct md_oci_manifest parsed;
    struct md_oci_config config;
};

static const char *bytes_of(const struct document *document)
{
    return document->bytes.data ? document->bytes.data : "";
}

static void document_clear(struct document *document)
{
    md_buf_clear(&document->bytes);
    memset(document, 0, sizeof(*document));
}

/* ---- Fetching ---- */

/* The digest of what came, by the algorithm of expected. */
static int check_digest(struct document *document, const struct md_digest *expected,
                        const char *what, struct md_err *err)
{
    pull_hash_bytes(expected->alg, bytes_of(document), document->bytes.len, &document->digest);
    if (!md_digest_equal(&document->digest, expected)) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: got %s, expected %s", what,
                          document->digest.text, expected->text);
    }
    return 0;
}

static int check_size(const struct document *document, int64_t expected, const char *what,
                      struct md_err *err)
{
    if ((int64_t)document->bytes.len != expected) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: got %zu bytes, expected %" PRId64, what,
                          document->bytes.len, expected);
    }
    return 0;
}

/* What a tag names has only the registry's word for its digest, which must then be true. */
static int check_claim(struct document *document, const char *claim, const char *what,
                       struct md_err *err)
{
    struct md_digest claimed;
    char shown[160];

    if (claim[0] == '\0') {
        pull_hash_bytes(MD_SHA256, bytes_of(document), document->bytes.len, &document->digest);
        return 0;
    }
    if (md_digest_parse(claim, &claimed, err) < 0) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: the registry calls it \"%s\"", what,
                          md_text_escape(claim, strlen(claim), shown, sizeof(shown)));
    }
    return check_digest(document, &claimed, what, err);
}

/* expected NULL: by tag. size -1: not known. */
struct expectation {
    const struct md_digest *digest;
    int64_t size;
};

static int judge_document(struct pull_registry *registry, struct pull_transfer *transfer,
                          const struct expectation *expected, struct document *document,
                          struct md_err *err)
{
    const struct pull_response *response = pull_transfer_response(transfer);
    const char *what = pull_transfer_what(transfer);

    if (response->status != 200) {
        return pull_registry_refused(registry, transfer, err);
    }
    if (pull_response_is_html(response)) {
        return md_err_set(err, MD_ERR_NETWORK,
                          "%s: %s: not a registry: it answered with a web page", what,
                          pull_transfer_url(transfer)->site);
    }
    pull_transfer_take_body(transfer, &document->bytes);
    memcpy(document->content_type, response->content_type, sizeof(document->content_type));
    if (expected->size >= 0 && check_size(document, expected->size, what, err) < 0) {
        return -1;
    }
    return expected->digest ? check_digest(document, expected->digest, what, err)
                            : check_claim(document, response->content_digest, what, err);
}

static int fetch_from(struct pull_registry *registry, const struct pull_wish *wish,
                      const struct expectation *expected, struct document *document,
                      struct md_err *err)
{
    struct pull_transfer *transfer = pull_registry_fetch(registry, wish, err);
    int result = -1;

    if (transfer && pull_registry_finish(registry, transfer, err) == PULL_ANSWERED) {
        result = judge_document(registry, transfer, expected, document, err);
    }
    pull_transfer_close(&transfer);
    return result;
}

/* From the first place that has it and is right about it; then that is asked first. */
static int fetch(struct pull_repository *repository, const struct pull_wish *wish,
                 const struct expectation *expected, struct document *document,
                 struct md_err *err)
{
    struct pull_tried tried = { 0 };
    int result;

    for (;;) {
        struct pull_registry *place = repository->places[repository->first];

        result = fetch_from(place, wish, expected, document, err);
        if (result == 0 || repository->first + 1 == repository->count) {
            break;
        }
        document_clear(document);
        pull_tried_note(&tried, place, wish->what, err);
        repository->first++;
    }
    if (result < 0) {
        pull_tried_tell(&tried, err);
    }
    pull_tried_clear(&tried);
    return result;
}

/* ---- The manifest ---- */

static const char *asked_name(const struct md_ref *ref)
{
    return ref->digest.alg ? ref->digest.text : ref->tag;
}

static int fetch_named(struct finding *finding, struct md_err *err)
{
    const struct md_ref *ref = &finding->order->ref;
    MD_AUTO_FREE char *what = md_xasprintf("manifest for %s", finding->name);
    struct pull_wish wish = {
        .what = what,
        .method = PULL_GET,
        .kind = "manifests",
        .name = asked_name(ref),
        .accept = ACCEPTED,
        .max = MD_MAX_MANIFEST,
        .size = -1,
    };
    struct expectation expected = {
        .digest = ref->digest.alg ? &ref->digest : NULL,
        .size = -1,
    };

    if (fetch(finding->repository, &wish, &expected, &finding->manifest, err) < 0) {
        return -1;
    }
    finding->served = finding->manifest.digest;
    return 0;
}

static int fetch_described(struct finding *finding, const char *kind,
                           const struct md_descriptor *described, struct document *document,
                           struct md_err *err)
{
    const char *noun = strcmp(kind, "blobs") == 0 ? "config" : "manifest";
    MD_AUTO_FREE char *what = md_xasprintf("%s %s", noun, described->digest.text);
    struct pull_wish wish = {
        .what = what,
        .method = PULL_GET,
        .kind = kind,
        .name = described->digest.text,
        .accept = strcmp(kind, "blobs") == 0 ? NULL : ACCEPTED,
        .size = -1,
        /* One more, or an empty one would have no maximum and a longer one the wrong error. */
        .max = (size_t)described->size + 1,
    };
    struct expectation expected = { .digest = &described->digest, .size = described->size };

    if (described->size < 0 || described->size > MD_MAX_MANIFEST) {
        return md_err_set(err, MD_ERR_LIMIT, "%s: %" PRId64 " bytes, at most %u are taken",
                          what, described->size, MD_MAX_MANIFEST);
    }
    return fetch(finding->repository, &wish, &expected, document, err);
}

static int search(struct finding *finding, int depth, struct md_err *err);

/*
 * finding->manifest was an index: replace it by what its entries lead to, the best one first.
 * An index inside it may turn out to have nothing for the platform; then the next one is asked.
 */
static int search_index(struct finding *finding, const struct json_t *index, int depth,
                        struct md_err *err)
{
    for (size_t skip = 0;; skip++) {
        struct md_descriptor picked;
        struct md_err why = { 0 };

        if (finding->fetched++ == MAX_MANIFESTS) {
            return md_err_set(err, MD_ERR_LIMIT, "more than %d indexes lead to nothing",
                              MAX_MANIFESTS);
        }
        if (md_oci_index_pick(index, &finding->order->platform, skip, &picked, &why) < 0) {
            if (err->kind == MD_ERR_NONE) { /* else an entry has said it better */
                *err = why;
            }
            return -1;
        }
        *err = (struct md_err){ 0 };
        document_clear(&finding->manifest);
        if (fetch_described(finding, "manifests", &picked, &finding->manifest, err) < 0) {
            return -1;
        }
        if (search(finding, depth + 1, err) == 0) {
            return 0;
        }
        if (err->kind != MD_ERR_NOT_FOUND) {
            return -1;
        }
    }
}

/* From finding->manifest down to the manifest of one image. */
static int search(struct finding *finding, int depth, struct md_err *err)
{
    enum md_oci_kind kind;
    MD_AUTO_JSON document = md_json_parse(bytes_of(&finding->manifest),
                                          finding->manifest.bytes.len, "document", err);

    if (!document || md_oci_kind(document, finding->manifest.content_type, &kind, err) < 0) {
        return -1;
    }
    if (kind == MD_OCI_MANIFEST) {
        return md_oci_manifest_parse(document, &finding->parsed, err);
    }
    if (depth == MD_MAX_INDEX_DEPTH) {
        return md_err_set(err, MD_ERR_LIMIT, "indexes nested deeper than %d",
                          MD_MAX_INDEX_DEPTH);
    }
    return search_index(finding, document, depth, err);
}

static int find_manifest(struct finding *finding, struct md_err *err)
{
    if (search(finding, 0, err) == 0) {
        return 0;
    }
    /* What a request says of itself names the manifest already. */
    return strncmp(err->text, "manifest ", 9) == 0
               ? -1
               : md_err_in(err, "manifest for %s", finding->name);
}

/* ---- The config ---- */

static int check_platform(const struct finding *finding, struct md_err *err)
{
    const struct md_platform *wanted = &finding->order->platform;
    const struct md_platform *has = &finding->config.platform;
    char has_text[97];
    char wanted_text[97];
    char shown[120];

    if (md_platform_rank(wanted, has) > 0) {
        return 0;
    }
    /* Another machine's image is the caller's to warn of; another system's is of no use. */
    if (!finding->order->platform_asked && strcmp(wanted->os, has->os) == 0) {
        return 0;
    }
    md_platform_text(has, has_text, sizeof(has_text));
    md_platform_text(wanted, wanted_text, sizeof(wanted_text));
    return md_err_set(err, MD_ERR_NOT_FOUND, "%s is an image for %s, not for %s", finding->name,
                      md_text_escape(has_text, strlen(has_text), shown, sizeof(shown)),
                      wanted_text);
}

static int find_config(struct finding *finding, struct md_err *err)
{
    MD_AUTO_JSON document = NULL;

    if (fetch_described(finding, "blobs", &finding->parsed.config, &finding->config_bytes,
                        err) < 0) {
        return -1;
    }
    document = md_json_parse(bytes_of(&finding->config_bytes), finding->config_bytes.bytes.len,
                             "document", err);
    if (!document || md_oci_config_parse(document, &finding->config, err) < 0) {
        return md_err_in(err, "config %s", finding->parsed.config.digest.text);
    }
    if (finding->config.diff_id_count != finding->parsed.layer_count) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "config %s: %zu diff ids, but the manifest has %zu layers",
                          finding->parsed.config.digest.text, finding->config.diff_id_count,
                          finding->parsed.layer_count);
    }
    return check_platform(finding, err);
}

/* ---- Answering ---- */

static int send_layers(const struct finding *finding, int socket, struct md_err *err)
{
    for (size_t i = 0; i < finding->parsed.layer_count; i++) {
        struct pull_message message = { .tag = PULL_LAYER, .ring = PULL_RINGS };

        message.layer.index = (uint32_t)i;
        message.layer.layer = finding->parsed.layers[i];
        message.layer.diff_id = finding->config.diff_ids[i];
        if (pull_wire_send(socket, &message, NULL, 0, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int send_documents(const struct finding *finding, int socket, struct md_err *err)
{
    struct json_t *image = md_oci_config_json(&finding->config);
    MD_AUTO_FREE char *text = md_json_line(image);

    md_json_free(&image);
    if (pull_document_send(socket, PULL_MANIFEST, bytes_of(&finding->manifest),
                           finding->manifest.bytes.len, err) < 0 ||
        pull_document_send(socket, PULL_CONFIG, bytes_of(&finding->config_bytes),
                           finding->config_bytes.bytes.len, err) < 0) {
        return -1;
    }
    return pull_document_send(socket, PULL_IMAGE, text, strlen(text), err);
}

static int send_finding(const struct finding *finding, int socket, struct md_err *err)
{
    struct pull_message message = { .tag = PULL_RESOLVED, .ring = PULL_RINGS };

    if (send_documents(finding, socket, err) < 0 || send_layers(finding, socket, err) < 0) {
        return -1;
    }
    message.resolved.served = finding->served;
    message.resolved.manifest = finding->manifest.digest;
    message.resolved.config = finding->parsed.config.digest;
    message.resolved.layer_count = (uint32_t)finding->parsed.layer_count;
    return pull_wire_send(socket, &message, NULL, 0, err);
}

static void finding_clear(struct finding *finding)
{
    document_clear(&finding->manifest);
    document_clear(&finding->config_bytes);
    md_oci_manifest_clear(&finding->parsed);
    md_oci_config_clear(&finding->config);
}

/*
 * Does the registry still serve what it served last time? One HEAD. Whatever is no clear yes is
 * a no: the GET that follows tells what is the matter. Returns 1, 0 or -1.
 */
static int is_unchanged(const struct finding *finding, struct md_err *err)
{
    struct pull_repository *repository = finding->repository;
    struct pull_registry *place = repository->places[repository->first];
    MD_AUTO_FREE char *what = md_xasprintf("manifest for %s", finding->name);
    struct pull_wish wish = {
        .what = what,
        .method = PULL_HEAD,
        .kind = "manifests",
        .name = asked_name(&finding->order->ref),
        .accept = ACCEPTED,
        .size = -1,
    };
    struct pull_transfer *transfer = pull_registry_fetch(place, &wish, err);
    int result = -1;

    if (transfer && pull_registry_finish(place, transfer, err) == PULL_ANSWERED) {
        const struct pull_response *response = pull_transfer_response(transfer);

        result = response->status == 200 &&
                 strcmp(response->content_digest, finding->order->known.text) == 0;
    }
    pull_transfer_close(&transfer);
    if (result < 0 && repository->first + 1 < repository->count) {
        memset(err, 0, sizeof(*err)); /* another one may have it */
        result = 0;
    }
    return result;
}

static int send_unchanged(const struct finding *finding, int socket, struct md_err *err)
{
    struct pull_message message = { .tag = PULL_UP_TO_DATE, .ring = PULL_RINGS };

    message.resolved.served = finding->order->known;
    return pull_wire_send(socket, &message, NULL, 0, err);
}

int pull_resolve(struct pull_repository *repository, const struct pull_resolve *order,
                 int socket, struct md_err *err)
{
    struct finding finding = { .repository = repository, .order = order };
    int unchanged = 0;
    int result = -1;

    md_ref_familiar(&order->ref, finding.name);
    if (order->known.alg) {
        unchanged = is_unchanged(&finding, err);
    }
    if (unchanged == 1) {
        return send_unchanged(&finding, socket, err);
    }
    if (unchanged == 0 && fetch_named(&finding, err) == 0 &&
        find_manifest(&finding, err) == 0 && find_config(&finding, err) == 0) {
        result = send_finding(&finding, socket, err);
    }
    finding_clear(&finding);
    return result;
}
