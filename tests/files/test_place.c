/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/files/place.c: docker's reading of the two ends of a copy. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "files/place.h"

/* A root directory of a container's own. */
struct fixture {
    char path[40];
    int root;
};

static int setup(void **state)
{
    struct fixture *fixture = md_xcalloc(1, sizeof(*fixture));

    snprintf(fixture->path, sizeof(fixture->path), "/tmp/minidock-place-XXXXXX");
    if (!mkdtemp(fixture->path))
        return -1;
    fixture->root = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = fixture;
    return fixture->root < 0 ? -1 : mkdirat(fixture->root, "dir", 0755);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    md_fd_close(&fixture->root);
    int status = md_path_remove_tree(AT_FDCWD, fixture->path);

    free(fixture);
    return status;
}

static struct files_place place_of(const struct fixture *fixture, const char *given)
{
    struct files_place place = { .root = fixture->root, .container = "box" };
    struct md_err err = { 0 };

    assert_int_equal(files_place_set(&place, given, &err), 0);
    return place;
}

static void make_file(const struct fixture *fixture, const char *name)
{
    MD_AUTO_FD fd = openat(fixture->root, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
}

static void paths_are_cleaned_and_their_ends_remembered(void **state)
{
    static const struct {
        const char *given, *path, *base;
        bool contents, directory;
    } rows[] = {
        { "/a/b", "a/b", "b", false, false },
        { "a//./b", "a/b", "b", false, false },
        { "/a/b/", "a/b", "b", false, true },
        { "/a/b/.", "a/b", "b", true, true },
        { ".", "", "", true, true },
        { "/", "", "", false, true },
        { "/../../x", "x", "x", false, false },
        { "/a/../b", "b", "b", false, false },
        { "/a/..b", "a/..b", "..b", false, false },
        { "", "", "", false, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct files_place place = place_of(*state, rows[i].given);

        assert_string_equal(place.path, rows[i].path);
        assert_string_equal(files_place_base(&place), rows[i].base);
        assert_int_equal(place.contents, rows[i].contents);
        assert_int_equal(place.directory, rows[i].directory);
    }
}

static void a_relative_path_of_the_host_is_below_the_working_directory(void **state)
{
    struct files_place place = { .root = -1 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *here = getcwd(NULL, 0);

    (void)state;
    assert_int_equal(files_place_set(&place, "x/y", &err), 0);
    assert_memory_equal(place.path, here + 1, strlen(here) - 1);
    assert_non_null(strstr(place.path, "/x/y"));
}

static void a_missing_source_is_told_in_dockers_words(void **state)
{
    struct files_place place = place_of(*state, "/nothing");
    struct md_err err = { 0 };

    assert_int_equal(files_place_open(&place, FILES_LINK_ITSELF, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_string_equal(err.text, "Could not find the file /nothing in container box");
}

static void a_file_with_a_slash_behind_it_is_no_source(void **state)
{
    struct files_place place;
    struct md_err err = { 0 };

    make_file(*state, "file");
    place = place_of(*state, "/file/");
    assert_int_equal(files_place_open(&place, FILES_LINK_ITSELF, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
}

static void a_destination_is_a_directory_or_a_name_in_one(void **state)
{
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_place place = place_of(*state, "/dir/new");
    struct md_err err = { 0 };

    assert_int_equal(files_place_find(&place, &found, &err), 0);
    assert_false(found.exists);
    assert_int_equal(found.dir, -1);
    assert_string_equal(found.name, "new");
    files_destination_close(&found);
    place = place_of(*state, "/dir/");
    assert_int_equal(files_place_find(&place, &found, &err), 0);
    assert_true(found.exists);
    assert_true(found.dir >= 0);
    files_destination_close(&found);
}

static void a_destination_in_a_missing_directory_is_not_found(void **state)
{
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_place place = place_of(*state, "/no/such");
    struct md_err err = { 0 };

    assert_int_equal(files_place_find(&place, &found, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/no in container box"));
    files_destination_close(&found);
}

static void links_are_followed_inside_the_root_also_where_they_lead_nowhere(void **state)
{
    const struct fixture *fixture = *state;
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_place place;
    struct md_err err = { 0 };
    struct stat dir;
    struct stat parent;

    assert_int_equal(symlinkat("/dir/../../dir/later", fixture->root, "link"), 0);
    place = place_of(fixture, "/link");
    assert_int_equal(files_place_find(&place, &found, &err), 0);
    assert_string_equal(found.name, "later");
    assert_int_equal(fstatat(fixture->root, "dir", &dir, 0), 0);
    assert_int_equal(fstat(found.parent, &parent), 0);
    assert_int_equal(dir.st_ino, parent.st_ino);
    files_destination_close(&found);
}

static void a_circle_of_links_ends(void **state)
{
    const struct fixture *fixture = *state;
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_place place;
    struct md_err err = { 0 };

    assert_int_equal(symlinkat("two", fixture->root, "one"), 0);
    assert_int_equal(symlinkat("one", fixture->root, "two"), 0);
    place = place_of(fixture, "/one");
    assert_int_equal(files_place_find(&place, &found, &err), -1);
    assert_int_equal(err.sys, ELOOP);
    files_destination_close(&found);
}

static void a_fifo_is_no_destination(void **state)
{
    const struct fixture *fixture = *state;
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_place place;
    struct md_err err = { 0 };

    assert_int_equal(mknodat(fixture->root, "fifo", S_IFIFO | 0644, 0), 0);
    place = place_of(fixture, "/fifo");
    assert_int_equal(files_place_find(&place, &found, &err), -1);
    assert_non_null(strstr(err.text, "must be a directory or a regular file"));
    files_destination_close(&found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_are_cleaned_and_their_ends_remembered),
        TEST(a_relative_path_of_the_host_is_below_the_working_directory),
        TEST(a_missing_source_is_told_in_dockers_words),
        TEST(a_file_with_a_slash_behind_it_is_no_source),
        TEST(a_destination_is_a_directory_or_a_name_in_one),
        TEST(a_destination_in_a_missing_directory_is_not_found),
        TEST(links_are_followed_inside_the_root_also_where_they_lead_nowhere),
        TEST(a_circle_of_links_ends),
        TEST(a_fifo_is_no_destination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
