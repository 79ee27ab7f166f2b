/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted registry with one blob. */
#include "blobstage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define CONFIG                                                                                 \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","            \
    "\"diff_ids\":[]}}"

void blob_stage_open(struct blob_stage *stage, size_t blob_size)
{
    struct md_descriptor config = describe(CONFIG, strlen(CONFIG));
    MD_AUTO_FREE char *manifest = md_xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
        "\"%s\",\"size\":%d},\"layers\":[]}",
        config.digest.text, (int)config.size);
    MD_AUTO_FREE char *key = md_xasprintf("GET /v2/a/blobs/%s", config.digest.text);

    memset(stage, 0, sizeof(*stage));
    stage->patience.pause_ms = 5;
    faulty_open(&stage->faulty);
    faulty_serve(&stage->faulty, "GET /v2/a/manifests/latest",
                 "application/vnd.oci.image.manifest.v1+json", manifest);
    faulty_serve(&stage->faulty, key, "application/octet-stream", CONFIG);
    stage->blob = describe_fill(blob_size);
    snprintf(stage->key, sizeof(stage->key), "GET /v2/a/blobs/%s", stage->blob.digest.text);
}

void blob_stage_start(struct blob_stage *stage, const char *kinds)
{
    struct pull_resolve order;
    struct resolution resolution;

    faulty_start(&stage->faulty, kinds);
    coordinator_open(&stage->coordinator);
    order = resolve_order("localhost:%d/a", stage->faulty.ports[0]);
    order.patience = stage->patience;
    coordinator_resolve(&stage->coordinator, &order, &resolution);
    assert_string_equal(resolution.last.tag == PULL_FAILED ? resolution.last.err.text : "", "");
    assert_int_equal(resolution.last.tag, PULL_RESOLVED);
    resolution_clear(&resolution);
}

void blob_stage_close(struct blob_stage *stage)
{
    coordinator_close(&stage->coordinator);
    faulty_close(&stage->faulty);
}

void expect_blob(struct blob_stage *stage)
{
    uint64_t total = 0;
    struct md_digest digest;
    struct pull_message message;

    coordinator_fetch(&stage->coordinator, 0, &stage->blob, 0);
    digest = coordinator_drain(&stage->coordinator, 0, &total);
    message = coordinator_receive(&stage->coordinator);
    assert_string_equal(message.tag == PULL_FAILED ? message.err.text : "", "");
    assert_int_equal(message.tag, PULL_FETCHED);
    assert_int_equal(message.ring, 0);
    assert_int_equal(total, stage->blob.size);
    assert_string_equal(digest.text, stage->blob.digest.text);
}

void expect_failure(struct blob_stage *stage, enum md_err_kind kind, const char *words)
{
    struct md_digest digest;
    struct pull_message message;

    coordinator_fetch(&stage->coordinator, 0, &stage->blob, 0);
    digest = coordinator_drain(&stage->coordinator, 0, NULL);
    message = coordinator_receive(&stage->coordinator);
    assert_int_equal(digest.alg, 0);
    assert_int_equal(message.tag, PULL_FAILED);
    assert_int_equal(message.ring, 0);
    assert_int_equal(message.err.kind, kind);
    if (!strstr(message.err.text, words)) {
        assert_string_equal(message.err.text, words);
    }
    assert_non_null(strstr(message.err.text, stage->blob.digest.text));
}
