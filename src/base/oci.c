/* SPDX-License-Identifier: Apache-2.0 */
/* OCI and Docker indexes and manifests. Configs are in oci_config.c. */
#include "base/oci.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define SHOWN_SIZE 160

/* Documents that a registry may serve under a name. Kind 0: docker's schema 1. */
static const struct {
    const char *type;
    enum md_oci_kind kind;
} documents[] = {
    { OCI "index.v1+json", MD_OCI_INDEX },
    { OCI "manifest.v1+json", MD_OCI_MANIFEST },
    { DOCKER "distribution.manifest.list.v2+json", MD_OCI_INDEX },
    { DOCKER "distribution.manifest.v2+json", MD_OCI_MANIFEST },
    { DOCKER "distribution.manifest.v1+json", 0 },
    { DOCKER "distribution.manifest.v1+prettyjws", 0 },
};

static const struct {
    const char *type;
    enum md_compression compression;
} layers[] = {
    { OCI "layer.v1.tar", MD_PLAIN },
    { OCI "layer.v1.tar+gzip", MD_GZIP },
    { OCI "layer.v1.tar+zstd", MD_ZSTD },
    { OCI "layer.nondistributable.v1.tar", MD_PLAIN },
    { OCI "layer.nondistributable.v1.tar+gzip", MD_GZIP },
    { OCI "layer.nondistributable.v1.tar+zstd", MD_ZSTD },
    { DOCKER "image.rootfs.diff.tar", MD_PLAIN },
    { DOCKER "image.rootfs.diff.tar.gzip", MD_GZIP },
    { DOCKER "image.rootfs.diff.tar.zstd", MD_ZSTD },
    { DOCKER "image.rootfs.foreign.diff.tar", MD_PLAIN },
    { DOCKER "image.rootfs.foreign.diff.tar.gzip", MD_GZIP },
    { DOCKER "image.rootfs.foreign.diff.tar.zstd", MD_ZSTD },
};

static const char *shown(const char *text, char *out)
{
    return md_text_escape(text, strlen(text), out, SHOWN_SIZE);
}

/* The row of a document's media type, or -1. */
static int document_row(const char *type)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        if (strcmp(type, documents[i].type) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int refuse_schema1(struct md_err *err)
{
    return md_err_set(err, MD_ERR_FORMAT,
                      "the image is in Docker's schema 1 format of before 2017, which is not "
                      "supported; push it again with a current tool");
}

/*
 * Go's programs match member names without regard to case. A document that they and we read
 * differently is refused.
 */
static int check_members(const struct json_t *document, struct md_err *err)
{
    static const char *const names[] = { "schemaVersion", "mediaType", "config",
                                         "layers",        "manifests", "fsLayers" };

    for (const char *key = NULL; (key = md_json_next_key(document, key));) {
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
            char text[SHOWN_SIZE];

            if (strcasecmp(key, names[i]) == 0 && strcmp(key, names[i]) != 0) {
                return md_err_set(err, MD_ERR_FORMAT, "the member \"%s\" should be \"%s\"",
                                  shown(key, text), names[i]);
            }
        }
    }
    return 0;
}

/* What the members alone say it is. */
static int kind_by_members(const struct json_t *document, enum md_oci_kind *kind,
                           struct md_err *err)
{
    const struct json_t *version = md_json_get(document, "schemaVersion");
    bool index = md_json_is_array(md_json_get(document, "manifests"));
    bool manifest = md_json_is_array(md_json_get(document, "layers"));

    if ((md_json_is_int(version) && md_json_int(version) == 1) ||
        md_json_get(document, "fsLayers")) {
        return refuse_schema1(err);
    }
    if (version && (!md_json_is_int(version) || md_json_int(version) != 2)) {
        return md_err_set(err, MD_ERR_FORMAT, "the manifest's schemaVersion is not 2");
    }
    if (md_json_get(document, "manifests") &&
        (md_json_get(document, "layers") || md_json_get(document, "config"))) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "the document is ambiguous: an index and a manifest at once");
    }
    if (!index && !manifest) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "not an image: neither a list of manifests nor one of layers");
    }
    *kind = index ? MD_OCI_INDEX : MD_OCI_MANIFEST;
    return 0;
}

/* The member mediaType must be one of ours where it is there. */
static int check_media_type(const struct json_t *document, enum md_oci_kind kind,
                            struct md_err *err)
{
    const struct json_t *member = md_json_get(document, "mediaType");
    const char *type = md_json_text(member);
    char text[SHOWN_SIZE];
    int row;

    if (!member) {
        return 0;
    }
    if (!type) {
        return md_err_set(err, MD_ERR_FORMAT, "the manifest's mediaType is not a string");
    }
    row = document_row(type);
    if (row < 0) {
        return md_err_set(err, MD_ERR_FORMAT, "not an image: a document of type \"%s\"",
                          shown(type, text));
    }
    if (documents[row].kind == 0) {
        return refuse_schema1(err);
    }
    if (documents[row].kind != kind) {
        return md_err_set(
            err, MD_ERR_FORMAT,
            "the document says it is of type \"%s\", but its members are those of "
            "another",
            type);
    }
    return 0;
}

/* A Content-Type that is none of ours needs a media_type, which was checked, beside it. */
static int check_content_type(const char *content_type, enum md_oci_kind kind,
                              const char *media_type, struct md_err *err)
{
    char type[SHOWN_SIZE];
    char text[SHOWN_SIZE];
    size_t len = strcspn(content_type, "; \t");
    int row;

    len = len < sizeof(type) ? len : sizeof(type) - 1;
    for (size_t i = 0; i < len; i++) {
        type[i] = (char)tolower((unsigned char)content_type[i]);
    }
    type[len] = '\0';
    row = document_row(type);
    if (row >= 0 && documents[row].kind == 0) {
        return refuse_schema1(err);
    }
    if (row >= 0 && documents[row].kind != kind) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "it was served as \"%s\", but its members are those of another type",
                          type);
    }
    if (row < 0 && !media_type) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "it was served as \"%s\" and does not say itself what it is",
                          shown(type, text));
    }
    return 0;
}

int md_oci_kind(const struct json_t *document, const char *content_type, enum md_oci_kind *kind,
                struct md_err *err)
{
    enum md_oci_kind found = MD_OCI_MANIFEST;
    const char *artifact = md_json_get_text(document, "artifactType");
    const char *media_type = md_json_get_text(document, "mediaType");

    if (!md_json_is_object(document)) {
        return md_err_set(err, MD_ERR_FORMAT, "the manifest is not a JSON object");
    }
    if (check_members(document, err) < 0 || kind_by_members(document, &found, err) < 0 ||
        check_media_type(document, found, err) < 0) {
        return -1;
    }
    if (content_type && check_content_type(content_type, found, media_type, err) < 0) {
        return -1;
    }
    if (found == MD_OCI_MANIFEST && artifact && *artifact) {
        char text[SHOWN_SIZE];

        return md_err_set(err, MD_ERR_FORMAT, "not an image: an artifact of type \"%s\"",
                          shown(artifact, text));
    }
    *kind = found;
    return 0;
}

/* Read digest and size; what names the thing and max is its limit in bytes. */
static int parse_descriptor(const struct json_t *value, const char *what, int64_t max,
                            struct md_descriptor *descriptor, struct md_err *err)
{
    const char *digest = md_json_get_text(value, "digest");
    const struct json_t *size = md_json_get(value, "size");

    if (!digest) {
        return md_err_set(err, MD_ERR_FORMAT, "%s has no digest", what);
    }
    if (md_digest_parse(digest, &descriptor->digest, err) < 0) {
        return md_err_in(err, "%s", what);
    }
    if (!md_json_is_int(size) || md_json_int(size) < 0) {
        return md_err_set(err, MD_ERR_FORMAT, "%s has no size", what);
    }
    descriptor->size = md_json_int(size);
    if (descriptor->size > max) {
        return md_err_set(err, MD_ERR_LIMIT,
                          "%s has %lld bytes, more than the %lld that are accepted", what,
                          (long long)descriptor->size, (long long)max);
    }
    return 0;
}

/* A member of a platform, as far as it fits; what does not fit matches nothing. */
static int platform_part(const struct json_t *object, const char *key, char *out, size_t size)
{
    const struct json_t *member = md_json_get(object, key);
    const char *text = md_json_text(member);

    if (md_json_is_null(member)) {
        out[0] = '\0';
        return 0;
    }
    if (!text || strlen(text) >= size) {
        return -1;
    }
    snprintf(out, size, "%s", text);
    return 0;
}

static int read_platform(const struct json_t *object, struct md_platform *platform)
{
    if (!md_json_is_object(object) ||
        platform_part(object, "os", platform->os, sizeof(platform->os)) < 0 ||
        platform_part(object, "architecture", platform->architecture,
                      sizeof(platform->architecture)) < 0 ||
        platform_part(object, "variant", platform->variant, sizeof(platform->variant)) < 0) {
        return -1;
    }
    md_platform_normalize(platform);
    return 0;
}

/* What one entry of an index is worth to us. */
struct candidate {
    enum md_oci_kind kind; /* 0: nothing that can be pulled */
    int rank;              /* 0: does not match */
    bool named;            /* it names a platform */
    struct md_platform platform;
};

static void judge(const struct json_t *entry, const struct md_platform *wanted,
                  struct candidate *candidate)
{
    const char *type = md_json_get_text(entry, "mediaType");
    const char *artifact = md_json_get_text(entry, "artifactType");
    const struct json_t *platform = md_json_get(entry, "platform");
    int row = type ? document_row(type) : -1;

    memset(candidate, 0, sizeof(*candidate));
    if (row < 0 || (artifact && *artifact)) {
        return;
    }
    candidate->kind = documents[row].kind;
    if (md_json_is_null(platform)) {
        candidate->rank = 1; /* only its config will tell */
        return;
    }
    if (read_platform(platform, &candidate->platform) < 0 ||
        strcmp(candidate->platform.os, "unknown") == 0) {
        candidate->kind = 0; /* an attestation, most likely */
        return;
    }
    candidate->named = true;
    candidate->rank = md_platform_rank(wanted, &candidate->platform);
}

static int no_match(const struct json_t *manifests, const struct md_platform *wanted,
                    struct md_err *err)
{
    struct md_buf list = { 0 };
    char name[128];

    for (size_t i = 0; i < md_json_count(manifests) && list.len < 400; i++) {
        struct candidate candidate;

        judge(md_json_at(manifests, i), wanted, &candidate);
        if (candidate.kind != 0 && candidate.named) {
            char text[SHOWN_SIZE];

            md_platform_text(&candidate.platform, name, sizeof(name));
            md_buf_printf(&list, "%s%s", list.len ? ", " : "", shown(name, text));
        }
    }
    md_platform_text(wanted, name, sizeof(name));
    md_err_set(err, MD_ERR_NOT_FOUND, "no image for the platform %s; there is %s", name,
               list.len ? list.data : "none at all");
    md_buf_clear(&list);
    return -1;
}

/* Any manifest is better than any index inside the index. */
static int rank_of(const struct json_t *entry, const struct md_platform *platform)
{
    struct candidate candidate;

    judge(entry, platform, &candidate);
    if (candidate.kind == 0 || candidate.rank == 0) {
        return 0;
    }
    return candidate.rank + (candidate.kind == MD_OCI_MANIFEST ? 1000 : 0);
}

/*
 * The entry that comes after the one of rank *rank at *at: the best of the rest, the first of
 * equals. False when nothing is left that matches.
 */
static bool next_best(const struct json_t *manifests, const struct md_platform *platform,
                      size_t *at, int *rank)
{
    size_t best = SIZE_MAX;
    int best_rank = 0;

    for (size_t i = 0; i < md_json_count(manifests); i++) {
        int its = rank_of(md_json_at(manifests, i), platform);
        bool later = its < *rank || (its == *rank && (*at == SIZE_MAX || i > *at));

        if (later && its > best_rank) {
            best_rank = its;
            best = i;
        }
    }
    *at = best;
    *rank = best_rank;
    return best != SIZE_MAX;
}

static int check_index(const struct json_t *manifests, struct md_err *err)
{
    if (!md_json_is_array(manifests)) {
        return md_err_set(err, MD_ERR_FORMAT, "the index has no list of manifests");
    }
    if (md_json_count(manifests) > MD_MAX_INDEX_ENTRIES) {
        return md_err_set(err, MD_ERR_LIMIT, "the index has more than %d entries",
                          MD_MAX_INDEX_ENTRIES);
    }
    for (size_t i = 0; i < md_json_count(manifests); i++) {
        if (!md_json_is_object(md_json_at(manifests, i))) {
            return md_err_set(err, MD_ERR_FORMAT, "an entry of the index is not an object");
        }
    }
    return 0;
}

int md_oci_index_pick(const struct json_t *index, const struct md_platform *platform,
                      size_t skip, struct md_descriptor *picked, struct md_err *err)
{
    const struct json_t *manifests = md_json_get(index, "manifests");
    size_t at = SIZE_MAX;
    int rank = INT_MAX;

    if (check_index(manifests, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i <= skip; i++) {
        if (!next_best(manifests, platform, &at, &rank)) {
            return no_match(manifests, platform, err);
        }
    }
    return parse_descriptor(md_json_at(manifests, at), "an entry of the index", MD_MAX_MANIFEST,
                            picked, err);
}

static int parse_config(const struct json_t *config, struct md_descriptor *descriptor,
                        struct md_err *err)
{
    const char *type = md_json_get_text(config, "mediaType");
    char text[SHOWN_SIZE];

    if (!type) {
        return md_err_set(err, MD_ERR_FORMAT, "not an image: the manifest names no config");
    }
    if (strcmp(type, OCI "config.v1+json") != 0 &&
        strcmp(type, DOCKER "container.image.v1+json") != 0) {
        return md_err_set(err, MD_ERR_FORMAT, "not an image: its config is of type \"%s\"",
                          shown(type, text));
    }
    if (parse_descriptor(config, "the config", MD_MAX_CONFIG, descriptor, err) < 0) {
        return -1;
    }
    if (descriptor->digest.alg != MD_SHA256) { /* it becomes the image's id */
        return md_err_set(err, MD_ERR_FORMAT, "the config's digest is no sha256");
    }
    return 0;
}

static int parse_layer(const struct json_t *value, size_t number, struct md_oci_layer *layer,
                       struct md_err *err)
{
    const char *type = md_json_get_text(value, "mediaType");
    char text[SHOWN_SIZE];
    char what[32];

    snprintf(what, sizeof(what), "layer %zu", number);
    if (!type) {
        return md_err_set(err, MD_ERR_FORMAT, "%s has no media type", what);
    }
    for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
        if (strcmp(type, layers[i].type) == 0) {
            layer->compression = layers[i].compression;
            return parse_descriptor(value, what, (int64_t)MD_MAX_BLOB_BYTES, &layer->blob, err);
        }
    }
    return md_err_set(err, MD_ERR_FORMAT, "%s is of type \"%s\", which cannot be unpacked",
                      what, shown(type, text));
}

int md_oci_manifest_parse(const struct json_t *document, struct md_oci_manifest *manifest,
                          struct md_err *err)
{
    const struct json_t *list = md_json_get(document, "layers");
    size_t count = md_json_count(list);

    memset(manifest, 0, sizeof(*manifest));
    if (!md_json_is_array(list)) {
        return md_err_set(err, MD_ERR_FORMAT, "the manifest has no list of layers");
    }
    if (count > MD_MAX_LAYERS) {
        return md_err_set(err, MD_ERR_LIMIT,
                          "the manifest has %zu layers, at most %d are accepted", count,
                          MD_MAX_LAYERS);
    }
    if (parse_config(md_json_get(document, "config"), &manifest->config, err) < 0) {
        return -1;
    }
    manifest->layers = md_xcalloc(count, sizeof(*manifest->layers));
    manifest->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        if (parse_layer(md_json_at(list, i), i + 1, &manifest->layers[i], err) < 0) {
            md_oci_manifest_clear(manifest);
            return -1;
        }
    }
    return 0;
}

void md_oci_manifest_clear(struct md_oci_manifest *manifest)
{
    free(manifest->layers);
    memset(manifest, 0, sizeof(*manifest));
}
