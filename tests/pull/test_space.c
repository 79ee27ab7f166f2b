/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the disk: asked for, and told about. */
#include "pull/space.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static char path[] = "/a\tstore";

static void what_fits_fits_and_what_cannot_is_refused_with_numbers(void **state)
{
    MD_AUTO_FD root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct store store = { .path = path, .root = root };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(pull_space_check(&store, 0, &err), 0);
    assert_int_equal(pull_space_check(&store, 1, &err), 0);
    assert_int_equal(pull_space_check(&store, UINT64_C(1) << 60, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_non_null(strstr(err.text, "/a\\x09store"));
    assert_non_null(strstr(err.text, "at least 1.15EB needed"));
}

static void a_full_disk_is_explained_and_nothing_else_is(void **state)
{
    MD_AUTO_FD root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct store store = { .path = path, .root = root };
    struct md_err err = { 0 };

    (void)state;
    errno = EIO;
    md_err_sys(&err, "cannot write it");
    pull_space_explain(&store, 5000, &err);
    assert_string_equal(err.text, "cannot write it");
    for (int i = 0; i < 2; i++) {
        errno = i == 0 ? ENOSPC : EDQUOT;
        md_err_sys(&err, "cannot write it");
        pull_space_explain(&store, UINT64_C(1) << 60, &err);
        assert_non_null(strstr(err.text, "/a\\x09store"));
        assert_non_null(strstr(err.text, "more than 1.15EB needed; what there was"));
        assert_non_null(strstr(err.text, ": cannot write it"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_fits_and_what_cannot_is_refused_with_numbers),
        cmocka_unit_test(a_full_disk_is_explained_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
