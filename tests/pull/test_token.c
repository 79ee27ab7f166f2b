/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to challenges, with credentials, through the network process. */
#include "pull/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "served.h"

#define BASIC "Basic YWxpY2U6c2VjcmV0" /* alice:secret */
#define TOKEN "{'body': '{\\\"token\\\":\\\"bearer1\\\"}'}"
#define WANTS_BASIC "{'status': 401, 'headers': {'WWW-Authenticate': 'Basic realm=\\\"x\\\"'}}"

/* Hand alice's credential to the network process, for the stage's image or another. */
static void trust(struct stage *stage, enum pull_credential_kind kind, const char *repository,
                  const char *realm_host)
{
    struct pull_message message = { .tag = PULL_CREDENTIAL, .ring = PULL_RINGS };
    struct pull_account *account = &message.account;
    struct md_err err = { 0 };

    snprintf(account->registry, sizeof(account->registry), "localhost:%d",
             stage->faulty.ports[0]);
    snprintf(account->repository, sizeof(account->repository), "%s", repository);
    account->credential.kind = kind;
    snprintf(account->credential.user, sizeof(account->credential.user), "alice");
    snprintf(account->credential.secret, sizeof(account->credential.secret), "secret");
    snprintf(account->credential.realm_host, sizeof(account->credential.realm_host), "%s",
             realm_host);
    assert_int_equal(pull_wire_send(stage->coordinator.socket, &message, NULL, 0, &err), 0);
}

static void a_registry_that_wants_basic_gets_it_from_then_on(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, TAG, WANTS_BASIC);
    serve_all(&stage);
    stage_start(&stage, "plain");
    trust(&stage, PULL_CREDENTIAL_PASSWORD, "org/a", "");
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, NULL), 4);
    assert_int_equal(faulty_count(&stage.faulty, BASIC, NULL), 3);
    stage_close(&stage);
}

static void a_password_that_is_refused_is_tried_once_B26(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, TAG, WANTS_BASIC);
    stage_start(&stage, "plain");
    trust(&stage, PULL_CREDENTIAL_PASSWORD, "org/a", "");
    expect_failed(&stage, MD_ERR_AUTH, "pull access denied");
    assert_int_equal(faulty_count(&stage.faulty, NULL), 2);
    assert_int_equal(faulty_count(&stage.faulty, BASIC, NULL), 1);
    stage_close(&stage);
}

static void credentials_are_for_their_repository_only_B32(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, TAG, WANTS_BASIC);
    stage_start(&stage, "plain");
    trust(&stage, PULL_CREDENTIAL_PASSWORD, "org/b", "");
    expect_failed(&stage, MD_ERR_AUTH, "minidock login");
    assert_int_equal(faulty_count(&stage.faulty, BASIC, NULL), 0);
    stage_close(&stage);
}

static void a_token_server_is_told_who_asks_if_it_may_know_E7(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    serve_all(&stage);
    faulty_answer(&stage.faulty, "1 GET /token", TOKEN);
    stage_start(&stage, "plain,plain");
    trust(&stage, PULL_CREDENTIAL_PASSWORD, "org/a", "127.0.0.1");
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, BASIC, "\"listener\": 1",
                                  "/token?account=alice&scope=repository%3Aorg%2Fa%3Apull",
                                  NULL),
                     1);
    assert_int_equal(faulty_count(&stage.faulty, BASIC, NULL), 1);
    assert_int_equal(faulty_count(&stage.faulty, "Bearer bearer1", NULL), 3);
    stage_close(&stage);
}

static void another_token_server_is_asked_anonymously_E7(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    serve_all(&stage);
    faulty_answer(&stage.faulty, "1 GET /token", TOKEN);
    stage_start(&stage, "plain,plain");
    trust(&stage, PULL_CREDENTIAL_PASSWORD, "org/a", ""); /* the registry is localhost */
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, BASIC, NULL), 0);
    assert_int_equal(faulty_count(&stage.faulty, "alice", NULL), 0);
    stage_close(&stage);
}

static void an_anonymous_token_that_is_refused_names_who_was_not_told_E7(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    faulty_answer(&stage.faulty, "1 GET /token", "{'status': 401}");
    stage_start(&stage, "plain,plain");
    trust(&stage, PULL_CREDENTIAL_IDENTITY, "org/a", "");
    expect_failed(&stage, MD_ERR_AUTH,
                  "were not sent to 127.0.0.1: 'minidock login localhost:");
    assert_int_equal(faulty_count(&stage.faulty, "POST", NULL), 0);
    stage_close(&stage);
}

static void a_secret_does_not_follow_a_redirect_B29(void **state)
{
    static const struct {
        enum pull_credential_kind kind;
        const char *key;
        int asked; /* listener 2 */
    } rows[] = {
        { PULL_CREDENTIAL_PASSWORD, "1 GET /token", 1 },
        { PULL_CREDENTIAL_IDENTITY, "1 POST /token", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stage stage;

        stage_open(&stage);
        want_token(&stage, TAG);
        faulty_answer(&stage.faulty, rows[i].key,
                      "{'status': 307, 'headers': {'Location': '@2@/token'}}");
        faulty_answer(&stage.faulty, "2 GET /token", "{'status': 401}");
        stage_start(&stage, "plain,plain,plain");
        trust(&stage, rows[i].kind, "org/a", "127.0.0.1");
        assert_int_equal(stage_resolve(&stage), PULL_FAILED);
        assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 2", NULL), rows[i].asked);
        assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 2", "authorization", NULL),
                         0);
        stage_close(&stage);
    }
}

static void an_identity_token_is_posted_and_no_password_of_basic(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    want_token(&stage, TAG);
    serve_all(&stage);
    faulty_answer(&stage.faulty, "1 POST /token",
                  "{'body': '{\\\"access_token\\\":\\\"bearer1\\\"}'}");
    stage_start(&stage, "plain,plain");
    trust(&stage, PULL_CREDENTIAL_IDENTITY, "org/a", "127.0.0.1");
    expect_resolved(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"POST\"", "\"/token\"", NULL), 1);
    assert_int_equal(faulty_count(&stage.faulty, "Basic", NULL), 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registry_that_wants_basic_gets_it_from_then_on),
        cmocka_unit_test(a_password_that_is_refused_is_tried_once_B26),
        cmocka_unit_test(credentials_are_for_their_repository_only_B32),
        cmocka_unit_test(a_token_server_is_told_who_asks_if_it_may_know_E7),
        cmocka_unit_test(another_token_server_is_asked_anonymously_E7),
        cmocka_unit_test(an_anonymous_token_that_is_refused_names_who_was_not_told_E7),
        cmocka_unit_test(a_secret_does_not_follow_a_redirect_B29),
        cmocka_unit_test(an_identity_token_is_posted_and_no_password_of_basic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
