/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/oci.c. */
#include "base/oci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define INDEX OCI "index.v1+json"
#define MANIFEST OCI "manifest.v1+json"
#define LIST DOCKER "distribution.manifest.list.v2+json"
#define SCHEMA2 DOCKER "distribution.manifest.v2+json"
#define CONFIG "{'mediaType':'" OCI "config.v1+json','size':10,'digest':'sha256:" HEX64 "'}"

/* Parse JSON written with ' for ". */
static struct json_t *parse(const char *text)
{
    MD_AUTO_FREE char *copy = md_xstrdup(text);
    struct md_err err = { 0 };
    struct json_t *value;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    value = md_json_parse(copy, strlen(copy), "test", &err);
    if (!value) {
        fail_msg("%s", err.text);
    }
    return value;
}

static const struct {
    const char *document;
    const char *content_type;
    enum md_oci_kind kind; /* 0: refused */
} kinds[] = {
    { "{'schemaVersion':2,'manifests':[]}", NULL, MD_OCI_INDEX },
    { "{'schemaVersion':2,'config':{},'layers':[]}", NULL, MD_OCI_MANIFEST },
    { "{'config':{},'layers':[]}", NULL, MD_OCI_MANIFEST },
    { "{'schemaVersion':2,'manifests':[]}", INDEX, MD_OCI_INDEX },
    { "{'schemaVersion':2,'manifests':[]}", LIST, MD_OCI_INDEX },
    { "{'schemaVersion':2,'config':{},'layers':[]}", MANIFEST, MD_OCI_MANIFEST },
    { "{'schemaVersion':2,'config':{},'layers':[]}", SCHEMA2, MD_OCI_MANIFEST },
    { "{'schemaVersion':2,'config':{},'layers':[]}", SCHEMA2 "; charset=utf-8",
      MD_OCI_MANIFEST },
    { "{'schemaVersion':2,'config':{},'layers':[]}",
      "Application/VND.oci.image.manifest.v1+JSON;x=y", MD_OCI_MANIFEST },
    { "{'mediaType':'" MANIFEST "','config':{},'layers':[]}", SCHEMA2, MD_OCI_MANIFEST },
    /* B41: another Content-Type counts only with a document that names its own. */
    { "{'mediaType':'" MANIFEST "','config':{},'layers':[]}", "text/plain", MD_OCI_MANIFEST },
    { "{'mediaType':'" INDEX "','manifests':[]}", "", MD_OCI_INDEX },
    { "{'config':{},'layers':[]}", "text/plain", 0 },
    { "{'config':{},'layers':[]}", "application/octet-stream", 0 },
    { "{'config':{},'layers':[]}", "", 0 },
    /* B36: types and members that do not agree. */
    { "{'schemaVersion':2,'config':{},'layers':[]}", INDEX, 0 },
    { "{'schemaVersion':2,'manifests':[]}", MANIFEST, 0 },
    { "{'mediaType':'" INDEX "','config':{},'layers':[]}", NULL, 0 },
    { "{'mediaType':'" INDEX "','config':{},'layers':[]}", MANIFEST, 0 },
    { "{'mediaType':'" MANIFEST "','manifests':[]}", INDEX, 0 },
    { "{'manifests':[],'layers':[]}", NULL, 0 },
    { "{'manifests':[],'layers':null}", NULL, 0 },
    { "{'manifests':[],'config':{}}", NULL, 0 },
    { "{'manifests':[],'config':{},'layers':[]}", INDEX, 0 },
    { "{'layers':[],'fsLayers':[]}", NULL, 0 },
    /* B35: members that Go would take for these. */
    { "{'manifests':[],'Layers':[]}", NULL, 0 },
    { "{'layers':[],'config':{},'MANIFESTS':[]}", NULL, 0 },
    { "{'layers':[],'config':{},'mediatype':'x'}", NULL, 0 },
    /* B37: schema 1. */
    { "{'schemaVersion':1,'fsLayers':[]}", NULL, 0 },
    { "{'schemaVersion':1,'layers':[],'config':{}}", SCHEMA2, 0 },
    { "{'schemaVersion':2,'fsLayers':[]}", SCHEMA2, 0 },
    { "{'layers':[],'config':{}}", DOCKER "distribution.manifest.v1+prettyjws", 0 },
    { "{'mediaType':'" DOCKER "distribution.manifest.v1+json','layers':[]}", NULL, 0 },
    { "{'schemaVersion':3,'manifests':[]}", NULL, 0 },
    { "{'schemaVersion':'2','manifests':[]}", NULL, 0 },
    { "{'schemaVersion':2.0,'manifests':[]}", NULL, 0 },
    /* B42: artifacts and the like. */
    { "{'artifactType':'application/x','config':{},'layers':[]}", MANIFEST, 0 },
    { "{'mediaType':'application/vnd.oci.artifact.manifest.v1+json','blobs':[]}", NULL, 0 },
    { "{'mediaType':7,'layers':[]}", NULL, 0 },
    { "{'artifactType':'application/x','manifests':[]}", INDEX, MD_OCI_INDEX },
    { "{'manifests':{}}", NULL, 0 },
    { "{'layers':'x','config':{}}", NULL, 0 },
    { "{}", MANIFEST, 0 },
    { "[]", NULL, 0 },
    { "'x'", NULL, 0 },
    { "null", NULL, 0 },
};

static void the_kind_follows_from_type_and_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        MD_AUTO_JSON document = parse(kinds[i].document);
        struct md_err err = { 0 };
        enum md_oci_kind kind = 0;
        int result = md_oci_kind(document, kinds[i].content_type, &kind, &err);

        if ((result == 0) != (kinds[i].kind != 0) || kind != kinds[i].kind) {
            fail_msg("row %zu: %s, %s: %s", i, kinds[i].document, kinds[i].content_type,
                     err.text);
        }
        if (result < 0) {
            assert_int_equal(err.kind, MD_ERR_FORMAT);
        }
    }
}

static void b37_schema_1_is_refused_in_clear_words(void **state)
{
    MD_AUTO_JSON document = parse("{'schemaVersion':1,'fsLayers':[]}");
    struct md_err err = { 0 };
    enum md_oci_kind kind;

    (void)state;
    assert_int_equal(md_oci_kind(document, SCHEMA2, &kind, &err), -1);
    assert_non_null(strstr(err.text, "schema 1"));
}

#define ENTRY(type, digit, platform)                                                           \
    "{'mediaType':'" type "','size':" digit ",'digest':'sha256:" HEX64 "'" platform "}"
#define ON(platform) ",'platform':{" platform "}"
#define AMD64 ON("'os':'linux','architecture':'amd64'")
#define ARM64 ON("'os':'linux','architecture':'arm64','variant':'v8'")
#define ARM(v) ON("'os':'linux','architecture':'arm','variant':'" v "'")
#define UNKNOWN ON("'os':'unknown','architecture':'unknown'")

/* The size of the entry that is picked (each has another), or minus the error's kind. */
static int64_t pick(const char *entries, const char *wanted, struct md_err *err)
{
    MD_AUTO_FREE char *text = md_xasprintf("{'manifests':[%s]}", entries);
    MD_AUTO_JSON index = parse(text);
    struct md_platform platform = { 0 };
    struct md_descriptor picked = { 0 };

    assert_int_equal(md_platform_parse(wanted, &platform, err), 0);
    if (md_oci_index_pick(index, &platform, 0, &picked, err) < 0) {
        return -(int64_t)err->kind;
    }
    assert_string_equal(picked.digest.text, "sha256:" HEX64);
    return picked.size;
}

static const struct {
    const char *entries;
    const char *wanted;
    int64_t size;
} picks[] = {
    { ENTRY(MANIFEST, "1", AMD64) "," ENTRY(MANIFEST, "2", ARM64), "linux/arm64", 2 },
    { ENTRY(SCHEMA2, "1", AMD64) "," ENTRY(SCHEMA2, "2", ARM64), "linux/amd64", 1 },
    { ENTRY(MANIFEST, "1", AMD64) "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 1 },
    { ENTRY(MANIFEST, "1", ARM("v5")) "," ENTRY(MANIFEST, "2", ARM("v7")), "linux/arm/v7", 2 },
    { ENTRY(MANIFEST, "1", ARM("v5")) "," ENTRY(MANIFEST, "2", ARM("v6")), "linux/arm/v7", 2 },
    { ENTRY(MANIFEST, "1", ARM("v7")), "linux/arm/v6", -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "1", UNKNOWN) "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY(MANIFEST, "1", UNKNOWN), "linux/amd64", -MD_ERR_NOT_FOUND },
    { ENTRY("application/x", "1", AMD64) "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY("application/x", "1", AMD64), "linux/amd64", -MD_ERR_NOT_FOUND },
    { "", "linux/amd64", -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "1", ""), "linux/amd64", 1 },
    { ENTRY(MANIFEST, "1", "") "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY(MANIFEST, "1", ON("'os':'linux','architecture':7")), "linux/amd64",
      -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "1", ",'platform':'x'"), "linux/amd64", -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "1",
            ON("'os':'linux','architecture':'amd640123456789012345678901234567'")),
      "linux/amd64", -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "1", ON("'os':'linux','architecture':'amd64','os.version':'5','x':[]")),
      "linux/amd64", 1 },
    { ENTRY(MANIFEST, "1", ",'artifactType':'application/x'") "," ENTRY(MANIFEST, "2", ""),
      "linux/amd64", 2 },
    /* B39: an index inside the index, only if there is no manifest. */
    { ENTRY(INDEX, "1", AMD64) "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY(INDEX, "1", AMD64) "," ENTRY(MANIFEST, "2", ""), "linux/amd64", 2 },
    { ENTRY(INDEX, "1", "") "," ENTRY(MANIFEST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY(INDEX, "1", "") "," ENTRY(MANIFEST, "2", ARM64), "linux/amd64", 1 },
    { ENTRY(INDEX, "1", ARM64) "," ENTRY(LIST, "2", AMD64), "linux/amd64", 2 },
    { ENTRY(INDEX, "1", ARM64), "linux/amd64", -MD_ERR_NOT_FOUND },
    { ENTRY(MANIFEST, "4194304", AMD64), "linux/amd64", 4194304 },
    { ENTRY(MANIFEST, "4194305", AMD64), "linux/amd64", -MD_ERR_LIMIT },
    { ENTRY(MANIFEST, "-1", AMD64), "linux/amd64", -MD_ERR_FORMAT },
    { ENTRY(MANIFEST, "1.0", AMD64), "linux/amd64", -MD_ERR_FORMAT },
    { ENTRY(MANIFEST, "'1'", AMD64), "linux/amd64", -MD_ERR_FORMAT },
    { "{'mediaType':'" MANIFEST "','size':1" AMD64 "}", "linux/amd64", -MD_ERR_FORMAT },
    { "{'mediaType':'" MANIFEST "','size':1,'digest':'sha256:../../x'" AMD64 "}", "linux/amd64",
      -MD_ERR_FORMAT },
    { "7", "linux/amd64", -MD_ERR_FORMAT },
};

static void b38_the_best_entry_of_an_index_is_picked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(picks) / sizeof(*picks); i++) {
        struct md_err err = { 0 };
        int64_t size = pick(picks[i].entries, picks[i].wanted, &err);

        if (size != picks[i].size) {
            fail_msg("row %zu: %lld: %s", i, (long long)size, err.text);
        }
    }
}

static void b38_no_match_lists_what_there_is(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    pick(ENTRY(MANIFEST, "1", AMD64) "," ENTRY(MANIFEST, "1",
                                               ARM("v7")) "," ENTRY(MANIFEST, "1", UNKNOWN),
         "linux/s390x", &err);
    assert_non_null(strstr(err.text, "linux/s390x"));
    assert_non_null(strstr(err.text, "linux/amd64, linux/arm/v7"));
    assert_null(strstr(err.text, "unknown"));
}

static void b39_a_wide_index_is_a_limit_error(void **state)
{
    struct md_buf buf = { 0 };
    struct md_err err = { 0 };

    (void)state;
    for (int i = 0; i < MD_MAX_INDEX_ENTRIES + 1; i++) {
        md_buf_printf(&buf, "%s%s", i ? "," : "", ENTRY(MANIFEST, "1", ARM64));
    }
    assert_int_equal(pick(buf.data, "linux/amd64", &err), -MD_ERR_LIMIT);
    md_buf_clear(&buf);
}

/* The error's kind of a manifest with this config and these layers. */
static enum md_err_kind manifest_error(const char *config, const char *layers,
                                       struct md_err *err)
{
    MD_AUTO_FREE char *text = md_xasprintf("{'config':%s,'layers':%s}", config, layers);
    MD_AUTO_JSON document = parse(text);
    struct md_oci_manifest manifest = { 0 };

    *err = (struct md_err){ 0 };
    if (md_oci_manifest_parse(document, &manifest, err) == 0) {
        md_oci_manifest_clear(&manifest);
    }
    assert_null(manifest.layers);
    return err->kind;
}

static void every_layer_type_has_its_compression(void **state)
{
    static const struct {
        const char *type;
        int compression; /* -1: refused */
    } rows[] = {
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
        { OCI "layer.v1.tar+encrypted", -1 },
        { OCI "layer.v1.tar+gzip+encrypted", -1 },
        { OCI "layer.v1.tar+GZIP", -1 },
        { OCI "layer.v1.tar+gzip ", -1 },
        { "application/vnd.cncf.helm.chart.content.v1.tar+gzip", -1 },
        { "application/wasm", -1 },
        { "application/octet-stream", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        MD_AUTO_FREE char *text = md_xasprintf(
            "{'config':" CONFIG ",'layers':[" ENTRY("%s", "5", "") "]}", rows[i].type);
        MD_AUTO_JSON document = parse(text);
        struct md_oci_manifest manifest = { 0 };
        struct md_err err = { 0 };
        int result = md_oci_manifest_parse(document, &manifest, &err);

        if ((result == 0) != (rows[i].compression >= 0)) {
            fail_msg("%s: %s", rows[i].type, err.text);
        }
        if (result < 0) {
            assert_int_equal(err.kind, MD_ERR_FORMAT);
            assert_non_null(strstr(err.text, rows[i].type));
            assert_non_null(strstr(err.text, "layer 1"));
            continue;
        }
        assert_int_equal(manifest.layer_count, 1);
        assert_int_equal(manifest.layers[0].compression, rows[i].compression);
        assert_int_equal(manifest.layers[0].blob.size, 5);
        assert_int_equal(manifest.config.size, 10);
        md_oci_manifest_clear(&manifest);
    }
}

static void b42_what_is_no_image_is_named(void **state)
{
    static const char *const types[] = {
        "application/vnd.oci.empty.v1+json",
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.wasm.config.v0+json",
    };
    struct md_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        MD_AUTO_FREE char *config = md_xasprintf(ENTRY("%s", "2", ""), types[i]);

        assert_int_equal(manifest_error(config, "[]", &err), MD_ERR_FORMAT);
        assert_non_null(strstr(err.text, "not an image"));
        assert_non_null(strstr(err.text, types[i]));
    }
    assert_int_equal(manifest_error("null", "[]", &err), MD_ERR_FORMAT);
    assert_int_equal(manifest_error("{}", "[]", &err), MD_ERR_FORMAT);
}

static void descriptors_have_digest_and_size(void **state)
{
#define LAYER(size, digest) "[{'mediaType':'" OCI "layer.v1.tar'," size digest "}]"
#define DIGEST ",'digest':'sha256:" HEX64 "'"
    static const struct {
        const char *layers;
        enum md_err_kind kind;
    } rows[] = {
        { "[]", MD_ERR_NONE },
        { LAYER("'size':0", DIGEST), MD_ERR_NONE },
        { LAYER("'size':1099511627776", DIGEST), MD_ERR_NONE },
        { LAYER("'size':1099511627777", DIGEST), MD_ERR_LIMIT },
        { LAYER("'size':9223372036854775807", DIGEST), MD_ERR_LIMIT },
        { LAYER("'size':-1", DIGEST), MD_ERR_FORMAT },
        { LAYER("'size':1e2", DIGEST), MD_ERR_FORMAT },
        { LAYER("'size':1.5", DIGEST), MD_ERR_FORMAT },
        { LAYER("'size':'1'", DIGEST), MD_ERR_FORMAT },
        { LAYER("'size':null", DIGEST), MD_ERR_FORMAT },
        { LAYER("'x':1", DIGEST), MD_ERR_FORMAT },
        { LAYER("'size':1", ""), MD_ERR_FORMAT },
        { LAYER("'size':1", ",'digest':7"), MD_ERR_FORMAT },
        { LAYER("'size':1", ",'digest':'sha256:'"), MD_ERR_FORMAT },
        { LAYER("'size':1", ",'digest':'sha256:../../../etc/x'"), MD_ERR_FORMAT },
        { "[7]", MD_ERR_FORMAT },
        { "[null]", MD_ERR_FORMAT },
        { "[{}]", MD_ERR_FORMAT },
        { "{}", MD_ERR_FORMAT },
        { "null", MD_ERR_FORMAT },
    };
    struct md_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (manifest_error(CONFIG, rows[i].layers, &err) != rows[i].kind) {
            fail_msg("%s: %d %s", rows[i].layers, err.kind, err.text);
        }
    }
    assert_int_equal(manifest_error(ENTRY(OCI "config.v1+json", "4194305", ""), "[]", &err),
                     MD_ERR_LIMIT);
    assert_int_equal(
        manifest_error(ENTRY(DOCKER "container.image.v1+json", "4194304", ""), "[]", &err),
        MD_ERR_NONE);
}

static void b34_too_many_layers_are_a_limit_error(void **state)
{
    struct md_buf buf = { 0 };
    struct md_err err;

    (void)state;
    md_buf_printf(&buf, "[");
    for (int i = 0; i < MD_MAX_LAYERS + 1; i++) {
        md_buf_printf(&buf, "%s%s", i ? "," : "", ENTRY(OCI "layer.v1.tar", "1", ""));
    }
    md_buf_printf(&buf, "]");
    assert_int_equal(manifest_error(CONFIG, buf.data, &err), MD_ERR_LIMIT);
    md_buf_clear(&buf);
}

static void a_config_with_another_digest_than_sha256_is_refused(void **state)
{
    static const char text[] =
        "{\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":2,"
        "\"digest\":\"sha512:" HEX64 HEX64 "\"},\"layers\":[]}";
    struct md_err err = { 0 };
    struct md_oci_manifest manifest = { 0 };
    MD_AUTO_JSON document = md_json_parse(text, sizeof(text) - 1, "manifest", &err);

    (void)state;
    assert_non_null(document);
    assert_int_equal(md_oci_manifest_parse(document, &manifest, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    md_oci_manifest_clear(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_config_with_another_digest_than_sha256_is_refused),
        cmocka_unit_test(the_kind_follows_from_type_and_members),
        cmocka_unit_test(b37_schema_1_is_refused_in_clear_words),
        cmocka_unit_test(b38_the_best_entry_of_an_index_is_picked),
        cmocka_unit_test(b38_no_match_lists_what_there_is),
        cmocka_unit_test(b39_a_wide_index_is_a_limit_error),
        cmocka_unit_test(every_layer_type_has_its_compression),
        cmocka_unit_test(b42_what_is_no_image_is_named),
        cmocka_unit_test(descriptors_have_digest_and_size),
        cmocka_unit_test(b34_too_many_layers_are_a_limit_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
