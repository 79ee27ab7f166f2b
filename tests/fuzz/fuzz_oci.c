/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes index, manifest and config: an accepted config must read back as it was written. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_config(const struct json_t *document)
{
    struct md_oci_config config;
    struct md_oci_config again;
    struct md_err err = { 0 };
    MD_AUTO_JSON one = NULL;
    MD_AUTO_JSON two = NULL;
    MD_AUTO_FREE char *first = NULL;
    MD_AUTO_FREE char *second = NULL;

    if (md_oci_config_parse(document, &config, &err) < 0) {
        require(err.kind == MD_ERR_FORMAT || err.kind == MD_ERR_LIMIT);
        return;
    }
    one = md_oci_config_json(&config);
    require(md_oci_config_parse(one, &again, &err) == 0);
    two = md_oci_config_json(&again);
    first = md_json_line(one);
    second = md_json_line(two);
    require(strcmp(first, second) == 0);
    md_oci_config_clear(&config);
    md_oci_config_clear(&again);
}

static void check_manifest(const struct json_t *document)
{
    struct md_oci_manifest manifest;
    struct md_err err = { 0 };

    if (md_oci_manifest_parse(document, &manifest, &err) == 0) {
        require(manifest.layer_count <= MD_MAX_LAYERS && manifest.config.digest.alg != 0);
        for (size_t i = 0; i < manifest.layer_count; i++) {
            require(manifest.layers[i].blob.size >= 0 &&
                    manifest.layers[i].blob.digest.alg != 0);
        }
        md_oci_manifest_clear(&manifest);
    }
}

/* Any text may also be an instruction of `import -c`. */
static void check_change(const char *text)
{
    struct md_oci_config config = { 0 };
    struct md_err err = { 0 };

    if (md_oci_config_change(&config, text, &err) < 0) {
        require(err.kind == MD_ERR_USAGE && err.text[0] != '\0');
    }
    md_oci_config_clear(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct md_platform platform = { .os = "linux", .architecture = "amd64" };
    struct md_descriptor picked = { 0 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = md_xstrndup((const char *)bytes, len);
    MD_AUTO_JSON document = md_json_parse((const char *)bytes, len, "fuzz", &err);
    enum md_oci_kind kind = 0;

    check_change(text);
    if (!document) {
        require(err.kind == MD_ERR_FORMAT);
        return 0;
    }
    if (md_oci_kind(document, NULL, &kind, &err) == 0) {
        require(kind == MD_OCI_INDEX || kind == MD_OCI_MANIFEST);
    }
    if (md_oci_index_pick(document, &platform, 0, &picked, &err) == 0) {
        require(picked.digest.alg != 0 && picked.size >= 0);
    }
    check_manifest(document);
    check_config(document);
    return 0;
}
