/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/list.c. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void a_list_always_ends_in_null(void **state)
{
    struct md_list list = { 0 };

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%zu", i);
        md_list_add(&list, text);
        assert_int_equal(list.count, i + 1);
        assert_string_equal(list.items[i], text);
        assert_null(list.items[i + 1]);
    }
    md_list_clear(&list);
    assert_null(list.items);
    assert_int_equal(list.count, 0);
    md_list_clear(&list);
}

static void a_copy_replaces_what_was_there(void **state)
{
    struct md_list from = { 0 };
    struct md_list to = { 0 };

    (void)state;
    md_list_add(&from, "a");
    md_list_take(&from, md_xstrdup("b"));
    md_list_add(&to, "old");
    md_list_copy(&to, &from);
    assert_int_equal(to.count, 2);
    assert_string_equal(to.items[1], "b");
    md_list_clear(&from);
    md_list_copy(&to, &from);
    assert_int_equal(to.count, 0);
    assert_null(to.items);
}

static void a_variable_is_replaced_in_place(void **state)
{
    struct md_list list = { 0 };

    (void)state;
    md_list_set_env(&list, "A=1");
    md_list_set_env(&list, "AB=2");
    md_list_set_env(&list, "C=3");
    md_list_set_env(&list, "A=new");
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0], "A=new");
    assert_string_equal(list.items[1], "AB=2");
    assert_string_equal(md_list_env(&list, "A"), "new");
    assert_string_equal(md_list_env(&list, "AB"), "2");
    assert_null(md_list_env(&list, "B"));
    md_list_clear(&list);
}

static void setting_leaves_one_entry_of_the_key(void **state)
{
    struct md_list list = { 0 };

    (void)state;
    md_list_add(&list, "A=1");
    md_list_add(&list, "B=1");
    md_list_add(&list, "A=2");
    md_list_add(&list, "A");
    md_list_set_env(&list, "A=3");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0], "A=3");
    assert_string_equal(list.items[1], "B=1");
    assert_null(list.items[2]);
    md_list_clear(&list);
}

static void a_variable_that_is_unset_is_gone(void **state)
{
    struct md_list list = { 0 };

    (void)state;
    md_list_unset_env(&list, "A");
    md_list_add(&list, "A=1");
    md_list_unset_env(&list, "B");
    assert_int_equal(list.count, 1);
    md_list_unset_env(&list, "A");
    assert_int_equal(list.count, 0);
    md_list_add(&list, "B=1");
    assert_string_equal(list.items[0], "B=1");
    md_list_clear(&list);
}

static void many_come_and_go(void **state)
{
    struct md_list list = { 0 };

    (void)state;
    for (int i = 0; i < 70; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%c=%d", i < 10 ? 'K' : 'D', i);
        md_list_add(&list, text);
    }
    md_list_unset_env(&list, "D");
    assert_int_equal(list.count, 10);
    assert_null(list.items[10]);
    for (int i = 0; i < 70; i++) {
        md_list_add(&list, "E=1");
    }
    assert_int_equal(list.count, 80);
    assert_null(list.items[80]);
    md_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_always_ends_in_null),
        cmocka_unit_test(a_copy_replaces_what_was_there),
        cmocka_unit_test(a_variable_is_replaced_in_place),
        cmocka_unit_test(setting_leaves_one_entry_of_the_key),
        cmocka_unit_test(a_variable_that_is_unset_is_gone),
        cmocka_unit_test(many_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
