/* SPDX-License-Identifier: Apache-2.0 */
/* Differences between directories made by hand, whiteouts and opaque marks included. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fresh_store.h"

#include "base/buf.h"
#include "base/fd.h"
#include "store/diff.h"

/* upper and lower in a store's .partial. */
struct sides {
    int upper;
    int lower;
};

static struct sides begin(void **state)
{
    struct fresh *fresh = *state;
    int partial = fresh->store.partial;
    struct sides sides;

    assert_int_equal(mkdirat(partial, "upper", 0755), 0);
    assert_int_equal(mkdirat(partial, "lower", 0755), 0);
    sides.upper = openat(partial, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sides.lower = openat(partial, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return sides;
}

/* All changes, "A /x" each, one after the other; ends the test's use of the sides. */
static void expect(struct sides *sides, const char *expected)
{
    struct store_changes changes = { 0 };
    struct md_buf text = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_diff(sides->upper, sides->lower, &changes, &err), 0);
    for (size_t i = 0; i < changes.count; i++)
        md_buf_printf(&text, "%c %s\n", (char)changes.items[i].kind, changes.items[i].path);
    assert_string_equal(text.data ? text.data : "", expected);
    md_buf_clear(&text);
    store_changes_clear(&changes);
    md_fd_close(&sides->upper);
    md_fd_close(&sides->lower);
}

static void whiteout(int dir, const char *name)
{
    if (mknodat(dir, name, S_IFCHR, makedev(0, 0)) < 0)
        skip();
}

static void an_untouched_container_has_no_changes(void **state)
{
    struct sides sides = begin(state);

    fresh_file(sides.lower, "file", "x");
    expect(&sides, "");
}

static void a_whiteout_is_a_deletion_only_of_what_was_there(void **state)
{
    struct sides sides = begin(state);

    fresh_file(sides.lower, "file", "x");
    whiteout(sides.upper, "file");
    whiteout(sides.upper, "never-there");
    expect(&sides, "D /file\n");
}

static void a_whiteout_of_the_newer_form_counts(void **state)
{
    struct sides sides = begin(state);
    MD_AUTO_FD fd = -1;

    fresh_file(sides.lower, "file", "x");
    fresh_file(sides.upper, "file", "");
    fd = openat(sides.upper, "file", O_RDONLY | O_CLOEXEC);
    if (fsetxattr(fd, "trusted.overlay.whiteout", "", 0, 0) < 0)
        skip();
    expect(&sides, "D /file\n");
}

static void an_opaque_directory_deletes_what_it_does_not_have(void **state)
{
    struct sides sides = begin(state);
    MD_AUTO_FD dir = -1;

    assert_int_equal(mkdirat(sides.lower, "d", 0755), 0);
    fresh_file(sides.lower, "d/gone", "x");
    fresh_file(sides.lower, "d/again", "x");
    assert_int_equal(mkdirat(sides.upper, "d", 0755), 0);
    fresh_file(sides.upper, "d/again", "other");
    dir = openat(sides.upper, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fsetxattr(dir, "trusted.overlay.opaque", "y", 1, 0) < 0)
        skip();
    expect(&sides, "C /d\nC /d/again\nD /d/gone\n");
}

static void sorting_is_by_whole_paths(void **state)
{
    struct sides sides = begin(state);

    assert_int_equal(mkdirat(sides.upper, "a", 0755), 0);
    fresh_file(sides.upper, "a/x", "");
    fresh_file(sides.upper, "a-b", "");
    expect(&sides, "A /a\nA /a-b\nA /a/x\n");
}

static void what_is_made_for_our_mounts_is_not_listed(void **state)
{
    struct sides sides = begin(state);

    assert_int_equal(mkdirat(sides.upper, "proc", 0755), 0);
    assert_int_equal(mkdirat(sides.upper, "dev", 0755), 0);
    fresh_file(sides.upper, "dev/null", "kept in the layer");
    assert_int_equal(mkdirat(sides.upper, "etc", 0755), 0);
    fresh_file(sides.upper, "etc/hosts", "");
    expect(&sides, "A /dev\nA /dev/null\n");
}

static void a_directory_of_our_files_is_listed_once_it_has_others(void **state)
{
    struct sides sides = begin(state);

    assert_int_equal(mkdirat(sides.upper, "etc", 0755), 0);
    fresh_file(sides.upper, "etc/hosts", "");
    fresh_file(sides.upper, "etc/motd", "x");
    expect(&sides, "A /etc\nA /etc/motd\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_untouched_container_has_no_changes, fresh_setup,
                                        fresh_teardown),
        cmocka_unit_test_setup_teardown(a_whiteout_is_a_deletion_only_of_what_was_there,
                                        fresh_setup, fresh_teardown),
        cmocka_unit_test_setup_teardown(a_whiteout_of_the_newer_form_counts, fresh_setup,
                                        fresh_teardown),
        cmocka_unit_test_setup_teardown(an_opaque_directory_deletes_what_it_does_not_have,
                                        fresh_setup, fresh_teardown),
        cmocka_unit_test_setup_teardown(sorting_is_by_whole_paths, fresh_setup, fresh_teardown),
        cmocka_unit_test_setup_teardown(what_is_made_for_our_mounts_is_not_listed, fresh_setup,
                                        fresh_teardown),
        cmocka_unit_test_setup_teardown(a_directory_of_our_files_is_listed_once_it_has_others,
                                        fresh_setup, fresh_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
