/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/words.c. */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void words_end_at_blanks_outside_quotes(void **state)
{
    static const struct {
        const char *text;
        const char *words[4];
    } rows[] = {
        { "", { 0 } },
        { "a", { "a" } },
        { "a \t b", { "a", "b" } },
        { "a ", { "a" } },
        { "\"a b\" c", { "\"a b\"", "c" } },
        { "x='a b'y z", { "x='a b'y", "z" } },
        { "a\\ b c", { "a\\ b", "c" } },
        { "\"a\\\" b\" c", { "\"a\\\" b\"", "c" } },
        { "'a\\' b", { "'a\\'", "b" } },
        { "'a\" b' c", { "'a\" b'", "c" } },
        { "\"open a b", { "\"open a b" } },
        { "a\\", { "a\\" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_list words = { 0 };

        md_words_split(rows[i].text, &words);
        for (size_t j = 0; j < words.count; j++) {
            assert_non_null(rows[i].words[j]);
            assert_string_equal(words.items[j], rows[i].words[j]);
        }
        assert_null(rows[i].words[words.count]);
        md_list_clear(&words);
    }
}

static void quotes_and_variables_are_replaced(void **state)
{
    static const struct {
        const char *raw;
        const char *text; /* NULL: refused */
    } rows[] = {
        { "", "" },
        { "plain", "plain" },
        { "'a $V'b", "a $Vb" },
        { "\"a $V\"b", "a valueb" },
        { "$V$V", "valuevalue" },
        { "${V}x", "valuex" },
        { "$Vx", "" },
        { "$NO", "" },
        { "$EMPTY", "" },
        { "${EMPTY:-d e}", "d e" },
        { "${V:-d}", "value" },
        { "${V:+alt}", "alt" },
        { "${NO:+alt}", "" },
        { "$", "$" },
        { "a$ b$1", "a$ b$1" },
        { "\\$V", "$V" },
        { "\\a\\\\", "a\\" },
        { "end\\", "end\\" },
        { "\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d" },
        { "\"it's\" 'say \"x\"'", "it's say \"x\"" },
        { "'", NULL },
        { "\"", NULL },
        { "\"a", NULL },
        { "\"a\\\"", NULL },
        { "${", NULL },
        { "${V", NULL },
        { "\"${V\"", NULL },
        { "${V:}", NULL },
        { "${V:?x}", NULL },
        { "${V-x}", NULL },
        { "${1}", NULL },
        { "${}", NULL },
    };
    struct md_list env = { 0 };

    (void)state;
    md_list_add(&env, "V=value");
    md_list_add(&env, "EMPTY=");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        MD_AUTO_FREE char *text = md_words_expand(rows[i].raw, &env);

        if (!rows[i].text) {
            assert_null(text);
        } else {
            assert_non_null(text);
            assert_string_equal(text, rows[i].text);
        }
    }
    md_list_clear(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_end_at_blanks_outside_quotes),
        cmocka_unit_test(quotes_and_variables_are_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
