/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/platform.c. */
#include "base/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

static void platforms_are_normalised(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "linux/amd64", "linux/amd64" },
        { "linux/x86_64", "linux/amd64" },
        { "Linux/AMD64", "linux/amd64" },
        { "linux/amd64/v1", "linux/amd64" },
        { "linux/amd64/v3", "linux/amd64/v3" },
        { "arm64", "linux/arm64" },
        { "aarch64", "linux/arm64" },
        { "linux/arm64/v8", "linux/arm64" },
        { "linux/arm64/8", "linux/arm64" },
        { "linux/arm64/v9", "linux/arm64/v9" },
        { "arm", "linux/arm/v7" },
        { "linux/arm", "linux/arm/v7" },
        { "linux/arm/7", "linux/arm/v7" },
        { "linux/arm/v6", "linux/arm/v6" },
        { "armhf", "linux/arm/v7" },
        { "linux/armel", "linux/arm/v6" },
        { "i386", "linux/386" },
        { "s390x", "linux/s390x" },
        { "windows/amd64", "windows/amd64" },
        { "freebsd/riscv64", "freebsd/riscv64" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_platform platform = { 0 };
        struct md_err err = { 0 };
        char out[97];

        assert_int_equal(md_platform_parse(rows[i].in, &platform, &err), 0);
        assert_string_equal(md_platform_text(&platform, out, sizeof(out)), rows[i].out);
    }
}

static void what_is_no_platform_is_a_usage_error(void **state)
{
    static const char *const bad[] = { "",
                                       "/",
                                       "linux/",
                                       "/amd64",
                                       "a/b/c/d",
                                       "linux//v7",
                                       "linux/am d64",
                                       "nonsense",
                                       "windows",
                                       "linux/a\n",
                                       "linux/amd64/v1/",
                                       "linux/\xc3\xa4",
                                       "linux/0123456789012345678901234567890123456789" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_platform platform = { 0 };
        struct md_err err = { 0 };

        if (md_platform_parse(bad[i], &platform, &err) == 0) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
}

static void the_host_is_what_uname_says(void **state)
{
    struct md_platform host;
    struct md_platform linux_alone = { 0 };
    struct md_err err = { 0 };
    struct utsname name;

    (void)state;
    md_platform_host(&host);
    assert_int_equal(uname(&name), 0);
    assert_string_equal(host.os, "linux");
    if (strcmp(name.machine, "x86_64") == 0) {
        assert_string_equal(host.architecture, "amd64");
    }
    if (strcmp(name.machine, "aarch64") == 0) {
        assert_string_equal(host.architecture, "arm64");
    }
    assert_int_equal(md_platform_parse("linux", &linux_alone, &err), 0);
    assert_string_equal(linux_alone.architecture, host.architecture);
}

static int rank(const char *wanted, const char *offered)
{
    struct md_platform want = { 0 };
    struct md_platform offer = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(md_platform_parse(wanted, &want, &err), 0);
    assert_int_equal(md_platform_parse(offered, &offer, &err), 0);
    return md_platform_rank(&want, &offer);
}

static void the_exact_platform_is_best(void **state)
{
    (void)state;
    assert_true(rank("linux/arm/v7", "linux/arm/v7") > rank("linux/arm/v7", "linux/arm/v6"));
    assert_true(rank("linux/arm/v7", "linux/arm/v6") > rank("linux/arm/v7", "linux/arm/v5"));
    assert_true(rank("linux/arm/v7", "linux/arm/v5") > 0);
    assert_int_equal(rank("linux/arm/v6", "linux/arm/v7"), 0);
    assert_int_equal(rank("linux/arm/v7", "linux/arm64"), 0);
    assert_true(rank("linux/amd64", "linux/amd64") > 0);
    assert_int_equal(rank("linux/amd64", "linux/amd64/v2"), 0);
    assert_true(rank("linux/amd64/v3", "linux/amd64/v3") >
                rank("linux/amd64/v3", "linux/amd64"));
    assert_true(rank("linux/amd64/v3", "linux/amd64") > 0);
    assert_int_equal(rank("linux/amd64/v3", "linux/amd64/v2"), 0);
    assert_int_equal(rank("linux/amd64", "linux/arm64"), 0);
    assert_int_equal(rank("linux/amd64", "windows/amd64"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platforms_are_normalised),
        cmocka_unit_test(what_is_no_platform_is_a_usage_error),
        cmocka_unit_test(the_host_is_what_uname_says),
        cmocka_unit_test(the_exact_platform_is_best),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
