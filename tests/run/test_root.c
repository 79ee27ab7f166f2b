/* SPDX-License-Identifier: Apache-2.0 */
/* What the container's root is, whatever the image has put in the way (A83, C32, C46). */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

static void the_root_is_an_overlay_without_devices(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    MD_AUTO_FREE char *node = kit_path(*state, "root/node");

    assert_int_equal(mknod(node, S_IFCHR | 0666, makedev(1, 5)), 0);
    kit_plan(*state, &plan, "show", "/node", "then", "show", "/proc/self/mountinfo", NULL);
    kit_run(&plan, NULL, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_memory_equal(outcome.out, "/node: EACCES\n", 14);
    assert_non_null(strstr(outcome.out, " / / rw,nodev,relatime - overlay overlay "));
    assert_null(strstr(outcome.out, "shared:"));
    assert_null(strstr(outcome.out, "master:"));
    assert_null(strstr(outcome.out, ((struct kit *)*state)->dir));
    run_plan_clear(&plan);
}

static void a_read_only_root_is_that_and_dev_is_not(void **state)
{
    kit_need_containers();

    struct kit_outcome outcome;
    struct run_plan plan;

    kit_plan(*state, &plan, "write", "/tmp/x", "x", "then", "write", "/dev/shm/x", "x", NULL);
    plan.read_only = true;
    free(plan.working_dir);
    plan.working_dir = md_xstrdup("/made/before");
    kit_run(&plan, NULL, &outcome);
    assert_string_equal(outcome.out, "/tmp/x: EROFS\n/dev/shm/x: written\n");
    run_plan_clear(&plan);
}

static void a_path_with_commas_and_colons_is_only_a_path(void **state)
{
    kit_need_containers();

    struct kit *kit = *state;
    MD_AUTO_FREE char *odd = kit_path(kit, "a,b:c d\\e=f\ng");
    struct kit_outcome outcome;
    struct run_plan plan;

    assert_int_equal(rename(kit->root, odd), 0);
    kit_plan(kit, &plan, "say", "fine", NULL);
    kit_run(&plan, NULL, &outcome);
    if (outcome.status < 0)
        fail_msg("%s", outcome.err.text);
    assert_string_equal(outcome.out, "fine\n");
    run_plan_clear(&plan);
}

enum kind {
    LINK_OUT,
    LINK_REL,
    DANGLING,
    DIRECTORY,
    FIFO,
    DEVICE,
    SOCKET,
    MISSING,
    REGULAR,
    KINDS
};

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    MD_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Put the name of this kind into the root; outside is a directory that must stay as it is. */
static void place(const struct kit *kit, const char *name, enum kind kind, const char *outside)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/%s", kit->root, name);
    MD_AUTO_FREE char *relative = md_xasprintf("../../../../../../../../..%s", outside);

    assert_int_equal(md_path_remove_tree(AT_FDCWD, path), 0);
    switch (kind) {
    case LINK_OUT:
        assert_int_equal(symlink(outside, path), 0);
        break;
    case LINK_REL:
        assert_int_equal(symlink(relative, path), 0);
        break;
    case DANGLING:
        assert_int_equal(symlink("no/where", path), 0);
        break;
    case DIRECTORY:
        assert_int_equal(mkdir(path, 0755), 0);
        break;
    case FIFO:
        assert_int_equal(mkfifo(path, 0644), 0);
        break;
    case DEVICE:
        assert_int_equal(mknod(path, S_IFCHR | 0666, makedev(1, 5)), 0);
        break;
    case SOCKET:
        make_socket(path);
        break;
    case REGULAR:
        assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
        break;
    case MISSING:
    case KINDS:
        break;
    }
}

/* It runs, and sees its own files; or it is refused, and the path is named. */
static void judge(const char *name, enum kind kind, const struct kit_outcome *outcome)
{
    const char *top = strncmp(name, "etc/", 4) == 0 ? "/etc" : name;

    if (outcome->status == 0) {
        if (outcome->result.exit_code != 0 || !strstr(outcome->out, "1,3") ||
            !strstr(outcome->out, "127.0.0.1"))
            fail_msg("%s of kind %d: status %d, saw %s", name, kind, outcome->result.exit_code,
                     outcome->out);
        return;
    }
    if (!strstr(outcome->err.text, top))
        fail_msg("%s of kind %d is not named: %s", name, kind, outcome->err.text);
}

static void whatever_an_image_puts_in_the_way_nothing_outside_is_touched(void **state)
{
    kit_need_containers();

    static const char *const names[] = { "etc/resolv.conf",
                                         "etc/hosts",
                                         "etc/hostname",
                                         "etc/mtab",
                                         ".dockerenv",
                                         "dev",
                                         "proc",
                                         "sys",
                                         "run",
                                         "etc" };
    struct kit *kit = *state;
    MD_AUTO_FREE char *outside = kit_path(kit, "outside");
    MD_AUTO_FREE char *canary = kit_path(kit, "outside/hosts");

    assert_int_equal(mkdir(outside, 0755), 0);
    kit_write(kit, "outside/hosts", "canary", 0644);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        for (enum kind kind = 0; kind < KINDS; kind++) {
            struct kit_outcome outcome;
            struct run_plan plan;

            place(kit, names[i], kind, outside);
            kit_plan(kit, &plan, "stat", "/dev/null", "then", "show", "/etc/hosts", "then",
                     "write", "/etc/hosts", "x", "then", "write", "/etc/resolv.conf", "x",
                     NULL);
            kit_run(&plan, NULL, &outcome);
            judge(names[i], kind, &outcome);
            run_plan_clear(&plan);
            assert_int_equal(unlink(canary), 0); /* the only entry, */
            assert_int_equal(rmdir(outside), 0);
            assert_int_equal(mkdir(outside, 0755), 0);
            kit_write(kit, "outside/hosts", "canary", 0644);
        }
        place(kit, names[i], DIRECTORY, outside);
        if (strncmp(names[i], "etc/", 4) == 0)
            place(kit, names[i], MISSING, outside);
    }
}

static void names_below_dev_are_the_containers_own(void **state)
{
    kit_need_containers();

    static const char *const names[] = { "dev/pts", "dev/shm", "dev/console", "dev/null",
                                         "dev/ptmx" };
    struct kit *kit = *state;
    MD_AUTO_FREE char *outside = kit_path(kit, "outside");

    kit_write(kit, "outside", "127.0.0.1 canary", 0600);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        for (enum kind kind = 0; kind < KINDS; kind++) {
            struct kit_outcome outcome;
            struct run_plan plan;
            struct stat info;

            place(kit, names[i], kind, outside);
            kit_plan(kit, &plan, "stat", "/dev/null", "then", "show", "/etc/hosts", NULL);
            plan.terminal = true;
            plan.user.uid = 1000;
            kit_run(&plan, NULL, &outcome);
            assert_int_equal(outcome.status, 0);
            judge(names[i], kind, &outcome);
            run_plan_clear(&plan);
            assert_int_equal(stat(outside, &info), 0);
            assert_int_equal(info.st_uid, geteuid());
            assert_int_equal(info.st_mode & 07777, 0600);
        }
        place(kit, names[i], MISSING, outside);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_root_is_an_overlay_without_devices),
        TEST(a_read_only_root_is_that_and_dev_is_not),
        TEST(a_path_with_commas_and_colons_is_only_a_path),
        TEST(whatever_an_image_puts_in_the_way_nothing_outside_is_touched),
        TEST(names_below_dev_are_the_containers_own),
    };

    return cmocka_run_group_tests_name("root", tests, NULL, NULL);
}
