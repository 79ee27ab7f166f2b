/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs through the network process: cut, resumed, redirected, too long, too short. */
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

static void a_layer_larger_than_its_ring_comes_whole(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    expect_blob(&stage); /* the ring can be used again */
    blob_stage_close(&stage);
}

static void a_slow_reader_gets_every_byte_once(void **state)
{
    struct blob_stage stage;
    struct pull_ring *ring = &stage.coordinator.rings[0];
    const unsigned char *bytes;
    size_t total = 0;
    size_t got;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    blob_stage_start(&stage, "plain");
    coordinator_fetch(&stage.coordinator, 0, &stage.blob, 0);
    while ((got = (size_t)pull_ring_peek(ring, &bytes)) > 0) {
        got = got < 1009 ? got : 1009;
        for (size_t i = 0; i < got; i++, total++) {
            assert_int_equal(bytes[i], total % 251);
        }
        pull_ring_take(ring, got);
        if (total % 16 == 0) {
            usleep(500); /* so that the other side finds little room */
        }
    }
    assert_int_equal(total, LARGE);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
    blob_stage_close(&stage);
}

static void six_layers_wait_for_their_readers_without_holding_each_other_up_B25(void **state)
{
    struct blob_stage stage;
    uint64_t total;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    blob_stage_start(&stage, "plain");
    for (uint32_t i = 0; i < PULL_RINGS; i++) {
        coordinator_fetch(&stage.coordinator, i, &stage.blob, 0);
    }
    for (uint32_t i = PULL_RINGS; i > 0; i--) {
        struct md_digest digest = coordinator_drain(&stage.coordinator, i - 1, &total);

        assert_string_equal(digest.text, stage.blob.digest.text);
        assert_int_equal(coordinator_receive(&stage.coordinator).ring, i - 1);
    }
    blob_stage_close(&stage);
}

static void a_connection_that_breaks_is_resumed_where_it_broke_B15(void **state)
{
    struct blob_stage stage;
    char range[64];

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1000003}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 0}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 1000000}",
                  LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    snprintf(range, sizeof(range), "bytes=2000003-%d", LARGE - 1);
    assert_int_equal(faulty_count(&stage.faulty, "\"range\": \"bytes=1000003-", NULL), 2);
    assert_int_equal(faulty_count(&stage.faulty, range, NULL), 1);
    blob_stage_close(&stage);
}

static void an_end_too_soon_without_length_is_resumed_too_B15(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, 100000);
    faulty_answer(&stage.faulty, stage.key, "{'fill': 60000, 'length': null}");
    faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'range': true}");
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"range\": \"bytes=60000-99999\"", NULL), 1);
    blob_stage_close(&stage);
}

static void a_server_that_ignores_range_is_read_past_what_came_B16(void **state)
{
    struct blob_stage stage;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1500000}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1000000}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'chunked': true}", LARGE);
    blob_stage_start(&stage, "plain");
    expect_blob(&stage);
    blob_stage_close(&stage);
}

static void a_part_that_was_not_asked_for_is_not_taken_B17_B18(void **state)
{
    static const char *const wrong[] = {
        "{'status': 206, 'fill': 40000, 'headers': {'Content-Range': 'bytes 0-39999/100000'}}",
        "{'status': 206, 'fill': 40000, 'headers': {'Content-Range': 'bytes 60000-99999/*'}}",
        "{'status': 206, 'fill': 40000}",
        "{'status': 416}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct blob_stage stage;

        blob_stage_open(&stage, 100000);
        faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'cut': 60000}");
        faulty_answer(&stage.faulty, stage.key, "%s", wrong[i]);
        faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'range': true}");
        blob_stage_start(&stage, "plain");
        expect_blob(&stage);
        assert_int_equal(faulty_count(&stage.faulty, "\"range\"", NULL), 1);
        blob_stage_close(&stage);
    }
}

static void the_start_that_an_earlier_process_kept_is_not_fetched_again_B10(void **state)
{
    struct blob_stage stage;
    uint64_t total;

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    blob_stage_start(&stage, "plain");
    for (int i = 0; i < 2; i++) {
        coordinator_fetch(&stage.coordinator, 3, &stage.blob, LARGE - 777);
        coordinator_drain(&stage.coordinator, 3, &total);
        assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
        assert_int_equal(total, 777);
    }
    blob_stage_close(&stage);
}

static void a_layer_of_another_size_is_refused_B5_B13(void **state)
{
    static const struct {
        const char *answer;
        const char *words;
    } rows[] = {
        { "{'fill': 812}", "got 812 bytes, expected 4096" },
        { "{'fill': 5000}", "got 5000 bytes, expected 4096" },
        { "{'fill': 5000, 'chunked': true}", "got more than the expected 4096 bytes" },
        { "{'fill': 1000, 'endless': true}", "got more than the expected 4096 bytes" },
        { "{'body': 'log in!', 'headers': {'Content-Type': 'text/html'}}", "not a registry" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool portal = strstr(rows[i].words, "registry") != NULL;
        struct blob_stage stage;

        blob_stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key, "%s", rows[i].answer);
        blob_stage_start(&stage, "plain");
        expect_failure(&stage, portal ? MD_ERR_NETWORK : MD_ERR_DIGEST, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
        blob_stage_close(&stage);
    }
}

static void a_redirect_is_followed_to_another_host(void **state)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        struct blob_stage stage;

        blob_stage_open(&stage, LARGE);
        faulty_answer(&stage.faulty, stage.key,
                      "{'status': %d, 'headers': {'Location': '@1@/cdn?sign=a%%2Fb'}}",
                      statuses[i]);
        faulty_answer(&stage.faulty, "1 GET /cdn?sign=a%2Fb", "{'fill': %d}", LARGE);
        blob_stage_start(&stage, "plain,plain");
        expect_blob(&stage);
        blob_stage_close(&stage);
    }
}

static void redirects_that_lead_nowhere_are_refused_B29(void **state)
{
    static const struct {
        const char *location;
        const char *words;
    } rows[] = {
        { "file:///etc/passwd", "neither http nor https" },
        { "ftp://127.0.0.1/x", "neither http nor https" },
        { "http://user:secret@127.0.0.1/", "user name" },
        { "/loop", "too many redirects" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct blob_stage stage;

        blob_stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key,
                      "{'status': 307, 'headers': {'Location': '%s'}}", rows[i].location);
        faulty_answer(&stage.faulty, "GET /loop",
                      "{'status': 307, 'headers': {'Location': '/loop'}}");
        blob_stage_start(&stage, "plain");
        if (i == 3) {
            expect_failure(&stage, MD_ERR_NETWORK, rows[i].words);
            assert_int_equal(faulty_count(&stage.faulty, "/loop", NULL), 10);
        } else {
            expect_failure(&stage, MD_ERR_FORMAT, rows[i].words);
        }
        blob_stage_close(&stage);
    }
}

static void https_is_never_left_for_http_B29(void **state)
{
    struct blob_stage stage;
    MD_AUTO_FREE char *authority = NULL;

    (void)state;
    blob_stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key,
                  "{'status': 302, 'headers': {'Location': '@1@/x'}}");
    authority = faulty_path(&stage.faulty, "ca.pem");
    setenv("SSL_CERT_FILE", authority, 1);
    blob_stage_start(&stage, "tls,plain");
    expect_failure(&stage, MD_ERR_NETWORK, "from https to http");
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", NULL), 0);
    unsetenv("SSL_CERT_FILE");
    blob_stage_close(&stage);
}

static void an_address_is_fetched_whole_and_through_redirects(void **state)
{
    struct blob_stage stage;
    struct md_digest digest;
    char url[64];

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, "GET /r",
                  "{'status': 302, 'headers': {'Location': 'rootfs'}}");
    faulty_answer(&stage.faulty, "GET /rootfs", "{'fill': %d, 'chunked': true}", LARGE);
    faulty_answer(&stage.faulty, "GET /cut", "{'fill': %d, 'cut': 5000}", LARGE);
    blob_stage_start(&stage, "plain");
    snprintf(url, sizeof(url), "http://localhost:%d/r", stage.faulty.ports[0]);
    coordinator_fetch_url(&stage.coordinator, 5, url);
    digest = coordinator_drain(&stage.coordinator, 5, NULL);
    assert_string_equal(digest.text, stage.blob.digest.text);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);

    snprintf(url, sizeof(url), "http://localhost:%d/cut", stage.faulty.ports[0]);
    coordinator_fetch_url(&stage.coordinator, 5, url);
    assert_int_equal(coordinator_drain(&stage.coordinator, 5, NULL).alg, 0);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FAILED);
    assert_int_equal(faulty_count(&stage.faulty, "/cut", NULL), 1);

    coordinator_fetch_url(&stage.coordinator, 5, "file:///etc/passwd");
    assert_int_equal(coordinator_drain(&stage.coordinator, 5, NULL).alg, 0);
    assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FAILED);
    blob_stage_close(&stage);
}

/* blob_stage_close() waits for the network process: the test's time-out is the check. */
static void it_ends_with_its_coordinator_whatever_it_waits_for_B14(void **state)
{
    struct blob_stage stage;
    struct pull_message resolve = { .tag = PULL_RESOLVE };
    struct md_err err = { 0 };

    (void)state;
    blob_stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    faulty_answer(&stage.faulty, "GET /v2/b/manifests/latest", "{'delay': 50}");
    blob_stage_start(&stage, "plain");
    coordinator_fetch(&stage.coordinator, 0, &stage.blob, 0); /* nobody reads it */
    resolve.resolve = resolve_order("localhost:%d/b", stage.faulty.ports[0]);
    assert_int_equal(pull_wire_send(stage.coordinator.socket, &resolve, NULL, 0, &err), 0);
    usleep(100000);
    blob_stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_larger_than_its_ring_comes_whole),
        cmocka_unit_test(a_slow_reader_gets_every_byte_once),
        cmocka_unit_test(six_layers_wait_for_their_readers_without_holding_each_other_up_B25),
        cmocka_unit_test(a_connection_that_breaks_is_resumed_where_it_broke_B15),
        cmocka_unit_test(an_end_too_soon_without_length_is_resumed_too_B15),
        cmocka_unit_test(a_server_that_ignores_range_is_read_past_what_came_B16),
        cmocka_unit_test(a_part_that_was_not_asked_for_is_not_taken_B17_B18),
        cmocka_unit_test(the_start_that_an_earlier_process_kept_is_not_fetched_again_B10),
        cmocka_unit_test(a_layer_of_another_size_is_refused_B5_B13),
        cmocka_unit_test(a_redirect_is_followed_to_another_host),
        cmocka_unit_test(redirects_that_lead_nowhere_are_refused_B29),
        cmocka_unit_test(https_is_never_left_for_http_B29),
        cmocka_unit_test(it_ends_with_its_coordinator_whatever_it_waits_for_B14),
        cmocka_unit_test(an_address_is_fetched_whole_and_through_redirects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
