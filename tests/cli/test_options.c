/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/options.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

/* What a parse left behind. */
struct parsed {
    bool flag, other;
    const char *text;
    struct md_list list;
    struct md_list operands;
    struct md_err err;
    int status;
};

static void clear(struct parsed *parsed)
{
    md_list_clear(&parsed->list);
    md_list_clear(&parsed->operands);
}

enum flags { ANYWHERE, LEADING };

static void parse(struct parsed *parsed, enum flags flags, int least, int most, char **argv)
{
    const struct cli_option options[] = {
        { 'f', "flag", CLI_FLAG, NULL, "", &parsed->flag },
        { 'o', "other", CLI_FLAG, NULL, "", &parsed->other },
        { 't', "text", CLI_TEXT, "TEXT", "", &parsed->text },
        { 'l', "list", CLI_LIST, "ITEM", "", &parsed->list },
        { 0 },
    };
    const struct cli_syntax syntax = { "try [OPTIONS] WORD...", "Try",  NULL, least, most,
                                       flags == LEADING,        options };
    int argc = 0;

    while (argv[argc])
        argc++;
    parsed->status = cli_parse(&syntax, argc, argv, &parsed->operands, &parsed->err);
}

#define PARSE(parsed, flags, least, most, ...)                                                 \
    parse(parsed, flags, least, most, (char *[]){ "try", __VA_ARGS__, NULL })

static void short_flags_combine_and_take_values_attached_or_apart(void **state)
{
    struct parsed parsed = { 0 };

    (void)state;
    PARSE(&parsed, ANYWHERE, 0, -1, "-fot", "one", "-la", "-l", "b", "-l=c", "x");
    assert_int_equal(parsed.status, 0);
    assert_true(parsed.flag && parsed.other);
    assert_string_equal(parsed.text, "one");
    assert_int_equal(parsed.list.count, 3);
    assert_string_equal(parsed.list.items[0], "a");
    assert_string_equal(parsed.list.items[1], "b");
    assert_string_equal(parsed.list.items[2], "c");
    assert_string_equal(parsed.operands.items[0], "x");
    clear(&parsed);
}

static void long_flags_take_values_with_equals_or_as_the_next_word(void **state)
{
    struct parsed parsed = { .other = true };

    (void)state;
    PARSE(&parsed, ANYWHERE, 0, -1, "--text=a=b", "--list", "-x", "--flag", "--other=false");
    assert_int_equal(parsed.status, 0);
    assert_string_equal(parsed.text, "a=b");
    assert_string_equal(parsed.list.items[0], "-x");
    assert_true(parsed.flag);
    assert_false(parsed.other);
    clear(&parsed);
}

static void a_leading_syntax_leaves_flags_after_the_first_operand_alone(void **state)
{
    struct parsed parsed = { 0 };

    (void)state;
    PARSE(&parsed, LEADING, 1, -1, "-f", "image", "-o", "--nonsense");
    assert_int_equal(parsed.status, 0);
    assert_true(parsed.flag);
    assert_false(parsed.other);
    assert_int_equal(parsed.operands.count, 3);
    assert_string_equal(parsed.operands.items[2], "--nonsense");
    clear(&parsed);
}

static void after_two_dashes_everything_is_an_operand(void **state)
{
    struct parsed parsed = { 0 };

    (void)state;
    PARSE(&parsed, ANYWHERE, 0, -1, "a", "--", "-f", "--text");
    assert_int_equal(parsed.status, 0);
    assert_int_equal(parsed.operands.count, 3);
    assert_false(parsed.flag);
    clear(&parsed);
}

static void what_is_wrong_is_a_usage_error_that_names_it(void **state)
{
    static const struct {
        char *words[4];
        const char *named;
    } wrong[] = {
        { { "try", "--nope" }, "unknown flag: --nope" },
        { { "try", "-x" }, "'x' in -x" },
        { { "try", "--text" }, "--text" },
        { { "try", "-t" }, "'t'" },
        { { "try", "--flag=maybe" }, "maybe" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct parsed parsed = { 0 };

        parse(&parsed, ANYWHERE, 0, -1, (char **)wrong[i].words);
        assert_int_equal(parsed.status, -1);
        assert_int_equal(parsed.err.kind, MD_ERR_USAGE);
        assert_non_null(strstr(parsed.err.text, wrong[i].named));
        assert_non_null(strstr(parsed.err.text, "Run 'minidock try --help'"));
        clear(&parsed);
    }
}

static void the_number_of_operands_is_checked(void **state)
{
    struct parsed few = { 0 };
    struct parsed many = { 0 };

    (void)state;
    PARSE(&few, ANYWHERE, 2, 3, "a");
    assert_int_equal(few.err.kind, MD_ERR_USAGE);
    assert_non_null(strstr(few.err.text, "at least 2"));
    PARSE(&many, ANYWHERE, 0, 1, "a", "b");
    assert_int_equal(many.err.kind, MD_ERR_USAGE);
    clear(&few);
    clear(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_flags_combine_and_take_values_attached_or_apart),
        cmocka_unit_test(long_flags_take_values_with_equals_or_as_the_next_word),
        cmocka_unit_test(a_leading_syntax_leaves_flags_after_the_first_operand_alone),
        cmocka_unit_test(after_two_dashes_everything_is_an_operand),
        cmocka_unit_test(what_is_wrong_is_a_usage_error_that_names_it),
        cmocka_unit_test(the_number_of_operands_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
