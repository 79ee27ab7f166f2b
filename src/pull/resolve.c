/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to a verified manifest and config, wherever they come from. */
#include "pull/resolve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/documents.h"
#include "pull/hash.h"

#define MAX_MANIFESTS 16 /* asked for on the way from a name to an image */

/* What a pull of one reference has found so far. */
struct finding {
    struct pull_origin *origin;
    const struct pull_resolve *order;
    char name[MD_REF_TEXT_SIZE]; /* as docker shows the reference */
    struct pull_found manifest;
    struct pull_found config_bytes;
    struct md_digest served;
    int fetched; /* entries of indexes */
    struct md_oci_manifest parsed;
    struct md_oci_config config;
};

static const char *bytes_of(const struct pull_found *found)
{
    return found->bytes.data ? found->bytes.data : "";
}

void pull_found_clear(struct pull_found *found)
{
    md_buf_clear(&found->bytes);
    memset(found, 0, sizeof(*found));
}

int pull_found_check(struct pull_found *found, const struct md_digest *expected,
                     const char *what, struct md_err *err)
{
    pull_hash_bytes(expected->alg, bytes_of(found), found->bytes.len, &found->digest);
    if (!md_digest_equal(&found->digest, expected)) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: got %s, expected %s", what,
                          found->digest.text, expected->text);
    }
    return 0;
}

int pull_found_check_size(const struct pull_found *found, int64_t expected, const char *what,
                          struct md_err *err)
{
    if ((int64_t)found->bytes.len != expected) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: got %zu bytes, expected %" PRId64, what,
                          found->bytes.len, expected);
    }
    return 0;
}

/* ---- The manifest ---- */

static int find_described(struct finding *finding, enum pull_paper_kind kind,
                          const struct md_descriptor *described, struct pull_found *found,
                          struct md_err *err)
{
    MD_AUTO_FREE char *what = md_xasprintf(
        "%s %s", kind == PULL_A_CONFIG ? "config" : "manifest", described->digest.text);

    if (described->size < 0 || described->size > MD_MAX_MANIFEST) {
        return md_err_set(err, MD_ERR_LIMIT, "%s: %" PRId64 " bytes, at most %u are taken",
                          what, described->size, MD_MAX_MANIFEST);
    }
    if (finding->origin->described(finding->origin, kind, described, found, err) < 0) {
        return -1;
    }
    if (pull_found_check_size(found, described->size, what, err) < 0) {
        return -1;
    }
    return pull_found_check(found, &described->digest, what, err);
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
        pull_found_clear(&finding->manifest);
        if (find_described(finding, PULL_A_MANIFEST, &picked, &finding->manifest, err) < 0) {
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

    if (find_described(finding, PULL_A_CONFIG, &finding->parsed.config, &finding->config_bytes,
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
    pull_found_clear(&finding->manifest);
    pull_found_clear(&finding->config_bytes);
    md_oci_manifest_clear(&finding->parsed);
    md_oci_config_clear(&finding->config);
}

static int send_unchanged(const struct finding *finding, int socket, struct md_err *err)
{
    struct pull_message message = { .tag = PULL_UP_TO_DATE, .ring = PULL_RINGS };

    message.resolved.served = finding->order->known;
    return pull_wire_send(socket, &message, NULL, 0, err);
}

static int find(struct finding *finding, struct md_err *err)
{
    if (finding->origin->named(finding->origin, finding->order, &finding->manifest, err) < 0) {
        return -1;
    }
    finding->served = finding->manifest.digest;
    if (find_manifest(finding, err) < 0 || find_config(finding, err) < 0) {
        return -1;
    }
    if (!finding->served.alg) { /* a list that nobody knows by a digest */
        finding->served = finding->manifest.digest;
    }
    return 0;
}

int pull_resolve(struct pull_origin *origin, const struct pull_resolve *order, int socket,
                 struct md_err *err)
{
    struct finding finding = { .origin = origin, .order = order };
    int unchanged = 0;
    int result = -1;

    md_ref_familiar(&order->ref, finding.name);
    if (order->known.alg) {
        unchanged = origin->unchanged(origin, order, err);
    }
    if (unchanged == 1) {
        return send_unchanged(&finding, socket, err);
    }
    if (unchanged == 0 && find(&finding, err) == 0) {
        result = send_finding(&finding, socket, err);
    }
    finding_clear(&finding);
    return result;
}
