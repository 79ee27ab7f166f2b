/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/path_tree.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "scratch.h"

#define DEEP 100000

static bool exists(const struct scratch *scratch, const char *name)
{
    struct stat st;

    return fstatat(scratch->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make_dir(const struct scratch *scratch, const char *name, mode_t mode)
{
    assert_int_equal(mkdirat(scratch->fd, name, 0700), 0);
    assert_int_equal(fchmodat(scratch->fd, name, mode, 0), 0);
}

static void whatever_it_is_it_goes(void **state)
{
    struct scratch *scratch = *state;
    static const char *const names[] = { "file", "link", "fifo", "empty", "full", "missing" };

    scratch_file(scratch, "file", "x");
    assert_int_equal(symlinkat("/etc", scratch->fd, "link"), 0);
    assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
    make_dir(scratch, "empty", 0755);
    make_dir(scratch, "full", 0755);
    make_dir(scratch, "full/sub", 0755);
    scratch_file(scratch, "full/sub/file", "x");
    scratch_file(scratch, "full/file", "x");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(md_path_remove_tree(scratch->fd, names[i]), 0);
        assert_false(exists(scratch, names[i]));
    }
    assert_int_equal(access("/etc", F_OK), 0);
}

static void a46_links_are_removed_not_followed(void **state)
{
    struct scratch *scratch = *state;

    make_dir(scratch, "canary", 0755);
    scratch_file(scratch, "canary/file", "x");
    make_dir(scratch, "tree", 0755);
    assert_int_equal(symlinkat("../canary", scratch->fd, "tree/relative"), 0);
    assert_int_equal(symlinkat("/", scratch->fd, "tree/absolute"), 0);
    assert_int_equal(linkat(scratch->fd, "canary/file", scratch->fd, "tree/hard", 0), 0);
    assert_int_equal(md_path_remove_tree(scratch->fd, "tree"), 0);
    assert_false(exists(scratch, "tree"));
    assert_true(exists(scratch, "canary/file"));
    assert_int_equal(symlinkat("canary", scratch->fd, "link"), 0);
    assert_int_equal(md_path_remove_tree(scratch->fd, "link"), 0);
    assert_true(exists(scratch, "canary/file"));
}

/* A chain of directories, now and then with a file beside. */
static void make_chain(int fd, int depth)
{
    int at = dup(fd);

    for (int i = 0; i < depth; i++) {
        int next;

        assert_int_equal(mkdirat(at, "a", 0755), 0);
        if (i % 100 == 0) {
            next = openat(at, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
            assert_true(next >= 0);
            close(next);
        }
        next = openat(at, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    close(at);
}

static void a44_a_hundred_thousand_levels_go_with_few_descriptors(void **state)
{
    struct scratch *scratch = *state;
    struct rlimit before;
    struct rlimit low = { 64, 64 };
    int descriptors = count_descriptors();

    make_dir(scratch, "deep", 0755);
    {
        MD_AUTO_FD fd = openat(scratch->fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        make_chain(fd, DEEP);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(md_path_remove_tree(scratch->fd, "deep"), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(exists(scratch, "deep"));
    assert_int_equal(count_descriptors(), descriptors);
}

static void wide_and_bushy_trees_go(void **state)
{
    struct scratch *scratch = *state;
    char name[200];

    make_dir(scratch, "tree", 0755);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "tree/f%d", i);
        scratch_file(scratch, name, "");
    }
    /* Many directories at a depth where they have to be moved up. */
    snprintf(name, sizeof(name), "tree");
    for (int i = 0; i < 40; i++) {
        memcpy(name + strlen(name), "/d", 3);
        make_dir(scratch, name, 0755);
        for (int j = 0; j < 20; j++) {
            char sub[220];

            snprintf(sub, sizeof(sub), "%s/s%d", name, j);
            make_dir(scratch, sub, 0755);
            snprintf(sub, sizeof(sub), "%s/s%d/x", name, j);
            scratch_file(scratch, sub, "");
        }
    }
    assert_int_equal(md_path_remove_tree(scratch->fd, "tree"), 0);
    assert_false(exists(scratch, "tree"));
}

/* Run a check in a child without privilege; its assertions end it with another status. */
static void as_nobody(const struct scratch *scratch, int (*check)(const struct scratch *))
{
    pid_t pid;
    int status;

    assert_int_equal(fchmod(scratch->fd, 0777), 0);
    pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0)) {
            _exit(99);
        }
        _exit(check(scratch));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int remove_locked_tree(const struct scratch *scratch)
{
    int made = mkdirat(scratch->fd, "t", 0755) | mkdirat(scratch->fd, "t/none", 0755) |
               mkdirat(scratch->fd, "t/none/sub", 0755) | mkdirat(scratch->fd, "t/read", 0755) |
               mkdirat(scratch->fd, "t/read/sub", 0755) | mkdirat(scratch->fd, "t/exec", 0755);

    close(openat(scratch->fd, "t/none/sub/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
    close(openat(scratch->fd, "t/read/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
    close(openat(scratch->fd, "t/exec/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
    made |= fchmodat(scratch->fd, "t/none/sub", 0, 0) | fchmodat(scratch->fd, "t/none", 0, 0) |
            fchmodat(scratch->fd, "t/read/sub", 0500, 0) |
            fchmodat(scratch->fd, "t/read", 0500, 0) |
            fchmodat(scratch->fd, "t/exec", 0100, 0) | fchmodat(scratch->fd, "t", 0500, 0);
    if (made != 0) {
        return 1;
    }
    if (md_path_remove_tree(scratch->fd, "t") != 0) {
        return 2;
    }
    return exists(scratch, "t") ? 3 : 0;
}

static void a47_directories_of_any_mode_go_without_privilege(void **state)
{
    as_nobody(*state, remove_locked_tree);
}

/* A chain deeper than what is held open, each level of mode 000. */
static int remove_locked_deep_tree(const struct scratch *scratch)
{
    char name[400] = "t";

    if (mkdirat(scratch->fd, name, 0755) < 0) {
        return 1;
    }
    for (int i = 0; i < 80; i++) {
        memcpy(name + strlen(name), "/a", 3);
        if (mkdirat(scratch->fd, name, 0755) < 0) {
            return 2;
        }
    }
    for (; strlen(name) > 1; name[strlen(name) - 2] = '\0') {
        if (fchmodat(scratch->fd, name, 0, 0) < 0) {
            return 3;
        }
    }
    return md_path_remove_tree(scratch->fd, "t") == 0 && !exists(scratch, "t") ? 0 : 4;
}

static void a47_a_deep_chain_of_mode_000_goes_without_privilege(void **state)
{
    as_nobody(*state, remove_locked_deep_tree);
}

static int keep_what_is_not_ours(const struct scratch *scratch)
{
    struct stat st;

    errno = 0;
    if (md_path_remove_tree(scratch->fd, "tree") != -1 || errno != EACCES) {
        return 1;
    }
    if (!exists(scratch, "tree/foreign/file")) {
        return 2;
    }
    return fstatat(scratch->fd, "tree/foreign", &st, 0) == 0 && (st.st_mode & 07777) == 0755
               ? 0
               : 3;
}

static void the_first_failure_is_reported_and_the_rest_is_removed(void **state)
{
    struct scratch *scratch = *state;

    if (getuid() != 0) {
        skip(); /* needs files of two owners */
    }
    make_dir(scratch, "tree", 0777);
    make_dir(scratch, "tree/foreign", 0755);
    scratch_file(scratch, "tree/foreign/file", "x");
    for (int i = 0; i < 10; i++) {
        char name[32];

        snprintf(name, sizeof(name), "tree/f%d", i);
        scratch_file(scratch, name, "");
    }
    as_nobody(scratch, keep_what_is_not_ours);
    assert_false(exists(scratch, "tree/f0"));
    assert_false(exists(scratch, "tree/f9"));
    assert_int_equal(md_path_remove_tree(scratch->fd, "tree"), 0);
}

/* In a mount namespace of its own: a bind mount of the same file system, and a tmpfs. */
static int keep_mounts(struct scratch *scratch)
{
    char canary[100];
    char bind[100];
    char tmp[100];

    snprintf(canary, sizeof(canary), "%s/canary", scratch->path);
    snprintf(bind, sizeof(bind), "%s/tree/d/bind", scratch->path);
    snprintf(tmp, sizeof(tmp), "%s/tree/tmp", scratch->path);
    /* The old descriptor is of the namespace that we left. */
    close(scratch->fd);
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount(canary, bind, NULL, MS_BIND, NULL) < 0 ||
        mount("tmpfs", tmp, "tmpfs", 0, NULL) < 0) {
        return 1;
    }
    scratch_file(scratch, "tree/tmp/file", "x");
    errno = 0;
    if (md_path_remove_tree(scratch->fd, "tree") != -1 || errno != EXDEV) {
        return 2;
    }
    if (!exists(scratch, "canary/file") || !exists(scratch, "tree/tmp/file")) {
        return 3;
    }
    if (exists(scratch, "tree/f") || exists(scratch, "tree/d/f")) {
        return 4;
    }
    errno = 0;
    return md_path_remove_tree(scratch->fd, "tree/tmp") == -1 && errno == EXDEV ? 0 : 5;
}

static void a46_mounts_are_not_entered(void **state)
{
    struct scratch *scratch = *state;
    pid_t pid;
    int status;

    make_dir(scratch, "canary", 0755);
    scratch_file(scratch, "canary/file", "x");
    make_dir(scratch, "tree", 0755);
    make_dir(scratch, "tree/tmp", 0755);
    make_dir(scratch, "tree/d", 0755);
    make_dir(scratch, "tree/d/bind", 0755);
    scratch_file(scratch, "tree/f", "");
    scratch_file(scratch, "tree/d/f", "");
    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
            _exit(77);
        }
        _exit(keep_mounts(scratch));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip(); /* no mount namespace without privilege */
    }
    assert_int_equal(status, 0);
    assert_true(exists(scratch, "canary/file"));
}

static void emptying_keeps_the_directory_itself(void **state)
{
    struct scratch *scratch = *state;
    MD_AUTO_FD fd = -1;

    make_dir(scratch, "tree", 0755);
    make_dir(scratch, "tree/sub", 0755);
    scratch_file(scratch, "tree/sub/f", "");
    scratch_file(scratch, "tree/f", "");
    fd = openat(scratch->fd, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(md_path_empty_dir(fd), 0);
    assert_false(exists(scratch, "tree/f"));
    assert_false(exists(scratch, "tree/sub"));
    assert_true(exists(scratch, "tree"));
    assert_int_equal(md_path_empty_dir(fd), 0);
}

static void names_that_are_no_entry_are_refused(void **state)
{
    struct scratch *scratch = *state;
    static const char *const bad[] = { "", ".", "..", "x/", "x/.", "x/.." };

    make_dir(scratch, "x", 0755);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        errno = 0;
        assert_int_equal(md_path_remove_tree(scratch->fd, bad[i]), -1);
        assert_int_equal(errno, EINVAL);
    }
    assert_true(exists(scratch, "x"));
    scratch_file(scratch, "x/f", "");
    assert_int_equal(md_path_remove_tree(scratch->fd, "x/f"), 0);
    assert_false(exists(scratch, "x/f"));
    assert_int_equal(md_path_remove_tree(scratch->fd, "no/such"), 0);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(whatever_it_is_it_goes),
        WITH_SCRATCH(a46_links_are_removed_not_followed),
        cmocka_unit_test_setup_teardown(a44_a_hundred_thousand_levels_go_with_few_descriptors,
                                        scratch_make_in_memory, scratch_remove),
        WITH_SCRATCH(wide_and_bushy_trees_go),
        WITH_SCRATCH(a47_directories_of_any_mode_go_without_privilege),
        WITH_SCRATCH(a47_a_deep_chain_of_mode_000_goes_without_privilege),
        WITH_SCRATCH(the_first_failure_is_reported_and_the_rest_is_removed),
        WITH_SCRATCH(a46_mounts_are_not_entered),
        WITH_SCRATCH(emptying_keeps_the_directory_itself),
        WITH_SCRATCH(names_that_are_no_entry_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
