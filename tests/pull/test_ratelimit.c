/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done about an answer of 429. */
#include "pull/ratelimit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void remedies_say_until_when_and_how_many(void **state)
{
    static const struct {
        const char *retry_after;
        const char *limit;
        const char *remaining;
        const char *words;
    } rows[] = {
        { "", "", "",
          "wait a while, use 'minidock login', or name a mirror in registries.conf" },
        { "3600", "", "", "wait until 02:00:00, use" },
        { "0", "", "", "wait a while, use" },
        { "Thu, 01 Jan 1970 07:28:00 GMT", "", "", "wait until 07:28:00, use" },
        { "Wed, 21 Oct 2026 07:28:00 GMT", "", "", "wait a day or more, use" },
        { "a\\b", "", "", "wait a while, use" },
        { "", "100;w=21600", "0;w=21600", "registries.conf (left: 0 of 100 in 6 hours)" },
        { "", "100", "3", "registries.conf (left: 3 of 100)" },
        { "", "100;w=21600", "", "registries.conf" },
        { "", "junk", "99999999999999999999", "registries.conf" },
    };

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_response response = { 0 };
        char out[PULL_RATELIMIT_TEXT_SIZE];

        snprintf(response.retry_after, sizeof(response.retry_after), "%s", rows[i].retry_after);
        snprintf(response.ratelimit_limit, sizeof(response.ratelimit_limit), "%s",
                 rows[i].limit);
        snprintf(response.ratelimit_remaining, sizeof(response.ratelimit_remaining), "%s",
                 rows[i].remaining);
        pull_ratelimit_remedies(&response, 3600, out, sizeof(out));
        if (!strstr(out, rows[i].words)) {
            assert_string_equal(out, rows[i].words);
        }
        assert_int_equal(!!strstr(out, "left: "), !!strstr(rows[i].words, "left: "));
    }
}

static void the_fields_of_docker_hub_are_kept(void **state)
{
    struct pull_response response = { 0 };
    static const char *const lines[] = { "ratelimit-limit: 100;w=21600\r\n",
                                         "RateLimit-Remaining: 97;w=21600\r\n",
                                         "docker-ratelimit-source: 192.0.2.1\r\n" };

    (void)state;
    pull_response_reset(&response);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        pull_response_header(&response, lines[i], strlen(lines[i]));
    }
    assert_string_equal(response.ratelimit_limit, "100;w=21600");
    assert_string_equal(response.ratelimit_remaining, "97;w=21600");
    assert_string_equal(response.ratelimit_source, "192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remedies_say_until_when_and_how_many),
        cmocka_unit_test(the_fields_of_docker_hub_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
