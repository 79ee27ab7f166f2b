/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/buf.c. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void bytes_are_appended_and_end_in_nul(void **state)
{
    struct md_buf buf = { .max = 1000 };

    (void)state;
    assert_int_equal(md_buf_add(&buf, "", 0), 0);
    assert_string_equal(buf.data, "");
    assert_int_equal(md_buf_add(&buf, "a\0b", 3), 0);
    assert_int_equal(md_buf_add(&buf, "c", 1), 0);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "a\0bc", 5);
    md_buf_clear(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 1000);
}

static void the_maximum_is_reached_but_not_passed(void **state)
{
    struct md_buf buf = { .max = 4 };

    (void)state;
    assert_int_equal(md_buf_add(&buf, "abcde", 5), -1);
    assert_int_equal(md_buf_add(&buf, "abcd", 4), 0);
    assert_int_equal(md_buf_add(&buf, "e", 1), -1);
    assert_int_equal(md_buf_add(&buf, "e", SIZE_MAX), -1);
    assert_int_equal(md_buf_add(&buf, "", 0), 0);
    assert_string_equal(buf.data, "abcd");
    md_buf_clear(&buf);
}

static void formatted_text_grows_the_buffer(void **state)
{
    struct md_buf buf = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        md_buf_printf(&buf, "%04d", i);
    }
    assert_int_equal(buf.len, 4000);
    assert_int_equal(strlen(buf.data), 4000);
    assert_string_equal(buf.data + 3996, "0999");
    md_buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_appended_and_end_in_nul),
        cmocka_unit_test(the_maximum_is_reached_but_not_passed),
        cmocka_unit_test(formatted_text_grows_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
