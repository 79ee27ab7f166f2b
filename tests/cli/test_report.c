/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/report.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/report.h"

static void the_kind_decides_the_exit_status(void **state)
{
    static const struct {
        struct md_err err;
        enum cli_status failed;
        int expected;
    } rows[] = {
        { { .kind = MD_ERR_EXEC, .sys = ENOENT, .text = "test" }, CLI_RUNTIME_FAILED, 127 },
        { { .kind = MD_ERR_EXEC, .sys = EACCES, .text = "test" }, CLI_RUNTIME_FAILED, 126 },
        { { .kind = MD_ERR_EXEC, .sys = ENOEXEC, .text = "test" }, CLI_FAILED, 126 },
        { { .kind = MD_ERR_USAGE, .text = "test" }, CLI_FAILED, 125 },
        { { .kind = MD_ERR_NOT_FOUND, .text = "test" }, CLI_FAILED, 1 },
        { { .kind = MD_ERR_NOT_FOUND, .text = "test" }, CLI_RUNTIME_FAILED, 125 },
        { { .kind = MD_ERR_SYSTEM, .sys = ENOSPC, .text = "test" }, CLI_FAILED, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(cli_report(&rows[i].err, rows[i].failed), rows[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_decides_the_exit_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
