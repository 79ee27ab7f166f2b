/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes references: what is accepted has one full form and one store name. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/platform.h"
#include "base/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* Typed again in its full form, it is the same reference. */
static void check_full_form(const struct md_ref *ref)
{
    char full[MD_REF_TEXT_SIZE];
    char again[MD_REF_TEXT_SIZE];
    struct md_ref other = { 0 };
    struct md_err err = { 0 };

    md_ref_full(ref, full);
    require(md_ref_parse(full, &other, &err) == 0);
    md_ref_full(&other, again);
    require(strcmp(full, again) == 0);
    md_ref_familiar(ref, again);
    require(md_ref_parse(again, &other, &err) == 0);
    md_ref_full(&other, again);
    require(strcmp(full, again) == 0);
}

static void check_store_name(const struct md_ref *ref)
{
    char name[MD_REF_TEXT_SIZE];
    char again[MD_REF_TEXT_SIZE];
    struct md_ref other = { 0 };

    md_ref_store_name(ref, name);
    require(strlen(name) <= MD_MAX_STORE_NAME && name[0] != '.' && !strchr(name, '/'));
    require(md_ref_from_store_name(name, &other) == 0);
    md_ref_store_name(&other, again);
    require(strcmp(name, again) == 0);
    require(strcmp(ref->registry, other.registry) == 0);
    require(strcmp(ref->repository, other.repository) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MD_AUTO_FREE char *text = md_xstrndup((const char *)bytes, len);
    struct md_ref ref = { 0 };
    struct md_platform platform = { 0 };
    struct md_err err = { 0 };

    if (md_ref_parse(text, &ref, &err) == 0) {
        check_full_form(&ref);
        check_store_name(&ref);
    } else {
        require(err.kind == MD_ERR_USAGE && err.text[0] != '\0');
    }
    if (md_ref_from_store_name(text, &ref) == 0) {
        check_store_name(&ref);
    }
    if (md_platform_parse(text, &platform, &err) == 0) {
        char out[97];
        struct md_platform again = { 0 };

        md_platform_text(&platform, out, sizeof(out));
        require(md_platform_parse(out, &again, &err) == 0);
    }
    return 0;
}
