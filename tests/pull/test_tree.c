/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of one layer, honest and hostile: kinds, replacements, links, whiteouts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "layerkit.h"

static void an_honest_tar_keeps_everything(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_dir(&tar, "./", 0751);
    tar_dir(&tar, "d", 01777);
    tar_header(&tar, &(struct tar_header){
                         .name = "d/su", .type = '0', .mode = 04755, .size = 2, .mtime = 77 });
    tar_data(&tar, "x\n", 2);
    tar_symlink(&tar, "d/l", "../nowhere");
    tar_hard_link(&tar, "d/h", "d/su");
    tar_header(&tar,
               &(struct tar_header){ .name = "p", .type = '6', .mode = 0640, .mtime = 5 });
    kit_gives(kit, &tar,
              "d/ 1777\nd/h 4755 =x\n\nd/l -> ../nowhere\nd/su 4755 =x\n\np fifo 640\n");
    assert_int_equal(kit_look(kit, ".").st_mode & 07777, 0751);
    assert_int_equal(kit_look(kit, ".").st_mtime, 2000);
    assert_int_equal(kit_look(kit, "d").st_mtime, 2000);
    assert_int_equal(kit_look(kit, "d/su").st_mtime, 77);
    assert_int_equal(kit_look(kit, "d/l").st_mtime, 3000);
    assert_int_equal(kit_look(kit, "p").st_mtime, 5);
    assert_int_equal(kit_look(kit, "d/su").st_nlink, 2);
    kit_expect_marks(kit, "f d/su\n");
}

static void a3_only_a_directory_can_be_the_root(void **state)
{
    static const char *const names[] = { ".", "./", "/", "a/.." };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct kit *kit = *state;
        struct tar tar = { 0 };

        tar_symlink(&tar, names[i], kit->canary);
        tar_file(&tar, "x", "1");
        kit_refused(kit, &tar, "root");
        tar_hard_link(&tar, names[i], "/etc");
        kit_refused(kit, &tar, "root");
        tar_char_device(&tar, names[i], "0000001", "0000003");
        kit_refused(kit, &tar, "root");
    }
}

static void a3_an_empty_name_is_refused(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_symlink(&tar, "", kit->canary);
    tar_file(&tar, "x", "1");
    kit_refused(kit, &tar, "");
}

static void a10_a_directory_replaces_a_link(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_symlink(&tar, "sym", kit->canary);
    tar_dir(&tar, "sym", 0777);
    kit_gives(kit, &tar, "sym/ 777\n");
}

static void a11_directory_attributes_do_not_reach_what_took_its_place(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char *tree = md_xasprintf("d -> %s\n", kit->canary);

    tar_dir(&tar, "d", 0777);
    tar_symlink(&tar, "d", kit->canary);
    kit_gives(kit, &tar, tree);
    free(tree);

    tar_dir(&tar, "d", 0777);
    tar_file(&tar, "d", "x");
    kit_gives(kit, &tar, "d 644 =x\n");
    assert_int_equal(kit_look(kit, "d").st_mtime, 1000);
}

static void a11_directory_attributes_do_not_reach_a_new_directory(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    MD_AUTO_FD dir = -1;

    tar_pax(&tar, 'x', "SCHILY.xattr.user.old", "y");
    tar_dir(&tar, "d/s", 0777);
    tar_file(&tar, "d", "x");
    tar_dir(&tar, "d", 0700);
    tar_file(&tar, "d/s/f", "1");
    kit_gives(kit, &tar, "d/ 700\nd/s/ 755\nd/s/f 644 =1\n");
    dir = openat(kit->layer, "tree/d/s", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fgetxattr(dir, "user.old", NULL, 0), -1);
}

static void a12_attributes_of_a_link_stay_with_it(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char file[128];
    char *tree;

    snprintf(file, sizeof(file), "%s/f", kit->canary);
    tar_pax(&tar, 'x', "SCHILY.xattr.user.a", "b");
    tar_symlink(&tar, "l", file);
    tree = md_xasprintf("l -> %s\n", file);
    kit_gives(kit, &tar, tree);
    free(tree);
    assert_int_equal(kit_look(kit, "l").st_mtime, 3000);
}

static void a13_hard_links_do_not_reach_outside(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char target[128];

    snprintf(target, sizeof(target), "../../../../../../..%s/f", kit->canary);
    tar_hard_link(&tar, "h", target);
    kit_refused(kit, &tar, "\"h\"");

    /* Inside the tree there is no such file; a lower layer may have it. */
    snprintf(target, sizeof(target), "%s/f", kit->canary);
    tar_hard_link(&tar, "h", target);
    tar_file(&tar, "h", "x");
    kit_gives(kit, &tar, "h 644 =x\n");

    tar_symlink(&tar, "d", kit->canary);
    tar_hard_link(&tar, "h", "d/f");
    tar_dir(&tar, "h", 0777);
    snprintf(target, sizeof(target), "d -> %s\nh/ 777\n", kit->canary);
    kit_gives(kit, &tar, target);
}

static void a14_a_hard_link_to_a_symlink_is_the_symlink(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char *tree;

    tar_symlink(&tar, "s", kit->canary);
    tar_header(&tar, &(struct tar_header){
                         .name = "h", .type = '1', .mode = 07777, .target = "s", .mtime = 9 });
    tree = md_xasprintf("h -> %s\ns -> %s\n", kit->canary, kit->canary);
    kit_gives(kit, &tar, tree);
    free(tree);
    assert_int_equal(kit_look(kit, "h").st_ino, kit_look(kit, "s").st_ino);
    assert_int_equal(kit_look(kit, "h").st_mtime, 3000);
}

static void a16_data_of_a_hard_link_is_passed_over(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char file[128];
    char *tree;

    snprintf(file, sizeof(file), "%s/f", kit->canary);
    tar_symlink(&tar, "s", file);
    tar_pax(&tar, 'x', "comment", "pax, so that the size of a hard link counts");
    tar_header(&tar, &(struct tar_header){
                         .name = "h", .type = '1', .mode = 0644, .target = "s", .size = 5 });
    tar_data(&tar, "HELLO", 5);
    tar_file(&tar, "after", "1");
    tree = md_xasprintf("after 644 =1\nh -> %s\ns -> %s\n", file, file);
    kit_gives(kit, &tar, tree);
    free(tree);
}

static void a17_impossible_hard_links_are_refused(void **state)
{
    static const char *const targets[] = { "h", "./h", "d", "/", ".", "", ".wh.x", "f/g" };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        struct tar tar = { 0 };

        tar_dir(&tar, "d", 0755);
        tar_file(&tar, "f", "1");
        tar_hard_link(&tar, "h", targets[i]);
        tar_end(&tar);
        assert_int_equal(kit_unpack(kit, &tar, 0), -1);
        assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
        tar_clear(&tar);
    }
}

static void a17_a_hard_link_to_a_fifo_works(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_header(&tar, &(struct tar_header){ .name = "p", .type = '6', .mode = 0600 });
    tar_hard_link(&tar, "h/", "p");
    kit_gives(kit, &tar, "h fifo 600\np fifo 600\n");
}

static void a18_a_file_that_comes_again_leaves_its_links_alone(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, "a", "1");
    tar_hard_link(&tar, "b", "a");
    tar_file(&tar, "a", "2");
    kit_gives(kit, &tar, "a 644 =2\nb 644 =1\n");
}

static void a24_every_kind_replaces_every_other(void **state)
{
    static const char *const trees[] = { "x 644 =1\n", "x/ 700\n", "x -> to\n",
                                         "x fifo 644\n" };
    struct kit *kit = *state;

    for (int first = 0; first < 4; first++) {
        for (int second = 0; second < 4; second++) {
            struct tar tar = { 0 };

            for (int i = 0; i < 2; i++) {
                switch (i == 0 ? first : second) {
                case 0:
                    tar_file(&tar, "x", "1");
                    break;
                case 1:
                    tar_dir(&tar, "x", i == 0 ? 0755 : 0700);
                    break;
                case 2:
                    tar_symlink(&tar, "x", "to");
                    break;
                default:
                    tar_header(&tar,
                               &(struct tar_header){ .name = "x", .type = '6', .mode = 0644 });
                }
            }
            kit_gives(kit, &tar, trees[second]);
        }
    }
}

static void a27_a_file_with_a_slash_behind_is_a_directory(void **state)
{
    struct tar tar = { 0 };

    tar_header(&tar, &(struct tar_header){ .name = "dir/", .type = '0', .mode = 0750 });
    kit_gives(*state, &tar, "dir/ 750\n");
}

static void a31_whiteouts_of_dot_names_are_refused(void **state)
{
    static const char *const names[] = { ".wh..", ".wh...", "etc/.wh..", "etc/.wh..." };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct tar tar = { 0 };

        tar_file(&tar, names[i], "");
        kit_refused(*state, &tar, names[i]);
    }
}

static void a32_empty_whiteouts_are_refused(void **state)
{
    struct tar tar = { 0 };

    tar_file(&tar, ".wh.", "");
    kit_refused(*state, &tar, ".wh.");
    tar_file(&tar, "some/path/.wh.", "");
    kit_refused(*state, &tar, "some/path/.wh.");
}

static void a33_a_whiteout_of_any_type_is_one(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_dir(&tar, ".wh.a", 0755);
    tar_symlink(&tar, "d/.wh.b", "y");
    tar_file(&tar, ".wh.c", "data");
    tar_file(&tar, ".WH.x", "");
    kit_gives(kit, &tar, ".WH.x 644 =\n");
    kit_expect_marks(kit, "w a\nw d/b\nw c\nf .WH.x\ni \n");

    tar_file(&tar, ".wh.etc/somefile", "");
    kit_refused(kit, &tar, ".wh.etc/somefile");
}

static void a37_opaque_marks_are_recorded(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_file(&tar, ".wh..wh..opq", "");
    tar_file(&tar, "d/.wh..wh..opq", "");
    kit_gives(kit, &tar, "");
    kit_expect_marks(kit, "q \nq d\ni \n");
}

static void a38_files_of_aufs_are_passed_over(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_dir(&tar, ".wh..wh.plnk", 0755);
    tar_file(&tar, ".wh..wh.plnk/1.2", "");
    tar_file(&tar, ".wh..wh.aufs", "");
    tar_dir(&tar, ".wh..wh.orph", 0755);
    kit_gives(kit, &tar, "");
    kit_expect_marks(kit, "i \n");
}

static void a40_a_character_device_of_zeros_is_refused(void **state)
{
    struct tar tar = { 0 };

    tar_char_device(&tar, "x", "0000000", "0000000");
    kit_refused(*state, &tar, "\"x\"");
}

static void a53_device_numbers_are_checked(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_char_device(&tar, "x", "0010000", "0000000"); /* 4096 */
    kit_refused(kit, &tar, "\"x\"");
    tar_char_device(&tar, "x", "0000001", "4000000"); /* 2^20 */
    kit_refused(kit, &tar, "\"x\"");
    tar_char_device(&tar, "x", "\xff\xff\xff\xff\xff\xff\xff\xff", "0000001"); /* -1 */
    kit_refused(kit, &tar, "\"x\"");
    if (geteuid() != 0)
        skip();
    tar_char_device(&tar, "null", "0000001", "0000003");
    kit_gives(kit, &tar, "null char 1:3\n");
}

static void records_name_what_was_taken_back(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_hard_link(&tar, "b", "lower/a");
    tar_symlink(&tar, "b", "x");
    tar_hard_link(&tar, "c", "lower/c");
    kit_gives(kit, &tar, "b -> x\n");
    kit_expect_marks(kit, "l b => lower/a\ne b\nl c => lower/c\ni \n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_honest_tar_keeps_everything),
        TEST(a3_only_a_directory_can_be_the_root),
        TEST(a3_an_empty_name_is_refused),
        TEST(a10_a_directory_replaces_a_link),
        TEST(a11_directory_attributes_do_not_reach_what_took_its_place),
        TEST(a11_directory_attributes_do_not_reach_a_new_directory),
        TEST(a12_attributes_of_a_link_stay_with_it),
        TEST(a13_hard_links_do_not_reach_outside),
        TEST(a14_a_hard_link_to_a_symlink_is_the_symlink),
        TEST(a16_data_of_a_hard_link_is_passed_over),
        TEST(a17_impossible_hard_links_are_refused),
        TEST(a17_a_hard_link_to_a_fifo_works),
        TEST(a18_a_file_that_comes_again_leaves_its_links_alone),
        TEST(a24_every_kind_replaces_every_other),
        TEST(a27_a_file_with_a_slash_behind_is_a_directory),
        TEST(a31_whiteouts_of_dot_names_are_refused),
        TEST(a32_empty_whiteouts_are_refused),
        TEST(a33_a_whiteout_of_any_type_is_one),
        TEST(a37_opaque_marks_are_recorded),
        TEST(a38_files_of_aufs_are_passed_over),
        TEST(a40_a_character_device_of_zeros_is_refused),
        TEST(a53_device_numbers_are_checked),
        TEST(records_name_what_was_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
