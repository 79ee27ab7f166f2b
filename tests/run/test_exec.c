/* SPDX-License-Identifier: Apache-2.0 */
/* A program in a container that runs: where it is, what it has, and why it cannot. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/exec.h"

#define JOINED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

/* A container that sleeps, and the process that runs it. */
struct sleeper {
    pid_t runner;
    pid_t init;
    int pidfd;
    int go; /* its set-up ends when this is closed */
};

struct start {
    int report, wait;
};

static int on_started(void *context, pid_t pid, struct md_err *err)
{
    const struct start *start = context;
    char byte;

    (void)err;
    assert_int_equal(md_fd_write_all(start->report, &pid, sizeof(pid)), 0);
    assert_true(read(start->wait, &byte, 1) == 0);
    return 0;
}

static _Noreturn void run_sleeper(const struct kit *kit, struct start *start)
{
    const struct run_hooks hooks = { .context = start, .started = on_started };
    struct run_result result;
    struct run_plan plan;
    struct md_err err = { 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    kit_plan(kit, &plan, "sleep", "1000", NULL);
    _exit(run_container(&plan, &hooks, &result, &err) < 0);
}

static void start_held(const struct kit *kit, struct sleeper *sleeper)
{
    int report[2];
    int wait[2];

    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    assert_int_equal(pipe2(wait, O_CLOEXEC), 0);
    sleeper->runner = fork();
    if (sleeper->runner == 0) {
        close(wait[1]);
        run_sleeper(kit, &(struct start){ report[1], wait[0] });
    }
    close(report[1]);
    close(wait[0]);
    assert_int_equal(md_fd_read_full(report[0], &sleeper->init, sizeof(pid_t)), sizeof(pid_t));
    close(report[0]);
    sleeper->pidfd = pidfd_open(sleeper->init, 0);
    assert_true(sleeper->pidfd >= 0);
    sleeper->go = wait[1];
}

static void start(const struct kit *kit, struct sleeper *sleeper)
{
    start_held(kit, sleeper);
    md_fd_close(&sleeper->go);
}

static void stop(struct sleeper *sleeper)
{
    struct pollfd death = { .fd = sleeper->pidfd, .events = POLLIN };

    md_fd_close(&sleeper->go);
    assert_int_equal(pidfd_send_signal(sleeper->pidfd, SIGKILL, NULL, 0), 0);
    assert_int_equal(poll(&death, 1, -1), 1);
    assert_int_equal(waitpid(sleeper->runner, NULL, 0), sleeper->runner);
    md_fd_close(&sleeper->pidfd);
}

static void enter(const struct sleeper *sleeper, struct run_exec *exec)
{
    struct md_err err = { 0 };

    assert_int_equal(run_exec_open(sleeper->init, sleeper->pidfd, "", exec, &err), 0);
}

static void every_status_and_both_streams_come_back(void **state)
{
    kit_need_containers();

    static const char *const codes[] = { "0", "1", "42", "125", "126", "127", "255" };
    struct sleeper sleeper;
    struct run_exec exec;

    start(*state, &sleeper);
    enter(&sleeper, &exec);
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "say", "out", "then", "complain", "err", "then", "exit",
                 codes[i], NULL);
        kit_run(&plan, &(struct kit_how){ .exec = &exec }, &outcome);
        assert_string_equal(outcome.err.text, "");
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.result.exit_code, strtol(codes[i], NULL, 10));
        assert_string_equal(outcome.out, "out\n");
        assert_string_equal(outcome.complaints, "err\n");
        run_plan_clear(&plan);
    }
    run_exec_close(&exec);
    stop(&sleeper);
}

static void it_has_three_descriptors_and_the_containers_names(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct sleeper sleeper;
    struct run_exec exec;
    struct run_plan plan;

    start(*state, &sleeper);
    enter(&sleeper, &exec);
    kit_plan(*state, &plan, "fds", "then", "facts", "then", "signals", NULL);
    kit_run(&plan, &(struct kit_how){ .exec = &exec }, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "0 1 2 \n"));
    assert_non_null(strstr(outcome.out, "host box umask 22 dumpable 1\ncwd /\n"));
    assert_non_null(strstr(outcome.out, "signals: 0"));
    run_plan_clear(&plan);
    run_exec_close(&exec);
    stop(&sleeper);
}

static void each_step_that_fails_says_so(void **state)
{
    kit_need_containers();

    static const struct {
        struct kit_deny deny;
        const char *says;
    } rows[] = {
        { { SYS_setns, 1, CLONE_NEWPID, EPERM }, "cannot enter the container's PID namespace" },
        { { SYS_clone3, -1, 0, EAGAIN }, "cannot start a process in the container" },
        { { SYS_setns, 1, JOINED, EPERM }, "cannot enter the container's namespaces: setns" },
        { { SYS_setsid, -1, 0, EPERM }, "cannot connect stdin, stdout and stderr: setsid" },
        { { SYS_prlimit64, -1, 0, EPERM }, "cannot take over the container's limits" },
        { { SYS_setgroups, -1, 0, EPERM }, "cannot become the user: cannot set the groups" },
        { { SYS_fchdir, -1, 0, EACCES }, "cannot enter the working directory" },
        { { SYS_getcwd, -1, 0, ENOENT }, "cannot see that the working directory is inside" },
        { { SYS_execve, -1, 0, EACCES }, "cannot execute the program" },
    };
    struct sleeper sleeper;
    struct run_exec exec;

    start(*state, &sleeper);
    enter(&sleeper, &exec);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct kit_how how = { .exec = &exec, .deny = &rows[i].deny };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "exit", "0", NULL);
        kit_run(&plan, &how, &outcome);
        assert_int_equal(outcome.status, -1);
        if (!strstr(outcome.err.text, rows[i].says))
            fail_msg("\"%s\" instead of \"%s\"", outcome.err.text, rows[i].says);
        run_plan_clear(&plan);
    }
    run_exec_close(&exec);
    stop(&sleeper);
}

static void a_container_that_has_died_is_not_entered(void **state)
{
    kit_need_containers();

    struct md_err err = { 0 };
    struct kit_outcome outcome;
    struct sleeper sleeper;
    struct run_exec exec;
    struct run_exec late;
    struct run_plan plan;

    start(*state, &sleeper);
    enter(&sleeper, &exec);
    exec.pidfd = dup(sleeper.pidfd);
    stop(&sleeper);
    assert_true(run_exec_is_over(exec.pidfd));
    kit_plan(*state, &plan, "say", "alive", NULL);
    kit_run(&plan, &(struct kit_how){ .exec = &exec }, &outcome);
    assert_int_equal(outcome.status, -1);
    assert_string_equal(outcome.out, "");
    assert_int_equal(run_exec_open(sleeper.init, exec.pidfd, "", &late, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    run_exec_close(&late);
    run_plan_clear(&plan);
    md_fd_close(&exec.pidfd);
    run_exec_close(&exec);
}

/* Its mount namespace shows the host's files until then. */
static void a_container_that_is_being_set_up_is_waited_for(void **state)
{
    kit_need_containers();

    int *entered =
        mmap(NULL, sizeof(*entered), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sleeper sleeper;
    int status;
    pid_t pid;

    start_held(*state, &sleeper);
    pid = fork();
    if (pid == 0) {
        struct run_exec exec;
        struct md_err err = { 0 };

        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        close(sleeper.go);
        *entered = 1;
        status = run_exec_open(sleeper.init, sleeper.pidfd, "", &exec, &err);
        *entered = 2;
        _exit(status < 0);
    }
    while (*(volatile int *)entered == 0)
        poll(NULL, 0, 1);
    poll(NULL, 0, 100);
    assert_int_equal(*(volatile int *)entered, 1);
    md_fd_close(&sleeper.go);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    munmap(entered, sizeof(*entered));
    stop(&sleeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_status_and_both_streams_come_back, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(it_has_three_descriptors_and_the_containers_names,
                                        kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(each_step_that_fails_says_so, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_container_that_has_died_is_not_entered, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_container_that_is_being_set_up_is_waited_for,
                                        kit_set_up, kit_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
