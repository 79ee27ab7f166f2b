/* SPDX-License-Identifier: Apache-2.0 */
/* A process is believed only with its start time. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"

static pid_t start_child(const char *name)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_NAME, name);
        for (;;) {
            pause();
        }
    }
    /* Until it has its name. */
    usleep(20000);
    return pid;
}

static void a_living_process_is_recognised_whatever_it_is_called(void **state)
{
    const char *const names[] = { "plain", "a) R 1 (b", ") ) )", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct store_process process = { 0 };
        pid_t pid = start_child(names[i]);
        MD_AUTO_FD fd = -1;

        assert_int_equal(store_process_stamp(pid, &process), 0);
        assert_int_equal(process.pid, pid);
        assert_true(process.start_time > 0);
        fd = store_process_open(&process);
        assert_true(fd >= 0);
        assert_int_equal(pidfd_send_signal(fd, SIGKILL, NULL, 0), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
}

static void another_process_with_its_pid_is_not_it_D27(void **state)
{
    struct store_process process = { 0 };

    (void)state;
    assert_int_equal(store_process_stamp(getpid(), &process), 0);
    process.start_time--;
    assert_int_equal(store_process_open(&process), -1);
    assert_int_equal(errno, ESRCH);
}

static void a_process_that_is_gone_is_not_found(void **state)
{
    struct store_process process = { 0 };
    struct store_process again = { 0 };
    pid_t pid = start_child("gone");

    (void)state;
    assert_int_equal(store_process_stamp(pid, &process), 0);
    fresh_kill(pid);
    assert_int_equal(store_process_open(&process), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(store_process_stamp(pid, &again), -1);
    assert_int_equal(errno, ESRCH);
}

static void no_process_is_never_alive(void **state)
{
    struct store_process none = { 0 };
    struct store_process process;

    (void)state;
    assert_int_equal(store_process_open(&none), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(store_process_stamp(0, &process), -1);
    assert_int_equal(store_process_stamp(-1, &process), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_living_process_is_recognised_whatever_it_is_called),
        cmocka_unit_test(another_process_with_its_pid_is_not_it_D27),
        cmocka_unit_test(a_process_that_is_gone_is_not_found),
        cmocka_unit_test(no_process_is_never_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
