/* SPDX-License-Identifier: Apache-2.0 */
/* What is tried again, how often, after which pause, and what is not. */
#include "pull/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "blobstage.h"

static void a_server_in_trouble_is_asked_again_B20_B21(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key, "{'status': 503, 'headers': {'Retry-After': '1'}}");
    faulty_answer(&stage.faulty, stage.key, "{'status': 429, 'headers': {'Retry-After': '0'}}");
    faulty_answer(&stage.faulty, stage.key, "{'status': 429, 'headers': {'Retry-After': '%s'}}",
                  "Sun, 06 Nov 1994 08:49:37 GMT");
    faulty_answer(&stage.faulty, stage.key, "{'status': 408}");
    faulty_answer(&stage.faulty, stage.key, "{'fill': 4096}");
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    blob_stage_close(&stage);
}

static void attempts_come_to_an_end_B21(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key, "{'fill': 4096, 'cut': 0}");
    blob_stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "tried 5 times");
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), PULL_ATTEMPTS);
    blob_stage_close(&stage);
}

static void a_rate_limit_is_told_when_asking_again_does_not_help_B20(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key,
                  "{'status': 429, 'headers': {'Retry-After': '-5'}}");
    blob_stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "minidock login");
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), PULL_ATTEMPTS);
    blob_stage_close(&stage);
}

static void an_address_without_a_known_size_is_asked_again_too_B20_B21(void **state)
{
    struct blob_stage stage;
    char url[64];

    (void)state;
    blob_stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, "GET /rootfs", "{'status': 503}");
    faulty_answer(&stage.faulty, "GET /rootfs", "{'fill': 4096, 'cut': 0}");
    faulty_answer(&stage.faulty, "GET /rootfs", "{'fill': 4096}");
    blob_stage_start(&stage, "plain");
    snprintf(url, sizeof(url), "http://localhost:%d/rootfs", stage.faulty.ports[0]);
    coordinator_fetch_url(&stage.coordinator, 5, url);
    assert_string_equal(coordinator_drain(&stage.coordinator, 5, NULL).text,
                        stage.blob.digest.text);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
    blob_stage_close(&stage);
}

static void progress_makes_attempts_count_anew_B15(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    for (int i = 1; i < 3 * PULL_ATTEMPTS; i++) {
        faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 100000}",
                      LARGE);
    }
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL),
                     3 * PULL_ATTEMPTS);
    blob_stage_close(&stage);
}

static void a_few_bytes_are_no_progress_B15(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 100}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "tried 5 times");
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), PULL_ATTEMPTS);
    blob_stage_close(&stage);
}

static void what_is_fetched_in_vain_is_bounded_B16(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    for (int i = 1; i <= 30; i++) { /* each a little further, from the start */
        faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': %d}", LARGE, i * 100000);
    }
    blob_stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "broke off");
    /* 0.1 + 0.2 + ... + 1.6 are more than four times 3 MB, and that is noticed. */
    assert_in_range(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 10, 17);
    blob_stage_close(&stage);
}

static void a_connection_that_breaks_behind_the_last_byte_has_brought_all(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 100000);
    faulty_answer(&stage.faulty, stage.key,
                  "{'fill': 100000, 'chunked': true, 'unended': true}");
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
    blob_stage_close(&stage);
}

static void answers_that_were_put_together_are_counted_B17(void **state)
{
    struct blob_stage stage;

    (void)state;
    for (unsigned answers = 1; answers < 3; answers++) {
        blob_stage_open(&stage, LARGE);
        if (answers == 2) {
            faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1000000}", LARGE);
            faulty_answer(&stage.faulty, stage.key, "{'status': 503}");
        }
        faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
        blob_stage_start(&stage, "plain");
        coordinator_fetch(&stage.coordinator, 0, &stage.blob, 0);
        coordinator_drain(&stage.coordinator, 0, NULL);
        assert_int_equal(coordinator_receive(&stage.coordinator).fetched.answers, answers);
        blob_stage_close(&stage);
    }
}

static void a_stalled_connection_is_opened_again_by_range_B14(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    stage.patience.stall_s = 1;
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'stall': [1000000, 50]}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"range\": \"bytes=1000000-", NULL), 1);
    blob_stage_close(&stage);
}

static void a_connection_that_we_paused_ourselves_is_not_stalled_B14(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    stage.patience.stall_s = 1;
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    blob_stage_start(&stage, "plain");
    coordinator_fetch(&stage.coordinator, 0, &stage.blob, 0);
    for (int i = 0; i < 2; i++) { /* the ring is full, and nobody takes anything */
        sleep(2);
        coordinator_take(&stage.coordinator, 0, 600000);
    }
    coordinator_drain(&stage.coordinator, 0, NULL);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
    blob_stage_close(&stage);
}

static void who_wants_no_second_attempt_gets_none(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 4096);
    stage.patience.attempts = 1;
    faulty_answer(&stage.faulty, stage.key, "{'status': 500}");
    blob_stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "500");
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
    blob_stage_close(&stage);
}

static void a_refusal_is_told_at_once_B19_B20(void **state)
{
    static const struct {
        const char *answer;
        enum md_err_kind kind;
        const char *words;
    } rows[] = {
        { "{'status': 404}", MD_ERR_NOT_FOUND, "not found" },
        { "{'status': 410}", MD_ERR_NETWORK, "HTTP status 410" },
        { "{'status': 503, 'headers': {'Retry-After': '1000000000'}}", MD_ERR_NETWORK, "503" },
        { "{'status': 429, 'headers': {'Retry-After': '3600'}}", MD_ERR_NETWORK, "429" },
        { "{'status': 302}", MD_ERR_NETWORK, "HTTP status 302" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct blob_stage stage;

        blob_stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key, "%s", rows[i].answer);
        blob_stage_start(&stage, "plain");
        expect_failure(&stage, rows[i].kind, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
        blob_stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_in_trouble_is_asked_again_B20_B21),
        cmocka_unit_test(attempts_come_to_an_end_B21),
        cmocka_unit_test(a_rate_limit_is_told_when_asking_again_does_not_help_B20),
        cmocka_unit_test(an_address_without_a_known_size_is_asked_again_too_B20_B21),
        cmocka_unit_test(progress_makes_attempts_count_anew_B15),
        cmocka_unit_test(a_few_bytes_are_no_progress_B15),
        cmocka_unit_test(what_is_fetched_in_vain_is_bounded_B16),
        cmocka_unit_test(a_connection_that_breaks_behind_the_last_byte_has_brought_all),
        cmocka_unit_test(answers_that_were_put_together_are_counted_B17),
        cmocka_unit_test(a_stalled_connection_is_opened_again_by_range_B14),
        cmocka_unit_test(a_connection_that_we_paused_ourselves_is_not_stalled_B14),
        cmocka_unit_test(who_wants_no_second_attempt_gets_none),
        cmocka_unit_test(a_refusal_is_told_at_once_B19_B20),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
