/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/run_gather.c: which mounts a container gets, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_mounts.h"

/* One gathering: fill options and image, call gather(), look at mounts. */
struct gathering {
    struct cli_run_options options;
    struct md_oci_config image;
    struct cli_mounts mounts;
    struct md_err err;
};

static int gather(struct gathering *g)
{
    const struct cli_mounts_from from = { NULL, &g->options, &g->image, -1, NULL };

    return cli_mounts_gather(&from, &g->mounts, &g->err);
}

static void clear(struct gathering *g)
{
    cli_mounts_clear(&g->mounts);
    md_oci_config_clear(&g->image);
    md_list_clear(&g->options.volumes);
    md_list_clear(&g->options.mounts);
    md_list_clear(&g->options.tmpfs);
}

static void outer_targets_come_first(void **state)
{
    struct gathering g = { 0 };

    (void)state;
    md_list_add(&g.options.tmpfs, "/a/b/c");
    md_list_add(&g.options.tmpfs, "/a");
    assert_int_equal(gather(&g), 0);
    assert_string_equal(g.mounts.items[0].target, "/a");
    assert_string_equal(g.mounts.items[1].target, "/a/b/c");
    clear(&g);
}

static void a_target_that_is_named_twice_is_refused(void **state)
{
    struct gathering g = { 0 };

    (void)state;
    md_list_add(&g.options.volumes, "name:/a");
    md_list_add(&g.options.mounts, "type=tmpfs,target=/a/");
    assert_int_equal(gather(&g), -1);
    assert_non_null(strstr(g.err.text, "Duplicate mount point: /a"));
    clear(&g);
}

static void a_volume_of_the_image_gives_way_to_what_was_named(void **state)
{
    struct gathering g = { 0 };

    (void)state;
    g.image.volumes = md_json_object();
    md_json_set(g.image.volumes, "/data", md_json_object());
    md_json_set(g.image.volumes, "/log", md_json_object());
    md_list_add(&g.options.volumes, "name:/data");
    md_list_add(&g.options.volumes, "/data");
    md_list_add(&g.options.volumes, "/log");
    assert_int_equal(gather(&g), 0);
    assert_int_equal(g.mounts.count, 2);
    assert_string_equal(g.mounts.items[0].target, "/log");
    assert_true(g.mounts.items[0].anonymous);
    assert_string_equal(g.mounts.items[1].source, "name");
    assert_false(g.mounts.items[1].anonymous);
    clear(&g);
}

static void an_image_with_too_many_volumes_is_refused(void **state)
{
    struct gathering g = { 0 };
    char target[20];

    (void)state;
    g.image.volumes = md_json_object();
    for (int i = 0; i <= MD_MAX_VOLUMES; i++) {
        snprintf(target, sizeof(target), "/v%d", i);
        md_json_set(g.image.volumes, target, md_json_object());
    }
    assert_int_equal(gather(&g), -1);
    assert_int_equal(g.err.kind, MD_ERR_LIMIT);
    clear(&g);
}

static void mounts_that_were_saved_come_back_and_no_others(void **state)
{
    struct gathering first = { 0 };
    struct gathering again = { 0 };
    struct cli_mounts_from from = { NULL, &again.options, &again.image, -1, NULL };

    (void)state;
    md_list_add(&first.options.volumes, "name:/a:ro");
    md_list_add(&first.options.volumes, "/etc:/b");
    md_list_add(&first.options.tmpfs, "/c:size=64k,mode=0700");
    assert_int_equal(gather(&first), 0);
    MD_AUTO_JSON saved = cli_mounts_save(&first.mounts);

    md_list_add(&again.options.volumes, "other:/d");
    from.saved = saved;
    assert_int_equal(cli_mounts_gather(&from, &again.mounts, &again.err), 0);
    assert_int_equal(again.mounts.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(again.mounts.items[i].kind, first.mounts.items[i].kind);
        assert_string_equal(again.mounts.items[i].target, first.mounts.items[i].target);
        assert_int_equal(again.mounts.items[i].attributes, first.mounts.items[i].attributes);
        assert_int_equal(again.mounts.items[i].tmpfs_mode, first.mounts.items[i].tmpfs_mode);
    }
    assert_string_equal(again.mounts.items[2].tmpfs_size, "65536");
    clear(&first);
    clear(&again);
}

static void damaged_saved_mounts_are_an_error(void **state)
{
    static const char *const damaged[] = { "[{}]", "[1]", "[{\"kind\":\"bind\"}]",
                                           "[{\"kind\":\"volume\",\"target\":\"/x\"}]",
                                           "[{\"kind\":\"tmpfs\",\"target\":\"x\"}]" };

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        struct cli_mounts mounts = { 0 };
        struct md_err err = { 0 };
        MD_AUTO_JSON saved = md_json_parse(damaged[i], strlen(damaged[i]), "test", &err);

        assert_int_equal(cli_mounts_load(saved, &mounts, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        cli_mounts_clear(&mounts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outer_targets_come_first),
        cmocka_unit_test(a_target_that_is_named_twice_is_refused),
        cmocka_unit_test(a_volume_of_the_image_gives_way_to_what_was_named),
        cmocka_unit_test(mounts_that_were_saved_come_back_and_no_others),
        cmocka_unit_test(damaged_saved_mounts_are_an_error),
        cmocka_unit_test(an_image_with_too_many_volumes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
