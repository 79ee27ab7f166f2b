/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/template.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/template.h"

static const char document[] =
    "{\"Id\":\"abc\",\"State\":{\"Running\":true,\"Pid\":7,\"Error\":\"\"},"
    "\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"x\":\"1\",\"y\":\"2\"},\"None\":null,\"Empty\":[]"
    "}";

static void each_form_renders_as_go_does(void **state)
{
    static const struct {
        const char *template;
        const char *expected;
    } rows[] = {
        { "plain", "plain" },
        { "{{.Id}}", "abc" },
        { "{{ .State.Pid }}/{{.State.Running}}", "7/true" },
        { "{{.Id}}\\t{{.Id}}\\n", "abc\tabc\n" },
        { "{{json .Env}}", "[\"A=1\",\"B=2\"]" },
        { "{{json .None}}", "null" },
        { "{{join .Env \",\"}}", "A=1,B=2" },
        { "{{len .Env}}{{len .Id}}", "23" },
        { "{{index .Env 1}}", "B=2" },
        { "{{index .Labels \"y\"}}", "2" },
        { "{{upper .Id}}{{lower \"ABC\"}}", "ABCabc" },
        { "{{range .Env}}[{{.}}]{{end}}", "[A=1][B=2]" },
        { "{{range $i, $e := .Env}}{{$i}}={{$e}};{{end}}", "0=A=1;1=B=2;" },
        { "{{range $k, $v := .Labels}}{{$k}}{{$v}} {{end}}", "x1 y2 " },
        { "{{range .Empty}}x{{else}}none{{end}}", "none" },
        { "{{range .Env}}{{$.Id}}{{end}}", "abcabc" },
        { "{{if .State.Running}}up{{else}}down{{end}}", "up" },
        { "{{if .State.Error}}bad{{.Nope}}{{else}}good{{end}}", "good" },
        { "{{with .State}}{{.Pid}}{{end}}", "7" },
        { "{{with .None}}x{{end}}", "" },
        { "{{if .Id}}{{range .Env}}{{if .}}y{{end}}{{end}}{{end}}!", "yy!" },
        { "table {{.Id}}", "abc" },
    };
    struct md_err err = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &err);

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_buf out = { 0 };

        if (cli_template(rows[i].template, value, &out, &err) < 0)
            fail_msg("%s: %s", rows[i].template, err.text);
        assert_string_equal(out.data ? out.data : "", rows[i].expected);
        md_buf_clear(&out);
    }
}

static void what_cannot_be_rendered_is_a_usage_error(void **state)
{
    static const char *const templates[] = {
        "{{.Nope}}",
        "{{.Id",
        "{{nope .Id}}",
        "{{end}}",
        "{{if .Id}}",
        "{{range .Env}}x",
        "{{join .Env}}",
        "{{.State.Pid.More}}",
        "{{\"x}}",
        "{{}}",
        "{{if .Id}}a{{else if .Id}}b{{end}}",
        "{{.Id .Id}}",
        "{{$unknown.A}}",
        "{{else}}",
        "{{range}}",
        "{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if "
        ".Id}}"
        "{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if .Id}}{{if "
        ".Id}}",
    };
    struct md_err ignored = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &ignored);

    (void)state;
    for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++) {
        struct md_err err = { 0 };
        struct md_buf out = { 0 };

        assert_int_equal(cli_template(templates[i], value, &out, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        md_buf_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_renders_as_go_does),
        cmocka_unit_test(what_cannot_be_rendered_is_a_usage_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
