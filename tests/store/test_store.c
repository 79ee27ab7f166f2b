/* SPDX-License-Identifier: Apache-2.0 */
/* The store's root directory: where it is, whom it is believed from, what it holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "fresh_store.h"

static mode_t mode_of(int dirfd, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static void a_new_store_is_closed_to_others(void **state)
{
    struct fresh *fresh = *state;
    const char *const folders[] = { ".names",   ".images",     ".layers",
                                    ".partial", ".containers", ".trash" };

    assert_int_equal(mode_of(AT_FDCWD, fresh->store.path), 0700);
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        assert_int_equal(mode_of(fresh->store.root, folders[i]), 0700);
    }
    assert_int_equal(strlen(fresh->store.boot_id), 36);
}

static void reading_a_missing_store_finds_nothing_and_makes_nothing(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char *path = md_xasprintf("%s/none/of/it", fresh->path);
    struct store store = { 0 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    MD_AUTO_FREE struct store_name *names = NULL;
    struct store_image image = { 0 };
    struct store_container container = { 0 };
    size_t count = 1;

    assert_int_equal(store_open(path, STORE_READ, &store, &err), 0);
    assert_int_equal(store.root, -1);
    assert_int_equal(store_image_list(&store, &ids, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_name_list(&store, &names, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_image_open(&store, "alpine", &image, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(store_image_open(&store, "abc", &image, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(store_container_open(&store, "abc", &container, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    store_close(&store);
    assert_false(exists(AT_FDCWD, path));
}

static void opening_again_finds_the_same_store(void **state)
{
    struct fresh *fresh = *state;
    struct store again = { 0 };
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "b");
    assert_int_equal(store_open(fresh->store.path, STORE_READ, &again, &err), 0);
    assert_int_equal(count_entries(again.images), 1);
    store_close(&again);
    store_close(&again);
}

static void a_store_that_others_can_write_is_refused(void **state)
{
    struct fresh *fresh = *state;
    struct store store = { 0 };
    struct md_err err = { 0 };
    const mode_t modes[] = { 0770, 0702, 01777 };

    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        assert_int_equal(chmod(fresh->store.path, modes[i]), 0);
        assert_int_equal(store_open(fresh->store.path, STORE_WRITE, &store, &err), -1);
        assert_int_equal(err.kind, MD_ERR_SYSTEM);
        assert_int_equal(err.sys, EPERM);
        assert_non_null(strstr(err.text, fresh->store.path));
    }
    assert_int_equal(chmod(fresh->store.path, 0755), 0);
    assert_int_equal(store_open(fresh->store.path, STORE_WRITE, &store, &err), 0);
    store_close(&store);
}

static void a_store_of_somebody_else_is_refused(void **state)
{
    struct fresh *fresh = *state;
    const char *path = "/";
    struct store store = { 0 };
    struct md_err err = { 0 };

    if (geteuid() == 0) {
        path = fresh->store.path;
        assert_int_equal(chown(path, 65534, 65534), 0);
    }
    assert_int_equal(store_open(path, STORE_READ, &store, &err), -1);
    assert_int_equal(err.sys, EPERM);
}

static void a_folder_that_is_a_link_is_refused(void **state)
{
    struct fresh *fresh = *state;
    struct store store = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(unlinkat(fresh->store.root, ".images", AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("/tmp", fresh->store.root, ".images"), 0);
    assert_int_equal(store_open(fresh->store.path, STORE_WRITE, &store, &err), -1);
    assert_non_null(strstr(err.text, ".images"));
}

static void a_relative_path_becomes_absolute(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char *expected = md_xasprintf("%s/a:b,c d", fresh->path);
    struct store store = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(chdir(fresh->path), 0);
    assert_int_equal(store_open("a:b,c d", STORE_WRITE, &store, &err), 0);
    assert_string_equal(store.path, expected);
    store_close(&store);
    assert_int_equal(store_open("", STORE_WRITE, &store, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_int_equal(chdir("/"), 0);
}

static void the_environment_says_where_the_store_is(void **state)
{
    struct fresh *fresh = *state;
    struct store store = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(setenv("MINIDOCK_ROOT", fresh->store.path, 1), 0);
    assert_int_equal(store_open(NULL, STORE_READ, &store, &err), 0);
    assert_string_equal(store.path, fresh->store.path);
    store_close(&store);
    unsetenv("MINIDOCK_ROOT");
    if (geteuid() != 0) {
        assert_int_equal(setenv("XDG_DATA_HOME", fresh->path, 1), 0);
        assert_int_equal(store_open(NULL, STORE_WRITE, &store, &err), 0);
        assert_true(exists(AT_FDCWD, store.path));
        assert_int_equal(strncmp(store.path, fresh->path, strlen(fresh->path)), 0);
        store_close(&store);
        unsetenv("XDG_DATA_HOME");
    }
}

static int stop_at_once(const char *name, unsigned char type, void *context, struct md_err *err)
{
    (void)name;
    assert_int_equal(type, DT_DIR);
    ++*(int *)context;
    return md_err_set(err, MD_ERR_USAGE, "enough");
}

static void a_visit_stops_when_it_is_told_to(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    int visits = 0;

    assert_int_equal(store_visit(fresh->store.root, stop_at_once, &visits, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_int_equal(visits, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_new_store_is_closed_to_others),
        T(reading_a_missing_store_finds_nothing_and_makes_nothing),
        T(opening_again_finds_the_same_store),
        T(a_store_that_others_can_write_is_refused),
        T(a_store_of_somebody_else_is_refused),
        T(a_folder_that_is_a_link_is_refused),
        T(a_relative_path_becomes_absolute),
        T(the_environment_says_where_the_store_is),
        T(a_visit_stops_when_it_is_told_to),
    };

    umask(077);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
