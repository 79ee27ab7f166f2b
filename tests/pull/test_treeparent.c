/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of entries: through links, through what is not there, and out of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "layerkit.h"

static void a1_names_that_lead_outside_are_refused(void **state)
{
    static const char *const names[] = { "../c1", "a/../../c1", "..", "./../../c1",
                                         "../../../../../../../../etc/x" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct tar tar = { 0 };

        tar_dir(&tar, "a", 0755);
        tar_file(&tar, names[i], "x");
        kit_refused(*state, &tar, names[i]);
    }
}

static void a2_leading_slashes_are_taken_off(void **state)
{
    struct tar tar = { 0 };

    tar_file(&tar, "/x", "1");
    tar_file(&tar, "///.//y", "2");
    kit_gives(*state, &tar, "x 644 =1\ny 644 =2\n");
}

static void a4_a_link_is_replaced_and_its_target_resolved_inside(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char file[128];
    char *tree;

    snprintf(file, sizeof(file), "%s/f", kit->canary);
    tar_symlink(&tar, "moo", file);
    tar_file(&tar, "moo", "x");
    tar_symlink(&tar, "t", kit->canary);
    tar_file(&tar, "t/f", "y");
    tree = md_xasprintf("moo 644 =x\nt -> %s\ntmp/ 755\n%s/ 755\n%s/ 755\n%s 644 =y\n",
                        kit->canary, kit->path + 1, kit->canary + 1, file + 1);
    kit_gives(kit, &tar, tree);
    free(tree);
    tree = md_xasprintf("f moo\ne t\ni tmp\ni %s\ni %s\nf %s\ni \n", kit->path + 1,
                        kit->canary + 1, file + 1);
    kit_expect_marks(kit, tree);
    free(tree);
}

static void a5_links_that_go_up_stay_inside(void **state)
{
    struct tar tar = { 0 };

    tar_dir(&tar, "d", 0755);
    tar_symlink(&tar, "d/l", "../../../../..");
    tar_file(&tar, "d/l/f", "1");
    tar_symlink(&tar, "m", "dummy/../../etc");
    tar_file(&tar, "m/f", "2");
    /* "dummy" is not there: it is made on the way, as a path through it would be. */
    kit_gives(*state, &tar,
              "d/ 755\nd/l -> ../../../../..\ndummy/ 755\netc/ 755\netc/f 644 =2\nf 644 =1\n"
              "m -> dummy/../../etc\n");
}

static void a6_links_that_only_look_inside_stay_inside(void **state)
{
    struct tar tar = { 0 };

    tar_dir(&tar, "a/b/c", 0755);
    tar_symlink(&tar, "a/b/c/up2", "..");
    tar_symlink(&tar, "a/b/c/up", "../../..");
    tar_symlink(&tar, "x", "a/b/c/up/up2");
    tar_file(&tar, "x/f", "1");
    tar_symlink(&tar, "y", "a/b/c/up2/up2/../../../../..");
    tar_file(&tar, "y/g", "2");
    kit_gives(*state, &tar,
              "a/ 755\na/b/ 755\na/b/c/ 755\na/b/c/up -> ../../..\na/b/c/up2 -> ..\n"
              "a/b/up2/ 755\ng 644 =2\nup2/ 755\nup2/f 644 =1\nx -> a/b/c/up/up2\n"
              "y -> a/b/c/up2/up2/../../../../..\n");
}

/* 16 directories of 247 bytes, links to each, and a path through them all. */
static void a7_paths_too_long_to_check_are_refused(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char deep[5000] = "";
    char last[200];
    char chain[200] = "";
    char escape[400];

    for (int i = 0; i < 16; i++) {
        char name[248];
        char *entry;

        memset(name, 'a' + i, 247);
        name[247] = '\0';
        entry = md_xasprintf("%s%s", chain, name);
        tar_pax(&tar, 'x', "path", entry);
        tar_dir(&tar, "long", 0755);
        free(entry);
        entry = md_xasprintf("%s%c", chain, 'A' + i);
        tar_symlink(&tar, entry, name);
        free(entry);
        snprintf(chain + strlen(chain), 3, "%c/", 'A' + i);
        snprintf(deep + strlen(deep), 249, "%s/", name);
    }
    snprintf(escape, sizeof(escape), "%s%s", chain,
             "../../../../../../../../../../../../../..");
    tar_symlink(&tar, "esc", escape);
    tar_file(&tar, "esc/f", "x");
    tar_end(&tar);
    (void)kit_unpack(kit, &tar, 0); /* refused or inside: the canary tells */
    tar_clear(&tar);

    memset(last, 'z', sizeof(last));
    memcpy(deep + strlen(deep), last, sizeof(last)); /* deep is zeroed behind it */
    tar_pax(&tar, 'x', "path", deep);
    tar_file(&tar, "f", "x");
    kit_refused(kit, &tar, "aaaa");
}

static void a8_a_parent_that_becomes_a_link_is_looked_up_again(void **state)
{
    struct tar tar = { 0 };

    tar_dir(&tar, "foo", 0755);
    tar_dir(&tar, "foo/tmp", 0755);
    tar_file(&tar, "foo/tmp/b", "1");
    tar_symlink(&tar, "foo", "/");
    tar_file(&tar, "foo/tmp/b", "2");
    tar_dir(&tar, "foo", 0755);
    tar_dir(&tar, "foo/tmp", 0755);
    tar_file(&tar, "foo/tmp/b", "3");
    kit_gives(*state, &tar,
              "foo/ 755\nfoo/tmp/ 755\nfoo/tmp/b 644 =3\ntmp/ 755\ntmp/b 644 =2\n");
}

static void a9_a_prefix_that_becomes_a_link_is_looked_up_again(void **state)
{
    struct tar tar = { 0 };

    tar_file(&tar, "aaa/bbb/ccc", "1");
    tar_symlink(&tar, "aaa", "/x");
    tar_file(&tar, "aaa/bbb/ccc", "2");
    kit_gives(*state, &tar, "aaa -> /x\nx/ 755\nx/bbb/ 755\nx/bbb/ccc 644 =2\n");
}

static void a20_loops_of_links_are_refused(void **state)
{
    struct tar tar = { 0 };

    tar_symlink(&tar, "a", "b");
    tar_symlink(&tar, "b", "a");
    tar_file(&tar, "a/x", "1");
    kit_refused(*state, &tar, "a/x");
}

static void a21_magic_links_are_only_text(void **state)
{
    struct tar tar = { 0 };

    tar_symlink(&tar, "p", "/proc/self/root");
    tar_file(&tar, "p/x", "1");
    kit_gives(*state, &tar,
              "p -> /proc/self/root\nproc/ 755\nproc/self/ 755\nproc/self/root/ 755\n"
              "proc/self/root/x 644 =1\n");
}

static void a23_a_file_is_no_parent(void **state)
{
    struct tar tar = { 0 };

    tar_file(&tar, "nondir", "1");
    tar_file(&tar, "nondir/foo/bar", "2");
    kit_refused(*state, &tar, "nondir/foo/bar");
}

static void a26_implied_directories_do_not_depend_on_the_umask(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    mode_t mask = umask(077);

    tar_file(&tar, "a/b/f", "1");
    tar_dir(&tar, "a", 0711);
    kit_gives(kit, &tar, "a/ 711\na/b/ 755\na/b/f 644 =1\n");
    assert_int_equal(kit_look(kit, "a/b").st_mtime, 0);
    kit_expect_marks(kit, "i a\ni a/b\nf a/b/f\ne a\ni \n");
    umask(mask);
}

static void a30_a_component_has_at_most_255_bytes(void **state)
{
    struct kit *kit = *state;
    char name[300];
    char tree[320];
    struct tar tar = { 0 };

    memset(name, 'n', sizeof(name));
    name[255] = '\0';
    tar_pax(&tar, 'x', "path", name);
    tar_file(&tar, "short", "1");
    snprintf(tree, sizeof(tree), "%s 644 =1\n", name);
    kit_gives(kit, &tar, tree);
    name[255] = 'n';
    name[256] = '\0';
    tar_pax(&tar, 'x', "path", name);
    tar_file(&tar, "short", "1");
    kit_refused(kit, &tar, "nnn");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a1_names_that_lead_outside_are_refused),
        TEST(a2_leading_slashes_are_taken_off),
        TEST(a4_a_link_is_replaced_and_its_target_resolved_inside),
        TEST(a5_links_that_go_up_stay_inside),
        TEST(a6_links_that_only_look_inside_stay_inside),
        TEST(a7_paths_too_long_to_check_are_refused),
        TEST(a8_a_parent_that_becomes_a_link_is_looked_up_again),
        TEST(a9_a_prefix_that_becomes_a_link_is_looked_up_again),
        TEST(a20_loops_of_links_are_refused),
        TEST(a21_magic_links_are_only_text),
        TEST(a23_a_file_is_no_parent),
        TEST(a26_implied_directories_do_not_depend_on_the_umask),
        TEST(a30_a_component_has_at_most_255_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
