/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/filter.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/filter.h"

static const char *const known[] = { "label", "name", NULL };

static void keys_and_values_are_taken_apart(void **state)
{
    struct md_list typed = { 0 };
    struct cli_filters filters = { 0 };
    struct md_err err = { 0 };

    (void)state;
    md_list_add(&typed, "name=a=b");
    md_list_add(&typed, " Label = x ");
    assert_int_equal(cli_filters_read(&typed, known, &filters, &err), 0);
    assert_int_equal(filters.count, 2);
    assert_string_equal(filters.items[0].key, "name");
    assert_string_equal(filters.items[0].value, "a=b");
    assert_string_equal(filters.items[1].key, "label");
    assert_string_equal(filters.items[1].value, "x");
    cli_filters_clear(&filters);
    md_list_clear(&typed);
}

static void what_is_no_filter_is_a_usage_error(void **state)
{
    static const char *const texts[] = { "name", "", "nope=1", "=1" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct md_list typed = { 0 };
        struct cli_filters filters = { 0 };
        struct md_err err = { 0 };

        md_list_add(&typed, texts[i]);
        assert_int_equal(cli_filters_read(&typed, known, &filters, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        cli_filters_clear(&filters);
        md_list_clear(&typed);
    }
}

static void a_label_is_there_or_has_a_value(void **state)
{
    MD_AUTO_JSON labels = md_json_object();

    (void)state;
    md_json_set(labels, "a", md_json_string("b=c"));
    assert_true(cli_filter_label(labels, "a"));
    assert_true(cli_filter_label(labels, "a=b=c"));
    assert_false(cli_filter_label(labels, "a=b"));
    assert_false(cli_filter_label(labels, "b"));
    assert_false(cli_filter_label(NULL, "a"));
}

static void booleans_are_go_s(void **state)
{
    struct cli_filter filter = { .key = (char *)"dangling", .value = (char *)"True" };
    struct md_err err = { 0 };
    bool value = false;

    (void)state;
    assert_int_equal(cli_filter_bool(&filter, &value, &err), 0);
    assert_true(value);
    filter.value = (char *)"0";
    assert_int_equal(cli_filter_bool(&filter, &value, &err), 0);
    assert_false(value);
    filter.value = (char *)"yes";
    assert_int_equal(cli_filter_bool(&filter, &value, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_values_are_taken_apart),
        cmocka_unit_test(what_is_no_filter_is_a_usage_error),
        cmocka_unit_test(a_label_is_there_or_has_a_value),
        cmocka_unit_test(booleans_are_go_s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
