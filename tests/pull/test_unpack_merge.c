/* SPDX-License-Identifier: Apache-2.0 */
/* Layers on top of each other: as if their tars had been unpacked in order into one root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "layerkit.h"

/* A layer made by the caller is unpacked and merged. */
static void on_top(struct kit *kit, struct tar *tar)
{
    tar_end(tar);
    assert_int_equal(kit_unpack(kit, tar, 0), 0);
    assert_int_equal(kit_merge(kit), 0);
    tar_clear(tar);
}

static void a18_a_hard_link_to_a_lower_file_is_one(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    struct stat a;
    struct stat b;

    tar_file(&tar, "a", "1");
    on_top(kit, &tar);
    tar_hard_link(&tar, "d/b", "a");
    on_top(kit, &tar);
    kit_expect(kit->rootfs, "a 644 =1\nd/ 755\nd/b 644 =1\n");
    assert_int_equal(fstatat(kit->rootfs, "a", &a, 0), 0);
    assert_int_equal(fstatat(kit->rootfs, "d/b", &b, 0), 0);
    assert_int_equal(a.st_ino, b.st_ino);
}

static void a18_a_link_keeps_the_lower_file_that_is_then_replaced(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, "a", "1");
    on_top(kit, &tar);
    tar_hard_link(&tar, "b", "a");
    tar_file(&tar, "a", "2");
    on_top(kit, &tar);
    kit_expect(kit->rootfs, "a 644 =2\nb 644 =1\n");
}

static void a17_a_hard_link_to_nothing_is_refused(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_hard_link(&tar, "b", "a");
    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0);
    assert_int_equal(kit_merge(kit), -1);
    assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
    tar_clear(&tar);
}

static void a34_whiteouts_go_through_lower_links_inside(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, "etc/w", "1");
    tar_file(&tar, "etc/kept", "2");
    tar_file(&tar, "all/gone", "3");
    tar_symlink(&tar, "l", "/etc");
    tar_symlink(&tar, "m", "all");
    tar_symlink(&tar, "out", kit->canary);
    on_top(kit, &tar);
    tar_file(&tar, "l/.wh.w", "");
    tar_file(&tar, "m/.wh..wh..opq", "");
    tar_file(&tar, "out/.wh.f", "");
    tar_file(&tar, "out/.wh..wh..opq", "");
    on_top(kit, &tar);
    {
        char *tree = md_xasprintf(
            "all/ 755\netc/ 755\netc/kept 644 =2\nl -> /etc\nm -> all\nout -> %s\n",
            kit->canary);

        kit_expect(kit->rootfs, tree);
        free(tree);
    }
}

static void a35_a_whiteout_removes_a_link_and_not_its_target(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, "d/f", "1");
    tar_symlink(&tar, "l", "d");
    on_top(kit, &tar);
    tar_file(&tar, ".wh.l", "");
    tar_file(&tar, ".wh.missing", "");
    on_top(kit, &tar);
    kit_expect(kit->rootfs, "d/ 755\nd/f 644 =1\n");
    tar_file(&tar, ".wh.d", "");
    on_top(kit, &tar);
    kit_expect(kit->rootfs, "");
}

static void a36_whiteouts_act_on_lower_layers_in_either_order(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct kit *kit = *state;
        struct tar tar = { 0 };

        tar_file(&tar, "a", "old");
        tar_file(&tar, "d/old", "old");
        on_top(kit, &tar);
        if (order == 0)
            tar_file(&tar, ".wh.a", "");
        tar_file(&tar, "a", "new");
        if (order == 1)
            tar_file(&tar, ".wh.a", "");
        if (order == 0)
            tar_file(&tar, ".wh.d", "");
        tar_dir(&tar, "d", 0755);
        tar_file(&tar, "d/new", "new");
        if (order == 1)
            tar_file(&tar, ".wh.d", "");
        on_top(kit, &tar);
        kit_expect(kit->rootfs, "a 644 =new\nd/ 755\nd/new 644 =new\n");
        assert_int_equal(md_path_empty_dir(kit->rootfs), 0);
    }
}

static void a37_an_opaque_mark_hides_what_is_below_in_either_order(void **state)
{
    for (int order = 0; order < 3; order++) {
        struct kit *kit = *state;
        struct tar tar = { 0 };

        tar_file(&tar, "d/old", "old");
        tar_file(&tar, "d/sub/old", "old");
        tar_file(&tar, "other", "old");
        on_top(kit, &tar);
        if (order != 1)
            tar_file(&tar, "d/.wh..wh..opq", "");
        tar_dir(&tar, "d", 0700);
        tar_file(&tar, "d/new", "new");
        if (order != 0)
            tar_file(&tar, "d/.wh..wh..opq", "");
        tar_file(&tar, "missing/.wh..wh..opq", "");
        tar_file(&tar, "other/.wh..wh..opq", "");
        on_top(kit, &tar);
        kit_expect(kit->rootfs, "d/ 700\nd/new 644 =new\nother 644 =old\n");
        tar_file(&tar, "n", "new");
        tar_file(&tar, ".wh..wh..opq", "");
        on_top(kit, &tar);
        kit_expect(kit->rootfs, "n 644 =new\n");
        assert_int_equal(md_path_empty_dir(kit->rootfs), 0);
    }
}

static void a37_a_directory_in_place_of_a_link_leaves_the_target_alone(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, "real/kept", "1");
    tar_file(&tar, "real/x", "2");
    tar_symlink(&tar, "d", "real");
    on_top(kit, &tar);
    tar_dir(&tar, "d", 0755);
    tar_file(&tar, "d/.wh..wh..opq", "");
    tar_file(&tar, "d/.wh.x", "");
    tar_file(&tar, "d/new", "3");
    on_top(kit, &tar);
    kit_expect(kit->rootfs,
               "d/ 755\nd/new 644 =3\nreal/ 755\nreal/kept 644 =1\nreal/x 644 =2\n");
}

static void a39_directories_that_are_not_named_keep_their_attributes(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    struct stat st;

    tar_dir(&tar, "d", 0711);
    tar_file(&tar, "d/old", "1");
    tar_file(&tar, "d/target", "2");
    on_top(kit, &tar);
    tar_file(&tar, "d/.wh.old", "");
    tar_file(&tar, "d/new", "3");
    tar_dir(&tar, "d/sub", 0755);
    tar_hard_link(&tar, "d/link", "d/target");
    on_top(kit, &tar);
    kit_expect(kit->rootfs,
               "d/ 711\nd/link 644 =2\nd/new 644 =3\nd/sub/ 755\nd/target 644 =2\n");
    assert_int_equal(fstatat(kit->rootfs, "d", &st, 0), 0);
    assert_int_equal(st.st_mtime, 2000);
}

static void a4_a_later_layer_goes_through_a_lower_link(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_dir(&tar, "usr/lib", 0755);
    tar_symlink(&tar, "lib", "usr/lib");
    tar_symlink(&tar, "dangling", "made/here");
    on_top(kit, &tar);
    tar_file(&tar, "lib/x", "1");
    tar_file(&tar, "lib/deep/y", "2");
    tar_file(&tar, "dangling/z", "3");
    on_top(kit, &tar);
    kit_expect(kit->rootfs, "dangling -> made/here\nlib -> usr/lib\nmade/ 755\nmade/here/ 755\n"
                            "made/here/z 644 =3\nusr/ 755\nusr/lib/ 755\nusr/lib/deep/ 755\n"
                            "usr/lib/deep/y 644 =2\nusr/lib/x 644 =1\n");
}

static void a24_every_kind_replaces_every_other_across_layers(void **state)
{
    static const char *const trees[] = { "x 644 =1\n", "x/ 755\n", "x/ 755\nx/y 644 =2\n",
                                         "x -> to\n", "x fifo 644\n" };
    struct kit *kit = *state;

    for (int first = 0; first < 5; first++) {
        for (int second = 0; second < 5; second++) {
            for (int i = 0; i < 2; i++) {
                struct tar tar = { 0 };

                switch (i == 0 ? first : second) {
                case 0:
                    tar_file(&tar, "x", "1");
                    break;
                case 1:
                    tar_dir(&tar, "x", 0755);
                    break;
                case 2:
                    tar_dir(&tar, "x", 0755);
                    tar_file(&tar, "x/y", "2");
                    break;
                case 3:
                    tar_symlink(&tar, "x", "to");
                    break;
                default:
                    tar_header(&tar,
                               &(struct tar_header){ .name = "x", .type = '6', .mode = 0644 });
                }
                on_top(kit, &tar);
            }
            /* A directory over a directory keeps what is in it. */
            kit_expect(kit->rootfs, first == 2 && second == 1 ? trees[2] : trees[second]);
            assert_int_equal(md_path_empty_dir(kit->rootfs), 0);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a18_a_hard_link_to_a_lower_file_is_one),
        TEST(a18_a_link_keeps_the_lower_file_that_is_then_replaced),
        TEST(a17_a_hard_link_to_nothing_is_refused),
        TEST(a34_whiteouts_go_through_lower_links_inside),
        TEST(a35_a_whiteout_removes_a_link_and_not_its_target),
        TEST(a36_whiteouts_act_on_lower_layers_in_either_order),
        TEST(a37_an_opaque_mark_hides_what_is_below_in_either_order),
        TEST(a37_a_directory_in_place_of_a_link_leaves_the_target_alone),
        TEST(a39_directories_that_are_not_named_keep_their_attributes),
        TEST(a4_a_later_layer_goes_through_a_lower_link),
        TEST(a24_every_kind_replaces_every_other_across_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
