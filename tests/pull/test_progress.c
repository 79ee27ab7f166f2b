/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/progress.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pull/progress.h"

static struct pull_line two_lines[2] = {
    { .id = "0123456789ab", .total = 100 },
    { .id = "abcdefabcdef", .total = 200 },
};

/* Run a little pull and return what it printed, as on a terminal unless that is NULL. */
static char *printed(enum pull_phase first, enum pull_phase second, FILE *terminal)
{
    struct pull_progress progress = { 0 };
    struct pull_line lines[2];
    char *text = NULL;
    size_t len = 0;
    FILE *out = tmpfile();

    assert_non_null(out);
    memcpy(lines, two_lines, sizeof(lines));
    pull_progress_open(&progress, out, PULL_SHOW_AUTO);
    assert_false(progress.live);
    progress.live = terminal != NULL;
    pull_progress_begin(&progress, lines, 2);
    pull_progress_phase(&progress, 0, first);
    lines[1].done = 50;
    lines[1].kept = 50; /* all of it came before: no rate can be told */
    progress.started_ms -= 1000;
    pull_progress_phase(&progress, 1, second);
    pull_progress_draw(&progress);
    pull_progress_end(&progress);
    len = (size_t)ftell(out);
    rewind(out);
    text = calloc(1, len + 1);
    assert_int_equal(fread(text, 1, len, out), len);
    fclose(out);
    return text;
}

static void elsewhere_than_on_a_terminal_each_end_is_one_line(void **state)
{
    char *text = printed(PULL_COMPLETE, PULL_EXISTS, NULL);

    (void)state;
    assert_string_equal(text, "0123456789ab: Pull complete\nabcdefabcdef: Already exists\n");
    free(text);
    text = printed(PULL_WAITING, PULL_DOWNLOADING, NULL);
    assert_string_equal(text, "");
    free(text);
}

static void a_terminal_gets_bars_and_a_total(void **state)
{
    char *text = printed(PULL_WAITING, PULL_DOWNLOADING, stdout);

    (void)state;
    assert_non_null(strstr(text, "0123456789ab: Waiting"));
    assert_non_null(strstr(text, "abcdefabcdef: Downloading [=======>"));
    assert_non_null(strstr(text, "50B/200B"));
    assert_non_null(strstr(text, "Total: 50B of 300B, 0B/s\n"));
    free(text);
}

static void quiet_prints_nothing(void **state)
{
    struct pull_progress progress = { 0 };
    struct pull_line lines[2];

    (void)state;
    memcpy(lines, two_lines, sizeof(lines));
    pull_progress_open(&progress, NULL, PULL_SHOW_TTY);
    pull_progress_begin(&progress, lines, 2);
    pull_progress_phase(&progress, 0, PULL_COMPLETE);
    pull_progress_draw(&progress);
    pull_progress_end(&progress);
    assert_int_equal(lines[0].done, 100);
}

static void json_is_one_object_on_each_line(void **state)
{
    struct pull_progress progress = { 0 };
    struct pull_line lines[2];
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    assert_non_null(out);
    memcpy(lines, two_lines, sizeof(lines));
    pull_say(out, PULL_SHOW_JSON, "latest", "Pulling from \"x\"");
    pull_progress_open(&progress, out, PULL_SHOW_JSON);
    assert_true(progress.live);
    pull_progress_begin(&progress, lines, 2);
    pull_progress_phase(&progress, 0, PULL_EXISTS);
    pull_progress_phase(&progress, 1, PULL_DOWNLOADING);
    lines[1].done = 50;
    pull_progress_draw(&progress);
    pull_progress_draw(&progress);
    pull_progress_end(&progress);
    fclose(out);
    assert_string_equal(
        text, "{\"status\":\"Pulling from \\\"x\\\"\",\"id\":\"latest\"}\n"
              "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"0123456789ab\"}\n"
              "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":0,\"total\":200},"
              "\"id\":\"abcdefabcdef\"}\n"
              "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":50,\"total\":200},"
              "\"id\":\"abcdefabcdef\"}\n");
}

static void the_ways_to_show_have_names(void **state)
{
    struct md_err err = { 0 };
    enum pull_show show;

    (void)state;
    assert_int_equal(pull_show_parse("json", &show, &err), 0);
    assert_int_equal(show, PULL_SHOW_JSON);
    assert_int_equal(pull_show_parse("none", &show, &err), 0);
    assert_int_equal(show, PULL_SHOW_NONE);
    assert_int_equal(pull_show_parse("fancy", &show, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_non_null(strstr(err.text, "fancy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elsewhere_than_on_a_terminal_each_end_is_one_line),
        cmocka_unit_test(a_terminal_gets_bars_and_a_total),
        cmocka_unit_test(quiet_prints_nothing),
        cmocka_unit_test(json_is_one_object_on_each_line),
        cmocka_unit_test(the_ways_to_show_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
