/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers whose lengths contradict each other. */
#include "pull/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_length_is_one_number_or_wrong_B5_B23(void **state)
{
    static const struct {
        const char *lines[3];
        bool wrong;
    } rows[] = {
        { { "Content-Length: 5\r\n" }, false },
        { { "content-length:0\r\n" }, false },
        { { "Content-Length: 9223372036854775807\r\n" }, false },
        { { "Content-Length: 5\r\n", "Content-Length: 5\r\n" }, false },
        { { "Content-Length: 5\r\n", "X: y\r\n", "Content-Length: 6\r\n" }, true },
        { { "Content-Length: 5\r\n", "Content-Length: 05\r\n" }, true },
        { { "Content-Length: 5, 5\r\n" }, true },
        { { "Content-Length: 5x\r\n" }, true },
        { { "Content-Length: -5\r\n" }, true },
        { { "Content-Length: +5\r\n" }, true },
        { { "Content-Length: 1e3\r\n" }, true },
        { { "Content-Length: \r\n" }, true },
        { { "Content-Length: 9223372036854775808\r\n" }, true },
        { { "Content-Length: 99999999999999999999999999999999\r\n" }, true },
        { { "Content-Length: 5\001\r\n" }, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_response response = { 0 };

        pull_response_reset(&response);
        for (size_t j = 0; j < 3 && rows[i].lines[j]; j++) {
            pull_response_header(&response, rows[i].lines[j], strlen(rows[i].lines[j]));
        }
        assert_int_equal(response.length_wrong, rows[i].wrong);
        pull_response_reset(&response);
        assert_false(response.length_wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_one_number_or_wrong_B5_B23),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
