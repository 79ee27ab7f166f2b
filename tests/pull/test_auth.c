/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges and tokens. */
#include "pull/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int parse(const char *text, struct pull_challenge *challenge, struct md_err *err)
{
    /* A copy of exactly its length: a byte read beyond it is seen by the sanitizer. */
    size_t len = strlen(text);
    MD_AUTO_FREE char *bytes = md_xmalloc(len + 1);
    MD_AUTO_FREE char *exact = len > 0 ? md_xmalloc(len) : NULL;

    memcpy(bytes, text, len + 1);
    if (exact) {
        memcpy(exact, text, len);
    }
    memset(err, 0, sizeof(*err));
    return pull_challenge_parse(exact ? exact : bytes, len, challenge, err);
}

static void challenges_of_real_registries_are_understood(void **state)
{
    static const struct {
        const char *text;
        bool bearer;
        bool basic;
        const char *realm;
        const char *service;
    } rows[] = {
        { "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
          "scope=\"repository:library/alpine:pull\"",
          true, false, "https://auth.docker.io/token", "registry.docker.io" },
        { "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"a b\"", true,
          false, "https://ghcr.io/token", "ghcr.io" },
        { "bearer REALM=\"https://x/t\" , service = \"s\"", true, false, "https://x/t", "s" },
        { "Basic realm=\"Registry\"", false, true, "", "" },
        { "Basic realm=\"R\", Bearer realm=\"https://x\"", true, true, "https://x", "" },
        { "Bearer realm=\"https://x\",error=\"invalid_token\", Basic realm=R", true, true,
          "https://x", "" },
        { "Negotiate YII=, Bearer realm=\"https://x\"", true, false, "https://x", "" },
        { "Negotiate, NTLM, Basic realm=\"a\"", false, true, "", "" },
        { "Bearer realm=\"https://x/\\\"q\\\\\",service=\"a,b=c\"", true, false,
          "https://x/\"q\\", "a,b=c" },
        { "Bearer realm=\"https://one\", Bearer realm=\"https://two\"", true, false,
          "https://one", "" },
        { ",, Bearer realm=\"https://x\",,", true, false, "https://x", "" },
        { "", false, false, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_challenge challenge;
        struct md_err err;

        assert_int_equal(parse(rows[i].text, &challenge, &err), 0);
        assert_int_equal(challenge.bearer, rows[i].bearer);
        assert_int_equal(challenge.basic, rows[i].basic);
        assert_string_equal(challenge.realm, rows[i].realm);
        assert_string_equal(challenge.service, rows[i].service);
    }
}

static void malformed_challenges_are_refused_B26(void **state)
{
    static const char *const rows[] = {
        "Bearer",
        "Bearer service=\"x\"",
        "Bearer realm=\"\"",
        "Bearer realm=\"https://x",
        "Bearer realm=\"https://x\\",
        "Bearer realm=\"https://x\",realm=\"https://y\"",
        "Bearer realm=\"https://x\" service=\"y\"",
        "Bearer realm=\"https://x\nA: b\"",
        "Bearer realm=\"https://x\"junk",
        "=",
        "\"",
        "Bearer=x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_challenge challenge;
        struct md_err err;

        assert_int_equal(parse(rows[i], &challenge, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
    }
}

static void a_realm_longer_than_allowed_is_refused_B26(void **state)
{
    MD_AUTO_FREE char *filler = md_xmalloc(PULL_MAX_REALM + 1);
    MD_AUTO_FREE char *text = NULL;
    struct pull_challenge challenge;
    struct md_err err;

    (void)state;
    memset(filler, 'a', PULL_MAX_REALM);
    filler[PULL_MAX_REALM] = '\0';
    text = md_xasprintf("Bearer realm=\"%s\"", filler);
    assert_int_equal(parse(text, &challenge, &err), -1);
    filler[PULL_MAX_REALM - 1] = '\0';
    free(text);
    text = md_xasprintf("Bearer realm=\"%s\"", filler);
    assert_int_equal(parse(text, &challenge, &err), 0);
}

static int token_url(const char *realm, const char *service, const char *registry,
                     struct pull_url *url)
{
    struct pull_challenge challenge = { .bearer = true };
    struct pull_url asked;
    struct md_err err = { 0 };

    assert_int_equal(pull_url_parse(registry, NULL, &asked, &err), 0);
    snprintf(challenge.realm, sizeof(challenge.realm), "%s", realm);
    snprintf(challenge.service, sizeof(challenge.service), "%s", service);
    return pull_token_url(&challenge,
                          &(struct pull_token_question){ .repository = "library/alpine" },
                          &asked, url, &err);
}

static void a_token_is_asked_for_pulling_one_repository_only_B32(void **state)
{
    struct pull_url url;

    (void)state;
    assert_int_equal(token_url("https://auth.docker.io/token", "registry.docker.io",
                               "https://registry-1.docker.io", &url),
                     0);
    assert_string_equal(url.text, "https://auth.docker.io/token?scope=repository%3Alibrary%2F"
                                  "alpine%3Apull&service=registry.docker.io");
    assert_int_equal(token_url("https://x/t?account=me#frag", "a&b=c d", "https://x", &url), 0);
    assert_string_equal(url.text, "https://x/t?account=me&scope=repository%3Alibrary%2Falpine"
                                  "%3Apull&service=a%26b%3Dc%20d");
}

static void a_token_is_asked_for_with_as_little_as_will_do(void **state)
{
    static const struct {
        struct pull_token_question question;
        const char *url;
    } rows[] = {
        { { .repository = "a/b", .account = "me & you" },
          "https://x/t?account=me%20%26%20you&scope=repository%3Aa%2Fb%3Apull&service=s" },
        { { .repository = "", .account = "me" }, "https://x/t?account=me&service=s" },
        { { .repository = "a/b", .bare = true }, "https://x/t" },
    };
    struct pull_challenge challenge = { .bearer = true,
                                        .realm = "https://x/t",
                                        .service = "s" };
    struct pull_url registry;
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(pull_url_parse("https://x", NULL, &registry, &err), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_url url;

        assert_int_equal(pull_token_url(&challenge, &rows[i].question, &registry, &url, &err),
                         0);
        assert_string_equal(url.text, rows[i].url);
    }
}

static void a_realm_that_is_no_https_address_is_refused_B27(void **state)
{
    static const char *const rows[] = {
        "http://auth.example/token",
        "file:///etc/passwd",
        "gopher://x/",
        "https://user:secret@x/",
        "//x/token",
        "token",
        "ftp://x/",
        "https://",
        "unix:/run/x",
    };
    struct pull_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(token_url(rows[i], "", "https://registry.example", &url), -1);
    }
    assert_int_equal(token_url("http://127.0.0.1:5001/t", "", "http://localhost:5000", &url),
                     0);
}

static void a_token_is_taken_under_either_name(void **state)
{
    static const struct {
        const char *json;
        const char *token;
    } rows[] = {
        { "{\"token\":\"abc.def-ghi_~+/==\"}", "abc.def-ghi_~+/==" },
        { "{\"access_token\":\"x\",\"expires_in\":1e18}", "x" },
        { "{\"token\":\"a\",\"access_token\":\"b\"}", "a" },
        { "{\"token\":\"\",\"access_token\":\"b\"}", "b" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };
        MD_AUTO_FREE char *token = pull_token_parse(rows[i].json, strlen(rows[i].json), &err);

        assert_non_null(token);
        assert_string_equal(token, rows[i].token);
    }
}

static void a_token_that_would_forge_headers_is_refused_B30(void **state)
{
    static const char *const rows[] = {
        "{\"token\":\"a\\r\\nX: y\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a\\u0000b\"}",
        "{\"token\":\"caf\\u00e9\"}",
        "{\"token\":\"\"}",
        "{\"token\":5}",
        "{}",
        "[]",
        "",
        "<html>",
        "{\"token\":\"a\"} trailing",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };

        assert_null(pull_token_parse(rows[i], strlen(rows[i]), &err));
        assert_int_equal(err.kind, MD_ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_of_real_registries_are_understood),
        cmocka_unit_test(malformed_challenges_are_refused_B26),
        cmocka_unit_test(a_realm_longer_than_allowed_is_refused_B26),
        cmocka_unit_test(a_token_is_asked_for_pulling_one_repository_only_B32),
        cmocka_unit_test(a_token_is_asked_for_with_as_little_as_will_do),
        cmocka_unit_test(a_realm_that_is_no_https_address_is_refused_B27),
        cmocka_unit_test(a_token_is_taken_under_either_name),
        cmocka_unit_test(a_token_that_would_forge_headers_is_refused_B30),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
