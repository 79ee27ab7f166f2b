/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64. */
#include "pull/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void the_vectors_of_rfc_4648_hold_both_ways(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xff\xfe\xfd\xfb\xef", "//79++8=" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len;
        MD_AUTO_FREE char *text = pull_base64_encode(rows[i][0], strlen(rows[i][0]));
        MD_AUTO_FREE char *bytes = pull_base64_decode(rows[i][1], &len);

        assert_string_equal(text, rows[i][1]);
        assert_non_null(bytes);
        assert_int_equal(len, strlen(rows[i][0]));
        assert_string_equal(bytes, rows[i][0]);
    }
}

static void what_is_no_base_64_is_refused(void **state)
{
    static const char *const rows[] = {
        "Z",    "Zg",   "Zg=",      "Zg===",    "=",    "====", "Z===",       "Zm9v\n",
        "Zm 9", "Zm9*", "Zg==Zg==", "Zm8=Zm8=", "Zm-_", "Zm=v", "\xc3\xa9==",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len;

        assert_null(pull_base64_decode(rows[i], &len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_hold_both_ways),
        cmocka_unit_test(what_is_no_base_64_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
