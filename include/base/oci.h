/* SPDX-License-Identifier: Apache-2.0 */
/* OCI and Docker image documents: index, manifest, config; parsed into bounded structs. */
#ifndef MD_BASE_OCI_H
#define MD_BASE_OCI_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/list.h"
#include "base/platform.h"

/* What a document turned out to be: by its mediaType, Content-Type and members together. */
enum md_oci_kind { MD_OCI_INDEX = 1, MD_OCI_MANIFEST };

enum md_compression { MD_PLAIN = 0, MD_GZIP, MD_ZSTD };

/* A descriptor as far as a pull needs it. Plain value. */
struct md_descriptor {
    struct md_digest digest;
    int64_t size; /* bytes, 0 <= size <= the limit of its kind */
};

/* One layer of a manifest. Plain value. */
struct md_oci_layer {
    struct md_descriptor blob;
    enum md_compression compression; /* as its media type says */
};

struct md_oci_manifest {
    struct md_descriptor config;
    struct md_oci_layer *layers;
    size_t layer_count;
};

/*
 * Decide what the document is. content_type may be NULL or have parameters.
 *
 * Errors: MD_ERR_FORMAT  schema 1, an artifact, ambiguous (both layers and manifests), or the
 *                        mediaType member and Content-Type name different kinds
 * Source: OCI image-spec manifest.md, image-index.md; Docker manifest v2 schema 2.
 */
MD_MUST_CHECK
int md_oci_kind(const struct json_t *document, const char *content_type, enum md_oci_kind *kind,
                struct md_err *err);

/*
 * The entry of an index that serves platform best, or with skip the one that comes skip places
 * after it; attestations (unknown/unknown) are skipped, the first of equals wins; entries of
 * unknown media types are ignored. Entries that are themselves indexes come after all
 * manifests: only with skip is each of them looked into.
 *
 * Errors: MD_ERR_NOT_FOUND  none matches; the text lists what there is
 *         MD_ERR_FORMAT, MD_ERR_LIMIT
 */
MD_MUST_CHECK
int md_oci_index_pick(const struct json_t *index, const struct md_platform *platform,
                      size_t skip, struct md_descriptor *picked, struct md_err *err);

/*
 * Errors: MD_ERR_FORMAT  malformed, not an image, or a layer of a media type that cannot be
 *                        unpacked, named in the text; MD_ERR_LIMIT
 */
MD_MUST_CHECK
int md_oci_manifest_parse(const struct json_t *document, struct md_oci_manifest *manifest,
                          struct md_err *err);
void md_oci_manifest_clear(struct md_oci_manifest *manifest);

/*
 * An image config: what minidock uses of it. The same struct is read from a registry's config
 * and from our own image.json, which md_oci_config_json() writes.
 */
struct md_oci_config {
    struct md_platform platform;
    char created[64]; /* RFC 3339 or "" */
    char *author;     /* NULL when absent; so are the other char pointers */
    char *comment;
    struct md_digest *diff_ids;
    size_t diff_id_count;
    struct md_list env;
    struct md_list entrypoint;
    struct md_list cmd;
    char *user;
    char *working_dir;
    char *stop_signal;
    struct md_list on_build;
    struct json_t *healthcheck;   /* object of "Test", "Interval" ..., or NULL */
    struct json_t *labels;        /* object of strings, or NULL */
    struct json_t *exposed_ports; /* object "80/tcp": {}, or NULL */
    struct json_t *volumes;       /* object "/data": {}, or NULL */
    struct json_t *history;       /* array, bounded and only of known members, or NULL */
};

/* Errors: MD_ERR_FORMAT, MD_ERR_LIMIT. Unknown members are ignored. */
MD_MUST_CHECK
int md_oci_config_parse(const struct json_t *document, struct md_oci_config *config,
                        struct md_err *err);

/* As a config document ("architecture", "os", "config": {"Env": ...}, "rootfs": ...). */
struct json_t *md_oci_config_json(const struct md_oci_config *config);
void md_oci_config_clear(struct md_oci_config *config);

/*
 * Apply one instruction as `docker import -c` takes it: CMD, ENTRYPOINT, ENV, EXPOSE,
 * HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR; JSON and shell forms.
 *
 * Errors: MD_ERR_USAGE  unknown or malformed, naming it
 */
MD_MUST_CHECK
int md_oci_config_change(struct md_oci_config *config, const char *instruction,
                         struct md_err *err);

#endif
