/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and signals between the caller and the program. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static void output_passes_unchanged_and_apart(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "spew", "60000", "then", "complain", "aside", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.out_len, 60000);
    for (size_t i = 0; i < outcome.out_len; i++)
        assert_int_equal((unsigned char)outcome.out[i], i % 251);
    assert_string_equal(outcome.complaints, "aside\n");
    run_plan_clear(&plan);
}

static void input_reaches_the_program_and_its_end_too(void **state)
{
    kit_need_containers();

    char text[50001];
    const struct kit_how how = { .input = text };
    struct kit_outcome outcome;
    struct run_plan plan;

    memset(text, 'a', 50000);
    text[50000] = '\0';
    kit_plan(*state, &plan, "copy", NULL);
    plan.open_stdin = true;
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.out_len, 50000);
    assert_string_equal(outcome.out, text);
    run_plan_clear(&plan);
}

static void without_open_stdin_the_programs_input_is_empty(void **state)
{
    kit_need_containers();

    const struct kit_how how = { .input = "not for the program" };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "copy", "then", "say", "end", NULL);
    kit_run(&plan, &how, &outcome);
    assert_string_equal(outcome.out, "end\n");
    run_plan_clear(&plan);
}

/* Reads all of a pipe or socket, slowly at first. */
struct reader {
    int fd;
    size_t total;
    size_t wrong;
};

static void *read_slowly(void *argument)
{
    struct reader *reader = argument;
    unsigned char bytes[3001];
    ssize_t got;

    usleep(200000);
    while ((got = read(reader->fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            reader->wrong += bytes[i] != (reader->total + (size_t)i) % 251;
        reader->total += (size_t)got;
    }
    return NULL;
}

enum way { PIPE, NON_BLOCKING_PIPE, SOCKET };

static void open_way(enum way way, int *ends)
{
    if (way == SOCKET)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    else
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    if (way == NON_BLOCKING_PIPE)
        assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
}

static void a_slow_reader_gets_everything_and_keeps_its_flags(void **state)
{
    kit_need_containers();

    for (enum way way = PIPE; way <= SOCKET; way++) {
        struct kit_outcome outcome;
        struct run_plan plan;
        pthread_t thread;
        int ends[2];

        open_way(way, ends);
        const struct kit_how how = { .out = ends[1] };
        struct reader reader = { .fd = ends[0] };
        int flags = fcntl(ends[1], F_GETFL);

        assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
        kit_plan(*state, &plan, "spew", "3000000", NULL);
        kit_run(&plan, &how, &outcome);
        assert_int_equal(fcntl(ends[1], F_GETFL), flags);
        close(ends[1]);
        assert_int_equal(pthread_join(thread, NULL), 0);
        close(ends[0]);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.result.exit_code, 0);
        assert_int_equal(reader.total, 3000000);
        assert_int_equal(reader.wrong, 0);
        run_plan_clear(&plan);
    }
}

static void a_reader_that_has_gone_stops_the_program(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    const struct kit_how how = { .out = ends[1] };

    kit_plan(*state, &plan, "spew", "1000000000", NULL);
    kit_run(&plan, &how, &outcome);
    close(ends[1]);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.result.exit_code, EPIPE); /* what inside ends with */
    assert_int_equal(outcome.result.write_errno, 0);
    run_plan_clear(&plan);
}

static void a_full_disk_is_reported_at_the_end(void **state)
{
    kit_need_containers();

    MD_AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const struct kit_how how = { .out = full };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "spew", "300000", "then", "exit", "5", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.result.exit_code, 5);
    assert_int_equal(outcome.result.write_errno, ENOSPC);
    run_plan_clear(&plan);
}

static void a_signal_that_is_handled_is_passed_on(void **state)
{
    kit_need_containers();

    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT, SIGALRM };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        const struct kit_how how = { .signal = signals[i], .kill_after_ms = 150 };
        struct kit_outcome outcome;
        struct run_plan plan;
        char number[16];
        char said[64];

        snprintf(number, sizeof(number), "%d", signals[i]);
        snprintf(said, sizeof(said), "ready\nreceived %d\n", signals[i]);
        kit_plan(*state, &plan, "handle", number, "then", "exit", "9", NULL);
        kit_run(&plan, &how, &outcome);
        assert_int_equal(outcome.result.exit_code, 9);
        assert_string_equal(outcome.out, said);
        run_plan_clear(&plan);
    }
}

static void a_first_process_without_a_handler_is_ended(void **state)
{
    kit_need_containers();

    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2 };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        const struct kit_how how = { .signal = signals[i], .kill_after_ms = 100 };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "sleep", "60000", NULL);
        kit_run(&plan, &how, &outcome);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.result.signal, signals[i]);
        assert_int_equal(outcome.result.exit_code, 128 + signals[i]);
        run_plan_clear(&plan);
    }
}

static void a_first_process_that_ignores_the_signal_goes_on(void **state)
{
    kit_need_containers();

    const struct kit_how how = { .signal = SIGTERM, .kill_after_ms = 150 };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "ignore", "15", "then", "sleep", "400", "then", "exit", "4", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.result.exit_code, 4);
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(output_passes_unchanged_and_apart),
        TEST(input_reaches_the_program_and_its_end_too),
        TEST(without_open_stdin_the_programs_input_is_empty),
        TEST(a_slow_reader_gets_everything_and_keeps_its_flags),
        TEST(a_reader_that_has_gone_stops_the_program),
        TEST(a_full_disk_is_reported_at_the_end),
        TEST(a_signal_that_is_handled_is_passed_on),
        TEST(a_first_process_without_a_handler_is_ended),
        TEST(a_first_process_that_ignores_the_signal_goes_on),
    };

    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
