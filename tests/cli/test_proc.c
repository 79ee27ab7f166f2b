/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/proc.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/proc.h"

static const char line[] =
    "42 (a) b (c) S 7 42 41 34817 43 4194304 1 2 3 4 150 50 6 7 20 -5 3 0 12345 4096000 99 "
    "18446744073709551615 1 2 3";

static void a_line_is_taken_apart_whatever_the_name_holds(void **state)
{
    struct cli_process process = { 0 };

    (void)state;
    assert_int_equal(cli_proc_parse(line, &process), 0);
    assert_string_equal(process.name, "a) b (c");
    assert_int_equal(process.pid, 42);
    assert_int_equal(process.state, 'S');
    assert_int_equal(process.parent, 7);
    assert_int_equal(process.group, 42);
    assert_int_equal(process.session, 41);
    assert_int_equal(process.terminal, 34817);
    assert_int_equal(process.foreground, 43);
    assert_int_equal(process.cpu, 200);
    assert_int_equal(process.priority, 20);
    assert_int_equal(process.nice, -5);
    assert_int_equal(process.threads, 3);
    assert_int_equal(process.start, 12345);
    assert_int_equal(process.size, 4096000);
    assert_int_equal(process.resident, 99);
}

static void every_cut_of_a_line_is_refused(void **state)
{
    char cut[sizeof(line)];

    (void)state;
    memcpy(cut, line, sizeof(line));
    for (size_t len =
             strlen("42 (a) b (c) S 7 42 41 34817 43 4194304 1 2 3 4 150 50 6 7 20 -5 3 "
                    "0 12345 4096000");
         len > 0; len--) {
        struct cli_process process = { 0 };

        cut[len] = '\0';
        assert_int_equal(cli_proc_parse(cut, &process), -1);
    }
}

static void a_process_and_its_children_are_listed(void **state)
{
    struct cli_process *list = NULL;
    struct md_err err = { 0 };
    size_t count = 0;
    size_t seen = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        pause();
        _exit(0);
    }
    assert_true(child > 0);
    /* Of our own namespace all there is. */
    assert_int_equal(cli_proc_list(getpid(), &list, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || list[i - 1].pid < list[i].pid);
        if (list[i].pid == child) {
            assert_int_equal(list[i].parent, getpid());
            assert_non_null(strstr(list[i].args, "test_proc"));
            seen++;
        }
        seen += list[i].pid == getpid();
        cli_proc_clear(&list[i]);
    }
    free(list);
    assert_int_equal(seen, 2);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(cli_proc_list(child, &list, &count, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_taken_apart_whatever_the_name_holds),
        cmocka_unit_test(every_cut_of_a_line_is_refused),
        cmocka_unit_test(a_process_and_its_children_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
