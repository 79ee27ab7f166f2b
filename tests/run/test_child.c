/* SPDX-License-Identifier: Apache-2.0 */
/* Each step of the set-up can fail, and the runner says which and why. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "run/child.h"
#include "run/sync.h"

/* Run the plan to its failure: of this step, and naming this. */
static void expect(struct run_plan *plan, const struct kit_deny *deny, const char *step,
                   const char *named)
{
    const struct kit_how how = { .deny = deny };
    struct kit_outcome outcome;

    kit_run(plan, &how, &outcome);
    assert_int_equal(outcome.status, -1);
    if (strncmp(outcome.err.text, step, strlen(step)) != 0 || !strstr(outcome.err.text, named))
        fail_msg("\"%s\" instead of \"%s ... %s\"", outcome.err.text, step, named);
    if (deny)
        assert_int_equal(outcome.err.sys, deny->error);
    assert_int_equal(outcome.out_len, 0);
    run_plan_clear(plan);
}

static void a_denied_system_call_names_its_step(void **state)
{
    kit_need_containers();

    static const struct {
        struct kit_deny deny;
        const char *step;
    } cases[] = {
        { { SYS_prctl, 0, PR_SET_DUMPABLE, EPERM }, "cannot hide from other processes" },
        { { SYS_mount, -1, 0, EPERM }, "cannot stop mounts reaching the host" },
        { { SYS_fsopen, -1, 0, ENOSYS }, "cannot mount the root file system" },
        { { SYS_mknodat, -1, 0, EPERM }, "cannot make /dev" },
        { { SYS_mount_setattr, -1, 0, EPERM }, "cannot hide what /proc and /sys show" },
        { { SYS_pivot_root, -1, 0, EINVAL }, "cannot enter the root file system" },
        { { SYS_sethostname, -1, 0, EPERM }, "cannot set the host name" },
        { { SYS_ioctl, 1, SIOCSIFFLAGS, EPERM }, "cannot bring up the loopback interface" },
        { { SYS_setsid, -1, 0, EPERM }, "cannot connect stdin, stdout and stderr" },
        { { SYS_setgroups, -1, 0, EPERM }, "cannot become the user" },
        { { SYS_setresuid, -1, 0, EAGAIN }, "cannot become the user" },
        { { SYS_capset, -1, 0, EPERM }, "cannot become the user" },
        { { SYS_close_range, -1, 0, ENOSYS }, "cannot execute the program" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run_plan plan;

        kit_plan(*state, &plan, "say", "ran", NULL);
        expect(&plan, &cases[i].deny, cases[i].step, "");
    }
}

static void proc_that_is_no_directory_is_named(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *proc = kit_path(kit, "root/proc");
    struct run_plan plan;

    assert_int_equal(rmdir(proc), 0);
    assert_int_equal(symlink("/tmp", proc), 0);
    kit_plan(kit, &plan, "exit", "0", NULL);
    expect(&plan, NULL, "cannot mount /proc and /sys", "\"/proc\"");
}

static void a_root_that_has_gone_is_an_error_of_its_step(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    struct run_plan plan;

    MD_AUTO_FREE char *gone = kit_path(kit, "gone");

    assert_int_equal(mkdir(gone, 0755), 0);
    kit_plan(kit, &plan, "exit", "0", NULL);
    plan.lower = open(gone, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(rmdir(gone), 0);
    expect(&plan, NULL, "cannot mount the root file system", "gone");
}

static void hosts_that_is_a_directory_is_named(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *hosts = kit_path(kit, "root/etc/hosts");
    struct run_plan plan;

    assert_int_equal(mkdir(hosts, 0755), 0);
    kit_plan(kit, &plan, "exit", "0", NULL);
    expect(&plan, NULL, "cannot put /etc/hosts and its kin in place", "\"/etc/hosts\"");
}

static void a_volume_on_proc_is_an_error_of_its_step(void **state)
{
    kit_need_containers();

    struct run_mount mount = { .kind = RUN_MOUNT_TMPFS, .source_fd = -1, .tmpfs_mode = 01777 };
    struct run_plan plan;

    kit_plan(*state, &plan, "exit", "0", NULL);
    plan.mounts = md_xmalloc(sizeof(mount));
    mount.target = md_xstrdup("/proc/sys");
    plan.mounts[plan.mount_count++] = mount;
    expect(&plan, NULL, "cannot mount the volumes", "\"/proc/sys\"");
}

static void a_working_directory_below_a_file_is_named(void **state)
{
    kit_need_containers();

    struct run_plan plan;

    kit_plan(*state, &plan, "exit", "0", NULL);
    free(plan.working_dir);
    plan.working_dir = md_xstrdup("/bin/inside/x");
    expect(&plan, NULL, "cannot make the working directory", "/bin/inside/x");
}

static void a_working_directory_closed_to_the_user_is_named(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *closed = kit_path(kit, "root/closed");
    struct run_plan plan;

    assert_int_equal(mkdir(closed, 0700), 0);
    kit_plan(kit, &plan, "exit", "0", NULL);
    free(plan.working_dir);
    plan.working_dir = md_xstrdup("/closed");
    plan.user.uid = plan.user.gid = 1000;
    expect(&plan, NULL, "cannot enter the working directory", "/closed");
}

static void a_terminal_that_cannot_be_unlocked_is_an_error_of_its_step(void **state)
{
    kit_need_containers();

    const struct kit_deny deny = { SYS_ioctl, 1, TIOCSPTLCK, EIO };
    struct run_plan plan;

    kit_plan(*state, &plan, "exit", "0", NULL);
    plan.terminal = true;
    expect(&plan, &deny, "cannot open the terminal", "");
}

static void a_malformed_filter_is_an_error_of_its_step(void **state)
{
    kit_need_containers();

    const struct sock_fprog empty = { 0 };
    struct run_plan plan;

    kit_plan(*state, &plan, "exit", "0", NULL);
    plan.seccomp = &empty;
    expect(&plan, NULL, "cannot load the seccomp filter", "");
}

static void a_user_namespace_that_cannot_be_entered_is_an_error_of_its_step(void **state)
{
    kit_need_containers();

    const struct kit_deny deny = { SYS_setresgid, 0, 0, EPERM };
    struct run_plan plan;

    kit_plan(*state, &plan, "exit", "0", NULL);
    plan.namespaces |= CLONE_NEWUSER;
    plan.ids.uid_count = plan.ids.gid_count = 1;
    plan.ids.uids[0].count = plan.ids.gids[0].count = 65536;
    expect(&plan, &deny, "cannot become root of the new namespace", "");
}

static void a_program_that_is_not_there_is_an_error_of_its_own_kind(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, NULL);
    free(plan.args.items[0]);
    plan.args.items[0] = md_xstrdup("no-such-program");
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, -1);
    assert_int_equal(outcome.err.kind, MD_ERR_EXEC);
    assert_int_equal(outcome.err.sys, ENOENT);
    assert_non_null(strstr(outcome.err.text, "cannot execute the program"));
    assert_non_null(strstr(outcome.err.text, "no-such-program"));
    run_plan_clear(&plan);
}

/* Play the runner for a child that is no container: what it says first, and how it ends. */
static int first_word(const struct run_plan *plan, enum run_sync_tag say, struct md_err *err)
{
    struct run_child child = { .plan = plan,
                               .files = -1,
                               .root = -1,
                               .proc = -1,
                               .sys = -1,
                               .dev = -1,
                               .master = -1,
                               .slave = -1 };
    int ours;
    int theirs;
    int status;
    int tag;
    pid_t pid;

    assert_int_equal(run_sync_pair(&ours, &theirs, err), 0);
    pid = fork();
    if (pid == 0) {
        close(ours);
        child.sync = theirs;
        run_child(&child);
    }
    close(theirs);
    if (say != RUN_GONE)
        assert_int_equal(run_sync_send(ours, say, NULL, err), 0);
    tag = run_sync_receive(ours, NULL, err);
    close(ours);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 125);
    return tag;
}

static void a_wrong_message_instead_of_the_maps_is_refused(void **state)
{
    struct run_plan plan = { .ids = { .uid_count = 1 } };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(first_word(&plan, RUN_GO, &err), RUN_FAILED);
    assert_non_null(strstr(err.text, "cannot wait for the id maps"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_denied_system_call_names_its_step, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(proc_that_is_no_directory_is_named, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_root_that_has_gone_is_an_error_of_its_step,
                                        kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(hosts_that_is_a_directory_is_named, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_volume_on_proc_is_an_error_of_its_step, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_working_directory_below_a_file_is_named, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(a_working_directory_closed_to_the_user_is_named,
                                        kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(
            a_terminal_that_cannot_be_unlocked_is_an_error_of_its_step, kit_set_up,
            kit_tear_down),
        cmocka_unit_test_setup_teardown(a_malformed_filter_is_an_error_of_its_step, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(
            a_user_namespace_that_cannot_be_entered_is_an_error_of_its_step, kit_set_up,
            kit_tear_down),
        cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_an_error_of_its_own_kind,
                                        kit_set_up, kit_tear_down),
        cmocka_unit_test(a_wrong_message_instead_of_the_maps_is_refused),
    };

    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
