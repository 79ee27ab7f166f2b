/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/json.c. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"

static struct json_t *parse(const char *text)
{
    struct md_err err = { 0 };
    struct json_t *value = md_json_parse(text, strlen(text), "test", &err);

    if (!value) {
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        assert_non_null(strstr(err.text, "\"test\""));
    }
    return value;
}

static void members_are_read_by_their_kind(void **state)
{
    MD_AUTO_JSON value =
        parse("{\"s\":\"x\",\"i\":7,\"r\":1.0,\"t\":true,\"n\":null,\"a\":[1,2]}");

    (void)state;
    assert_string_equal(md_json_get_text(value, "s"), "x");
    assert_null(md_json_get_text(value, "i"));
    assert_int_equal(md_json_get_int(value, "i"), 7);
    assert_int_equal(md_json_get_int(value, "s"), 0);
    assert_int_equal(md_json_get_int(value, "r"), 0);
    assert_true(md_json_is_int(md_json_get(value, "i")));
    assert_false(md_json_is_int(md_json_get(value, "r")));
    assert_true(md_json_true(md_json_get(value, "t")));
    assert_false(md_json_true(md_json_get(value, "i")));
    assert_true(md_json_is_null(md_json_get(value, "n")));
    assert_true(md_json_is_null(md_json_get(value, "missing")));
    assert_true(md_json_is_array(md_json_get(value, "a")));
    assert_true(md_json_is_object(value));
    assert_true(md_json_is_string(md_json_get(value, "s")));
    assert_int_equal(md_json_count(value), 6);
    assert_int_equal(md_json_count(md_json_get(value, "a")), 2);
    assert_int_equal(md_json_count(md_json_get(value, "s")), 0);
    assert_int_equal(md_json_int(md_json_at(md_json_get(value, "a"), 1)), 2);
    assert_null(md_json_at(md_json_get(value, "a"), 2));
    assert_null(md_json_get(NULL, "x"));
    assert_null(md_json_next_key(NULL, NULL));
    assert_int_equal(md_json_count(NULL), 0);
}

static void b35_strict_parsing_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1} x",
        "{\"a\":1}{}",
        "\xef\xbb\xbf{}",
        "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
        "{\"a\":99999999999999999999}",
        "{\"a\":01}",
        "{/* */}",
        "{\"a\":1,}",
        "{'a':1}",
        "[1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_null(parse(bad[i]));
    }
}

static void a_nul_byte_ends_no_document(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    assert_null(md_json_parse("{}\0{}", 5, "test", &err));
    assert_null(md_json_parse("{}\0", 3, "test", &err));
}

static void b34_a_million_brackets_fail_cleanly(void **state)
{
    size_t len = 1000000;
    char *deep = md_xmalloc(len + 1);

    (void)state;
    memset(deep, '[', len);
    deep[len] = '\0';
    assert_null(parse(deep));
    for (size_t i = 0; i + 5 < len; i += 5) {
        memcpy(deep + i, "{\"a\":", 5);
    }
    assert_null(parse(deep));
    free(deep);
}

static void errors_do_not_repeat_control_characters(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    assert_null(md_json_parse("\x1b[2J", 4, "a\x1b", &err));
    assert_null(strchr(err.text, '\x1b'));
}

static void keys_are_walked_in_file_order(void **state)
{
    MD_AUTO_JSON value = parse("{\"z\":1,\"a\":2,\"m\":3}");
    const char *key = md_json_next_key(value, NULL);

    (void)state;
    assert_string_equal(key, "z");
    key = md_json_next_key(value, key);
    assert_string_equal(key, "a");
    key = md_json_next_key(value, key);
    assert_string_equal(key, "m");
    assert_null(md_json_next_key(value, key));
}

static void lists_hold_strings_only(void **state)
{
    MD_AUTO_JSON value = parse("{\"a\":[\"x\",\"y\"],\"n\":null,\"m\":[\"x\",1],\"s\":\"x\"}");
    struct md_list list = { 0 };

    (void)state;
    assert_int_equal(md_json_get_list(value, "a", &list), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[1], "y");
    assert_int_equal(md_json_get_list(value, "m", &list), -1);
    assert_int_equal(list.count, 0);
    assert_int_equal(md_json_get_list(value, "s", &list), -1);
    assert_int_equal(md_json_get_list(value, "n", &list), 0);
    assert_int_equal(md_json_get_list(value, "missing", &list), 0);
    assert_int_equal(list.count, 0);
}

static void a_built_document_keeps_its_order(void **state)
{
    MD_AUTO_JSON object = md_json_object();
    MD_AUTO_JSON copy = NULL;
    struct json_t *array = md_json_array();
    struct md_list list = { 0 };
    MD_AUTO_FREE char *line = NULL;
    MD_AUTO_FREE char *pretty = NULL;

    (void)state;
    md_json_append(array, md_json_number(-3));
    md_json_append(array, NULL);
    md_json_set(object, "z", array);
    md_json_set(object, "a", md_json_string("x"));
    md_json_set(object, "n", md_json_string(NULL));
    md_json_set(object, "b", md_json_bool(true));
    md_json_set(object, "l", md_json_list(&list));
    md_json_set(object, "a", md_json_string("y"));
    copy = md_json_copy(object);
    line = md_json_line(copy);
    assert_string_equal(line, "{\"z\":[-3,null],\"a\":\"y\",\"n\":null,\"b\":true,\"l\":[]}");
    md_json_free(&copy);
    copy = parse("{\"a\":{\"b\":1}}");
    pretty = md_json_pretty(copy);
    assert_string_equal(pretty, "{\n    \"a\": {\n        \"b\": 1\n    }\n}");
}

static void scalars_are_documents_too(void **state)
{
    MD_AUTO_JSON value = parse("\"x\"");
    MD_AUTO_FREE char *line = md_json_line(value);

    (void)state;
    assert_string_equal(line, "\"x\"");
}

static void text_that_is_not_utf8_is_escaped(void **state)
{
    MD_AUTO_JSON object = md_json_object();
    MD_AUTO_FREE char *line = NULL;

    (void)state;
    md_json_set(object, "k\xff", md_json_string("v\xfe"));
    line = md_json_line(object);
    assert_string_equal(line, "{\"k\\\\xff\":\"v\\\\xfe\"}");
}

static void a86_output_holds_no_control_characters(void **state)
{
    MD_AUTO_JSON value = md_json_array();
    MD_AUTO_JSON again = NULL;
    MD_AUTO_FREE char *line = NULL;

    (void)state;
    md_json_append(value,
                   md_json_string("\x1b\x7f\xc2\x9b\xe2\x80\xae\xd8\x9c\xc3\xa4\xe2\x82\xac"));
    line = md_json_line(value);
    assert_string_equal(line, "[\"\\u001B\\u007f\\u009b\\u202e\\u061c\xc3\xa4\xe2\x82\xac\"]");
    again = parse(line);
    assert_string_equal(md_json_text(md_json_at(again, 0)), md_json_text(md_json_at(value, 0)));
}

static void a_file_is_written_and_read_back(void **state)
{
    struct scratch *scratch = *state;
    MD_AUTO_JSON value = parse("{\"b\":1,\"a\":[\"x\"]}");
    MD_AUTO_JSON again = NULL;
    MD_AUTO_FREE char *line = NULL;
    struct md_err err = { 0 };
    struct stat st;

    assert_int_equal(md_json_write(scratch->fd, "f.json", value, &err), 0);
    assert_int_equal(fstatat(scratch->fd, "f.json", &st, 0), 0);
    assert_int_equal(st.st_mode & 077, 0);
    again = md_json_read(scratch->fd, "f.json", &err);
    assert_non_null(again);
    line = md_json_line(again);
    assert_string_equal(line, "{\"b\":1,\"a\":[\"x\"]}");
}

static void a_file_that_is_missing_or_broken_is_named(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };

    assert_null(md_json_read(scratch->fd, "f.json", &err));
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    scratch_file(scratch, "f.json", "{");
    assert_null(md_json_read(scratch->fd, "f.json", &err));
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "f.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_by_their_kind),
        cmocka_unit_test(b35_strict_parsing_refuses),
        cmocka_unit_test(a_nul_byte_ends_no_document),
        cmocka_unit_test(b34_a_million_brackets_fail_cleanly),
        cmocka_unit_test(errors_do_not_repeat_control_characters),
        cmocka_unit_test(keys_are_walked_in_file_order),
        cmocka_unit_test(lists_hold_strings_only),
        cmocka_unit_test(a_built_document_keeps_its_order),
        cmocka_unit_test(scalars_are_documents_too),
        cmocka_unit_test(text_that_is_not_utf8_is_escaped),
        cmocka_unit_test(a86_output_holds_no_control_characters),
        cmocka_unit_test_setup_teardown(a_file_is_written_and_read_back, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_missing_or_broken_is_named, scratch_make,
                                        scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
