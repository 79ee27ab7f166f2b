/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/top_columns.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/top.h"

/* A day and two hours after boot, at noon of the second of January 2026, UTC. */
static const struct cli_top_clock clock_now = {
    .ticks = 100,
    .now = 176735520000,
    .uptime = 9360000,
    .page_bytes = 4096,
    .pages = 1000,
};

static const struct cli_process process = {
    .pid = 42,
    .parent = 7,
    .group = 42,
    .session = 42,
    .uid = 4000000000,
    .state = 'S',
    .terminal = 34817, /* pts/1 */
    .foreground = 42,
    .cpu = 4512,
    .start = 9000000, /* an hour ago */
    .size = 2048000,
    .resident = 15,
    .nice = 5,
    .threads = 2,
    .name = "a b",
    .args = (char *)"a b --c",
};

static void assert_cells(const char *option, const char *expected)
{
    char *options[] = { (char *)"-o", (char *)option };
    struct cli_top_column columns[CLI_TOP_COLUMNS];
    struct md_err err = { 0 };
    int count = cli_top_columns(options, 2, columns, &err);
    char line[256] = "";

    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char *cell = columns[i].cell(&process, &clock_now);
        size_t used = strlen(line);

        snprintf(line + used, sizeof(line) - used, "%s%s", i ? "|" : "", cell);
        free(cell);
    }
    assert_string_equal(line, expected);
}

static void cells_are_as_ps_shows_them(void **state)
{
    (void)state;
    assert_cells("pid,ppid,pgid,sid,uid,user", "42|7|42|42|4000000000|4000000000");
    assert_cells("c,pcpu,pmem,vsz,rss", "1|1.2|1.5|2000|60");
    assert_cells("tty,stat,s,ni,nlwp", "pts/1|SNsl+|S|5|2");
    assert_cells("stime,time,etime", "11:00|00:00:45|01:00:00");
    assert_cells("comm,args", "a b|a b --c");
}

static void an_older_start_is_a_day(void **state)
{
    struct cli_process old = process;
    struct cli_top_column columns[CLI_TOP_COLUMNS];
    struct md_err err = { 0 };
    char *options[] = { (char *)"-ostime" };

    (void)state;
    old.start = 0;
    assert_int_equal(cli_top_columns(options, 1, columns, &err), 1);
    char *cell = columns[0].cell(&old, &clock_now);

    assert_string_equal(cell, "Jan01");
    free(cell);
}

static void the_usual_options_have_their_columns(void **state)
{
    static const struct {
        const char *option;
        const char *second, *last;
        int count;
    } rows[] = {
        { "-ef", "PID", "CMD", 8 },
        { "aux", "PID", "COMMAND", 11 },
        { "-eopid,comm", "COMMAND", "COMMAND", 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *options[] = { (char *)rows[i].option };
        struct cli_top_column columns[CLI_TOP_COLUMNS];
        struct md_err err = { 0 };

        assert_int_equal(cli_top_columns(options, 1, columns, &err), rows[i].count);
        assert_string_equal(columns[1].heading, rows[i].second);
        assert_string_equal(columns[rows[i].count - 1].heading, rows[i].last);
    }
}

static void what_is_not_known_is_named(void **state)
{
    static const char *const options[] = { "-q", "--sort=pid", "-onope", "-o", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        char *words[] = { (char *)options[i] };
        struct cli_top_column columns[CLI_TOP_COLUMNS];
        struct md_err err = { 0 };

        assert_int_equal(cli_top_columns(words, 1, columns, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        assert_non_null(strstr(err.text, options[i] + (options[i][0] == '-' ? 2 : 0)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_as_ps_shows_them),
        cmocka_unit_test(an_older_start_is_a_day),
        cmocka_unit_test(the_usual_options_have_their_columns),
        cmocka_unit_test(what_is_not_known_is_named),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
