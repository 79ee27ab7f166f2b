/* SPDX-License-Identifier: Apache-2.0 */
/* A container from its start to its end: statuses, hooks, and what is left of it. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static void every_kind_of_status_comes_back(void **state)
{
    kit_need_containers();

    static const char *const codes[] = { "0", "1", "42", "125", "126", "127", "128", "255" };

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "exit", codes[i], NULL);
        kit_run(&plan, NULL, &outcome);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.result.exit_code, strtol(codes[i], NULL, 10));
        assert_int_equal(outcome.result.signal, 0);
        run_plan_clear(&plan);
    }
}

static void the_host_sees_no_mount(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;
    struct stat before;
    struct stat after;

    kit_plan(*state, &plan, "write", "/tmp/x", "y", "then", "stat", "/tmp/x", NULL);
    assert_int_equal(fstat(plan.lower, &before), 0);
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "/tmp/x: written"));
    assert_int_equal(stat(((struct kit *)*state)->root, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_dev, after.st_dev);
    MD_AUTO_FREE char *file = kit_path(*state, "root/tmp/x");

    assert_int_equal(access(file, F_OK), -1);
    run_plan_clear(&plan);
}

static void the_plans_upper_gets_what_is_written(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;
    MD_AUTO_FREE char *upper = kit_path(*state, "upper");
    MD_AUTO_FREE char *work = kit_path(*state, "work");
    MD_AUTO_FREE char *file = kit_path(*state, "upper/tmp/x");

    assert_int_equal(mkdir(upper, 0755), 0);
    assert_int_equal(mkdir(work, 0755), 0);
    kit_plan(*state, &plan, "write", "/tmp/x", "y", NULL);
    plan.upper = open(upper, O_PATH | O_CLOEXEC);
    plan.work = open(work, O_PATH | O_CLOEXEC);
    plan.upper_is_temporary = true;
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(access(file, F_OK), 0);
    close(plan.upper);
    close(plan.work);
    run_plan_clear(&plan);
}

/* What the hooks of one run saw; shared with the runner and the watcher. */
struct seen {
    pid_t pid;
    int outputs[3];
    volatile int orphaned;
    volatile int ended;     /* the exit code + 1 */
    volatile int aftermath; /* the process it ran in */
    int answer;             /* of started */
};

static int on_started(void *context, pid_t pid, struct md_err *err)
{
    struct seen *seen = context;

    seen->pid = pid;
    return seen->answer < 0 ? md_err_set(err, MD_ERR_SYSTEM, "no state today") : 0;
}

static void on_output(void *context, int stream, const void *bytes, size_t len)
{
    struct seen *seen = context;

    (void)bytes;
    seen->outputs[stream] += (int)len;
}

static void on_orphaned(void *context)
{
    struct seen *seen = context;

    seen->orphaned = 1;
}

static void on_ended(void *context, const struct run_result *result)
{
    struct seen *seen = context;

    seen->ended = result->exit_code + 1;
}

static void on_aftermath(void *context, const struct run_result *result)
{
    struct seen *seen = context;

    seen->aftermath = seen->ended == result->exit_code + 1 ? getpid() : -1;
}

static struct seen *share_seen(void)
{
    struct seen *seen =
        mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(seen != MAP_FAILED);
    return seen;
}

static struct run_hooks hooks_of(struct seen *seen)
{
    return (struct run_hooks){ .context = seen,
                               .started = on_started,
                               .output = on_output,
                               .ended = on_ended,
                               .orphaned = on_orphaned };
}

static void hooks_are_told_of_start_output_and_end(void **state)
{
    kit_need_containers();

    struct seen *seen = share_seen();
    const struct run_hooks hooks = hooks_of(seen);
    const struct kit_how how = { .hooks = &hooks };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "say", "four", "then", "complain", "seventh", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_true(seen->pid > 1);
    assert_int_equal(seen->outputs[1], 5);
    assert_int_equal(seen->outputs[2], 8);
    assert_int_equal(seen->ended, 1);
    assert_int_equal(seen->orphaned, 0);
    assert_string_equal(outcome.out, "four\n");
    assert_string_equal(outcome.complaints, "seventh\n");
    run_plan_clear(&plan);
}

static void the_aftermath_follows_the_end_in_another_process(void **state)
{
    kit_need_containers();

    struct seen *seen = share_seen();
    struct run_hooks hooks = hooks_of(seen);
    const struct kit_how how = { .hooks = &hooks };
    struct kit_outcome outcome;
    struct run_plan plan;

    hooks.aftermath = on_aftermath;
    kit_plan(*state, &plan, "say", "four", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, 0);
    for (int tries = 0; tries < 5000 && !seen->aftermath; tries++)
        usleep(1000);
    assert_true(seen->aftermath > 0);
    assert_int_not_equal(seen->aftermath, getpid());
    assert_int_equal(seen->orphaned, 0);
    run_plan_clear(&plan);
}

static void a_hook_that_refuses_the_start_leaves_nothing_running(void **state)
{
    kit_need_containers();

    struct seen *seen = share_seen();
    const struct run_hooks hooks = hooks_of(seen);
    const struct kit_how how = { .hooks = &hooks };
    struct kit_outcome outcome;
    struct run_plan plan;

    seen->answer = -1;
    kit_plan(*state, &plan, "say", "ran", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, -1);
    assert_string_equal(outcome.err.text, "no state today");
    assert_int_equal(seen->ended, 0);
    assert_int_equal(outcome.out_len, 0);
    assert_int_equal(kill(seen->pid, 0), -1);
    run_plan_clear(&plan);
}

/* Within five seconds the process is no more, or a zombie that its new parent has to reap. */
static bool is_gone(pid_t pid)
{
    char path[64];
    char text[256];

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    for (int i = 0; i < 500; i++) {
        MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

        if (len <= 0)
            return true;
        text[len] = '\0';
        if (strstr(text, ") Z") || strstr(text, ") X"))
            return true;
        usleep(10000);
    }
    return false;
}

static int die_at_start(void *context, pid_t pid, struct md_err *err)
{
    struct seen *seen = context;

    (void)err;
    seen->pid = pid;
    return kill(getpid(), SIGKILL);
}

/* There is no watcher yet: the child itself has to see it. */
static void a_runner_killed_before_the_watcher_exists_leaves_nothing(void **state)
{
    kit_need_containers();

    struct seen *seen = share_seen();
    const struct run_hooks hooks = { .context = seen, .started = die_at_start };
    const struct kit_how how = { .hooks = &hooks };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "sleep", "60000", NULL);
    kit_run(&plan, &how, &outcome);
    assert_int_equal(outcome.status, -2);
    assert_true(is_gone(seen->pid));
    run_plan_clear(&plan);
}

static void a_killed_runner_takes_its_container_along(void **state)
{
    kit_need_containers();

    static const uid_t users[] = { 0, 1000 };

    for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
        struct seen *seen = share_seen();
        const struct run_hooks hooks = hooks_of(seen);
        const struct kit_how how = { .hooks = &hooks, .signal = SIGKILL, .kill_after_ms = 200 };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "sleep", "60000", NULL);
        plan.user.uid = plan.user.gid = users[i];
        kit_run(&plan, &how, &outcome);
        assert_int_equal(outcome.status, -2);
        assert_true(is_gone(seen->pid));
        for (int tries = 0; tries < 500 && !seen->orphaned; tries++)
            usleep(10000);
        assert_int_equal(seen->orphaned, 1);
        run_plan_clear(&plan);
    }
}

static void a_runner_killed_at_any_moment_leaves_nothing(void **state)
{
    kit_need_containers();

    for (int ms = 1; ms < 16; ms++) {
        struct seen *seen = share_seen();
        const struct run_hooks hooks = hooks_of(seen);
        const struct kit_how how = { .hooks = &hooks, .signal = SIGKILL, .kill_after_ms = ms };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "sleep", "60000", NULL);
        kit_run(&plan, &how, &outcome);
        assert_true(seen->pid == 0 || is_gone(seen->pid));
        run_plan_clear(&plan);
    }
}

static void a_signal_during_the_set_up_ends_it(void **state)
{
    kit_need_containers();

    for (int ms = 1; ms < 12; ms++) {
        const struct kit_how how = { .signal = SIGTERM, .kill_after_ms = ms };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "sleep", "60000", NULL);
        kit_run(&plan, &how, &outcome);
        if (outcome.status != -2) { /* it had not even begun */
            assert_int_equal(outcome.status, 0);
            assert_int_equal(outcome.result.exit_code, 128 + SIGTERM);
        }
        run_plan_clear(&plan);
    }
}

static void closed_standard_descriptors_do_no_harm(void **state)
{
    kit_need_containers();

    for (int closed = 0; closed <= 3; closed++) {
        const struct kit_how how = { .closed = closed };
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "say", "x", "then", "complain", "y", "then", "exit", "6", NULL);
        kit_run(&plan, &how, &outcome);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.result.exit_code, 6);
        assert_string_equal(outcome.out, closed < 2 ? "x\n" : "");
        run_plan_clear(&plan);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_status_comes_back),
        TEST(the_host_sees_no_mount),
        TEST(the_plans_upper_gets_what_is_written),
        TEST(hooks_are_told_of_start_output_and_end),
        TEST(the_aftermath_follows_the_end_in_another_process),
        TEST(a_hook_that_refuses_the_start_leaves_nothing_running),
        TEST(a_runner_killed_before_the_watcher_exists_leaves_nothing),
        TEST(a_killed_runner_takes_its_container_along),
        TEST(a_runner_killed_at_any_moment_leaves_nothing),
        TEST(a_signal_during_the_set_up_ends_it),
        TEST(closed_standard_descriptors_do_no_harm),
    };

    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
