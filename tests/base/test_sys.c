/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/sys.c, as far as they can be seen without changing this process. */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void openat2_obeys_its_flags(void **state)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH };
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int inside;

    (void)state;
    inside = sys_openat2(fd, "proc", &how);
    assert_true(inside >= 0);
    assert_int_equal(sys_openat2(inside, "..", &how), -1);
    assert_int_equal(errno, EXDEV);
    close(inside);
    close(fd);
}

static void clone3_makes_a_child_with_a_pidfd(void **state)
{
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD,
        .pidfd = (uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = sys_clone3(&args);
    int status;

    (void)state;
    if (pid == 0) {
        _exit(42);
    }
    assert_true(pid > 0);
    assert_true(pidfd >= 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 42);
    close(pidfd);
}

/* The line of /proc/self/status that starts with name, without it. */
static void status_line(const char *name, char *out, size_t size)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];

    out[0] = '\0';
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            snprintf(out, size, "%s", line + strlen(name));
        }
    }
    if (file) {
        fclose(file);
    }
}

static int become_somebody_else(void)
{
    static const gid_t groups[] = { 7, 8 };
    char line[256];

    if (sys_setgroups(2, groups) < 0 || sys_setresgid(1234) < 0 || sys_setresuid(4321) < 0) {
        return 1;
    }
    status_line("Uid:", line, sizeof(line));
    if (strcmp(line, "\t4321\t4321\t4321\t4321\n") != 0) {
        return 2;
    }
    status_line("Gid:", line, sizeof(line));
    if (strcmp(line, "\t1234\t1234\t1234\t1234\n") != 0) {
        return 3;
    }
    status_line("Groups:", line, sizeof(line));
    return strcmp(line, "\t7 8 \n") == 0 ? 0 : 4;
}

static int keep_two_capabilities(void)
{
    char line[256];

    /* CAP_CHOWN is 0, CAP_CHECKPOINT_RESTORE is 40: one in each half. */
    if (sys_capset(1, 1 | 1ull << 40, 0) < 0) {
        return 1;
    }
    status_line("CapPrm:", line, sizeof(line));
    if (strcmp(line, "\t0000010000000001\n") != 0) {
        return 2;
    }
    status_line("CapEff:", line, sizeof(line));
    return strcmp(line, "\t0000000000000001\n") == 0 ? 0 : 3;
}

static int in_a_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(check());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void user_and_groups_are_set(void **state)
{
    (void)state;
    if (getuid() != 0) {
        skip(); /* needs CAP_SETUID */
    }
    assert_int_equal(in_a_child(become_somebody_else), 0);
}

static void both_halves_of_the_capabilities_are_set(void **state)
{
    (void)state;
    if (getuid() != 0) {
        skip(); /* needs capabilities to give away */
    }
    assert_int_equal(in_a_child(keep_two_capabilities), 0);
}

static void failures_are_minus_one_and_errno(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(sys_pivot_root("/no/such/place", "/no/such/place"), -1);
    assert_true(errno == ENOENT || errno == EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openat2_obeys_its_flags),
        cmocka_unit_test(clone3_makes_a_child_with_a_pidfd),
        cmocka_unit_test(user_and_groups_are_set),
        cmocka_unit_test(both_halves_of_the_capabilities_are_set),
        cmocka_unit_test(failures_are_minus_one_and_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
