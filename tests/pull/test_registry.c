/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, TLS and refusals, through the network process. */
#include "pull/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "served.h"

static void a_registry_on_this_machine_may_speak_tls_B46(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *authority = NULL;

    (void)state;
    stage_open(&stage);
    serve_all(&stage);
    authority = faulty_path(&stage.faulty, "ca.pem");
    setenv("SSL_CERT_FILE", authority, 1);
    stage_start(&stage, "tls");
    expect_resolved(&stage);
    unsetenv("SSL_CERT_FILE");
    stage_close(&stage);
}

static void a_certificate_that_is_not_trusted_is_no_reason_for_plain_http_B45(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    serve_all(&stage);
    stage_start(&stage, "tls");
    expect_failed(&stage, MD_ERR_NETWORK, "not trusted");
    assert_int_equal(faulty_count(&stage.faulty, NULL), 0);
    stage_close(&stage);
}

static void a_token_is_fetched_once_and_kept_for_the_repository_B31_B32(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    serve_all(&stage);
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret1\\\"}'}");
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret2\\\"}'}");
    stage_start(&stage, "plain,plain");
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", NULL), 1);
    assert_int_equal(
        faulty_count(&stage.faulty, "/token?scope=repository%3Aorg%2Fa%3Apull&service=s", NULL),
        1);
    assert_int_equal(faulty_count(&stage.faulty, "Bearer secret1", NULL), 3);
    resolution_clear(&stage.resolution);
    expect_resolved(&stage); /* the token goes along from the first request on */
    assert_int_equal(faulty_count(&stage.faulty, "Bearer secret1", NULL), 6);
    assert_int_equal(faulty_count(&stage.faulty, NULL), 8);
    stage_close(&stage);
}

static void a_token_that_expires_is_renewed_once_B31(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *blob = NULL;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    serve_all(&stage);
    blob = md_xasprintf("GET /v2/org/a/blobs/%s", stage.image.layer_is.digest.text);
    want_token(&stage, blob);
    faulty_answer(&stage.faulty, blob, "{'fill': %d}", LAYER_SIZE);
    want_token(&stage, blob);
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret1\\\"}'}");
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret2\\\"}'}");
    stage_start(&stage, "plain,plain");
    expect_resolved(&stage);
    coordinator_fetch(&stage.coordinator, 1, &stage.image.layer_is, 0);
    assert_string_equal(coordinator_drain(&stage.coordinator, 1, NULL).text,
                        stage.image.layer_is.digest.text);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
    assert_int_equal(faulty_count(&stage.faulty, "Bearer secret2", NULL), 1);

    /* Refused again with a fresh token: that is the answer. */
    coordinator_fetch(&stage.coordinator, 1, &stage.image.layer_is, 0);
    assert_int_equal(coordinator_drain(&stage.coordinator, 1, NULL).alg, 0);
    assert_int_equal(coordinator_receive(&stage.coordinator).err.kind, MD_ERR_AUTH);
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", NULL), 3);
    stage_close(&stage);
}

static void a_token_does_not_leave_its_registry_B29(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *config = NULL;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    faulty_serve(&stage.faulty, TAG, MANIFEST_TYPE, stage.image.manifest);
    config = md_xasprintf("GET /v2/org/a/blobs/%s", stage.image.config_is.digest.text);
    faulty_answer(&stage.faulty, config, "{'status': 307, 'headers': {'Location': '@1@/cdn'}}");
    faulty_serve(&stage.faulty, "1 GET /cdn", "x", stage.image.config);
    faulty_answer(&stage.faulty, "1 GET /token", "{'body': '{\\\"token\\\":\\\"secret\\\"}'}");
    stage_start(&stage, "plain,plain");
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 0", "Bearer secret", NULL), 2);
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", "\"/cdn\"", NULL), 1);
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", "authorization", NULL), 0);
    stage_close(&stage);
}

static void refusals_are_told_in_dockers_words_and_escaped_A86(void **state)
{
    static const struct {
        const char *answer;
        enum md_err_kind kind;
        const char *words;
    } rows[] = {
        { "{'status': 404, 'body': '{\\\"errors\\\":[{\\\"code\\\":\\\"MANIFEST_UNKNOWN\\\","
          "\\\"message\\\":\\\"manifest unknown\\\"}]}'}",
          MD_ERR_NOT_FOUND, "/org/a:latest not found: manifest unknown: manifest unknown" },
        { "{'status': 404, 'body': '{\\\"errors\\\":[{\\\"code\\\":\\\"NAME_UNKNOWN\\\","
          "\\\"message\\\":\\\"no such name\\\"}]}'}",
          MD_ERR_NOT_FOUND, "/org/a not found: name unknown: no such name" },
        { "{'status': 404}", MD_ERR_NOT_FOUND, "no reason from localhost" },
        { "{'status': 403, 'body': '{\\\"errors\\\":[{\\\"code\\\":\\\"DENIED\\\","
          "\\\"message\\\":\\\"a\\\\u001b[31mb\\\"}]}'}",
          MD_ERR_AUTH, "'minidock login': denied: a\\x1b[31mb" },
        { "{'status': 401, 'headers': {'WWW-Authenticate': 'Basic realm=\\\"x\\\"'}}",
          MD_ERR_AUTH, "repository does not exist or may require 'minidock login'" },
        { "{'status': 401}", MD_ERR_AUTH, "minidock login" },
        { "{'status': 401, 'headers': {'WWW-Authenticate': 'Bearer realm=\\\"'}}",
          MD_ERR_NETWORK, "malformed challenge" },
        { "{'status': 401, 'headers': {'WWW-Authenticate': 'Bearer realm=\\\"file:///x\\\"'}}",
          MD_ERR_FORMAT, "neither http nor https" },
        { "{'status': 429, 'body': '{\\\"errors\\\":[{\\\"code\\\":\\\"TOOMANYREQUESTS\\\","
          "\\\"message\\\":\\\"slow down\\\"}]}'}",
          MD_ERR_NETWORK, "HTTP status 429: toomanyrequests: slow down; wait" },
        { "{'body': '<html>', 'headers': {'Content-Type': 'text/html; charset=utf-8'}}",
          MD_ERR_NETWORK, "not a registry" },
        { "{'status': 404, 'body': '<html>', 'headers': {'Content-Type': 'text/html'}}",
          MD_ERR_NETWORK, "not a registry" },
        { "{'body': 'hello'}", MD_ERR_FORMAT, "not valid JSON" },
        { "{'status': 418, 'fill': 1000, 'endless': true}", MD_ERR_NETWORK, "HTTP status 418" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stage stage;

        stage_open(&stage);
        faulty_answer(&stage.faulty, TAG, "%s", rows[i].answer);
        stage_start(&stage, "plain");
        expect_failed(&stage, rows[i].kind, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, NULL),
                         strstr(rows[i].words, "status 429") ? PULL_ATTEMPTS : 1);
        stage_close(&stage);
    }
}

static void a_token_server_that_refuses_is_the_end_B26_B30(void **state)
{
    static const struct {
        const char *answer;
        enum md_err_kind kind;
        const char *words;
    } rows[] = {
        { "{'status': 401, 'body': '{\\\"details\\\":\\\"incorrect username\\\"}'}",
          MD_ERR_AUTH, "'minidock login': incorrect username" },
        { "{'status': 404}", MD_ERR_NETWORK, "access token" },
        { "{'body': '{}'}", MD_ERR_FORMAT, "no usable token" },
        { "{'body': '{\\\"token\\\": \\\"a\\\\r\\\\nb\\\"}'}", MD_ERR_FORMAT, "forbidden" },
        { "{'fill': 100000, 'endless': true}", MD_ERR_LIMIT, "access token" },
        { "{'status': 302, 'headers': {'Location': 'file:///x'}}", MD_ERR_FORMAT, "nor https" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stage stage;

        stage_open(&stage);
        want_token(&stage, TAG);
        faulty_answer(&stage.faulty, "1 GET /token", "%s", rows[i].answer);
        stage_start(&stage, "plain,plain");
        expect_failed(&stage, rows[i].kind, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, NULL), 2);
        stage_close(&stage);
    }
}

static void hosts_that_are_not_there_are_named(void **state)
{
    static const struct {
        const char *name;
        const char *words;
    } rows[] = {
        { "localhost:1/a", "localhost:1: connection refused" },
        { "no-such-host.invalid/a", "no-such-host.invalid: unknown host" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stage stage;
        struct pull_resolve order = resolve_order(rows[i].name, 0);

        stage_open(&stage);
        coordinator_open(&stage.coordinator);
        coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
        assert_int_equal(stage.resolution.last.err.kind, MD_ERR_NETWORK);
        assert_non_null(strstr(stage.resolution.last.err.text, rows[i].words));
        stage_close(&stage);
    }
}

static void a_registry_elsewhere_is_never_asked_by_plain_http_B46_B48(void **state)
{
    struct stage stage;
    struct pull_resolve order = resolve_order("registry.invalid/a", 0);
    char proxy[64];

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, "CONNECT registry.invalid:443", "{'status': 407}");
    faulty_start(&stage.faulty, "plain");
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", stage.faulty.ports[0]);
    setenv("https_proxy", proxy, 1);
    setenv("http_proxy", proxy, 1);
    coordinator_open(&stage.coordinator);
    coordinator_resolve(&stage.coordinator, &order, &stage.resolution);
    unsetenv("https_proxy");
    unsetenv("http_proxy");
    assert_int_equal(stage.resolution.last.err.kind, MD_ERR_NETWORK);
    assert_non_null(
        strstr(stage.resolution.last.err.text, "registry.invalid: proxy 127.0.0.1:"));
    assert_int_equal(faulty_count(&stage.faulty, NULL), 1);
    assert_int_equal(faulty_count(&stage.faulty, "CONNECT", NULL), 1);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registry_on_this_machine_may_speak_tls_B46),
        cmocka_unit_test(a_certificate_that_is_not_trusted_is_no_reason_for_plain_http_B45),
        cmocka_unit_test(a_token_is_fetched_once_and_kept_for_the_repository_B31_B32),
        cmocka_unit_test(a_token_that_expires_is_renewed_once_B31),
        cmocka_unit_test(a_token_does_not_leave_its_registry_B29),
        cmocka_unit_test(refusals_are_told_in_dockers_words_and_escaped_A86),
        cmocka_unit_test(a_token_server_that_refuses_is_the_end_B26_B30),
        cmocka_unit_test(a_registry_elsewhere_is_never_asked_by_plain_http_B46_B48),
        cmocka_unit_test(hosts_that_are_not_there_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
