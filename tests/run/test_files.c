/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts and its kin are the container's own. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void they_hold_what_the_plan_says_and_can_be_written(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_write(*state, "root/etc/hosts", "of the image\n", 0600);
    kit_plan(*state, &plan, "show", "/etc/hosts", "then", "show", "/etc/hostname", "then",
             "show", "/etc/resolv.conf", "then", "stat", "/etc/hosts", "then", "write",
             "/etc/hosts", "999", "then", "show", "/etc/hosts", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "127.0.0.1 localhost\nbox\nnameserver 192.0.2.1\n"
                                     "/etc/hosts: - 644 0:0 0,0\n/etc/hosts: written\n"
                                     "999.0.0.1 localhost\n");
    run_plan_clear(&plan);
}

static void without_content_the_images_own_stays(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_write(*state, "root/etc/hosts", "of the image\n", 0644);
    kit_plan(*state, &plan, "show", "/etc/hosts", "then", "show", "/etc/resolv.conf", NULL);
    free(plan.hosts);
    free(plan.resolv_conf);
    plan.hosts = plan.resolv_conf = NULL;
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "of the image\n/etc/resolv.conf: ENOENT\n");
    run_plan_clear(&plan);
}

static void a_link_gives_way_and_its_target_is_left_alone(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    struct kit_outcome outcome;
    struct run_plan plan;

    kit_write(kit, "root/tmp/target", "untouched\n", 0644);
    assert_int_equal(symlinkat("../tmp/target", kit->root_fd, "etc/resolv.conf"), 0);
    kit_plan(kit, &plan, "show", "/etc/resolv.conf", "then", "show", "/tmp/target", "then",
             "stat", "/etc/resolv.conf", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "nameserver 192.0.2.1\nuntouched\n"
                                     "/etc/resolv.conf: - 644 0:0 0,0\n");
    run_plan_clear(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_hold_what_the_plan_says_and_can_be_written),
        TEST(without_content_the_images_own_stays),
        TEST(a_link_gives_way_and_its_target_is_left_alone),
    };

    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
