/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to verified documents, through the network process. */
#include "pull/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "served.h"

static void an_index_leads_to_manifest_config_and_layers(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    serve_all(&stage);
    stage_start(&stage, "plain");
    expect_resolved(&stage);
    assert_string_equal(stage.resolution.last.resolved.served.text,
                        stage.image.index_is.digest.text);
    assert_int_equal(faulty_count(&stage.faulty, NULL), 3);
    assert_int_equal(faulty_count(&stage.faulty,
                                  "vnd.docker.distribution.manifest.list.v2+json",
                                  "vnd.oci.image.index.v1+json", NULL),
                     2);
    stage_close(&stage);
}

static void an_unchanged_tag_costs_one_head_besides_the_token(void **state)
{
    struct stage stage;
    struct pull_resolve order;

    (void)state;
    stage_open(&stage);
    want_token(&stage, "HEAD /v2/org/a/manifests/latest");
    faulty_answer(&stage.faulty, "HEAD /v2/org/a/manifests/latest",
                  "{'headers': {'Docker-Content-Digest': '%s'}}",
                  stage.image.index_is.digest.text);
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret\\\"}'}");
    stage_start(&stage, "plain,plain");
    order = resolve_order("localhost:%d/org/a", stage.faulty.ports[0]);
    order.known = stage.image.index_is.digest;
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    assert_int_equal(stage.resolution.last.tag, PULL_UP_TO_DATE);
    assert_string_equal(stage.resolution.last.resolved.served.text,
                        stage.image.index_is.digest.text);
    assert_int_equal(faulty_count(&stage.faulty, NULL), 3);
    assert_int_equal(faulty_count(&stage.faulty, "GET", NULL), 1);
    stage_close(&stage);
}

static void a_registry_without_head_is_asked_by_get_B19(void **state)
{
    struct stage stage;
    struct pull_resolve order;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, "HEAD /v2/org/a/manifests/latest", "{'status': 405}");
    serve_all(&stage);
    stage_start(&stage, "plain");
    order = resolve_order("localhost:%d/org/a", stage.faulty.ports[0]);
    order.known = stage.image.index_is.digest;
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    assert_int_equal(stage.resolution.last.tag, PULL_RESOLVED);
    stage_close(&stage);
}

static void a_manifest_that_is_not_the_one_asked_for_is_refused_B1(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *spaced = NULL;
    MD_AUTO_FREE char *same_size = NULL;

    (void)state;
    stage_open(&stage);
    spaced = md_xasprintf("%s ", stage.image.manifest);
    same_size = md_xstrdup(stage.image.manifest);
    strstr(same_size, "schemaVersion")[0] = 'x';
    faulty_serve(&stage.faulty, TAG, INDEX_TYPE, stage.image.index);
    serve_digest(&stage, "manifests", &stage.image.manifest_is, MANIFEST_TYPE, spaced);
    serve_digest(&stage, "manifests", &stage.image.manifest_is, MANIFEST_TYPE, same_size);
    serve_below_tag(&stage);
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_DIGEST, "expected");
    expect_failed(&stage, MD_ERR_DIGEST, "expected sha256:");
    stage_close(&stage);
}

static void a_digest_in_the_reference_binds_B1(void **state)
{
    struct stage stage;
    struct pull_resolve order;

    (void)state;
    stage_open(&stage);
    serve_below_tag(&stage);
    serve_digest(&stage, "manifests", &stage.image.index_is, MANIFEST_TYPE,
                 stage.image.manifest);
    stage_start(&stage, "plain");
    order = resolve_order("localhost:%d/org/a:other", stage.faulty.ports[0]);
    order.ref.digest = stage.image.manifest_is.digest;
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    assert_int_equal(stage.resolution.last.tag, PULL_RESOLVED);
    resolution_clear(&stage.resolution);
    order.ref.digest = stage.image.index_is.digest;
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    assert_int_equal(stage.resolution.last.err.kind, MD_ERR_DIGEST);
    stage_close(&stage);
}

static void a_digest_header_that_lies_is_an_error_B2(void **state)
{
    static const char *const claims[] = { DIFF_ID, "garbage", "md5:0123" };

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        struct stage stage;

        stage_open(&stage);
        faulty_answer(&stage.faulty, TAG,
                      "{'headers': {'Docker-Content-Digest': '%s'}, 'body': '{}'}", claims[i]);
        stage_start(&stage, "plain");
        expect_failed(&stage, MD_ERR_DIGEST, "manifest for localhost:");
        stage_close(&stage);
    }
}

static void a_config_that_is_not_the_promised_one_is_refused_B3(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *other = NULL;

    (void)state;
    stage_open(&stage);
    other = md_xstrdup(stage.image.config);
    strstr(other, "/bin/sh")[1] = 'x';
    faulty_serve(&stage.faulty, TAG, MANIFEST_TYPE, stage.image.manifest);
    serve_digest(&stage, "blobs", &stage.image.config_is, "x", other);
    serve_digest(&stage, "blobs", &stage.image.config_is, "x", "{}");
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_DIGEST, "config sha256:");
    expect_failed(&stage, MD_ERR_DIGEST, "got 2 bytes");
    stage_close(&stage);
}

static void a_layer_of_unknown_type_is_refused_before_any_blob_is_fetched_A74(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    image_clear(&stage.image);
    image_make(&stage.image, "amd64", OCI "layer.v1.tar+gzip+encrypted");
    serve_all(&stage);
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_FORMAT, "encrypted");
    assert_int_equal(faulty_count(&stage.faulty, "/blobs/", NULL), 0);
    stage_close(&stage);
}

static void layers_and_diff_ids_must_be_as_many_A73(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    free(stage.image.config);
    free(stage.image.manifest);
    stage.image.config = md_xstrdup("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
                                    "\"type\":\"layers\",\"diff_ids\":[]}}");
    stage.image.config_is = describe(stage.image.config, strlen(stage.image.config));
    stage.image.manifest = make_manifest(&stage.image, OCI "layer.v1.tar");
    faulty_serve(&stage.faulty, TAG, MANIFEST_TYPE, stage.image.manifest);
    serve_below_tag(&stage);
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_FORMAT, "0 diff ids");
    stage_close(&stage);
}

static void an_image_of_another_platform_is_an_error_when_one_was_asked_for_B40(void **state)
{
    struct stage stage;
    struct pull_resolve order;

    (void)state;
    stage_open(&stage);
    image_clear(&stage.image);
    image_make(&stage.image, "arm64", OCI "layer.v1.tar");
    faulty_serve(&stage.faulty, TAG, MANIFEST_TYPE, stage.image.manifest);
    serve_below_tag(&stage);
    stage_start(&stage, "plain");
    expect_resolved(&stage);
    resolution_clear(&stage.resolution);
    order = resolve_order("localhost:%d/org/a", stage.faulty.ports[0]);
    order.platform_asked = true;
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    assert_int_equal(stage.resolution.last.err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(stage.resolution.last.err.text, "linux/arm64"));
    stage_close(&stage);
}

static void indexes_within_indexes_come_to_an_end_B39(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    serve_below_tag(&stage);
    for (int i = 0; i < 6; i++) {
        struct image *image = &stage.image;
        char *outer = make_index(&image->index_is, INDEX_TYPE);

        serve_digest(&stage, "manifests", &image->index_is, INDEX_TYPE, image->index);
        free(image->index);
        image->index = outer;
        image->index_is = describe(outer, strlen(outer));
    }
    faulty_serve(&stage.faulty, TAG, INDEX_TYPE, stage.image.index);
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_LIMIT, "nested deeper");
    stage_close(&stage);
}

static void a_manifest_without_end_is_cut_off_B13_B34(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, TAG, "{'fill': 100000, 'endless': true}");
    stage_start(&stage, "plain");
    expect_failed(&stage, MD_ERR_LIMIT, "more than 4194304 bytes");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_leads_to_manifest_config_and_layers),
        cmocka_unit_test(an_unchanged_tag_costs_one_head_besides_the_token),
        cmocka_unit_test(a_registry_without_head_is_asked_by_get_B19),
        cmocka_unit_test(a_manifest_that_is_not_the_one_asked_for_is_refused_B1),
        cmocka_unit_test(a_digest_in_the_reference_binds_B1),
        cmocka_unit_test(a_digest_header_that_lies_is_an_error_B2),
        cmocka_unit_test(a_config_that_is_not_the_promised_one_is_refused_B3),
        cmocka_unit_test(a_layer_of_unknown_type_is_refused_before_any_blob_is_fetched_A74),
        cmocka_unit_test(layers_and_diff_ids_must_be_as_many_A73),
        cmocka_unit_test(an_image_of_another_platform_is_an_error_when_one_was_asked_for_B40),
        cmocka_unit_test(indexes_within_indexes_come_to_an_end_B39),
        cmocka_unit_test(a_manifest_without_end_is_cut_off_B13_B34),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
