/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/text.c. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a86_what_a_terminal_must_not_see_is_escaped(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "plain text", "plain text" },
        { "", "" },
        { "\x1b[2J", "\\x1b[2J" },
        { "\x1b]52;c;aGk=\a", "\\x1b]52;c;aGk=\\x07" },
        { "a\r\n\tb", "a\\x0d\\x0a\\x09b" },
        { "\x7f", "\\x7f" },
        { "back\\slash", "back\\x5cslash" },
        { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3" },
        { "\xc2\x9b", "\\xc2\\x9b" },                   /* C1 in UTF-8 */
        { "\x9b", "\\x9b" },                            /* C1 as a byte */
        { "\xe2\x80\xae", "\\xe2\\x80\\xae" },          /* right-to-left override */
        { "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },          /* isolate */
        { "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },          /* line separator */
        { "\xd8\x9c", "\\xd8\\x9c" },                   /* arabic letter mark */
        { "\xc0\x80", "\\xc0\\x80" },                   /* overlong */
        { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },          /* overlong */
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* past U+10FFFF */
        { "\xe2\x82", "\\xe2\\x82" },                   /* ends too early */
        { "\xe2(", "\\xe2(" },
        { "\xff\xfe", "\\xff\\xfe" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[64];
        char *whole = md_text_escaped(rows[i].in, strlen(rows[i].in));

        assert_string_equal(md_text_escape(rows[i].in, strlen(rows[i].in), out, sizeof(out)),
                            rows[i].out);
        assert_string_equal(whole, rows[i].out);
        free(whole);
    }
}

static void a_nul_is_escaped_too(void **state)
{
    char out[32];

    (void)state;
    assert_string_equal(md_text_escape("a\0b", 3, out, sizeof(out)), "a\\x00b");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } rows[] = {
        { "1234567", 8, "1234567" },
        { "12345678", 8, "1234..." },
        { "123\x01", 8, "123\\x01" },
        { "1234\x01", 8, "1234..." },
        { "1\x01\x02", 8, "1..." },
        { "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9, "\xe2\x82\xac..." },
        { "\xe2\x80\xae", 8, "..." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *out = malloc(rows[i].size); /* its exact size, for AddressSanitizer */

        assert_string_equal(md_text_escape(rows[i].in, strlen(rows[i].in), out, rows[i].size),
                            rows[i].out);
        free(out);
    }
}

static void sizes_have_three_digits(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0B" },
        { 1, "1B" },
        { 999, "999B" },
        { 1000, "1kB" },
        { 1024, "1.02kB" },
        { 1500, "1.5kB" },
        { 9994, "9.99kB" },
        { 9996, "10kB" },
        { 99949, "99.9kB" },
        { 99951, "100kB" },
        { 999499, "999kB" },
        { 999500, "1MB" },
        { 7800000, "7.8MB" },
        { 7834567, "7.83MB" },
        { 7004567, "7MB" },
        { 284000000, "284MB" },
        { 1050000000, "1.05GB" },
        { 10010000000, "10GB" },
        { 123000000000000, "123TB" },
        { UINT64_MAX, "18.4EB" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[16];

        assert_string_equal(md_text_size(rows[i].bytes, out, sizeof(out)), rows[i].text);
    }
}

static void durations_are_in_dockers_words(void **state)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        { -5, "Less than a second" },
        { 0, "Less than a second" },
        { 1, "1 second" },
        { 59, "59 seconds" },
        { 60, "About a minute" },
        { 119, "About a minute" },
        { 120, "2 minutes" },
        { 59 * MINUTE + 59, "59 minutes" },
        { HOUR, "About an hour" },
        { HOUR + 29 * MINUTE, "About an hour" },
        { HOUR + 30 * MINUTE, "2 hours" },
        { 47 * HOUR, "47 hours" },
        { 48 * HOUR, "2 days" },
        { 13 * DAY, "13 days" },
        { 14 * DAY, "2 weeks" },
        { 59 * DAY, "8 weeks" },
        { 60 * DAY, "2 months" },
        { 729 * DAY, "24 months" },
        { 730 * DAY, "2 years" },
        { 3650LL * DAY, "10 years" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[32];

        assert_string_equal(md_text_duration(rows[i].seconds, out, sizeof(out)), rows[i].text);
    }
}

static void times_are_written_in_utc_with_nanoseconds(void **state)
{
    struct timespec when = { .tv_sec = 1767322985, .tv_nsec = 123456789 };
    char out[31];

    (void)state;
    assert_string_equal(md_text_time(&when, out, sizeof(out)),
                        "2026-01-02T03:03:05.123456789Z");
    when = (struct timespec){ 0 };
    assert_string_equal(md_text_time(&when, out, sizeof(out)),
                        "1970-01-01T00:00:00.000000000Z");
}

static void times_are_read_with_fraction_and_offset(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        long nanoseconds;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, 0 },
        { "1970-01-01t00:00:01z", 1, 0 },
        { "2026-01-02T03:03:05.123456789Z", 1767322985, 123456789 },
        { "2026-01-02T03:03:05.5Z", 1767322985, 500000000 },
        { "2026-01-02T03:03:05.1234567899999Z", 1767322985, 123456789 },
        { "2026-01-02T05:33:05+02:30", 1767322985, 0 },
        { "2026-01-01T22:03:05-05:00", 1767322985, 0 },
        { "2024-02-29T00:00:00Z", 1709164800, 0 },
        { "0001-01-01T00:00:00Z", -62135596800, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec when = { 0 };

        assert_int_equal(md_text_parse_time(rows[i].text, &when), 0);
        assert_true(when.tv_sec == rows[i].seconds);
        assert_int_equal(when.tv_nsec, rows[i].nanoseconds);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "yesterday",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-02-30T03:04:05Z",
        "2023-02-29T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+2:00",
        "2026-01-02T03:04:05+02:00x",
        "2026-01-02T03:04:05Zx",
        "-026-01-02T03:04:05Z",
        "20260-1-02T03:04:05Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct timespec when;

        assert_int_equal(md_text_parse_time(bad[i], &when), -1);
    }
}

static void numbers_are_digits_only(void **state)
{
    static const char *const bad[] = { "",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "1x",
                                       "0x1",
                                       "1e3",
                                       "1.0",
                                       "18446744073709551616",
                                       "99999999999999999999999",
                                       "\xd9\xa3" };
    uint64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(md_text_parse_u64(bad[i], UINT64_MAX, &value), -1);
    }
    assert_int_equal(value, 7);
    assert_int_equal(md_text_parse_u64("18446744073709551615", UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(md_text_parse_u64("010", 10, &value), 0);
    assert_int_equal(value, 10);
    assert_int_equal(md_text_parse_u64("11", 10, &value), -1);
}

static void sizes_are_read_as_docker_reads_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        { "0", 0 },
        { "512", 512 },
        { "512b", 512 },
        { "64m", 64ull << 20 },
        { "64M", 64ull << 20 },
        { "64mb", 64ull << 20 },
        { "64MiB", 64ull << 20 },
        { "1g", 1ull << 30 },
        { "1.5kb", 1536 },
        { "0.5 GiB", 1ull << 29 },
        { "32 k", 32768 },
        { "2t", 2ull << 40 },
        { "7p", 7ull << 50 },
        { "9223372036854775807", INT64_MAX },
    };
    static const char *const bad[] = {
        "",      "m",   "-1m",  "+1",   " 1",  "1mm",   "1x",
        "1mib2", "1 ",  "1kbb", "1  k", "1e3", "8192p", "9223372036854775808",
        "1bb",   "1bk", "1.2.3"
    };
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(md_text_parse_size(rows[i].text, &value), 0);
        assert_true(value == rows[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (md_text_parse_size(bad[i], &value) == 0) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a86_what_a_terminal_must_not_see_is_escaped),
        cmocka_unit_test(a_nul_is_escaped_too),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(sizes_have_three_digits),
        cmocka_unit_test(durations_are_in_dockers_words),
        cmocka_unit_test(times_are_written_in_utc_with_nanoseconds),
        cmocka_unit_test(times_are_read_with_fraction_and_offset),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(sizes_are_read_as_docker_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
