/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of the set-up. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/sync.h"

struct ends {
    int ours, theirs;
};

static int open_pair(void **state)
{
    static struct ends ends;
    struct md_err err = { 0 };

    *state = &ends;
    return run_sync_pair(&ends.ours, &ends.theirs, &err);
}

static int close_pair(void **state)
{
    struct ends *ends = *state;

    md_fd_close(&ends->ours);
    md_fd_close(&ends->theirs);
    return 0;
}

static void both_ends_are_close_on_exec(void **state)
{
    struct ends *ends = *state;

    assert_int_equal(fcntl(ends->ours, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(ends->theirs, F_GETFD), FD_CLOEXEC);
}

static void a_tag_arrives_as_it_was_sent(void **state)
{
    struct ends *ends = *state;
    struct md_err err = { 0 };

    assert_int_equal(run_sync_send(ends->theirs, RUN_READY, NULL, &err), 0);
    assert_int_equal(run_sync_receive(ends->ours, NULL, &err), RUN_READY);
    assert_int_equal(run_sync_send(ends->ours, RUN_GO, NULL, &err), 0);
    assert_int_equal(run_sync_expect(ends->theirs, RUN_GO, &err), 0);
}

static void a_failure_arrives_with_its_kind_errno_and_text(void **state)
{
    struct ends *ends = *state;
    struct md_err sent = { 0 };
    struct md_err err = { 0 };

    errno = EXDEV;
    md_err_sys(&sent, "cannot do \"this\"");
    run_sync_fail(ends->theirs, &sent);
    assert_int_equal(run_sync_expect(ends->ours, RUN_READY, &err), -1);
    assert_memory_equal(&sent, &err, sizeof(err));
}

static void end_of_file_is_no_success(void **state)
{
    struct ends *ends = *state;
    struct md_err err = { 0 };

    md_fd_close(&ends->theirs);
    assert_int_equal(run_sync_receive(ends->ours, NULL, &err), RUN_GONE);
    assert_int_equal(run_sync_expect(ends->ours, RUN_READY, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
}

static void what_was_said_before_the_end_is_heard_although_our_words_were_not(void **state)
{
    struct ends *ends = *state;
    struct md_err failure = { .kind = MD_ERR_EXEC, .sys = ENOENT, .text = "why" };
    struct md_err err = { 0 };

    assert_int_equal(run_sync_send(ends->ours, RUN_GO, NULL, &err), 0);
    run_sync_fail(ends->theirs, &failure);
    md_fd_close(&ends->theirs); /* with RUN_GO unread: the kernel says ECONNRESET */
    assert_int_equal(run_sync_receive(ends->ours, NULL, &err), RUN_FAILED);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(run_sync_receive(ends->ours, NULL, &err), RUN_GONE);
}

static void sending_to_nobody_is_an_error_and_no_signal(void **state)
{
    struct ends *ends = *state;
    struct md_err err = { 0 };

    md_fd_close(&ends->theirs);
    assert_int_equal(run_sync_send(ends->ours, RUN_GO, NULL, &err), -1);
    assert_int_equal(err.sys, EPIPE);
}

static void malformed_messages_are_refused(void **state)
{
    static const struct {
        int words[200];
        size_t len;
    } cases[] = {
        { { 0 }, 4 },
        { { 99 }, 4 },
        { { -1 }, 4 },
        { { RUN_READY }, 3 },
        { { RUN_READY }, 5 },
        { { RUN_FAILED }, 4 },
        { { RUN_FAILED }, 100 },
        { { RUN_GONE }, 4 },
        { { RUN_READY }, 800 },
    };
    struct ends *ends = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct md_err err = { 0 };

        assert_int_equal(send(ends->theirs, cases[i].words, cases[i].len, 0), cases[i].len);
        assert_int_equal(run_sync_receive(ends->ours, NULL, &err), -1);
        assert_int_equal(err.kind, MD_ERR_SYSTEM);
    }
}

static void the_terminal_comes_along_close_on_exec(void **state)
{
    struct ends *ends = *state;
    struct run_sync_cargo cargo = { -1, -1 };
    struct md_err err = { 0 };
    int pipes[2];

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    const struct run_sync_cargo sent = { .master = pipes[1], .slave = pipes[0] };

    assert_int_equal(run_sync_send(ends->theirs, RUN_READY, &sent, &err), 0);
    assert_int_equal(run_sync_receive(ends->ours, &cargo, &err), RUN_READY);
    assert_int_equal(fcntl(cargo.master, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(cargo.slave, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(cargo.master, "x", 1), 1);
    assert_int_equal(read(cargo.slave, pipes, 1), 1);
    close(cargo.master);
    close(cargo.slave);
    close(sent.master);
    close(sent.slave);
}

static void descriptors_nobody_asked_for_are_closed(void **state)
{
    struct ends *ends = *state;
    const struct run_sync_cargo sent = { .master = 0, .slave = 0 };
    struct md_err err = { 0 };
    int before = dup(0); /* the next free number */

    close(before);
    assert_int_equal(run_sync_send(ends->theirs, RUN_READY, &sent, &err), 0);
    assert_int_equal(run_sync_receive(ends->ours, NULL, &err), RUN_READY);
    assert_int_equal(fcntl(before, F_GETFD), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_ends_are_close_on_exec),
        TEST(a_tag_arrives_as_it_was_sent),
        TEST(a_failure_arrives_with_its_kind_errno_and_text),
        TEST(end_of_file_is_no_success),
        TEST(what_was_said_before_the_end_is_heard_although_our_words_were_not),
        TEST(sending_to_nobody_is_an_error_and_no_signal),
        TEST(malformed_messages_are_refused),
        TEST(the_terminal_comes_along_close_on_exec),
        TEST(descriptors_nobody_asked_for_are_closed),
    };

    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
