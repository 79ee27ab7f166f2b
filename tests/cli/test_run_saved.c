/* SPDX-License-Identifier: Apache-2.0 */
/* What a later start knows of a container's options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "cli/run_options.h"

static void options_are_read_back_as_they_were(void **state)
{
    struct cli_run_options given = {
        .user = "bob", .restart = "always", .terminal = true, .quiet = true, .cidfile = "/x"
    };
    struct cli_run_options found;
    struct md_err err = { 0 };

    (void)state;
    md_list_add(&given.env, "A=1");
    md_list_add(&given.env, "B=2");
    md_list_add(&given.operands, "image");
    md_list_add(&given.operands, "command");
    MD_AUTO_JSON json = cli_run_save(&given);

    assert_int_equal(cli_run_load(json, &found, &err), 0);
    assert_string_equal(found.user, "bob");
    assert_string_equal(found.restart, "always");
    assert_true(found.terminal);
    assert_int_equal(found.env.count, 2);
    assert_string_equal(found.env.items[1], "B=2");
    assert_int_equal(found.operands.count, 2);
    assert_false(found.quiet); /* of the command */
    assert_null(found.cidfile);
    assert_null(found.entrypoint);
    assert_true(found.saved);
    cli_run_options_clear(&given);
    cli_run_options_clear(&found);
}

static void every_row_of_the_table_is_kept_or_of_the_command(void **state)
{
    struct cli_run_options given = { 0 };
    struct cli_option table[CLI_RUN_TABLE_SIZE];
    size_t kept = 0;
    size_t all = 0;

    (void)state;
    cli_run_table(&given, table);
    for (const struct cli_option *row = table; row->name; row++, all++) {
        if (row->kind == CLI_FLAG)
            *(bool *)row->value = true;
        else if (row->kind == CLI_TEXT)
            *(const char **)row->value = "x";
        else
            md_list_add(row->value, "x");
    }
    MD_AUTO_JSON json = cli_run_save(&given);

    for (const char *key = NULL; (key = md_json_next_key(json, key));)
        kept++;
    assert_in_range(kept, all - 15 + 1, all); /* 15 of the command; operands come along */
    cli_run_options_clear(&given);
}

static void a_damaged_record_is_no_container_to_start(void **state)
{
    static const char *const bad[] = { "[]", "{\"env\": 3}", "{\"env\": [3]}",
                                       "{\"operands\": {}}" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct cli_run_options found;
        struct md_err err = { 0 };
        MD_AUTO_JSON json = md_json_parse(bad[i], strlen(bad[i]), "", &err);

        assert_non_null(json);
        assert_int_equal(cli_run_load(json, &found, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        cli_run_options_clear(&found);
    }
}

static void what_the_caller_has_is_put_in(void **state)
{
    struct cli_run_options options = { 0 };
    struct md_err err = { 0 };

    (void)state;
    setenv("KEPT_FOR_LATER", "now", 1);
    unsetenv("NOT_THERE");
    md_list_add(&options.env, "KEPT_FOR_LATER");
    md_list_add(&options.env, "NOT_THERE");
    md_list_add(&options.volumes, "./here:/there");
    assert_int_equal(cli_run_settle(&options, &err), 0);
    assert_string_equal(options.env.items[0], "KEPT_FOR_LATER=now");
    assert_string_equal(options.env.items[1], "NOT_THERE");
    assert_int_equal(options.volumes.items[0][0], '/');
    cli_run_options_clear(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_back_as_they_were),
        cmocka_unit_test(every_row_of_the_table_is_kept_or_of_the_command),
        cmocka_unit_test(a_damaged_record_is_no_container_to_start),
        cmocka_unit_test(what_the_caller_has_is_put_in),
    };

    return cmocka_run_group_tests_name("run_saved", tests, NULL, NULL);
}
