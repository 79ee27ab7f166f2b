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
#include "coordinator.h"
#include "faulty.h"

#define CONFIG                                                                                 \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","            \
    "\"diff_ids\":[]}}"
#define LARGE 3000000

/* A registry with an image "a" of no layers, so that blobs can be asked for. */
struct stage {
    struct faulty faulty;
    struct coordinator coordinator;
    struct md_descriptor blob;
    char key[256]; /* "GET /v2/a/blobs/sha256:..." */
};

static void stage_open(struct stage *stage, size_t blob_size)
{
    struct md_descriptor config = describe(CONFIG, strlen(CONFIG));
    MD_AUTO_FREE char *manifest = md_xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
        "\"%s\",\"size\":%d},\"layers\":[]}",
        config.digest.text, (int)config.size);
    MD_AUTO_FREE char *key = md_xasprintf("GET /v2/a/blobs/%s", config.digest.text);

    memset(stage, 0, sizeof(*stage));
    faulty_open(&stage->faulty);
    faulty_serve(&stage->faulty, "GET /v2/a/manifests/latest",
                 "application/vnd.oci.image.manifest.v1+json", manifest);
    faulty_serve(&stage->faulty, key, "application/octet-stream", CONFIG);
    stage->blob = describe_fill(blob_size);
    snprintf(stage->key, sizeof(stage->key), "GET /v2/a/blobs/%s", stage->blob.digest.text);
}

static void stage_start(struct stage *stage, const char *kinds)
{
    struct pull_resolve order;
    struct resolution resolution;

    faulty_start(&stage->faulty, kinds);
    coordinator_open(&stage->coordinator);
    order = resolve_order("localhost:%d/a", stage->faulty.ports[0]);
    coordinator_resolve(&stage->coordinator, &order, &resolution);
    assert_string_equal(resolution.last.tag == PULL_FAILED ? resolution.last.err.text : "", "");
    assert_int_equal(resolution.last.tag, PULL_RESOLVED);
    resolution_clear(&resolution);
}

static void stage_close(struct stage *stage)
{
    coordinator_close(&stage->coordinator);
    faulty_close(&stage->faulty);
}

static void expect_blob(struct stage *stage)
{
    uint64_t total = 0;
    struct md_digest digest;
    struct pull_message message;

    coordinator_fetch(&stage->coordinator, 0, &stage->blob, 0);
    digest = coordinator_drain(&stage->coordinator, 0, &total);
    message = coordinator_receive(&stage->coordinator);
    assert_string_equal(message.tag == PULL_FAILED ? message.err.text : "", "");
    assert_int_equal(message.tag, PULL_FETCHED);
    assert_int_equal(message.ring, 0);
    assert_int_equal(total, stage->blob.size);
    assert_string_equal(digest.text, stage->blob.digest.text);
}

static void expect_failure(struct stage *stage, enum md_err_kind kind, const char *words)
{
    struct md_digest digest;
    struct pull_message message;

    coordinator_fetch(&stage->coordinator, 0, &stage->blob, 0);
    digest = coordinator_drain(&stage->coordinator, 0, NULL);
    message = coordinator_receive(&stage->coordinator);
    assert_int_equal(digest.alg, 0);
    assert_int_equal(message.tag, PULL_FAILED);
    assert_int_equal(message.ring, 0);
    assert_int_equal(message.err.kind, kind);
    if (!strstr(message.err.text, words)) {
        assert_string_equal(message.err.text, words);
    }
    assert_non_null(strstr(message.err.text, stage->blob.digest.text));
}

static void a_layer_larger_than_its_ring_comes_whole(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    stage_start(&stage, "plain");
    expect_blob(&stage);
    expect_blob(&stage); /* the ring can be used again */
    stage_close(&stage);
}

static void a_slow_reader_gets_every_byte_once(void **state)
{
    struct stage stage;
    struct pull_ring *ring = &stage.coordinator.rings[0];
    const unsigned char *bytes;
    size_t total = 0;
    size_t got;

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    stage_start(&stage, "plain");
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
    stage_close(&stage);
}

static void six_layers_wait_for_their_readers_without_holding_each_other_up_B25(void **state)
{
    struct stage stage;
    uint64_t total;

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    stage_start(&stage, "plain");
    for (uint32_t i = 0; i < PULL_RINGS; i++) {
        coordinator_fetch(&stage.coordinator, i, &stage.blob, 0);
    }
    for (uint32_t i = PULL_RINGS; i > 0; i--) {
        struct md_digest digest = coordinator_drain(&stage.coordinator, i - 1, &total);

        assert_string_equal(digest.text, stage.blob.digest.text);
        assert_int_equal(coordinator_receive(&stage.coordinator).ring, i - 1);
    }
    stage_close(&stage);
}

static void a_connection_that_breaks_is_resumed_where_it_broke_B15(void **state)
{
    struct stage stage;
    char range[64];

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1000003}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 0}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true, 'cut': 1000000}",
                  LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    stage_start(&stage, "plain");
    expect_blob(&stage);
    snprintf(range, sizeof(range), "bytes=2000003-%d", LARGE - 1);
    assert_int_equal(faulty_count(&stage.faulty, "\"range\": \"bytes=1000003-", NULL), 2);
    assert_int_equal(faulty_count(&stage.faulty, range, NULL), 1);
    stage_close(&stage);
}

static void an_end_too_soon_without_length_is_resumed_too_B15(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage, 100000);
    faulty_answer(&stage.faulty, stage.key, "{'fill': 60000, 'length': null}");
    faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'range': true}");
    stage_start(&stage, "plain");
    expect_blob(&stage);
    assert_int_equal(faulty_count(&stage.faulty, "\"range\": \"bytes=60000-99999\"", NULL), 1);
    stage_close(&stage);
}

static void a_server_that_ignores_range_is_read_past_what_came_B16(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1500000}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'cut': 1000000}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'chunked': true}", LARGE);
    stage_start(&stage, "plain");
    expect_blob(&stage);
    stage_close(&stage);
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
        struct stage stage;

        stage_open(&stage, 100000);
        faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'cut': 60000}");
        faulty_answer(&stage.faulty, stage.key, "%s", wrong[i]);
        faulty_answer(&stage.faulty, stage.key, "{'fill': 100000, 'range': true}");
        stage_start(&stage, "plain");
        expect_blob(&stage);
        assert_int_equal(faulty_count(&stage.faulty, "\"range\"", NULL), 1);
        stage_close(&stage);
    }
}

static void the_start_that_an_earlier_process_kept_is_not_fetched_again_B10(void **state)
{
    struct stage stage;
    uint64_t total;

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d, 'range': true}", LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    stage_start(&stage, "plain");
    for (int i = 0; i < 2; i++) {
        coordinator_fetch(&stage.coordinator, 3, &stage.blob, LARGE - 777);
        coordinator_drain(&stage.coordinator, 3, &total);
        assert_int_equal(coordinator_receive(&stage.coordinator).tag, PULL_FETCHED);
        assert_int_equal(total, 777);
    }
    stage_close(&stage);
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
        struct stage stage;

        stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key, "%s", rows[i].answer);
        stage_start(&stage, "plain");
        expect_failure(&stage, portal ? MD_ERR_NETWORK : MD_ERR_DIGEST, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
        stage_close(&stage);
    }
}

static void attempts_come_to_an_end_B21(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key, "{'fill': 4096, 'cut': 0}");
    stage_start(&stage, "plain");
    expect_failure(&stage, MD_ERR_NETWORK, "tried 5 times");
    assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), PULL_ATTEMPTS);
    stage_close(&stage);
}

static void a_server_in_trouble_is_asked_again_B20_B21(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key, "{'status': 503, 'headers': {'Retry-After': '1'}}");
    faulty_answer(&stage.faulty, stage.key, "{'status': 429, 'headers': {'Retry-After': '0'}}");
    faulty_answer(&stage.faulty, stage.key, "{'status': 500}");
    faulty_answer(&stage.faulty, stage.key, "{'fill': 4096}");
    stage_start(&stage, "plain");
    expect_blob(&stage);
    stage_close(&stage);
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
        { "{'status': 429}", MD_ERR_NETWORK, "minidock login" },
        { "{'status': 503, 'headers': {'Retry-After': '1000000000'}}", MD_ERR_NETWORK, "503" },
        { "{'status': 429, 'headers': {'Retry-After': '3600'}}", MD_ERR_NETWORK, "429" },
        { "{'status': 302}", MD_ERR_NETWORK, "HTTP status 302" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stage stage;

        stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key, "%s", rows[i].answer);
        stage_start(&stage, "plain");
        expect_failure(&stage, rows[i].kind, rows[i].words);
        assert_int_equal(faulty_count(&stage.faulty, stage.blob.digest.text, NULL), 1);
        stage_close(&stage);
    }
}

static void a_redirect_is_followed_to_another_host(void **state)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        struct stage stage;

        stage_open(&stage, LARGE);
        faulty_answer(&stage.faulty, stage.key,
                      "{'status': %d, 'headers': {'Location': '@1@/cdn?sign=a%%2Fb'}}",
                      statuses[i]);
        faulty_answer(&stage.faulty, "1 GET /cdn?sign=a%2Fb", "{'fill': %d}", LARGE);
        stage_start(&stage, "plain,plain");
        expect_blob(&stage);
        stage_close(&stage);
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
        struct stage stage;

        stage_open(&stage, 4096);
        faulty_answer(&stage.faulty, stage.key,
                      "{'status': 307, 'headers': {'Location': '%s'}}", rows[i].location);
        faulty_answer(&stage.faulty, "GET /loop",
                      "{'status': 307, 'headers': {'Location': '/loop'}}");
        stage_start(&stage, "plain");
        if (i == 3) {
            expect_failure(&stage, MD_ERR_NETWORK, rows[i].words);
            assert_int_equal(faulty_count(&stage.faulty, "/loop", NULL), 10);
        } else {
            expect_failure(&stage, MD_ERR_FORMAT, rows[i].words);
        }
        stage_close(&stage);
    }
}

static void https_is_never_left_for_http_B29(void **state)
{
    struct stage stage;
    MD_AUTO_FREE char *authority = NULL;

    (void)state;
    stage_open(&stage, 4096);
    faulty_answer(&stage.faulty, stage.key,
                  "{'status': 302, 'headers': {'Location': '@1@/x'}}");
    authority = faulty_path(&stage.faulty, "ca.pem");
    setenv("SSL_CERT_FILE", authority, 1);
    stage_start(&stage, "tls,plain");
    expect_failure(&stage, MD_ERR_NETWORK, "from https to http");
    assert_int_equal(faulty_count(&stage.faulty, "\"listener\": 1", NULL), 0);
    unsetenv("SSL_CERT_FILE");
    stage_close(&stage);
}

static void an_address_is_fetched_whole_and_through_redirects(void **state)
{
    struct stage stage;
    struct md_digest digest;
    char url[64];

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, "GET /r",
                  "{'status': 302, 'headers': {'Location': 'rootfs'}}");
    faulty_answer(&stage.faulty, "GET /rootfs", "{'fill': %d, 'chunked': true}", LARGE);
    faulty_answer(&stage.faulty, "GET /cut", "{'fill': %d, 'cut': 5000}", LARGE);
    stage_start(&stage, "plain");
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
    stage_close(&stage);
}

/* stage_close() waits for the network process: the test's time-out is the check. */
static void it_ends_with_its_coordinator_whatever_it_waits_for_B14(void **state)
{
    struct stage stage;
    struct pull_message resolve = { .tag = PULL_RESOLVE };
    struct md_err err = { 0 };

    (void)state;
    stage_open(&stage, LARGE);
    faulty_answer(&stage.faulty, stage.key, "{'fill': %d}", LARGE);
    faulty_answer(&stage.faulty, "GET /v2/b/manifests/latest", "{'delay': 50}");
    stage_start(&stage, "plain");
    coordinator_fetch(&stage.coordinator, 0, &stage.blob, 0); /* nobody reads it */
    resolve.resolve = resolve_order("localhost:%d/b", stage.faulty.ports[0]);
    assert_int_equal(pull_wire_send(stage.coordinator.socket, &resolve, NULL, 0, &err), 0);
    usleep(100000);
    stage_close(&stage);
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
        cmocka_unit_test(attempts_come_to_an_end_B21),
        cmocka_unit_test(a_server_in_trouble_is_asked_again_B20_B21),
        cmocka_unit_test(a_refusal_is_told_at_once_B19_B20),
        cmocka_unit_test(a_redirect_is_followed_to_another_host),
        cmocka_unit_test(redirects_that_lead_nowhere_are_refused_B29),
        cmocka_unit_test(https_is_never_left_for_http_B29),
        cmocka_unit_test(it_ends_with_its_coordinator_whatever_it_waits_for_B14),
        cmocka_unit_test(an_address_is_fetched_whole_and_through_redirects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
