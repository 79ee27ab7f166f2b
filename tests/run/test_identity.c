/* SPDX-License-Identifier: Apache-2.0 */
/* Users, capabilities, host name and namespaces (C1, C8, C10, C16, C17). */
#include "kit.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

static void run_status(const struct kit *kit, uid_t uid, uint64_t capabilities,
                       struct kit_outcome *outcome)
{
    struct run_plan plan;

    kit_plan(kit, &plan, "show", "/proc/self/status", NULL);
    plan.user.uid = plan.user.gid = uid;
    plan.capabilities = capabilities;
    kit_run(&plan, NULL, outcome);
    assert_int_equal(outcome->status, 0);
    run_plan_clear(&plan);
}

static void root_has_the_plans_capabilities_and_no_others(void **state)
{
    kit_need_containers();

    static const uint64_t sets[] = { 0, 1, RUN_DEFAULT_CAPABILITIES, ~0ull };

    for (size_t i = 0; i < 3; i++) {
        struct kit_outcome outcome;
        char expected[200];

        run_status(*state, 0, sets[i], &outcome);
        snprintf(expected, sizeof(expected),
                 "CapInh:\t%016x\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
                 "CapAmb:\t%016x\n",
                 0, (unsigned long long)sets[i], (unsigned long long)sets[i],
                 (unsigned long long)sets[i], 0);
        assert_non_null(strstr(outcome.out, expected));
    }
    /* More than there is: what the caller has. */
    struct kit_outcome outcome;

    run_status(*state, 0, sets[3], &outcome);
}

static void another_user_has_none_and_cannot_get_others(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;

    run_status(*state, 1000, RUN_DEFAULT_CAPABILITIES, &outcome);
    assert_non_null(strstr(outcome.out, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                                        "CapEff:\t0000000000000000\nCapBnd:\t00000000800405fb\n"
                                        "CapAmb:\t0000000000000000\n"));
    assert_non_null(strstr(outcome.out, "\nUid:\t1000\t1000\t1000\t1000\n"));
    assert_non_null(strstr(outcome.out, "\nGid:\t1000\t1000\t1000\t1000\n"));
}

static void the_callers_groups_are_not_the_programs(void **state)
{
    kit_need_containers();

    static const gid_t callers[] = { 4, 24, 1234 };
    gid_t wanted[] = { 7, 815 };
    struct kit_outcome outcome;
    struct run_plan plan;

    assert_int_equal(setgroups(3, callers), 0);
    kit_plan(*state, &plan, "facts", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_non_null(strstr(outcome.out, "uid 0 gid 0 groups\n"));
    plan.user = (struct run_user){ 5, 6, wanted, 2 };
    kit_run(&plan, NULL, &outcome);
    assert_non_null(strstr(outcome.out, "uid 5 gid 6 groups 7 815\n"));
    plan.user.groups = NULL;
    run_plan_clear(&plan);
    assert_int_equal(setgroups(0, NULL), 0);
}

static void a_filter_is_loaded_before_the_program_runs(void **state)
{
    kit_need_containers();

    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { sizeof(steps) / sizeof(*steps), steps };
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "facts", NULL);
    plan.seccomp = &program;
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.result.exit_code, 128 + SIGSYS);
    run_plan_clear(&plan);
}

static void an_id_map_makes_a_users_namespace(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(kit, &plan, "show", "/proc/self/uid_map", NULL);
    plan.namespaces |= CLONE_NEWUSER;
    plan.ids.uid_count = plan.ids.gid_count = 2;
    for (int i = 0; i < 2; i++) {
        plan.ids.uids[i].inside = plan.ids.gids[i].inside = (uint32_t)i;
        plan.ids.uids[i].outside = plan.ids.gids[i].outside = i ? 100000 : 0;
        plan.ids.uids[i].count = plan.ids.gids[i].count = i ? 65535 : 1;
    }
    kit_run(&plan, NULL, &outcome);
    /* Devices are not for such a namespace yet; it got as far as that, with its maps. */
    assert_int_equal(outcome.status, -1);
    assert_non_null(strstr(outcome.err.text, "cannot make /dev"));
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(root_has_the_plans_capabilities_and_no_others),
        TEST(another_user_has_none_and_cannot_get_others),
        TEST(the_callers_groups_are_not_the_programs),
        TEST(a_filter_is_loaded_before_the_program_runs),
        TEST(an_id_map_makes_a_users_namespace),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
