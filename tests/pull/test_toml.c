/* SPDX-License-Identifier: Apache-2.0 */
/* TOML: what is read, what is refused, and where an error is said to be. */
#include "pull/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

/* A copy of exactly its length: a byte read beyond it is seen by the sanitizer. */
static struct pull_toml *parse(const char *text, struct md_err *err)
{
    size_t len = strlen(text);
    char *exact = md_xmalloc(len + (len == 0));
    struct pull_toml *root;

    memcpy(exact, text, len);
    memset(err, 0, sizeof(*err));
    root = pull_toml_parse(exact, len, "f.conf", err);
    free(exact);
    return root;
}

/* The tree as JSON would write it: {"a":{"b":["x",true]}}. */
static void show(const struct pull_toml *value, struct md_buf *out)
{
    const char *brackets = value->kind == PULL_TOML_TABLE ? "{}" : "[]";

    switch (value->kind) {
    case PULL_TOML_TEXT:
        md_buf_printf(out, "\"%s\"", value->text);
        return;
    case PULL_TOML_BOOLEAN:
        md_buf_printf(out, "%s", value->number ? "true" : "false");
        return;
    case PULL_TOML_INTEGER:
        md_buf_printf(out, "%lld", (long long)value->number);
        return;
    case PULL_TOML_TABLE:
    case PULL_TOML_ARRAY:
        break;
    }
    md_buf_printf(out, "%c", brackets[0]);
    for (const struct pull_toml *each = value->first; each; each = each->next) {
        if (each->key) {
            md_buf_printf(out, "%s:", each->key);
        }
        show(each, out);
        if (each->next) {
            md_buf_printf(out, ",");
        }
    }
    md_buf_printf(out, "%c", brackets[1]);
}

static void documents_become_the_tree_that_they_say(void **state)
{
    static const struct {
        const char *text;
        const char *tree;
    } rows[] = {
        { "", "{}" },
        { "# only\n\n  # comments", "{}" },
        { "a = 1\r\nb = true # yes\nc=false\n", "{a:1,b:true,c:false}" },
        { "a = -9223372036854775807\nb = +0", "{a:-9223372036854775807,b:0}" },
        { "a = \"x # no comment\"", "{a:\"x # no comment\"}" },
        { "a = 'C:\\n \"raw\"'", "{a:\"C:\\n \"raw\"\"}" },
        { "a = \"\\t\\\"\\\\\\u00e9\\U0001F600\"", "{a:\"\t\"\\\xc3\xa9\xf0\x9f\x98\x80\"}" },
        { "a = \"\"\nb = ''", "{a:\"\",b:\"\"}" },
        { "\"a b\" = 1\n'c.d' = 2\n1-_x = 3", "{a b:1,c.d:2,1-_x:3}" },
        { "a . b = 1\na.\"c\".d = 2", "{a:{b:1,c:{d:2}}}" },
        { "[a]\nb = 1\n[ c . d ]\ne = 2\n[c]\nf = 3", "{a:{b:1},c:{d:{e:2},f:3}}" },
        { "[[r]]\nx = 1\n[[r.m]]\ny = 2\n[[r.m]]\n[[r]]\n[r.t]\nz = 3",
          "{r:[{x:1,m:[{y:2},{}]},{t:{z:3}}]}" },
        { "a = [ 1, # one\n  \"two\" ,\n\n [true],\n]\n", "{a:[1,\"two\",[true]]}" },
        { "a = []\nb = [\n]", "{a:[],b:[]}" },
        { "a = { b = 1, c.d = 'x', e = {} }", "{a:{b:1,c:{d:\"x\"},e:{}}}" },
        { "a.b = 1\n[a.c]\nd = 2", "{a:{b:1,c:{d:2}}}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };
        struct md_buf shown = { 0 };
        struct pull_toml *root = parse(rows[i].text, &err);

        if (!root) {
            fail_msg("%s: %s", rows[i].text, err.text);
        }
        show(root, &shown);
        assert_string_equal(shown.data, rows[i].tree);
        md_buf_clear(&shown);
        pull_toml_free(&root);
    }
}

static const struct {
    const char *text;
    const char *where;
    const char *words;
} mistakes[] = {
    { "a", "f.conf:1:", "\"=\"" },
    { "\n\na = ", "f.conf:3:", "only strings" },
    { "a = 1 b = 2", "f.conf:1:", "same line" },
    { "= 1", "f.conf:1:", "key" },
    { "a. = 1", "f.conf:1:", "key" },
    { "\na = \"x", "f.conf:2:", "without its end" },
    { "a = 'x\n'", "f.conf:1:", "without its end" },
    { "a = \"\\q\"", "f.conf:1:", "escape" },
    { "a = \"\\u12\"", "f.conf:1:", "\\u" },
    { "a = \"\\ud800\"", "f.conf:1:", "no character" },
    { "a = \"\\u0000\"", "f.conf:1:", "no character" },
    { "a = \"\"\"x\"\"\"", "f.conf:1:", "one line" },
    { "a = '''x'''", "f.conf:1:", "one line" },
    { "a = 1.5", "f.conf:1:", "only strings" },
    { "a = 1979-05-27", "f.conf:1:", "only strings" },
    { "a = 0x10", "f.conf:1:", "only strings" },
    { "a = 01", "f.conf:1:", "only strings" },
    { "a = 1_000", "f.conf:1:", "only strings" },
    { "a = 9223372036854775808", "f.conf:1:", "only strings" },
    { "a = True", "f.conf:1:", "only strings" },
    { "a = truex", "f.conf:1:", "only strings" },
    { "a = [1 2]", "f.conf:1:", "expected" },
    { "a = [1,\n2", "f.conf:2:", "expected" },
    { "a = [,]", "f.conf:1:", "only strings" },
    { "a = {b = 1,}", "f.conf:1:", "key" },
    { "a = {b = 1\n}", "f.conf:1:", "expected" },
    { "[a", "f.conf:1:", "header" },
    { "[[a]", "f.conf:1:", "header" },
    { "[]", "f.conf:1:", "key" },
    { "[a] x", "f.conf:1:", "same line" },
    { "a = 1\na = 2", "f.conf:2:", "there already" },
    { "[a]\n[b]\n[a]", "f.conf:3:", "there already" },
    { "[a]\nb = 1\n[a.b]", "f.conf:3:", "there already" },
    { "a = 1\n[a.b]", "f.conf:2:", "no table" },
    { "a = {}\n[a.b]", "f.conf:2:", "no table" },
    { "a = {}\na.b = 1", "f.conf:2:", "no table" },
    { "a = []\n[[a]]", "f.conf:2:", "no array" },
    { "[[a]]\n[a]", "f.conf:2:", "there already" },
    { "[a]\n[[a]]", "f.conf:2:", "there already" },
    { "[a.b]\n[a]\nb.c = 1", "f.conf:3:", "no table" },
    { "a.b = 1\n[a]", "f.conf:2:", "there already" },
    { "a = \"\xff\"", "f.conf:1:", "UTF-8" },
    { "\na = \"\x01\"", "f.conf:2:", "control" },
    { "a = 1\rb = 2", "f.conf:1:", "control" },
    { "# \x7f", "f.conf:1:", "control" },
};

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        struct md_err err;
        struct pull_toml *root = parse(mistakes[i].text, &err);

        if (root || err.kind != MD_ERR_FORMAT || !strstr(err.text, mistakes[i].where) ||
            !strstr(err.text, mistakes[i].words)) {
            fail_msg("%s: %s", mistakes[i].text, root ? "was taken" : err.text);
        }
    }
}

static void sizes_and_depths_have_limits(void **state)
{
    struct md_buf text = { 0 };
    struct md_err err;
    char *large = md_xmalloc(MD_MAX_SETTINGS + 2);

    (void)state;
    md_buf_printf(&text, "a = ");
    for (int i = 0; i < 100000; i++) {
        md_buf_printf(&text, "[");
    }
    assert_null(parse(text.data, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    md_buf_clear(&text);
    for (int i = 0; i < 100000; i++) {
        md_buf_printf(&text, "a.");
    }
    assert_null(parse(text.data, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    md_buf_clear(&text);
    for (int i = 0; i < 20000; i++) {
        md_buf_printf(&text, "k%d=1\n", i);
    }
    assert_null(parse(text.data, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    md_buf_clear(&text);
    memset(large, '\n', MD_MAX_SETTINGS + 1);
    large[MD_MAX_SETTINGS + 1] = '\0';
    assert_null(parse(large, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    free(large);
}

static void values_know_their_lines(void **state)
{
    struct md_err err;
    struct pull_toml *root = parse("\n[[r]]\nx = 1\n\n[[r]]\ny = [\n1]\n", &err);
    const struct pull_toml *array;

    (void)state;
    assert_non_null(root);
    array = pull_toml_get(root, "r");
    assert_int_equal(array->first->line, 2);
    assert_int_equal(array->last->line, 5);
    assert_int_equal(pull_toml_get(array->last, "y")->line, 6);
    assert_null(pull_toml_get(root, "x"));
    pull_toml_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_the_tree_that_they_say),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(sizes_and_depths_have_limits),
        cmocka_unit_test(values_know_their_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
