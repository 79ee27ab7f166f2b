/* SPDX-License-Identifier: Apache-2.0 */
/* What a container sees of the kernel: /proc, /sys and /dev (C4 to C7, C29). */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void masked_files_are_the_null_device_and_directories_are_empty(void **state)
{
    kit_need_containers();

    static const char *const files[] = { "interrupts", "kcore", "keys", "timer_list" };
    static const char *const dirs[] = { "acpi", "asound", "scsi" };

    for (size_t i = 0; i < 7; i++) {
        MD_AUTO_FREE char *path = md_xasprintf("/proc/%s", i < 4 ? files[i] : dirs[i - 4]);
        struct kit_outcome outcome;
        struct run_plan plan;

        if (access(path, F_OK) < 0)
            continue;
        kit_plan(*state, &plan, "stat", path, NULL);
        kit_run(&plan, NULL, &outcome);
        assert_non_null(strstr(outcome.out, i < 4 ? ": c 666 0:0 1,3" : ": d 555 0:0"));
        run_plan_clear(&plan);
    }
}

static void read_only_paths_cannot_be_written(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "write", "/proc/sys/kernel/core_pattern", "x", "then", "write",
             "/proc/sys/kernel/hostname", "x", "then", "write",
             "/proc/irq/default_smp_affinity", "1", "then", "write",
             "/sys/kernel/mm/lru_gen/enabled", "x", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_null(strstr(outcome.out, "written"));
    assert_non_null(strstr(outcome.out, "core_pattern: EROFS"));
    assert_non_null(strstr(outcome.out, "hostname: EROFS"));
    run_plan_clear(&plan);
}

static void mounts_have_the_flags_of_dockers(void **state)
{
    kit_need_containers();

    static const char *const wanted[] = {
        " /proc rw,nosuid,nodev,noexec,relatime - proc proc ",
        " /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ",
        " /dev rw,nosuid - tmpfs tmpfs ",
        " /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666",
        " /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs ",
        " /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue mqueue ",
        " /etc/hosts rw,",
        " /etc/hostname rw,",
        " /etc/resolv.conf rw,",
        " /proc/sys ro,",
        " /proc/bus ro,",
    };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "show", "/proc/self/mountinfo", NULL);
    kit_run(&plan, NULL, &outcome);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        if (!strstr(outcome.out, wanted[i]))
            fail_msg("not there: %s\n%s", wanted[i], outcome.out);
    }
    run_plan_clear(&plan);
}

static void devices_are_these(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "stat", "/dev/null", "then", "stat", "/dev/zero", "then", "stat",
             "/dev/full", "then", "stat", "/dev/random", "then", "stat", "/dev/urandom", "then",
             "stat", "/dev/tty", "then", "stat", "/dev/console", "then", "stat", "/dev/shm",
             "then", "stat", "/dev/pts/ptmx", "then", "stat", "/dev/kmsg", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "/dev/null: c 666 0:0 1,3\n"
                                     "/dev/zero: c 666 0:0 1,5\n"
                                     "/dev/full: c 666 0:0 1,7\n"
                                     "/dev/random: c 666 0:0 1,8\n"
                                     "/dev/urandom: c 666 0:0 1,9\n"
                                     "/dev/tty: c 666 0:0 5,0\n"
                                     "/dev/console: ENOENT\n"
                                     "/dev/shm: d 1777 0:0 0,0\n"
                                     "/dev/pts/ptmx: c 666 0:0 5,2\n"
                                     "/dev/kmsg: ENOENT\n");
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(masked_files_are_the_null_device_and_directories_are_empty),
        TEST(read_only_paths_cannot_be_written),
        TEST(mounts_have_the_flags_of_dockers),
        TEST(devices_are_these),
    };

    return cmocka_run_group_tests_name("kernelfs", tests, NULL, NULL);
}
