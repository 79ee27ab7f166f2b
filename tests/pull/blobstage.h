/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted registry with one blob, and a network process that is asked for it. */
#ifndef TESTS_PULL_BLOBSTAGE_H
#define TESTS_PULL_BLOBSTAGE_H

#include <stddef.h>

#include "coordinator.h"
#include "faulty.h"

#define LARGE 3000000

/* A registry with an image "a" of no layers, so that blobs can be asked for. */
struct blob_stage {
    struct faulty faulty;
    struct coordinator coordinator;
    struct md_descriptor blob;
    struct pull_patience patience;
    char key[256]; /* "GET /v2/a/blobs/sha256:..." */
};

/* A blob of so many bytes; its answers are for the test to script, under key. */
void blob_stage_open(struct blob_stage *stage, size_t blob_size);
/* Start the server, of one or more listeners, and have the image resolved. */
void blob_stage_start(struct blob_stage *stage, const char *kinds);
void blob_stage_close(struct blob_stage *stage);

/* Fetch the blob: it must come whole, or fail with these words in the error. */
void expect_blob(struct blob_stage *stage);
void expect_failure(struct blob_stage *stage, enum md_err_kind kind, const char *words);

#endif
