/* SPDX-License-Identifier: Apache-2.0 */
/* The program, what it finds when it begins, and why it cannot be executed (A78, A80, C12,
 * C15, C25). */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static void set_program(struct run_plan *plan, const char *program)
{
    free(plan->args.items[0]);
    plan->args.items[0] = md_xstrdup(program);
}

static void programs_that_cannot_be_executed_say_why(void **state)
{
    kit_need_containers();

    static const struct {
        const char *program;
        int sys;
        const char *why;
    } cases[] = {
        { "missing", ENOENT, "executable file not found in $PATH" },
        { "", ENOENT, "empty" },
        { "/missing", ENOENT, "no such file" },
        { "/bin/inside/x", ENOENT, "no such file" },
        { "/etc", EISDIR, "directory" },
        { "etc", ENOENT, "not found in $PATH" },
        { "/tmp/plain", EACCES, "permission denied" },
        { "/tmp/text", ENOEXEC, "exec format error" },
        { "/tmp/foreign", ENOEXEC, "another architecture" },
        { "/tmp/script", ENOENT, "\"/no/interpreter\" is not there" },
        { "/tmp/dangling", ENOENT, "no such file" },
        { "/tmp/loop", ELOOP, "/tmp/loop" },
        { "/proc/self/exe", EPERM, "not permitted" },
        { "/tmp/exe-link", EPERM, "not permitted" },
        { "/tmp/exe-script", EPERM, "not permitted" },
        { "/tmp/exe-script2", EPERM, "not permitted" },
    };
    static const char foreign[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xf7\0\1\0\0\0";
    struct kit *kit = *state;
    MD_AUTO_FREE char *elf = kit_path(kit, "root/tmp/foreign");
    MD_AUTO_FD fd = open(elf, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    assert_int_equal(write(fd, foreign, sizeof(foreign)), sizeof(foreign));
    assert_int_equal(ftruncate(fd, 512), 0);
    md_fd_close(&fd);
    kit_write(kit, "root/tmp/plain", "#!/bin/inside\n", 0644);
    kit_write(kit, "root/tmp/text", "no program\n", 0755);
    kit_write(kit, "root/tmp/script", "#! /no/interpreter -x\n", 0755);
    kit_write(kit, "root/tmp/exe-script", "#!/proc/self/exe\n", 0755);
    kit_write(kit, "root/tmp/exe-script2", "#!/tmp/exe-script\n", 0755);
    assert_int_equal(symlinkat("nowhere", kit->root_fd, "tmp/dangling"), 0);
    assert_int_equal(symlinkat("loop", kit->root_fd, "tmp/loop"), 0);
    assert_int_equal(symlinkat("/proc/self/exe", kit->root_fd, "tmp/exe-link"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(kit, &plan, NULL);
        set_program(&plan, cases[i].program);
        kit_run(&plan, NULL, &outcome);
        assert_int_equal(outcome.status, -1);
        assert_int_equal(outcome.err.kind, MD_ERR_EXEC);
        if (outcome.err.sys != cases[i].sys || !strstr(outcome.err.text, cases[i].why))
            fail_msg("%s: %d %s", cases[i].program, outcome.err.sys, outcome.err.text);
        run_plan_clear(&plan);
    }
}

static void path_is_searched_and_relative_names_are_not(void **state)
{
    kit_need_containers();

    static const struct {
        const char *program, *path, *dir;
        int exit_code; /* -1: not found */
    } cases[] = {
        { "inside", "PATH=/nowhere:/etc:/bin", "/", 3 },
        { "inside", "PATH=/bin", "/", 3 },
        { "inside", "PATH=/nowhere", "/", -1 },
        { "inside", "PATH=", "/bin", -1 },
        { "inside", "OTHER=/bin", "/", -1 },
        { "inside", "PATH=:/nowhere", "/bin", 3 },
        { "inside", "PATH=.", "/bin", 3 },
        { "./inside", "PATH=/nowhere", "/bin", 3 },
        { "bin/inside", "PATH=", "/", 3 },
        { "bin/inside", "PATH=/", "/tmp", -1 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "exit", "3", NULL);
        set_program(&plan, cases[i].program);
        md_list_clear(&plan.env);
        md_list_add(&plan.env, cases[i].path);
        free(plan.working_dir);
        plan.working_dir = md_xstrdup(cases[i].dir);
        kit_run(&plan, NULL, &outcome);
        if (outcome.status != (cases[i].exit_code < 0 ? -1 : 0))
            fail_msg("case %zu: %s", i, outcome.err.text);
        if (outcome.status == 0)
            assert_int_equal(outcome.result.exit_code, cases[i].exit_code);
        else
            assert_int_equal(outcome.err.sys, ENOENT);
        run_plan_clear(&plan);
    }
}

static void a_program_begins_with_three_descriptors_and_default_signals(void **state)
{
    kit_need_containers();

    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct kit_outcome outcome;
    struct run_plan plan;
    sigset_t some;
    int extra[50];

    for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++)
        extra[i] = dup(((struct kit *)*state)->root_fd); /* not CLOEXEC: that is the point */
    sigaction(SIGUSR1, &ignore, NULL);
    sigaction(SIGCHLD, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigaddset(&some, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &some, NULL);
    kit_plan(*state, &plan, "fds", "then", "signals", "then", "facts", NULL);
    /* The kit itself waits for its child. */
    sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
    kit_run(&plan, NULL, &outcome);
    for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++)
        close(extra[i]);
    assert_int_equal(outcome.status, 0);
    assert_memory_equal(outcome.out, "0 1 2 \nsignals: 0\n", 18);
    assert_non_null(strstr(outcome.out, "pid 1 sid 1 uid 0"));
    assert_non_null(strstr(outcome.out, "host box umask 22 dumpable 1\n"));
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    run_plan_clear(&plan);
}

static void working_directories_are_inside(void **state)
{
    kit_need_containers();

    static const struct {
        const char *dir;
        const char *cwd; /* NULL: refused */
    } cases[] = {
        { "/", "cwd /\n" },
        { "/tmp", "cwd /tmp\n" },
        { "/new/deep", "cwd /new/deep\n" },
        { "/tmp/../../../etc", "cwd /etc\n" },
        { "/out", "cwd /outside\n" },
        { "/dev/shm/x", "cwd /dev/shm/x\n" },
        { "/bin/inside", NULL },
        { "/loop", NULL },
        { "/proc/self/cwd/../..", NULL },
        { "/proc/self/root", NULL },
    };
    struct kit *kit = *state;

    assert_int_equal(symlinkat("../../../../outside", kit->root_fd, "out"), 0);
    assert_int_equal(symlinkat("loop", kit->root_fd, "loop"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(kit, &plan, "facts", NULL);
        free(plan.working_dir);
        plan.working_dir = md_xstrdup(cases[i].dir);
        kit_run(&plan, NULL, &outcome);
        if (outcome.status != (cases[i].cwd ? 0 : -1))
            fail_msg("%s: %s", cases[i].dir, outcome.err.text);
        if (cases[i].cwd && !strstr(outcome.out, cases[i].cwd))
            fail_msg("%s: %s", cases[i].dir, outcome.out);
        run_plan_clear(&plan);
    }
}

static void no_descriptor_of_ours_can_be_the_working_directory(void **state)
{
    kit_need_containers();

    for (int fd = 0; fd < 40; fd++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(*state, &plan, "facts", NULL);
        free(plan.working_dir);
        plan.working_dir = md_xasprintf("/proc/self/fd/%d", fd);
        kit_run(&plan, NULL, &outcome);
        assert_int_equal(outcome.status, -1);
        run_plan_clear(&plan);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(programs_that_cannot_be_executed_say_why),
        TEST(path_is_searched_and_relative_names_are_not),
        TEST(a_program_begins_with_three_descriptors_and_default_signals),
        TEST(working_directories_are_inside),
        TEST(no_descriptor_of_ours_can_be_the_working_directory),
    };

    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
