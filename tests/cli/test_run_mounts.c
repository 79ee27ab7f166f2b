/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/run_mounts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cli/run_options.h"

static void clear(struct run_mount *mount)
{
    free(mount->source);
    free(mount->target);
    free(mount->tmpfs_size);
    md_fd_close(&mount->source_fd);
}

static void a_malformed_volume_is_a_usage_error_that_names_it(void **state)
{
    static const char *const wrong[] = {
        "",        ":",     ":/x",    "/etc:",      "/etc:rel", "/etc:/x:bad",
        "name:/x", "/only", "/etc:/", "/etc:/../x", "/etc://.",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct run_mount mount = { .source_fd = -1 };
        struct md_err err = { 0 };

        assert_int_equal(cli_run_volume(wrong[i], &mount, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        clear(&mount);
    }
}

static void a_missing_source_is_an_error_that_names_the_nearest_parent(void **state)
{
    struct run_mount mount = { .source_fd = -1 };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(cli_run_volume("/usr/nope/deeper:/x", &mount, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/usr/nope/deeper"));
    assert_non_null(strstr(err.text, "there is \"/usr\""));
    assert_int_equal(access("/usr/nope", F_OK), -1);
    clear(&mount);
}

static void a_volume_is_a_clone_of_its_source_with_its_options(void **state)
{
    struct run_mount mount = { .source_fd = -1 };
    struct md_err err = { 0 };

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: open_tree(2) needs root\n");
        skip();
    }
    assert_int_equal(cli_run_volume("/etc:/a//b/../c/:ro,z", &mount, &err), 0);
    assert_string_equal(mount.target, "/a/c");
    assert_true(mount.is_directory);
    assert_true(mount.source_fd >= 0);
    assert_int_equal(mount.attributes, MOUNT_ATTR_RDONLY);
    clear(&mount);
}

static void tmpfs_options_are_parsed_and_others_refused(void **state)
{
    struct run_mount mount = { .source_fd = -1 };
    struct run_mount wrong = { .source_fd = -1 };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(cli_run_tmpfs("/t:size=64m,mode=0700,exec,ro", &mount, &err), 0);
    assert_string_equal(mount.target, "/t");
    assert_string_equal(mount.tmpfs_size, "67108864");
    assert_int_equal(mount.tmpfs_mode, 0700);
    assert_int_equal(mount.attributes,
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
    assert_int_equal(cli_run_tmpfs("/t:lowerdir=/etc", &wrong, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_non_null(strstr(err.text, "lowerdir=/etc"));
    clear(&mount);
    clear(&wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_volume_is_a_usage_error_that_names_it),
        cmocka_unit_test(a_missing_source_is_an_error_that_names_the_nearest_parent),
        cmocka_unit_test(a_volume_is_a_clone_of_its_source_with_its_options),
        cmocka_unit_test(tmpfs_options_are_parsed_and_others_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
