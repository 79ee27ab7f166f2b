/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's escapes: plain text as it is, all else so that it comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "fresh_store.h"
#include "store/escape.h"

#define BAD "\xef\xbf\xbd"

static void each_kind_of_byte_has_its_form(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } rows[] = {
        { "", 0, "" },
        { "plain text, long enough for words", 33, "plain text, long enough for words" },
        { "a\nb\r\t\b\f\"\\/", 10, "a\\nb\\r\\t\\b\\f\\\"\\\\/" },
        { "\0\x01\x1f\x7f", 4, "\\u0000\\u0001\\u001f\x7f" },
        { "12345678\n", 9, "12345678\\n" },
        { "1234567\n8", 9, "1234567\\n8" },
        { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 11,
          "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "\xff", 1, BAD },
        { "a\xc3", 2, "a" BAD },
        { "\xe2\x82z", 3, BAD BAD "z" },
        { "\xc0\xaf", 2, BAD BAD },                    /* overlong */
        { "\xed\xa0\x80", 3, BAD BAD BAD },            /* a surrogate */
        { "\xf4\x90\x80\x80", 4, BAD BAD BAD BAD },    /* over U+10FFFF */
        { "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" }, /* U+10FFFF */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[512];
        size_t len = store_escape(rows[i].in, rows[i].len, out);

        assert_int_equal(len, strlen(rows[i].out));
        assert_memory_equal(out, rows[i].out, len);
    }
}

/* All valid UTF-8 comes back as it was, and a JSON parser reads the same. */
static void what_is_escaped_is_unescaped_to_the_same(void **state)
{
    const char *const alphabet[] = {
        "a", "\n", "\"", "\\", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80", "bcdefgh", "\t", "/"
    };
    unsigned random = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        char text[256] = "";
        char out[2048] = "{\"t\":\"";
        struct md_err err = { 0 };
        size_t len = 0;
        size_t escaped;
        long back;

        for (int i = 0; i < 25; i++) {
            const char *piece;

            random = random * 1103515245u + 12345u;
            piece = alphabet[(random >> 16) % (sizeof(alphabet) / sizeof(*alphabet))];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        escaped = store_escape(text, len, out + 6);
        memcpy(out + 6 + escaped, "\"}", 3);
        {
            MD_AUTO_JSON json = md_json_parse(out, escaped + 8, "test", &err);

            assert_non_null(json);
            assert_int_equal(strlen(md_json_get_text(json, "t")), len);
            assert_memory_equal(md_json_get_text(json, "t"), text, len);
        }
        back = store_unescape(out + 6, escaped);
        assert_int_equal(back, (long)len);
        assert_memory_equal(out + 6, text, len);
    }
}

static void unicode_escapes_of_others_are_understood(void **state)
{
    char text[] = "\\u0041\\u00e9\\u20ac\\ud83d\\uDE00\\u0000\\/";
    const char expected[] = "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0/";
    long len = store_unescape(text, strlen(text));

    (void)state;
    assert_int_equal(len, (long)sizeof(expected) - 1);
    assert_memory_equal(text, expected, sizeof(expected) - 1);
}

static void what_is_no_escape_is_refused(void **state)
{
    const char *const bad[] = {
        "\\",      "a\\x",       "\\u",     "\\u12",          "\\u12g4",
        "\\ud800", "\\ud800\\n", "\\udc00", "\\ud800\\u0041", "\\ud800\\ud800"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        MD_AUTO_FREE char *text = md_xstrdup(bad[i]);

        assert_int_equal(store_unescape(text, strlen(text)), -1);
    }
}

static void a_cut_falls_between_characters(void **state)
{
    static const struct {
        const char *text;
        size_t cut;
    } rows[] = {
        { "", 0 },         { "abc", 0 },          { "ab\xc3", 1 },        { "ab\xc3\xa9", 0 },
        { "\xe2\x82", 2 }, { "\xe2\x82\xac", 0 }, { "a\xf0\x9f\x98", 3 }, { "\xf0", 1 },
        { "\xff", 0 },     { "\x80\x80\x80", 0 }, { "\xe0\x80", 0 },      { "\xed\xa0", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(store_escape_cut(rows[i].text, strlen(rows[i].text)), rows[i].cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_byte_has_its_form),
        cmocka_unit_test(what_is_escaped_is_unescaped_to_the_same),
        cmocka_unit_test(unicode_escapes_of_others_are_understood),
        cmocka_unit_test(what_is_no_escape_is_refused),
        cmocka_unit_test(a_cut_falls_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
