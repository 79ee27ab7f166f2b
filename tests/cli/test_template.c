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
    "\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"x\":\"1\",\"y\":\"2\"},\"None\":null,\"Empty\":[],"
    "\"Nested\":[{\"Port\":80}],\"Map\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}}";

static const struct {
    const char *template;
    const char *expected;
} forms[] = {
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
    { "{{.Env}} {{.Labels}} {{.Empty}} {{.None}}", "[A=1 B=2] map[x:1 y:2] [] []" },
    { "{{.Env | json}}", "[\"A=1\",\"B=2\"]" },
    { "{{.Id | upper | printf \"%s-%s\" \"x\"}}", "x-ABC" },
    { "{{if eq .Id \"zzz\"}}a{{else if .State.Running}}b{{else}}c{{end}}", "b" },
    { "{{if .State.Error}}a{{else if eq .Id \"q\"}}b{{else}}c{{end}}", "c" },
    { "{{with .None}}a{{else with .State}}{{.Pid}}{{end}}", "7" },
    { "{{range .Empty}}a{{else}}b{{end}}c", "bc" },
    { "{{printf \"%s|%d|%v|%5s|%-5s|%03d|%q|%%\" .Id 7 .Env \"r\" \"l\" 7 .Id}}",
      "abc|7|[A=1 B=2]|    r|l    |007|\"abc\"|%" },
    { "{{eq 1 1}} {{eq .Id \"x\" \"abc\"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} "
      "{{ge \"b\" \"a\"}} {{eq true .State.Running}}",
      "true true true true true false true true" },
    { "{{and .Id .State.Pid}} {{or .State.Error .Id}} {{not .Id}}", "7 abc false" },
    { "{{if and .State.Error .Nope}}a{{else}}b{{end}}", "b" },
    { "{{index .Labels \"none\"}}|{{index .Env 0 | len}}", "|3" },
    { "{{(index .Env 1)}} {{(index .Nested 0).Port}} {{(.State).Pid}}", "B=2 80 7" },
    { "{{index (index .Map \"80/tcp\") 0 \"HostPort\"}}", "8080" },
    { "{{slice .Id 0 2}} {{slice .Id 1}} {{slice .Env 1}}", "ab bc [B=2]" },
    { "{{split \"a,b\" \",\"}} {{index (split (index .Env 0) \"=\") 1}}", "[a b] 1" },
    { "{{title \"two words\"}} {{truncate .Id 2}} [{{pad .Id 1 2}}]", "Two Words ab [ abc  ]" },
    { "{{$x := .Id}}{{$x}}{{$x = \"new\"}} {{$x}}", "abc new" },
    { "{{range .Env}}{{$y := .}}{{$y}}{{end}}", "A=1B=2" },
    { "a {{- .Id -}}  b {{- /* nothing */ -}} c", "aabcbc" },
    { "{{/* nothing */}}x{{`raw \\n`}}{{\"quoted \\\" \\n\"}}", "xraw \\nquoted \" \n" },
    { "{{\"}}\"}}", "}}" },
    { "{{println .Id 7}}{{print 1 2 \"x\"}}", "abc 7\n1 2x" },
    { "{{.}}", "map[Empty:[] Env:[A=1 B=2] Id:abc Labels:map[x:1 y:2] "
               "Map:map[80/tcp:[map[HostPort:8080]]] Nested:[map[Port:80]] None:[] "
               "State:map[Error: Pid:7 Running:true]]" },
};

static void each_form_renders_as_go_does(void **state)
{
    struct md_err err = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &err);

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct md_buf out = { 0 };

        if (cli_template(forms[i].template, value, &out, &err) < 0)
            fail_msg("%s: %s", forms[i].template, err.text);
        assert_string_equal(out.data ? out.data : "", forms[i].expected);
        md_buf_clear(&out);
    }
}

static const char *const refused[] = {
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
    "{{if .Id}}a{{else if .Id}}b",
    "{{if .Id}}a{{else}}b{{else}}c{{end}}",
    "{{if .Id}}{{nope}}{{end}}",
    "{{if .State.Error}}{{nope}}{{end}}",
    "{{define \"x\"}}{{end}}",
    "{{break}}",
    "{{html .Id}}",
    "{{index .Env 2}}",
    "{{index .Id 0}}",
    "{{slice .Id 2 1}}",
    "{{printf \"%d\" .Id}}",
    "{{printf \"%99999d\" 1}}",
    "{{printf \"%s\"}}",
    "{{printf \"%x\" 1}}",
    "{{eq .Id 1}}",
    "{{eq .Id}}",
    "{{.State.Label \"x\"}}",
    "{{.Id.}}",
    "{{(.Id}}",
    "{{.Id)}}",
    "{{.Id | }}",
    "{{| .Id}}",
    "{{1.5}}",
    "{{$x, $y := .Id}}",
    "{{$x = 1}}",
    "{{/* x }}",
    "{{.Id..Id}}",
    "{{range .Id}}{{end}}",
    "{{split .Id \"\"}}",
    "{{\"a\\q\"}}",
    "{{((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))}}",
    "{{.Id .Id}}",
    "{{$unknown.A}}",
    "{{else}}",
    "{{range}}",
    "{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if "
    "1}}"
    "{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if "
    "1}}"
    "{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if 1}}{{if "
    "1}}x{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}"
    "{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}"
    "{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}",
};

static void what_cannot_be_rendered_is_a_usage_error(void **state)
{
    struct md_err ignored = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &ignored);

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct md_err err = { 0 };
        struct md_buf out = { 0 };

        if (cli_template(refused[i], value, &out, &err) == 0)
            fail_msg("%s: not refused", refused[i]);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        md_buf_clear(&out);
    }
}

static void a_row_has_labels_and_headings_make_some(void **state)
{
    struct md_err err = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &err);
    MD_AUTO_TEMPLATE template =
        cli_template_parse("{{.Label \"x\"}}|{{.Label \"org.example.my-key\"}}", &err);
    struct cli_template_data data = { value, md_json_get(value, "Labels") };
    struct md_buf out = { 0 };

    (void)state;
    assert_non_null(template);
    assert_int_equal(cli_template_render(template, &data, &out, &err), 0);
    assert_string_equal(out.data, "1|");
    md_buf_clear(&out);
    data.labels = NULL;
    assert_int_equal(cli_template_render(template, &data, &out, &err), 0);
    assert_string_equal(out.data, "x|my key");
    md_buf_clear(&out);
}

static void what_is_not_supported_is_named(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    assert_null(cli_template_parse("{{.Id | urlquery}}", &err));
    assert_non_null(strstr(err.text, "urlquery"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_renders_as_go_does),
        cmocka_unit_test(what_cannot_be_rendered_is_a_usage_error),
        cmocka_unit_test(a_row_has_labels_and_headings_make_some),
        cmocka_unit_test(what_is_not_supported_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
