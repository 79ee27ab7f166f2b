/* SPDX-License-Identifier: Apache-2.0 */
/* An image of one layer, served by the scripted server and resolved by the network process. */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

char *make_manifest(const struct image *image, const char *layer_type)
{
    return md_xasprintf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":"
                        "\"" OCI "config.v1+json\",\"digest\":\"%s\",\"size\":%d},\"layers\":[{"
                        "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}]}",
                        MANIFEST_TYPE, image->config_is.digest.text, (int)image->config_is.size,
                        layer_type, image->layer_is.digest.text, (int)image->layer_is.size);
}

char *make_index(const struct md_descriptor *entry, const char *type)
{
    return md_xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[{\"mediaType\":"
        "\"%s\",\"digest\":\"%s\",\"size\":%d,\"platform\":{\"os\":\"linux\","
        "\"architecture\":\"amd64\"}}]}",
        INDEX_TYPE, type, entry->digest.text, (int)entry->size);
}

void image_make(struct image *image, const char *architecture, const char *layer_type)
{
    image->config =
        md_xasprintf("{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{\"Cmd\":["
                     "\"/bin/sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
                     "\"%s\"]}}",
                     architecture, DIFF_ID);
    image->config_is = describe(image->config, strlen(image->config));
    image->layer_is = describe_fill(LAYER_SIZE);
    image->manifest = make_manifest(image, layer_type);
    image->manifest_is = describe(image->manifest, strlen(image->manifest));
    image->index = make_index(&image->manifest_is, MANIFEST_TYPE);
    image->index_is = describe(image->index, strlen(image->index));
}

void image_clear(struct image *image)
{
    free(image->config);
    free(image->manifest);
    free(image->index);
}

void serve_digest(struct stage *stage, const char *kind, const struct md_descriptor *name,
                  const char *type, const char *body)
{
    MD_AUTO_FREE char *key = md_xasprintf("GET /v2/org/a/%s/%s", kind, name->digest.text);

    faulty_serve(&stage->faulty, key, type, body);
}

void stage_open(struct stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    faulty_open(&stage->faulty);
    image_make(&stage->image, "amd64", OCI "layer.v1.tar+gzip");
}

void serve_below_tag(struct stage *stage)
{
    serve_digest(stage, "manifests", &stage->image.manifest_is, MANIFEST_TYPE,
                 stage->image.manifest);
    serve_digest(stage, "blobs", &stage->image.config_is, "application/octet-stream",
                 stage->image.config);
}

void serve_all(struct stage *stage)
{
    faulty_serve(&stage->faulty, TAG, INDEX_TYPE, stage->image.index);
    serve_below_tag(stage);
}

void stage_start(struct stage *stage, const char *kinds)
{
    faulty_start(&stage->faulty, kinds);
    coordinator_open(&stage->coordinator);
}

enum pull_tag stage_resolve(struct stage *stage)
{
    struct pull_resolve order = resolve_order("localhost:%d/org/a", stage->faulty.ports[0]);

    coordinator_resolve(&stage->coordinator, &order, &stage->resolution);
    return stage->resolution.last.tag;
}

void stage_close(struct stage *stage)
{
    resolution_clear(&stage->resolution);
    if (stage->coordinator.pid) {
        coordinator_close(&stage->coordinator);
    }
    image_clear(&stage->image);
    faulty_close(&stage->faulty);
}

void expect_resolved(struct stage *stage)
{
    const struct resolution *resolution = &stage->resolution;
    enum pull_tag tag = stage_resolve(stage);

    assert_string_equal(tag == PULL_FAILED ? resolution->last.err.text : "", "");
    assert_int_equal(tag, PULL_RESOLVED);
    assert_string_equal(resolution->documents[PULL_MANIFEST], stage->image.manifest);
    assert_string_equal(resolution->documents[PULL_CONFIG], stage->image.config);
    assert_non_null(strstr(resolution->documents[PULL_IMAGE], "/bin/sh"));
    assert_int_equal(resolution->layer_count, 1);
    assert_int_equal(resolution->last.resolved.layer_count, 1);
    assert_string_equal(resolution->layers[0].layer.blob.digest.text,
                        stage->image.layer_is.digest.text);
    assert_string_equal(resolution->layers[0].diff_id.text, DIFF_ID);
    assert_string_equal(resolution->last.resolved.manifest.text,
                        stage->image.manifest_is.digest.text);
    assert_string_equal(resolution->last.resolved.config.text,
                        stage->image.config_is.digest.text);
}

void expect_failed(struct stage *stage, enum md_err_kind kind, const char *words)
{
    assert_int_equal(stage_resolve(stage), PULL_FAILED);
    assert_int_equal(stage->resolution.last.ring, PULL_RINGS);
    if (!strstr(stage->resolution.last.err.text, words)) {
        assert_string_equal(stage->resolution.last.err.text, words);
    }
    assert_int_equal(stage->resolution.last.err.kind, kind);
}

/* The registry wants a token, which the second listener gives. */
void want_token(struct stage *stage, const char *key)
{
    faulty_answer(
        &stage->faulty, key,
        "{'status': 401, 'headers': {'WWW-Authenticate': 'Bearer "
        "realm=\\\"@1@/token\\\",service=\\\"s\\\",scope=\\\"repository:other:push\\\"'}}");
}
