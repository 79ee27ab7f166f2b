/* SPDX-License-Identifier: Apache-2.0 */
/* An image of one layer, served by the scripted server and resolved by the network process. */
#ifndef TESTS_PULL_SERVED_H
#define TESTS_PULL_SERVED_H

#include "coordinator.h"
#include "faulty.h"

#define OCI "application/vnd.oci.image."
#define MANIFEST_TYPE OCI "manifest.v1+json"
#define INDEX_TYPE OCI "index.v1+json"
#define LAYER_SIZE 5000
#define TAG "GET /v2/org/a/manifests/latest"
#define DIFF_ID "sha256:0000000000000000000000000000000000000000000000000000000000000001"

/* One image of one layer, its documents to be changed before they are served. */
struct image {
    char *config;
    char *manifest;
    char *index;
    struct md_descriptor config_is;
    struct md_descriptor manifest_is;
    struct md_descriptor index_is;
    struct md_descriptor layer_is;
};

/* Serves the image as localhost:PORT/org/a. */
struct stage {
    struct faulty faulty;
    struct coordinator coordinator;
    struct image image;
    struct resolution resolution;
};

char *make_manifest(const struct image *image, const char *layer_type);
char *make_index(const struct md_descriptor *entry, const char *type);
void image_make(struct image *image, const char *architecture, const char *layer_type);
void image_clear(struct image *image);
void serve_digest(struct stage *stage, const char *kind, const struct md_descriptor *name,
                  const char *type, const char *body);
void stage_open(struct stage *stage);
void serve_below_tag(struct stage *stage);
void serve_all(struct stage *stage);
void stage_start(struct stage *stage, const char *kinds);
enum pull_tag stage_resolve(struct stage *stage);
void stage_close(struct stage *stage);
void expect_resolved(struct stage *stage);
void expect_failed(struct stage *stage, enum md_err_kind kind, const char *words);
void want_token(struct stage *stage, const char *key);

#endif
