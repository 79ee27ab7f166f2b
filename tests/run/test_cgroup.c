/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container's cgroup goes, and that nothing else is ever touched. */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "run/cgroup.h"

#define MOUNT(point, rest) "31 23 0:28 / " point " rw,nosuid shared:9 - " rest "\n"

static void the_place_is_found_in_the_kernels_tables(void **state)
{
    static const struct {
        const char *mountinfo, *cgroups;
        enum run_cgroup_kind kind;
        const char *top, *own;
    } rows[] = {
        { MOUNT("/sys/fs/cgroup", "cgroup2 cgroup2 rw,nsdelegate"), "0::/user.slice/a.scope\n",
          RUN_CGROUP_V2, "/sys/fs/cgroup/minidock",
          "/sys/fs/cgroup/user.slice/a.scope/minidock" },
        { MOUNT("/sys/fs/cgroup", "tmpfs tmpfs rw")
              MOUNT("/sys/fs/cgroup/freezer", "cgroup cgroup rw,freezer")
                  MOUNT("/sys/fs/cgroup/unified", "cgroup2 cgroup2 rw"),
          "3:freezer:/\n0::/\n", RUN_CGROUP_V2, "/sys/fs/cgroup/unified/minidock",
          "/sys/fs/cgroup/unified/minidock" },
        { MOUNT("/sys/fs/cgroup/pids", "cgroup cgroup rw,pids")
              MOUNT("/a\\040b/f", "cgroup cgroup rw,cpu,freezer"),
          "4:pids:/x\n3:cpu,freezer:/in/box\n", RUN_CGROUP_FREEZER, "/a b/f/minidock",
          "/a b/f/in/box/minidock" },
        { MOUNT("/sys/fs/cgroup/x", "cgroup cgroup rw,name=freezer"), "3:name=freezer:/\n",
          RUN_CGROUP_NONE, "", "" },
        { MOUNT("/x\\040-\\040cgroup2\\040y", "ext4 /dev/sda rw"), "", RUN_CGROUP_NONE, "",
          "" },
        { "", "", RUN_CGROUP_NONE, "", "" },
        { "garbage", "garbage", RUN_CGROUP_NONE, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct run_cgroup_place place;

        run_cgroup_find(rows[i].mountinfo, rows[i].cgroups, &place);
        assert_int_equal(place.kind, rows[i].kind);
        assert_string_equal(place.top, rows[i].top);
        assert_string_equal(place.own, rows[i].own);
    }
}

/* 64 hex digits, as an id has; not one that a container may have. */
#define ID "0000000000000000000000000000000000000000000000000000000000000001"

static void need_cgroup(struct run_cgroup *cgroup)
{
    struct md_err err = { 0 };

    if (geteuid() != 0 || run_cgroup_make(ID, RUN_CGROUP_V2, cgroup, &err) < 0)
        skip();
}

/* A process that was moved into the cgroup, and the cgroups below it that were made. */
static pid_t put_process(const char *path)
{
    char text[16];
    pid_t pid = fork();
    MD_AUTO_FREE char *file = md_xasprintf("%s/cgroup.procs", path);
    MD_AUTO_FD fd = -1;

    if (pid == 0) {
        for (;;)
            pause();
    }
    fd = open(file, O_WRONLY | O_CLOEXEC);
    snprintf(text, sizeof(text), "%d", (int)pid);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return pid;
}

static void what_is_in_it_is_frozen_thawed_and_killed(void **state)
{
    struct run_cgroup cgroup;
    struct md_err err = { 0 };
    int status = 0;
    pid_t inner;
    pid_t outer;

    (void)state;
    need_cgroup(&cgroup);
    MD_AUTO_FREE char *below = md_xasprintf("%s/below", cgroup.path);

    assert_int_equal(run_cgroup_freeze(cgroup.path, &err), -1); /* nobody is in it */
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(mkdir(below, 0755), 0);
    outer = put_process(cgroup.path);
    inner = put_process(below);
    assert_int_equal(run_cgroup_freeze(cgroup.path, &err), 0);
    assert_true(run_cgroup_is_frozen(cgroup.path));
    assert_int_equal(run_cgroup_thaw(cgroup.path, &err), 0);
    assert_false(run_cgroup_is_frozen(cgroup.path));
    assert_int_equal(run_cgroup_freeze(cgroup.path, &err), 0);
    run_cgroup_end(cgroup.path);
    assert_int_equal(waitpid(outer, &status, 0), outer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(inner, &status, 0), inner);
    run_cgroup_end(cgroup.path); /* zombies are out of it now */
    assert_int_equal(access(cgroup.path, F_OK), -1);
    run_cgroup_close(&cgroup);
}

static void a_path_that_is_no_containers_is_left_alone(void **state)
{
    MD_AUTO_FREE char *plain = kit_path(*state, "plain");
    MD_AUTO_FREE char *other = kit_path(*state, ID);

    assert_int_equal(mkdir(plain, 0755), 0);
    assert_int_equal(mkdir(other, 0755), 0);
    run_cgroup_end(plain);
    run_cgroup_end(other); /* not below a folder of ours */
    run_cgroup_end("");
    run_cgroup_end("/");
    run_cgroup_end("minidock/" ID);
    assert_int_equal(rmdir(plain), 0);
    assert_int_equal(rmdir(other), 0);
}

static void no_cgroup_says_so(void **state)
{
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(run_cgroup_freeze("", &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(run_cgroup_thaw("", &err), -1);
    assert_false(run_cgroup_is_frozen(""));
    assert_false(run_cgroup_ran_out_of_memory(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_is_found_in_the_kernels_tables),
        cmocka_unit_test(what_is_in_it_is_frozen_thawed_and_killed),
        cmocka_unit_test_setup_teardown(a_path_that_is_no_containers_is_left_alone, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test(no_cgroup_says_so),
    };

    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
