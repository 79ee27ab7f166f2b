/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/ps_row.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/ps.h"

#define NOW 1000000

static void states_are_in_docker_s_words(void **state)
{
    static const struct {
        struct store_state state;
        const char *status, *word;
    } rows[] = {
        { { .status = STORE_CREATED }, "Created", "created" },
        { { .status = STORE_RUNNING, .started = { .tv_sec = NOW - 180 } },
          "Up 3 minutes",
          "running" },
        { { .status = STORE_EXITED, .exit_code = 137, .finished = { .tv_sec = NOW - 7200 } },
          "Exited (137) 2 hours ago",
          "exited" },
        { { .status = STORE_PAUSED, .started = { .tv_sec = NOW - 120 } },
          "Up 2 minutes (Paused)",
          "paused" },
        { { .status = STORE_RESTARTING, .exit_code = 1, .finished = { .tv_sec = NOW - 4 } },
          "Restarting (1) 4 seconds ago",
          "restarting" },
        { { .status = STORE_EXITED, .exit_code = -1 }, "Exited (-1)", "exited" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *status = cli_ps_status(&rows[i].state, NOW);

        assert_string_equal(status, rows[i].status);
        assert_string_equal(store_status_word(rows[i].state.status), rows[i].word);
        free(status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_in_docker_s_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
