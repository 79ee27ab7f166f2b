/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of the plan: where they land, and where they may not (C33). */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void add_bind(const struct kit *kit, struct run_plan *plan, const char *source,
                     const char *target, unsigned long long attributes)
{
    struct run_mount *mount;
    struct stat info;

    plan->mounts = md_xreallocarray(plan->mounts, plan->mount_count + 1, sizeof(*plan->mounts));
    mount = &plan->mounts[plan->mount_count++];
    *mount = (struct run_mount){ .kind = RUN_MOUNT_BIND,
                                 .source = kit_path(kit, source),
                                 .target = md_xstrdup(target),
                                 .attributes = attributes };
    assert_int_equal(stat(mount->source, &info), 0);
    mount->is_directory = S_ISDIR(info.st_mode);
    mount->source_fd =
        open_tree(AT_FDCWD, mount->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    assert_true(mount->source_fd >= 0);
}

static void add_tmpfs(struct run_plan *plan, const char *target, const char *size)
{
    plan->mounts = md_xreallocarray(plan->mounts, plan->mount_count + 1, sizeof(*plan->mounts));
    plan->mounts[plan->mount_count++] = (struct run_mount){
        .kind = RUN_MOUNT_TMPFS,
        .target = md_xstrdup(target),
        .source_fd = -1,
        .tmpfs_mode = 0750,
        .tmpfs_size = size ? md_xstrdup(size) : NULL,
        .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    };
}

/* A directory "data" with a file in it, beside the root. */
static int set_up(void **state)
{
    int status = kit_set_up(state);
    MD_AUTO_FREE char *data = kit_path(*state, "data");

    assert_int_equal(mkdir(data, 0777), 0);
    kit_write(*state, "data/file", "of the host\n", 0644);
    return status;
}

static void directories_and_files_are_seen_and_written(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *made = kit_path(kit, "data/new");
    MD_AUTO_FREE char *target = kit_path(kit, "root/a");
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(kit, &plan, "show", "/a/b/file", "then", "show", "/c/d", "then", "write",
             "/a/b/new", "x", NULL);
    add_bind(kit, &plan, "data", "/a/b", 0);
    add_bind(kit, &plan, "data/file", "/c/d", 0);
    kit_run(&plan, NULL, &outcome);
    if (outcome.status < 0)
        fail_msg("%s", outcome.err.text);
    assert_string_equal(outcome.out, "of the host\nof the host\n/a/b/new: written\n");
    assert_int_equal(access(made, F_OK), 0);
    assert_int_equal(access(target, F_OK), -1); /* made in the container only */
    run_plan_clear(&plan);
}

static void a_read_only_one_cannot_be_written(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "write", "/a/x", "x", "then", "write", "/a/file", "x", NULL);
    add_bind(*state, &plan, "data", "/a", MOUNT_ATTR_RDONLY);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "/a/x: EROFS\n/a/file: EROFS\n");
    run_plan_clear(&plan);
}

static void a_tmpfs_has_its_mode_and_size(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "stat", "/t", "then", "show", "/proc/self/mountinfo", NULL);
    add_tmpfs(&plan, "/t", "1m");
    kit_run(&plan, NULL, &outcome);
    assert_memory_equal(outcome.out, "/t: d 750 0:0", 13);
    assert_non_null(strstr(outcome.out, " /t rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs "));
    assert_non_null(strstr(outcome.out, "size=1024k"));
    run_plan_clear(&plan);
}

static void links_in_the_image_lead_inside(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *outside = kit_path(kit, "outside");
    struct kit_outcome outcome;
    struct run_plan plan;

    assert_int_equal(mkdir(outside, 0755), 0);
    assert_int_equal(symlinkat(outside, kit->root_fd, "absolute"), 0);
    assert_int_equal(symlinkat("../../../../../tmp/hole", kit->root_fd, "dangling"), 0);
    kit_plan(kit, &plan, "show", "/absolute/x/file", "then", "show", "/tmp/hole", NULL);
    add_bind(kit, &plan, "data", "/absolute/x", 0);
    add_bind(kit, &plan, "data/file", "/dangling", 0);
    kit_run(&plan, NULL, &outcome);
    if (outcome.status < 0)
        fail_msg("%s", outcome.err.text);
    assert_string_equal(outcome.out, "of the host\nof the host\n");
    assert_int_equal(rmdir(outside), 0); /* still empty */
    run_plan_clear(&plan);
}

static void forbidden_and_mismatched_targets_are_refused_by_name(void **state)
{
    kit_need_containers();

    static const struct {
        const char *source; /* NULL: a tmpfs */
        const char *target;
    } cases[] = {
        { "data", "/" },
        { "data", "/proc" },
        { "data", "/proc/self" },
        { "data", "/to-proc" },
        { "data/file", "/proc/kcore" },
        { NULL, "/proc/acpi" },
        { "data", "/to-root" },
        { "data", "/bin/inside" },
        { "data/file", "/tmp" },
        { "data", "/bin/inside/x" },
        { "data", "/loop" },
        { NULL, "/" },
        { "data/file", "/proc/new" },
    };
    struct kit *kit = *state;

    assert_int_equal(symlinkat("proc", kit->root_fd, "to-proc"), 0);
    assert_int_equal(symlinkat("/", kit->root_fd, "to-root"), 0);
    assert_int_equal(symlinkat("loop", kit->root_fd, "loop"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct kit_outcome outcome;
        struct run_plan plan;

        kit_plan(kit, &plan, "say", "ran", NULL);
        if (cases[i].source)
            add_bind(kit, &plan, cases[i].source, cases[i].target, 0);
        else
            add_tmpfs(&plan, cases[i].target, NULL);
        kit_run(&plan, NULL, &outcome);
        if (outcome.status != -1 || !strstr(outcome.err.text, cases[i].target))
            fail_msg("%s: %s", cases[i].target, outcome.err.text);
        run_plan_clear(&plan);
    }
}

static void targets_below_dev_and_sys_are_allowed(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "show", "/dev/data/file", "then", "show", "/dev/file", NULL);
    add_bind(*state, &plan, "data", "/dev/data", 0);
    add_bind(*state, &plan, "data/file", "/dev/file", 0);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "of the host\nof the host\n");
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_and_files_are_seen_and_written),
        TEST(a_read_only_one_cannot_be_written),
        TEST(a_tmpfs_has_its_mode_and_size),
        TEST(links_in_the_image_lead_inside),
        TEST(forbidden_and_mismatched_targets_are_refused_by_name),
        TEST(targets_below_dev_and_sys_are_allowed),
    };

    return cmocka_run_group_tests_name("volumes", tests, NULL, NULL);
}
