/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzing the configuration of registries: TOML, its rules, and the places that follow. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pull/registries.h"
#include "pull/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void find(const struct pull_registries *registries, const char *name)
{
    struct pull_endpoints endpoints;
    struct md_err err = { 0 };
    struct md_ref ref;

    if (md_ref_parse(name, &ref, &err) < 0) {
        abort();
    }
    if (pull_registries_find(registries, &ref, &endpoints, &err) == 0) {
        assert(endpoints.count > 0 && !endpoints.at[endpoints.count - 1].mirror);
        for (size_t i = 0; i < endpoints.count; i++) {
            assert(endpoints.at[i].host[0] != '\0' && endpoints.at[i].repository[0] != '\0');
            assert(!strpbrk(endpoints.at[i].host, "/@ \n?#"));
        }
    } else {
        assert(err.kind == MD_ERR_AUTH || err.kind == MD_ERR_FORMAT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct pull_registries registries = { 0 };
    struct md_err err = { 0 };
    struct pull_toml *root = pull_toml_parse((const char *)bytes, len, "f", &err);

    assert(root || err.kind == MD_ERR_FORMAT || err.kind == MD_ERR_LIMIT);
    pull_toml_free(&root);
    memset(&err, 0, sizeof(err));
    if (pull_registries_add(&registries, (const char *)bytes, len, "f", &err) == 0) {
        find(&registries, "alpine");
        find(&registries, "foo.example.com:5000/bar/image:1");
    }
    pull_registries_clear(&registries);
    return 0;
}
