/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/err.c. */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void set_fills_kind_and_text_and_returns_minus_one(void **state)
{
    struct md_err err = { .sys = ENOSPC };

    (void)state;
    assert_int_equal(md_err_set(&err, MD_ERR_NOT_FOUND, "no image \"%s\"", "x"), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(err.sys, 0);
    assert_string_equal(err.text, "no image \"x\"");
}

static void sys_takes_errno_and_leaves_it_as_it_was(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    errno = ENOSPC;
    assert_int_equal(md_err_sys(&err, "cannot write"), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, ENOSPC);
    assert_string_equal(err.text, "cannot write");
}

static void context_goes_in_front_and_keeps_kind_and_errno(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    errno = EIO;
    md_err_sys(&err, "cannot read");
    assert_int_equal(md_err_in(&err, "layer %d", 3), -1);
    assert_string_equal(err.text, "layer 3: cannot read");
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, EIO);
}

static void the_old_text_may_be_an_argument_of_the_new_one(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    md_err_set(&err, MD_ERR_USAGE, "inner");
    md_err_set(&err, MD_ERR_FORMAT, "<%s>", err.text);
    assert_string_equal(err.text, "<inner>");
    md_err_in(&err, "[%s]", err.text);
    assert_string_equal(err.text, "[<inner>]: <inner>");
}

static void a_long_text_is_cut_with_dots(void **state)
{
    struct md_err err = { 0 };
    char longer[2000];

    (void)state;
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    md_err_set(&err, MD_ERR_FORMAT, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.text + sizeof(err.text) - 4, "...");
    md_err_in(&err, "context");
    assert_int_equal(strncmp(err.text, "context: xxx", 12), 0);
    assert_string_equal(err.text + sizeof(err.text) - 4, "...");
}

static void a_cut_does_not_split_a_character(void **state)
{
    struct md_err err = { 0 };
    char longer[1000];

    (void)state;
    for (size_t i = 0; i + 3 < sizeof(longer); i += 3) {
        memcpy(longer + i, "\xe2\x82\xac", 4);
    }
    for (const char *front = "ab"; *front; front++) {
        md_err_set(&err, MD_ERR_FORMAT, "%s%s", front, longer);
        assert_int_equal((strlen(err.text) - 3 - strlen(front)) % 3, 0);
    }
}

static void a_text_of_exactly_the_size_is_not_cut(void **state)
{
    struct md_err err = { 0 };
    char text[sizeof(err.text)];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    md_err_set(&err, MD_ERR_FORMAT, "%s", text);
    assert_string_equal(err.text, text);
}

static void newlines_become_spaces(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    md_err_set(&err, MD_ERR_FORMAT, "a\nb\rc");
    assert_string_equal(err.text, "a b c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_kind_and_text_and_returns_minus_one),
        cmocka_unit_test(sys_takes_errno_and_leaves_it_as_it_was),
        cmocka_unit_test(context_goes_in_front_and_keeps_kind_and_errno),
        cmocka_unit_test(the_old_text_may_be_an_argument_of_the_new_one),
        cmocka_unit_test(a_long_text_is_cut_with_dots),
        cmocka_unit_test(a_cut_does_not_split_a_character),
        cmocka_unit_test(a_text_of_exactly_the_size_is_not_cut),
        cmocka_unit_test(newlines_become_spaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
