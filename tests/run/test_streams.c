/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes of the program, and writing to the caller's descriptors without blocking. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "run/streams.h"

static void there_are_pipes_for_what_the_plan_asks(void **state)
{
    static const struct {
        bool terminal, open_stdin;
        bool in, out;
    } cases[] = { { false, false, false, true },
                  { false, true, true, true },
                  { true, true, false, false } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct run_plan plan = { .terminal = cases[i].terminal,
                                       .open_stdin = cases[i].open_stdin };
        struct run_pipes pipes;
        struct md_err err = { 0 };

        assert_int_equal(run_pipes_open(&plan, &pipes, &err), 0);
        for (int stream = 0; stream < 3; stream++) {
            bool wanted = stream ? cases[i].out : cases[i].in;

            assert_int_equal(pipes.ours[stream] >= 0, wanted);
            assert_int_equal(pipes.theirs[stream] >= 0, wanted);
            if (wanted) /* the program's end blocks */
                assert_false(fcntl(pipes.theirs[stream], F_GETFL) & O_NONBLOCK);
        }
        run_pipes_clear(&pipes);
        assert_int_equal(pipes.ours[1], -1);
        assert_int_equal(pipes.theirs[2], -1);
    }
}

/* Fill it until it would block: that must be said, and the caller's flags stay. */
static void check_never_blocks(int fd, enum run_outlet_kind kind)
{
    MD_AUTO_FREE char *bytes = md_xcalloc(1, 1 << 20);
    struct run_outlet outlet;
    int flags = fcntl(fd, F_GETFL);
    ssize_t written = 0;

    alarm(10);
    run_outlet_open(fd, &outlet);
    assert_int_equal(outlet.kind, kind);
    for (int i = 0; i < 100 && written >= 0; i++)
        written = run_outlet_write(&outlet, bytes, 1 << 20);
    assert_int_equal(written, -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(fd, F_GETFL), flags);
    run_outlet_clear(&outlet);
    assert_int_equal(fcntl(fd, F_GETFL), flags);
    alarm(0);
}

static void a_full_pipe_or_socket_says_so(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    check_never_blocks(ends[1], RUN_OUTLET_PLAIN);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    check_never_blocks(ends[1], RUN_OUTLET_SOCKET);
    close(ends[0]);
    close(ends[1]);
}

static void a_file_keeps_its_offset_and_append_mode(void **state)
{
    MD_AUTO_FREE char *path = kit_path(*state, "out");
    struct run_outlet outlet;
    char text[16] = "";
    int fd;

    kit_write(*state, "out", "ab", 0644);
    fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    run_outlet_open(fd, &outlet);
    assert_int_equal(outlet.fd, fd);
    assert_int_equal(run_outlet_write(&outlet, "cd", 2), 2);
    run_outlet_clear(&outlet);
    assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
    assert_string_equal(text, "abcd");
    close(fd);
}

static void a_closed_descriptor_is_an_error_of_the_write(void **state)
{
    struct run_outlet outlet;

    (void)state;
    run_outlet_open(1000, &outlet);
    assert_int_equal(run_outlet_write(&outlet, "x", 1), -1);
    assert_int_equal(errno, EBADF);
    run_outlet_clear(&outlet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_pipes_for_what_the_plan_asks),
        cmocka_unit_test(a_full_pipe_or_socket_says_so),
        cmocka_unit_test_setup_teardown(a_file_keeps_its_offset_and_append_mode, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test(a_closed_descriptor_is_an_error_of_the_write),
    };

    return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
