/* SPDX-License-Identifier: Apache-2.0 */
/* The program's terminal, and the caller's (C24, D9). */
#include "kit.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static void the_program_has_a_terminal_of_the_wanted_size(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "terminal", "then", "stat", "/dev/console", "then", "stat",
             "/dev/pts/0", "then", "fds", NULL);
    plan.terminal = true;
    plan.rows = 41;
    plan.columns = 123;
    plan.user.uid = 1000;
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "tty 111 41x123 /dev/pts/0\r\n"
                                     "/dev/console: c 620 1000:5 136,0\r\n"
                                     "/dev/pts/0: c 620 1000:5 136,0\r\n"
                                     "0 1 2 \r\n");
    run_plan_clear(&plan);
}

static void without_it_there_is_no_controlling_terminal(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "terminal", "then", "show", "/dev/tty", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "tty 000 0x0 none\n/dev/tty: ENXIO\n");
    run_plan_clear(&plan);
}

/* All that is written to a terminal arrives, also what was written just before the end. */
static void nothing_is_lost_at_the_end(void **state)
{
    kit_need_containers();

    for (int i = 0; i < 10; i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "show", "/words", "then", "say", "last", NULL);
        plan.terminal = true;
        char text[20001];

        memset(text, 'w', 20000);
        text[20000] = '\0';
        kit_write(*state, "root/words", text, 0644);
        kit_run(&plan, NULL, &outcome);
        assert_int_equal(outcome.out_len, 20006);
        assert_string_equal(outcome.out + 20000, "last\r\n");
        run_plan_clear(&plan);
    }
}

/* A runner in a terminal: its master for the test, its pid, the settings before. */
struct session {
    int master;
    pid_t runner;
    struct termios before;
};

static void start(const struct run_plan *plan, struct session *session)
{
    const struct winsize size = { .ws_row = 30, .ws_col = 90 };

    session->runner = forkpty(&session->master, NULL, NULL, &size);
    assert_true(session->runner >= 0);
    if (session->runner == 0) {
        struct run_result result = { 0 };
        struct md_err err = { 0 };

        _exit(run_container(plan, NULL, &result, &err) < 0 ? 125 : result.exit_code);
    }
    assert_int_equal(tcgetattr(session->master, &session->before), 0);
}

/* Read until text appears; all of it is added to seen. */
static void await(const struct session *session, char *seen, size_t size, const char *text)
{
    size_t len = 0;

    alarm(20);
    while (!strstr(seen, text)) {
        ssize_t got = read(session->master, seen + len, size - 1 - len);

        if (got <= 0)
            fail_msg("no \"%s\" in \"%s\"", text, seen);
        len += (size_t)got;
        seen[len] = '\0';
    }
    alarm(100);
}

static int finish(struct session *session)
{
    struct termios after;
    int status;

    alarm(20);
    assert_int_equal(waitpid(session->runner, &status, 0), session->runner);
    alarm(100);
    /* The slave's settings, asked at the master. */
    assert_int_equal(tcgetattr(session->master, &after), 0);
    assert_int_equal(after.c_lflag, session->before.c_lflag);
    assert_int_equal(after.c_iflag, session->before.c_iflag);
    assert_int_equal(after.c_oflag, session->before.c_oflag);
    close(session->master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void plan_terminal(const struct kit *kit, struct run_plan *plan, const char *what)
{
    kit_plan(kit, plan, "say", "up", "then", what, what[0] == 'c' ? NULL : "60000", NULL);
    plan->terminal = true;
    plan->open_stdin = true;
}

static void control_c_ends_a_first_process_without_a_handler(void **state)
{
    kit_need_containers();

    char seen[1000] = "";
    struct session session;
    struct run_plan plan;

    plan_terminal(*state, &plan, "sleep");
    start(&plan, &session);
    await(&session, seen, sizeof(seen), "up\r\n");
    usleep(100000);
    assert_int_equal(write(session.master, "\3", 1), 1);
    assert_int_equal(finish(&session), 130);
    run_plan_clear(&plan);
}

static void control_c_is_a_byte_for_one_that_handles_it(void **state)
{
    kit_need_containers();

    char seen[1000] = "";
    struct session session;
    struct run_plan plan;

    kit_plan(*state, &plan, "handle", "2", "then", "exit", "7", NULL);
    plan.terminal = plan.open_stdin = true;
    start(&plan, &session);
    await(&session, seen, sizeof(seen), "ready\r\n");
    assert_int_equal(write(session.master, "\3", 1), 1);
    assert_int_equal(finish(&session), 7);
    run_plan_clear(&plan);
}

static void typed_bytes_arrive_and_control_d_ends_the_input(void **state)
{
    kit_need_containers();

    char seen[1000] = "";
    struct session session;
    struct run_plan plan;

    plan_terminal(*state, &plan, "copy");
    start(&plan, &session);
    await(&session, seen, sizeof(seen), "up\r\n");
    assert_int_equal(write(session.master, "hello\r\4", 7), 7);
    seen[0] = '\0';
    await(&session, seen, sizeof(seen), "hello\r\nhello\r\n");
    assert_int_equal(finish(&session), 0);
    run_plan_clear(&plan);
}

static void the_callers_terminal_is_restored_when_the_runner_is_killed(void **state)
{
    kit_need_containers();

    char seen[1000] = "";
    struct session session;
    struct run_plan plan;
    struct termios settings;

    plan_terminal(*state, &plan, "sleep");
    start(&plan, &session);
    await(&session, seen, sizeof(seen), "up\r\n");
    assert_int_equal(tcgetattr(session.master, &settings), 0);
    assert_false(settings.c_lflag & ICANON); /* raw meanwhile */
    assert_int_equal(kill(session.runner, SIGKILL), 0);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(tcgetattr(session.master, &settings), 0);
        if (settings.c_lflag & ICANON)
            break;
        usleep(10000);
    }
    assert_int_equal(finish(&session), 128 + SIGKILL);
    run_plan_clear(&plan);
}

static void a_stopped_runner_gives_the_terminal_back_and_takes_it_again(void **state)
{
    kit_need_containers();

    char seen[1000] = "";
    struct session session;
    struct run_plan plan;
    struct termios settings;
    int status;

    plan_terminal(*state, &plan, "sleep");
    start(&plan, &session);
    await(&session, seen, sizeof(seen), "up\r\n");
    assert_int_equal(kill(session.runner, SIGTSTP), 0);
    assert_int_equal(waitpid(session.runner, &status, WUNTRACED), session.runner);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(tcgetattr(session.master, &settings), 0);
    assert_true(settings.c_lflag & ICANON);
    assert_int_equal(kill(session.runner, SIGCONT), 0);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(tcgetattr(session.master, &settings), 0);
        if (!(settings.c_lflag & ICANON))
            break;
        usleep(10000);
    }
    assert_false(settings.c_lflag & ICANON);
    assert_int_equal(kill(session.runner, SIGTERM), 0);
    assert_int_equal(finish(&session), 128 + SIGTERM);
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_program_has_a_terminal_of_the_wanted_size),
        TEST(without_it_there_is_no_controlling_terminal),
        TEST(nothing_is_lost_at_the_end),
        TEST(control_c_ends_a_first_process_without_a_handler),
        TEST(control_c_is_a_byte_for_one_that_handles_it),
        TEST(typed_bytes_arrive_and_control_d_ends_the_input),
        TEST(the_callers_terminal_is_restored_when_the_runner_is_killed),
        TEST(a_stopped_runner_gives_the_terminal_back_and_takes_it_again),
    };

    return cmocka_run_group_tests_name("pty", tests, NULL, NULL);
}
