/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzing what a registry says to an unauthorised request: challenge, token, address. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pull/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void fuzz_realm(const struct pull_challenge *challenge)
{
    struct md_err err = { 0 };
    static const struct pull_token_question question = { .repository = "library/alpine" };
    static struct pull_url registry;
    static struct pull_url url;

    if (pull_url_parse("https://registry.example", NULL, &registry, &err) < 0) {
        abort();
    }
    if (pull_token_url(challenge, &question, &registry, &url, &err) == 0) {
        assert(url.https); /* never http for a registry asked by https */
        assert(strlen(url.text) < sizeof(url.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct md_err err = { 0 };
    struct pull_challenge challenge;
    char *token;

    if (pull_challenge_parse((const char *)bytes, len, &challenge, &err) == 0) {
        assert(!challenge.bearer || challenge.realm[0] != '\0');
        if (challenge.bearer) {
            fuzz_realm(&challenge);
        }
    } else {
        assert(err.kind == MD_ERR_FORMAT);
    }
    token = pull_token_parse((const char *)bytes, len, &err);
    assert(!token || strpbrk(token, " \r\n\t") == NULL);
    free(token);
    return 0;
}
