/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/run_plan.c: the command line merged with the image's config. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cli/run_options.h"

/* One merge: fill options and image, call merge(), look at plan. */
struct merge {
    struct cli_run_options options;
    struct md_oci_config image;
    struct run_plan plan;
    struct md_err err;
};

static int merge(struct merge *merge)
{
    MD_AUTO_FD root =
        open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC); /* no passwd */

    return cli_run_plan(&merge->options, &merge->image, root, &merge->plan, &merge->err);
}

static void clear(struct merge *merge)
{
    run_plan_clear(&merge->plan);
    md_oci_config_clear(&merge->image);
    md_list_clear(&merge->options.operands);
    md_list_clear(&merge->options.env);
    md_list_clear(&merge->options.env_files);
    md_list_clear(&merge->options.volumes);
    md_list_clear(&merge->options.tmpfs);
}

static void entrypoint_and_cmd_follow_docker(void **state)
{
    static const struct {
        const char *image_entrypoint, *image_cmd, *option, *command, *expected;
    } rows[] = {
        { "e", "c", NULL, NULL, "e c" },  { "e", "c", NULL, "x", "e x" },
        { NULL, "c", NULL, NULL, "c" },   { NULL, "c", NULL, "x", "x" },
        { "e", "c", "o", NULL, "o" },     { "e", "c", "o", "x", "o x" },
        { "e", "c", "", "x", "x" },       { "e", "c", "", NULL, NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct merge m = { .options.entrypoint = rows[i].option };
        char line[16] = "";

        md_list_add(&m.options.operands, "image");
        if (rows[i].command)
            md_list_add(&m.options.operands, rows[i].command);
        if (rows[i].image_entrypoint)
            md_list_add(&m.image.entrypoint, rows[i].image_entrypoint);
        if (rows[i].image_cmd)
            md_list_add(&m.image.cmd, rows[i].image_cmd);
        assert_int_equal(merge(&m), rows[i].expected ? 0 : -1);
        for (size_t a = 0; a < m.plan.args.count; a++)
            snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s", a ? " " : "",
                     m.plan.args.items[a]);
        if (rows[i].expected)
            assert_string_equal(line, rows[i].expected);
        else
            assert_int_equal(m.err.kind, MD_ERR_USAGE);
        clear(&m);
    }
}

static void the_environment_is_defaults_then_image_then_flags(void **state)
{
    struct merge m = { 0 };

    (void)state;
    setenv("MERGE_TEST_CALLER", "theirs", 1);
    unsetenv("MERGE_TEST_UNSET");
    md_list_add(&m.options.operands, "image");
    md_list_add(&m.options.operands, "sh");
    md_list_add(&m.image.env, "PATH=/image");
    md_list_add(&m.image.env, "A=image");
    md_list_add(&m.image.env, "MERGE_TEST_UNSET=image");
    md_list_add(&m.options.env, "A=flag=x");
    md_list_add(&m.options.env, "MERGE_TEST_CALLER");
    md_list_add(&m.options.env, "MERGE_TEST_UNSET");
    assert_int_equal(merge(&m), 0);
    cli_run_identity("0123456789abcdef", &m.plan);
    assert_string_equal(md_list_env(&m.plan.env, "PATH"), "/image");
    assert_string_equal(md_list_env(&m.plan.env, "A"), "flag=x");
    assert_string_equal(md_list_env(&m.plan.env, "MERGE_TEST_CALLER"), "theirs");
    assert_null(md_list_env(&m.plan.env, "MERGE_TEST_UNSET"));
    assert_string_equal(md_list_env(&m.plan.env, "HOME"), "/");
    assert_string_equal(md_list_env(&m.plan.env, "HOSTNAME"), "0123456789ab");
    assert_null(md_list_env(&m.plan.env, "TERM"));
    assert_string_equal(m.plan.hostname, "0123456789ab");
    clear(&m);
}

static void malformed_options_are_usage_errors(void **state)
{
    struct merge relative = { .options.working_dir = "a/b" };
    struct merge network = { .options.network = "nope" };
    struct merge hostname = { .options.hostname = "a b" };
    struct merge *const wrong[] = { &relative, &network, &hostname };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        md_list_add(&wrong[i]->options.operands, "image");
        md_list_add(&wrong[i]->options.operands, "sh");
        assert_int_equal(merge(wrong[i]), -1);
        assert_int_equal(wrong[i]->err.kind, MD_ERR_USAGE);
        clear(wrong[i]);
    }
}

static void the_default_network_is_none_with_a_namespace_of_its_own(void **state)
{
    struct merge none = { 0 };
    struct merge host = { .options.network = "host" };

    (void)state;
    md_list_add(&none.options.operands, "image");
    md_list_add(&none.options.operands, "sh");
    assert_int_equal(merge(&none), 0);
    assert_true(none.plan.namespaces & CLONE_NEWNET);
    clear(&none);
    md_list_add(&host.options.operands, "image");
    md_list_add(&host.options.operands, "sh");
    assert_int_equal(merge(&host), 0);
    assert_false(host.plan.namespaces & CLONE_NEWNET);
    assert_true(host.plan.namespaces & CLONE_NEWPID);
    clear(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entrypoint_and_cmd_follow_docker),
        cmocka_unit_test(the_environment_is_defaults_then_image_then_flags),
        cmocka_unit_test(malformed_options_are_usage_errors),
        cmocka_unit_test(the_default_network_is_none_with_a_namespace_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
