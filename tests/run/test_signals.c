/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's signals, and what another process does about one. */
#include "kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/signals.h"

static void everything_is_given_back_as_it_was(void **state)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction old[3];
    struct sigaction now;
    struct run_signals signals;
    struct md_err err = { 0 };
    sigset_t before;
    sigset_t after;

    (void)state;
    sigaction(SIGCHLD, &ignore, &old[0]);
    sigaction(SIGPIPE, NULL, &old[1]);
    sigprocmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(run_signals_take(&signals, &err), 0);
    sigaction(SIGCHLD, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_DFL);
    sigaction(SIGPIPE, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_IGN);
    assert_int_equal(kill(getpid(), SIGTERM), 0); /* would end this process, later too */
    run_signals_give_back(&signals);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, NSIG / 8); /* what the kernel fills in */
    sigaction(SIGCHLD, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_IGN);
    sigaction(SIGPIPE, NULL, &now);
    assert_ptr_equal(now.sa_handler, old[1].sa_handler);
    assert_int_equal(signals.fd, -1);
    sigaction(SIGCHLD, &old[0], NULL);
}

static void signals_arrive_at_the_descriptor(void **state)
{
    struct signalfd_siginfo info;
    struct run_signals signals;
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(run_signals_take(&signals, &err), 0);
    assert_int_equal(kill(getpid(), SIGRTMIN + 1), 0);
    assert_int_equal(read(signals.fd, &info, sizeof(info)), sizeof(info));
    assert_int_equal(info.ssi_signo, SIGRTMIN + 1);
    run_signals_give_back(&signals);
}

static void nohup_is_respected(void **state)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct signalfd_siginfo info;
    struct sigaction old;
    struct run_signals signals;
    struct md_err err = { 0 };

    (void)state;
    sigaction(SIGHUP, &ignore, &old);
    assert_int_equal(run_signals_take(&signals, &err), 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(read(signals.fd, &info, sizeof(info)), -1);
    run_signals_give_back(&signals);
    sigaction(SIGHUP, &old, NULL);
}

static void some_signals_end_nobody(void **state)
{
    static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGTSTP };
    static const int deadly[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE, SIGIO };

    (void)state;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
        assert_false(run_signal_ends(harmless[i]));
    for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
        assert_true(run_signal_ends(deadly[i]));
    assert_true(run_signal_ends(SIGRTMAX));
}

static void nothing(int number)
{
    (void)number;
}

static void what_a_process_cares_for_is_known(void **state)
{
    int ready[2];
    pid_t pid;
    char byte;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        sigset_t blocked;

        sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing }, NULL);
        sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGRTMAX);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_false(run_signal_is_default(pid, SIGUSR1));
    assert_false(run_signal_is_default(pid, SIGUSR2));
    assert_false(run_signal_is_default(pid, SIGRTMAX));
    assert_true(run_signal_is_default(pid, SIGTERM));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(run_signal_is_default(pid, SIGTERM)); /* nobody knows */
    close(ready[0]);
    close(ready[1]);
}

/* As tini does: what is waited for is not shown as blocked meanwhile. */
static void a_process_that_waits_for_signals_cares_for_them(void **state)
{
    char text[64] = "";
    char path[64];
    sigset_t all;
    pid_t pid;

    (void)state;
    sigfillset(&all);
    pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &all, NULL);
        for (;;)
            sigwaitinfo(&all, NULL);
    }
    snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
    for (int tries = 0; tries < 5000 && !strstr(text, "sigtimedwait"); tries++) {
        MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || read(fd, text, sizeof(text) - 1) < 1)
            break;
        usleep(1000);
    }
    assert_false(run_signal_is_default(pid, SIGTERM));
    assert_false(run_signal_is_default(pid, SIGINT));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_given_back_as_it_was),
        cmocka_unit_test(signals_arrive_at_the_descriptor),
        cmocka_unit_test(nohup_is_respected),
        cmocka_unit_test(some_signals_end_nobody),
        cmocka_unit_test(what_a_process_cares_for_is_known),
        cmocka_unit_test(a_process_that_waits_for_signals_cares_for_them),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
