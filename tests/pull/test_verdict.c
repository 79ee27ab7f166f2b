/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl's results mean: which may pass, which are final, and what is said. */
#include "pull/verdict.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* CURLcodes; curl/curl.h is for src/pull only. */
enum { UNSUPPORTED = 1, NO_MEMORY = 27, SSL_CONNECT = 35, SEND = 55, RECV = 56, PEER = 60 };

static void results_are_told_apart_by_code_and_by_words_B23_B45(void **state)
{
    static const struct {
        int code;
        const char *words;
        enum pull_http_end end;
        const char *reason;
    } rows[] = {
        { RECV, "Connection reset by peer", PULL_HTTP_CUT,
          "the connection broke off (Connection reset by peer)" },
        { SEND, "", PULL_HTTP_CUT,
          "the connection broke off (Failed sending data to the peer)" },
        { RECV, "x::tlsv13 alert certificate required, errno 0", PULL_HTTP_UNUSABLE,
          "it refuses the TLS connection (x::tlsv13 alert certificate required, errno 0)" },
        { RECV, "Too long hexadecimal number in chunked-encoding", PULL_HTTP_UNUSABLE,
          "no usable answer (Too long hexadecimal number in chunked-encoding)" },
        { SSL_CONNECT, "x:SSL routines::wrong version number", PULL_HTTP_NO_TLS,
          "no TLS connection (x:SSL routines::wrong version number)" },
        { SSL_CONNECT, "x:SSL routines::sslv3 alert handshake failure", PULL_HTTP_UNUSABLE,
          "it refuses the TLS connection (x:SSL routines::sslv3 alert handshake failure)" },
        { SSL_CONNECT, "x:SSL routines::unsupported protocol", PULL_HTTP_UNUSABLE,
          "it speaks only TLS that is too old (x:SSL routines::unsupported protocol)" },
        { NO_MEMORY, "", PULL_HTTP_UNUSABLE,
          "a header line longer than allowed (Out of memory)" },
        { UNSUPPORTED, "Received HTTP/0.9 when not allowed", PULL_HTTP_UNUSABLE,
          "no usable answer (Received HTTP/0.9 when not allowed)" },
        { RECV, "raw \033[31m\n", PULL_HTTP_CUT,
          "the connection broke off (raw \\x1b[31m\\x0a)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char reason[PULL_REASON_SIZE];

        assert_int_equal(pull_verdict(rows[i].code, rows[i].words, 0, reason), rows[i].end);
        assert_string_equal(reason, rows[i].reason);
    }
}

static void a_certificate_comes_with_advice_B45_B47(void **state)
{
    static const struct {
        long verified; /* OpenSSL's number */
        const char *advice;
    } rows[] = {
        { 9, "; the clock of this machine says 20" },
        { 10, "; the clock of this machine says" },
        { 18, "; a file named by SSL_CERT_FILE can" },
        { 19, "SSL_CERT_FILE" },
        { 20, "SSL_CERT_FILE" },
        { 21, "SSL_CERT_FILE" },
    };
    char reason[PULL_REASON_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(
            pull_verdict(PEER, "SSL certificate problem", rows[i].verified, reason),
            PULL_HTTP_DISTRUSTED);
        assert_non_null(strstr(reason, "its certificate is not trusted (SSL certificate"));
        assert_non_null(strstr(reason, rows[i].advice));
    }
    /* A name that does not fit has no such remedy. */
    pull_verdict(PEER, "no alternative name matches", 0, reason);
    assert_string_equal(reason, "its certificate is not trusted (no alternative name matches)");
}

static void why_there_was_no_connection_is_told_by_number(void **state)
{
    (void)state;
    assert_string_equal(pull_verdict_connect(ECONNREFUSED), "connection refused");
    assert_string_equal(pull_verdict_connect(EHOSTUNREACH), "no route to it");
    assert_string_equal(pull_verdict_connect(ETIMEDOUT), "no answer");
    assert_string_equal(pull_verdict_connect(0), "cannot connect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_told_apart_by_code_and_by_words_B23_B45),
        cmocka_unit_test(why_there_was_no_connection_is_told_by_number),
        cmocka_unit_test(a_certificate_comes_with_advice_B45_B47),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
