/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/oci_config.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/oci.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PLATFORM "'architecture':'amd64','os':'linux'"
#define ROOTFS "'rootfs':{'type':'layers','diff_ids':['sha256:" HEX64 "']}"

/* Parse a config written with ' for ". */
static enum md_err_kind parse(const char *text, struct md_oci_config *config)
{
    MD_AUTO_FREE char *copy = md_xstrdup(text);
    MD_AUTO_JSON value = NULL;
    struct md_err err = { 0 };

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    value = md_json_parse(copy, strlen(copy), "test", &err);
    if (!value) {
        fail_msg("%s", err.text);
    }
    (void)!md_oci_config_parse(value, config, &err);
    return err.kind;
}

static const char whole[] =
    "{'created':'2026-01-02T03:04:05.678Z','author':'me','comment':'why'," PLATFORM
    ",'variant':'v3','docker_version':'x','config':{'User':'1000:10','Env':['A=1','B=2'],"
    "'Entrypoint':['/e'],'Cmd':['a','b'],'WorkingDir':'/w','StopSignal':'SIGINT',"
    "'Labels':{'k':'v'},'ExposedPorts':{'80/tcp':{}},'Volumes':{'/data':{'x':1}},"
    "'Shell':['x'],'Healthcheck':{},'OnBuild':['x']}," ROOTFS
    ",'history':[{'created':'c','created_by':'sh','empty_layer':true,'x':{}},{'comment':'z'}]}";

static void a_whole_config_is_read(void **state)
{
    struct md_oci_config config;

    (void)state;
    assert_int_equal(parse(whole, &config), MD_ERR_NONE);
    assert_string_equal(config.created, "2026-01-02T03:04:05.678Z");
    assert_string_equal(config.author, "me");
    assert_string_equal(config.comment, "why");
    assert_string_equal(config.platform.architecture, "amd64");
    assert_string_equal(config.platform.variant, "v3");
    assert_string_equal(config.user, "1000:10");
    assert_string_equal(config.working_dir, "/w");
    assert_string_equal(config.stop_signal, "SIGINT");
    assert_int_equal(config.env.count, 2);
    assert_string_equal(config.env.items[1], "B=2");
    assert_string_equal(config.entrypoint.items[0], "/e");
    assert_int_equal(config.cmd.count, 2);
    assert_string_equal(md_json_get_text(config.labels, "k"), "v");
    assert_true(md_json_is_object(md_json_get(config.exposed_ports, "80/tcp")));
    assert_int_equal(md_json_count(md_json_get(config.volumes, "/data")), 0);
    assert_int_equal(config.diff_id_count, 1);
    assert_string_equal(config.diff_ids[0].text, "sha256:" HEX64);
    assert_int_equal(md_json_count(config.history), 2);
    assert_int_equal(md_json_count(md_json_at(config.history, 0)), 3);
    md_oci_config_clear(&config);
    assert_null(config.author);
    md_oci_config_clear(&config);
}

static void what_is_written_reads_back_the_same(void **state)
{
    struct md_oci_config config;
    struct md_oci_config again;
    MD_AUTO_JSON document = NULL;
    MD_AUTO_JSON second = NULL;
    MD_AUTO_FREE char *one = NULL;
    MD_AUTO_FREE char *two = NULL;
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(parse(whole, &config), MD_ERR_NONE);
    document = md_oci_config_json(&config);
    assert_int_equal(md_oci_config_parse(document, &again, &err), 0);
    second = md_oci_config_json(&again);
    one = md_json_line(document);
    two = md_json_line(second);
    assert_string_equal(one, two);
    assert_non_null(strstr(one, "\"Env\":[\"A=1\",\"B=2\"]"));
    assert_non_null(strstr(one, "\"Volumes\":{\"/data\":{}}"));
    assert_non_null(strstr(one, "\"OnBuild\":[\"x\"]"));
    assert_null(strstr(one, "Shell"));
    md_oci_config_clear(&config);
    md_oci_config_clear(&again);
}

static void what_is_absent_null_or_empty_is_the_same(void **state)
{
    static const char *const rows[] = {
        "{" PLATFORM "," ROOTFS "}",
        "{" PLATFORM "," ROOTFS ",'config':null,'history':null,'created':null,'author':null}",
        "{" PLATFORM "," ROOTFS ",'config':{},'created':'','author':''}",
        "{" PLATFORM "," ROOTFS ",'config':{'User':'','Env':null,'Cmd':null,'Entrypoint':[],"
        "'WorkingDir':null,'Labels':null,'Volumes':null,'ExposedPorts':null,'StopSignal':''}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_oci_config config;

        assert_int_equal(parse(rows[i], &config), MD_ERR_NONE);
        assert_string_equal(config.created, "");
        assert_null(config.author);
        assert_null(config.user);
        assert_null(config.labels);
        assert_null(config.history);
        assert_int_equal(config.env.count + config.cmd.count + config.entrypoint.count, 0);
        md_oci_config_clear(&config);
    }
}

static void a80_a_command_may_be_one_string(void **state)
{
    struct md_oci_config config;

    (void)state;
    assert_int_equal(
        parse("{" PLATFORM "," ROOTFS ",'config':{'Cmd':'a b','Entrypoint':['']}}", &config),
        MD_ERR_NONE);
    assert_int_equal(config.cmd.count, 1);
    assert_string_equal(config.cmd.items[0], "a b");
    assert_int_equal(config.entrypoint.count, 1);
    assert_string_equal(config.entrypoint.items[0], "");
    md_oci_config_clear(&config);
}

static void a87_malformed_configs_are_format_errors(void **state)
{
#define IN_CONFIG(member) "{" PLATFORM "," ROOTFS ",'config':{" member "}}"
    static const char *const bad[] = {
        "[]",
        "7",
        "null",
        "{}",
        "{" ROOTFS "}",
        "{'os':'linux'," ROOTFS "}",
        "{'architecture':'amd64'," ROOTFS "}",
        "{'architecture':'','os':'linux'," ROOTFS "}",
        "{'architecture':7,'os':'linux'," ROOTFS "}",
        "{'architecture':'0123456789012345678901234567890123456789','os':'linux'," ROOTFS "}",
        "{" PLATFORM "}",
        "{" PLATFORM ",'rootfs':{}}",
        "{" PLATFORM ",'rootfs':{'type':'squashfs','diff_ids':[]}}",
        "{" PLATFORM ",'rootfs':{'type':'layers','diff_ids':'x'}}",
        "{" PLATFORM ",'rootfs':{'type':'layers','diff_ids':[7]}}",
        "{" PLATFORM ",'rootfs':{'type':'layers','diff_ids':['sha256:../../x']}}",
        "{" PLATFORM "," ROOTFS ",'config':[]}",
        "{" PLATFORM "," ROOTFS ",'config':'x'}",
        "{" PLATFORM "," ROOTFS ",'created':'garbage'}",
        "{" PLATFORM "," ROOTFS ",'created':7}",
        "{" PLATFORM "," ROOTFS ",'history':{}}",
        "{" PLATFORM "," ROOTFS ",'history':[7]}",
        "{" PLATFORM "," ROOTFS ",'history':[{'created_by':7}]}",
        IN_CONFIG("'Env':{}"),
        IN_CONFIG("'Env':[7]"),
        IN_CONFIG("'Env':['A=1',null]"),
        IN_CONFIG("'Cmd':7"),
        IN_CONFIG("'Cmd':[['nested']]"),
        IN_CONFIG("'Entrypoint':{}"),
        IN_CONFIG("'User':7"),
        IN_CONFIG("'User':['root']"),
        IN_CONFIG("'WorkingDir':false"),
        IN_CONFIG("'StopSignal':9"),
        IN_CONFIG("'Labels':[]"),
        IN_CONFIG("'Labels':{'k':7}"),
        IN_CONFIG("'ExposedPorts':['80']"),
        IN_CONFIG("'Volumes':['/data']"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_oci_config config;

        if (parse(bad[i], &config) != MD_ERR_FORMAT) {
            fail_msg("%s", bad[i]);
        }
        assert_null(config.diff_ids);
        assert_null(config.env.items);
    }
}

/* front, count times entry, back. */
static enum md_err_kind parse_many(const char *front, const char *entry, int count,
                                   const char *back)
{
    struct md_buf buf = { 0 };
    struct md_oci_config config;
    enum md_err_kind kind;

    md_buf_printf(&buf, "%s", front);
    for (int i = 0; i < count; i++) {
        md_buf_printf(&buf, "%s%s", i ? "," : "", entry);
    }
    md_buf_printf(&buf, "%s", back);
    kind = parse(buf.data, &config);
    md_oci_config_clear(&config);
    md_buf_clear(&buf);
    return kind;
}

static void a87_counts_have_limits(void **state)
{
    static const char list[] = "{" PLATFORM "," ROOTFS ",'config':{'Env':[";
    static const char ids[] = "{" PLATFORM ",'rootfs':{'type':'layers','diff_ids':[";
    static const char history[] = "{" PLATFORM "," ROOTFS ",'history':[";

    (void)state;
    assert_int_equal(parse_many(list, "'A=1'", MD_MAX_LIST, "]}}"), MD_ERR_NONE);
    assert_int_equal(parse_many(list, "'A=1'", MD_MAX_LIST + 1, "]}}"), MD_ERR_LIMIT);
    assert_int_equal(parse_many(history, "{}", MD_MAX_LIST + 1, "]}"), MD_ERR_LIMIT);
    assert_int_equal(parse_many(ids, "'sha256:" HEX64 "'", MD_MAX_LAYERS, "]}}"), MD_ERR_NONE);
    assert_int_equal(parse_many(ids, "'sha256:" HEX64 "'", MD_MAX_LAYERS + 1, "]}}"),
                     MD_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_config_is_read),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(what_is_absent_null_or_empty_is_the_same),
        cmocka_unit_test(a80_a_command_may_be_one_string),
        cmocka_unit_test(a87_malformed_configs_are_format_errors),
        cmocka_unit_test(a87_counts_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
