/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers, TLS, and single requests against the scripted server. */
#include "pull/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "faulty.h"
#include "pull/wire.h"

/* ---- Heads ---- */

static void a_content_range_is_exact_or_wrong_B17(void **state)
{
    static const struct {
        const char *text;
        bool right;
    } rows[] = {
        { "bytes 5-9/10", true },
        { "Bytes 5-9/10", true },
        { "bytes 5-9/*", false },
        { "bytes 4-9/10", false },
        { "bytes 5-8/10", false },
        { "bytes 5-9/11", false },
        { "bytes 5-9/10 ", false },
        { "bytes */10", false },
        { "5-9/10", false },
        { "bytes +5-9/10", false },
        { "", false },
        { "bytes 5-99999999999999999999/10", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_response response = { 0 };

        snprintf(response.content_range, sizeof(response.content_range), "%s", rows[i].text);
        assert_int_equal(pull_response_range_is(&response, 5, 9, 10), rows[i].right);
    }
}

static void feed(struct pull_response *response, const char *line)
{
    pull_response_header(response, line, strlen(line));
}

static void fields_are_kept_by_name_and_bounded_B23(void **state)
{
    struct pull_response response = { 0 };
    MD_AUTO_FREE char *large = md_xmalloc(PULL_MAX_URL + 32);

    (void)state;
    pull_response_reset(&response);
    feed(&response, "content-TYPE: \t text/html; charset=x \r\n");
    feed(&response, "Content-Type: application/json\r\n");
    feed(&response, "Retry-After: 7\r\n");
    feed(&response, "WWW-Authenticate: Basic realm=\"a\"\r\n");
    feed(&response, "WWW-Authenticate: Bearer realm=\"b\"\r\n");
    feed(&response, "Docker-Content-Digest: sha\001256\r\n");
    feed(&response, "no colon\r\n");
    assert_string_equal(response.content_type, "text/html; charset=x");
    assert_true(pull_response_is_html(&response));
    assert_int_equal(pull_response_retry_after(&response, 0), 7);
    assert_string_equal(response.challenge.data, "Basic realm=\"a\", Bearer realm=\"b\"");
    assert_string_equal(response.content_digest, "");
    memset(large, 'a', PULL_MAX_URL + 31);
    memcpy(large, "Location:", 9);
    large[PULL_MAX_URL + 31] = '\0';
    feed(&response, large);
    assert_string_equal(response.location, "");
    memcpy(large, "WWW-Authenticate:", 17);
    feed(&response, large);
    assert_true(response.challenge_too_long);
    pull_response_reset(&response);
}

static void retry_after_is_seconds_or_a_date_or_nothing_B20_D33(void **state)
{
    static const struct {
        const char *text;
        int seconds;
    } rows[] = {
        { "1", 1 },
        { "0", 0 },
        { "-5", -1 },
        { "1000000000", 86400 },
        { "99999999999999999999999", 86400 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 37 },
        { "Sun, 06 Nov 1994 08:48:59 GMT", 0 },
        { "Sat, 01 Jan 1994 00:00:00 GMT", 0 },
        { "Sun, 06 Nov 2094 08:49:37 GMT", 86400 },
        { "Sun, 06 Nov 1994 08:49:37 GMT and more", -1 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", -1 },
        { "1.5", -1 },
        { "soon", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_response response = { 0 };

        snprintf(response.retry_after, sizeof(response.retry_after), "%s", rows[i].text);
        /* It is 08:49:00 on that day. */
        assert_int_equal(pull_response_retry_after(&response, 784111740), rows[i].seconds);
    }
}

/* ---- Requests ---- */

struct taking {
    struct pull_sink sink;
    struct md_buf bytes;
};

static ssize_t take(struct pull_sink *sink, const char *bytes, size_t len)
{
    struct taking *taking = (struct taking *)sink;

    return md_buf_add(&taking->bytes, bytes, len) < 0 ? -1 : (ssize_t)len;
}

struct asking {
    struct faulty faulty;
    struct pull_settings settings;
    struct pull_http *http;
    struct pull_exchange *exchange;
    struct taking taking;
    int connect_timeout_ms; /* 0: plenty */
    int ends[2];
};

static void ask_open(struct asking *asking, const char *kinds)
{
    struct md_err err = { 0 };

    faulty_start(&asking->faulty, kinds);
    assert_int_equal(pull_wire_pair(&asking->ends[0], &asking->ends[1], &err), 0);
    pull_settings_read(&asking->settings);
    asking->http = pull_http_open(asking->ends[0], &asking->settings, &err);
    assert_non_null(asking->http);
    asking->taking.sink.put = take;
    asking->taking.sink.ready_fd = -1;
    asking->taking.bytes.max = 1 << 20;
}

static enum pull_http_end ask(struct asking *asking, const char *scheme, int port,
                              const char *path)
{
    MD_AUTO_FREE char *text = md_xasprintf("%s://127.0.0.1:%d%s", scheme, port, path);
    struct pull_url url;
    struct md_err err = { 0 };
    struct pull_request request = {
        .url = &url,
        .connect_timeout_ms = asking->connect_timeout_ms ? asking->connect_timeout_ms : 5000,
        .sink = &asking->taking.sink,
    };

    assert_int_equal(pull_url_parse(text, NULL, &url, &err), 0);
    pull_exchange_close(&asking->exchange);
    md_buf_clear(&asking->taking.bytes);
    asking->exchange = pull_http_start(asking->http, &request, &err);
    assert_non_null(asking->exchange);
    while (pull_exchange_end(asking->exchange) == PULL_HTTP_RUNNING) {
        assert_int_equal(pull_http_step(asking->http, PULL_WATCH_END, -1), PULL_EVENT_NONE);
    }
    return pull_exchange_end(asking->exchange);
}

static void ask_close(struct asking *asking)
{
    pull_exchange_close(&asking->exchange);
    pull_http_close(&asking->http);
    pull_settings_clear(&asking->settings);
    md_buf_clear(&asking->taking.bytes);
    close(asking->ends[0]);
    close(asking->ends[1]);
    faulty_close(&asking->faulty);
}

static int reason_holds(const struct asking *asking, const char *text)
{
    return strstr(pull_exchange_reason(asking->exchange), text) != NULL;
}

static void a_request_asks_for_bytes_as_they_are_B22(void **state)
{
    struct asking asking = { 0 };

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /a",
                  "{'body': 'bytes', 'headers': {'Content-Encoding': 'gzip'}}");
    ask_open(&asking, "plain");
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/a"), PULL_HTTP_WHOLE);
    assert_int_equal(pull_exchange_response(asking.exchange)->status, 200);
    assert_int_equal(pull_exchange_response(asking.exchange)->length, 5);
    assert_string_equal(asking.taking.bytes.data, "bytes");
    assert_int_equal(faulty_count(&asking.faulty, "\"accept-encoding\": \"identity\"",
                                  "\"user-agent\": \"minidock/", NULL),
                     1);
    ask_close(&asking);
}

static ssize_t take_little(struct pull_sink *sink, const char *bytes, size_t len)
{
    return take(sink, bytes, len < 1009 ? len : 1009);
}

static void have_room(struct pull_sink *sink)
{
    (void)sink;
}

static void a_sink_that_takes_little_gets_every_byte_once(void **state)
{
    struct asking asking = { 0 };
    int always_ready = eventfd(1, EFD_CLOEXEC);

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /a", "{'fill': 100000}");
    ask_open(&asking, "plain");
    asking.taking.sink.put = take_little;
    asking.taking.sink.ready = have_room;
    asking.taking.sink.ready_fd = always_ready;
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/a"), PULL_HTTP_WHOLE);
    assert_int_equal(asking.taking.bytes.len, 100000);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal((unsigned char)asking.taking.bytes.data[i], i % 251);
    }
    close(always_ready);
    ask_close(&asking);
}

static void what_is_no_http_is_no_answer_B23(void **state)
{
    struct asking asking = { 0 };

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /old", "{'raw': 'aGVsbG8K'}");
    faulty_answer(&asking.faulty, "GET /nothing", "{'raw': ''}");
    faulty_answer(&asking.faulty, "GET /cut", "{'fill': 1000, 'cut': 10}");
    faulty_answer(&asking.faulty, "GET /chunk", "{'fill': 1000, 'chunked': true, 'cut': 10}");
    ask_open(&asking, "plain");
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/old"), PULL_HTTP_UNUSABLE);
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/nothing"), PULL_HTTP_CUT);
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/cut"), PULL_HTTP_CUT);
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/chunk"), PULL_HTTP_CUT);
    assert_int_equal(ask(&asking, "http", 1, "/"), PULL_HTTP_UNREACHABLE);
    assert_true(reason_holds(&asking, "connection refused"));
    ask_close(&asking);
}

static void endless_headers_are_cut_off_B23(void **state)
{
    struct asking asking = { 0 };
    MD_AUTO_FREE char *large = md_xmalloc(60001);

    (void)state;
    memset(large, 'a', 60000);
    large[60000] = '\0';
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /a",
                  "{'headers': {'X': ['%s', '%s', '%s', '%s', '%s']}}", large, large, large,
                  large, large);
    ask_open(&asking, "plain");
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/a"), PULL_HTTP_UNUSABLE);
    ask_close(&asking);
}

static void a_certificate_counts_only_with_its_authority_B45_B47(void **state)
{
    struct asking asking = { 0 };
    MD_AUTO_FREE char *authority = NULL;

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /a", "{'body': 'x'}");
    unsetenv("SSL_CERT_FILE");
    ask_open(&asking, "tls,plain");
    assert_int_equal(ask(&asking, "https", asking.faulty.ports[0], "/a"), PULL_HTTP_DISTRUSTED);
    assert_true(reason_holds(&asking, "not trusted"));
    assert_int_equal(ask(&asking, "https", asking.faulty.ports[1], "/a"), PULL_HTTP_NO_TLS);
    pull_exchange_close(&asking.exchange);
    pull_http_close(&asking.http);

    authority = faulty_path(&asking.faulty, "ca.pem");
    setenv("SSL_CERT_FILE", authority, 1);
    pull_settings_clear(&asking.settings);
    pull_settings_read(&asking.settings);
    asking.http = pull_http_open(asking.ends[0], &asking.settings, &(struct md_err){ 0 });
    assert_int_equal(ask(&asking, "https", asking.faulty.ports[0], "/a"), PULL_HTTP_WHOLE);
    unsetenv("SSL_CERT_FILE");
    ask_close(&asking);
}

static void a_host_that_says_nothing_is_not_waited_for_long_B14_B45(void **state)
{
    struct asking asking = { .connect_timeout_ms = 200 };

    (void)state;
    faulty_open(&asking.faulty);
    ask_open(&asking, "full,mute");
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/"), PULL_HTTP_UNREACHABLE);
    assert_string_equal(pull_exchange_reason(asking.exchange), "no answer in time");
    assert_int_equal(ask(&asking, "https", asking.faulty.ports[1], "/"), PULL_HTTP_UNREACHABLE);
    assert_string_equal(pull_exchange_reason(asking.exchange), "no answer in time");
    ask_close(&asking);
}

static void lengths_that_contradict_each_other_are_no_answer_B23(void **state)
{
    struct asking asking = { 0 };

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /two",
                  "{'body': 'bytes', 'headers': {'Content-Length': '4'}}");
    faulty_answer(&asking.faulty, "GET /same",
                  "{'body': 'bytes', 'headers': {'Content-Length': '5'}}");
    ask_open(&asking, "plain");
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/two"), PULL_HTTP_UNUSABLE);
    assert_true(reason_holds(&asking, "Content-Length"));
    assert_int_equal(asking.taking.bytes.len, 0);
    assert_int_equal(ask(&asking, "http", asking.faulty.ports[0], "/same"), PULL_HTTP_WHOLE);
    assert_string_equal(asking.taking.bytes.data, "bytes");
    ask_close(&asking);
}

static void the_end_of_the_coordinator_is_seen_at_once_B14(void **state)
{
    struct asking asking = { 0 };
    struct pull_url url;
    struct md_err err = { 0 };
    struct pull_request request = { .url = &url, .sink = &asking.taking.sink };
    MD_AUTO_FREE char *text = NULL;

    (void)state;
    faulty_open(&asking.faulty);
    faulty_answer(&asking.faulty, "GET /a", "{'delay': 30}");
    ask_open(&asking, "plain");
    text = md_xasprintf("http://127.0.0.1:%d/a", asking.faulty.ports[0]);
    assert_int_equal(pull_url_parse(text, NULL, &url, &err), 0);
    asking.exchange = pull_http_start(asking.http, &request, &err);
    assert_int_equal(send(asking.ends[1], "x", 1, 0), 1); /* an order waits: that is no end */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pull_http_step(asking.http, PULL_WATCH_END, 10), PULL_EVENT_NONE);
    }
    assert_int_equal(pull_http_step(asking.http, PULL_WATCH_MESSAGES, 1000),
                     PULL_EVENT_MESSAGE);
    shutdown(asking.ends[1], SHUT_RDWR);
    assert_int_equal(pull_http_step(asking.http, PULL_WATCH_END, 30000), PULL_EVENT_GONE);
    ask_close(&asking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_content_range_is_exact_or_wrong_B17),
        cmocka_unit_test(fields_are_kept_by_name_and_bounded_B23),
        cmocka_unit_test(retry_after_is_seconds_or_a_date_or_nothing_B20_D33),
        cmocka_unit_test(a_request_asks_for_bytes_as_they_are_B22),
        cmocka_unit_test(a_sink_that_takes_little_gets_every_byte_once),
        cmocka_unit_test(what_is_no_http_is_no_answer_B23),
        cmocka_unit_test(endless_headers_are_cut_off_B23),
        cmocka_unit_test(a_certificate_counts_only_with_its_authority_B45_B47),
        cmocka_unit_test(a_host_that_says_nothing_is_not_waited_for_long_B14_B45),
        cmocka_unit_test(lengths_that_contradict_each_other_are_no_answer_B23),
        cmocka_unit_test(the_end_of_the_coordinator_is_seen_at_once_B14),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
