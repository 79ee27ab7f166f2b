/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzing what holds credentials: auth files, and the answers of helpers. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pull/authfile.h"
#include "pull/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void look_up(const struct json_t *json, const char *registry, const char *repository)
{
    struct pull_authfile_answer answer;
    struct md_err err = { 0 };

    if (pull_authfile_find(json, registry, repository, &answer, &err) == 0) {
        assert(!strchr(answer.helper, '/'));
        assert(answer.credential.kind == PULL_CREDENTIAL_NONE ||
               answer.credential.secret[0] != '\0');
    }
}

/* Entered and taken out again: nothing of it is left, and nobody else is gone. */
static void change(struct json_t *json)
{
    static const struct pull_credential credential = { .kind = PULL_CREDENTIAL_PASSWORD,
                                                       .user = "u",
                                                       .secret = "p" };
    size_t others;

    (void)pull_authfile_remove(json, "x.io");
    others = md_json_count(md_json_get(json, "auths"));
    if (!md_json_is_object(md_json_get(json, "auths"))) {
        others = 0;
    }
    pull_authfile_enter(json, "x.io", &credential, PULL_SECRET_INSIDE);
    assert(pull_authfile_knows(json, "x.io"));
    assert(pull_authfile_remove(json, "x.io") == 1);
    assert(md_json_count(md_json_get(json, "auths")) == others);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct pull_credential credential;
    struct md_err err = { 0 };
    MD_AUTO_JSON json = md_json_parse((const char *)bytes, len, "file", &err);

    if (pull_helper_parse((const char *)bytes, len, &credential, &err) == 0) {
        assert(credential.kind != PULL_CREDENTIAL_NONE && credential.secret[0] != '\0');
    }
    if (json && md_json_is_object(json)) {
        look_up(json, "docker.io", "library/alpine");
        look_up(json, "x.io", "a/b");
        change(json);
    }
    return 0;
}
