/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/when.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/when.h"

/* 2026-01-02T03:04:05.5Z */
static const struct timespec now = { .tv_sec = 1767323045, .tv_nsec = 500000000 };

static void each_form_means_a_time(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        long nanoseconds;
    } rows[] = {
        { "0", 1767323045, 500000000 },
        { "10s", 1767323035, 500000000 },
        { "1h30m", 1767317645, 500000000 },
        { "1.5h", 1767317645, 500000000 },
        { "600ms", 1767323044, 900000000 },
        { "1us", 1767323045, 499999000 },
        { "-10m", 1767323645, 500000000 },
        { "-600ms", 1767323046, 100000000 },
        { "2026-01-02T03:04:05.25Z", 1767323045, 250000000 },
        { "2026-01-02T03:04:05+01:00", 1767319445, 0 },
        { "2026-01-02T03:04Z", 1767323040, 0 },
        { "2026-01-02Z", 1767312000, 0 },
        { "2026-01-02", 1767304800, 0 }, /* the zone is UTC+2 */
        { "2026-01-02T03:04:05", 1767315845, 0 },
        { "2026-01-02T03:04", 1767315840, 0 },
        { "1767323045", 1767323045, 0 },
        { "1767323045.000000001", 1767323045, 1 },
        { "1767323045.5", 1767323045, 500000000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec when = { 0 };
        struct md_err err = { 0 };

        if (cli_when(rows[i].text, &now, &when, &err) < 0)
            fail_msg("%s: %s", rows[i].text, err.text);
        if (when.tv_sec != rows[i].seconds || when.tv_nsec != rows[i].nanoseconds)
            fail_msg("%s: %lld.%09ld", rows[i].text, (long long)when.tv_sec, when.tv_nsec);
    }
}

static void what_is_no_time_is_a_usage_error(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "10x",
        "10m5",
        ".",
        "1..5s",
        "h",
        "-",
        "2026-13-01",
        "2026-01-02T",
        "12.x",
        "1767323045.",
        "1 m",
        "2026-01-02T99:00",
        "99999999999999999999s",
        "3000000h",
        "99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct timespec when = { 0 };
        struct md_err err = { 0 };

        if (cli_when(texts[i], &now, &when, &err) == 0)
            fail_msg("%s: taken", texts[i]);
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_means_a_time),
        cmocka_unit_test(what_is_no_time_is_a_usage_error),
    };

    setenv("TZ", "EET-2", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
