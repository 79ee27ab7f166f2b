/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/path.c. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/limits.h"
#include "scratch.h"

static void a_clean_name_is_relative_and_short(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "a", "a" },           { "/", "" },        { ".", "" },
        { "./", "" },           { "./.", "" },      { "///", "" },
        { "./a", "a" },         { "/a", "a" },      { "//a//b//", "a/b" },
        { "./a/./b/.", "a/b" }, { "a/../b", "b" },  { "a/b/../../c", "c" },
        { "a/..", "" },         { "./a/../", "" },  { "a/..b", "a/..b" },
        { "...", "..." },       { "a/.b", "a/.b" }, { "..a", "..a" },
        { "a b\n", "a b\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[MD_MAX_PATH + 1];

        assert_int_equal(md_path_clean(rows[i].in, out), 0);
        assert_string_equal(out, rows[i].out);
    }
}

static void a1_a_name_that_leads_outside_is_refused(void **state)
{
    static const char *const bad[] = { "..",      "../x",      "/..",    "/../x",
                                       "a/../..", "a/../../b", "./../x", "a/b/../../../c" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char out[MD_MAX_PATH + 1];

        errno = 0;
        assert_int_equal(md_path_clean(bad[i], out), -1);
        assert_int_equal(errno, EXDEV);
    }
}

static void names_have_limits(void **state)
{
    char name[2 * MD_MAX_PATH];
    char out[MD_MAX_PATH + 1];

    (void)state;
    errno = 0;
    assert_int_equal(md_path_clean("", out), -1);
    assert_int_equal(errno, EINVAL);

    memset(name, 'x', 256);
    name[255] = '\0';
    assert_int_equal(md_path_clean(name, out), 0);
    name[255] = 'x';
    name[256] = '\0';
    assert_int_equal(md_path_clean(name, out), -1);
    assert_int_equal(errno, ENAMETOOLONG);

    for (size_t i = 0; i < MD_MAX_PATH; i++) {
        name[i] = i % 2 ? '/' : 'x';
    }
    name[MD_MAX_PATH] = '\0';
    assert_int_equal(md_path_clean(name, out), 0);
    assert_string_equal(out, name);
    name[MD_MAX_PATH] = 'x';
    name[MD_MAX_PATH + 1] = '\0';
    assert_int_equal(md_path_clean(name, out), -1);
    assert_int_equal(errno, ENAMETOOLONG);
}

/* Whether the file that opens is the scratch directory's own "inside". */
static void assert_opens_inside(const struct scratch *scratch, const char *path)
{
    struct md_err err = { 0 };
    MD_AUTO_FD fd = md_path_open_in(scratch->fd, path, O_RDONLY, 0, &err);
    char text[16] = "";

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text) - 1), 6);
    assert_string_equal(text, "inside");
}

static void every_way_out_stays_inside(void **state)
{
    struct scratch *scratch = *state;

    assert_int_equal(mkdirat(scratch->fd, "etc", 0755), 0);
    scratch_file(scratch, "etc/hostname", "inside");
    assert_int_equal(symlinkat("/etc/hostname", scratch->fd, "absolute"), 0);
    assert_int_equal(symlinkat("../../../etc/hostname", scratch->fd, "relative"), 0);
    assert_int_equal(symlinkat("/etc", scratch->fd, "folder"), 0);
    assert_opens_inside(scratch, "etc/hostname");
    assert_opens_inside(scratch, "/etc/hostname");
    assert_opens_inside(scratch, "../../etc/hostname");
    assert_opens_inside(scratch, "absolute");
    assert_opens_inside(scratch, "relative");
    assert_opens_inside(scratch, "folder/hostname");
    assert_opens_inside(scratch, "folder/../../etc/./hostname");
}

static void a_failure_names_the_path_and_quiet_ones_only_set_errno(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };

    assert_int_equal(md_path_open_in(scratch->fd, "no\x1bsuch", O_RDONLY, 0, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.text, "no\\x1bsuch"));
    errno = 0;
    assert_int_equal(md_path_try_in(scratch->fd, "none", O_RDONLY, 0), -1);
    assert_int_equal(errno, ENOENT);
}

static void magic_links_are_not_followed(void **state)
{
    MD_AUTO_FD proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%d/root", (int)getpid());
    errno = 0;
    assert_int_equal(md_path_try_in(proc, path, O_PATH | O_DIRECTORY, 0), -1);
    assert_int_equal(errno, ELOOP);
}

static void a_file_is_made_with_its_mode(void **state)
{
    struct scratch *scratch = *state;
    mode_t umask_before = umask(0);
    MD_AUTO_FD fd = md_path_try_in(scratch->fd, "new", O_WRONLY | O_CREAT | O_EXCL, 04751);
    struct stat st;

    umask(umask_before);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 04751);
}

static void the_empty_path_is_the_root(void **state)
{
    struct scratch *scratch = *state;
    MD_AUTO_FD fd = md_path_try_in(scratch->fd, "", O_PATH | O_DIRECTORY, 0);
    struct stat one;
    struct stat two;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &one), 0);
    assert_int_equal(fstat(scratch->fd, &two), 0);
    assert_int_equal(one.st_ino, two.st_ino);
}

/* Make path inside the scratch directory and expect that it is what real names there. */
static void assert_makes(const struct scratch *scratch, const char *path, const char *real)
{
    struct md_err err = { 0 };
    MD_AUTO_FD fd = md_path_make_dirs_in(scratch->fd, path, &err);
    struct stat made;
    struct stat there;

    if (fd < 0) {
        fail_msg("%s: %s", path, err.text);
    }
    assert_int_equal(fstat(fd, &made), 0);
    assert_int_equal(fstatat(scratch->fd, real, &there, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISDIR(made.st_mode));
    assert_int_equal(made.st_ino, there.st_ino);
    assert_int_equal(made.st_dev, there.st_dev);
}

static void directories_are_made_inside(void **state)
{
    struct scratch *scratch = *state;
    mode_t umask_before = umask(077);
    struct stat st;

    assert_makes(scratch, "", ".");
    assert_makes(scratch, "/", ".");
    assert_makes(scratch, "../../..", ".");
    assert_makes(scratch, "a/b/c", "a/b/c");
    assert_makes(scratch, "/a/b/c/", "a/b/c");
    assert_makes(scratch, "x/../y", "y");
    assert_makes(scratch, "../../out/side", "out/side");
    assert_makes(scratch, "./p//q/.", "p/q");
    umask(umask_before);
    assert_int_equal(fstatat(scratch->fd, "a/b", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void dangling_links_are_followed_inside(void **state)
{
    struct scratch *scratch = *state;

    assert_int_equal(symlinkat("/made/here", scratch->fd, "absolute"), 0);
    assert_int_equal(symlinkat("../../../rel", scratch->fd, "relative"), 0);
    assert_int_equal(symlinkat("chain2", scratch->fd, "chain1"), 0);
    assert_int_equal(symlinkat("end", scratch->fd, "chain2"), 0);
    assert_makes(scratch, "absolute/x", "made/here/x");
    assert_makes(scratch, "absolute", "made/here");
    assert_makes(scratch, "relative", "rel");
    assert_makes(scratch, "chain1/deep/er", "end/deep/er");
    assert_int_equal(mkdirat(scratch->fd, "d", 0755), 0);
    assert_int_equal(symlinkat("../later", scratch->fd, "d/up"), 0);
    assert_makes(scratch, "d/up/z", "later/z");
    assert_int_equal(symlinkat("/top", scratch->fd, "d/absolute"), 0);
    assert_makes(scratch, "d/absolute/z", "top/z");
    assert_int_equal(access("/made", F_OK), -1);
}

static void a78_what_is_in_the_way_is_an_error(void **state)
{
    struct scratch *scratch = *state;
    static const struct {
        const char *path;
        int sys;
    } rows[] = {
        { "file", ENOTDIR },          { "file/x", ENOTDIR }, { "to-file/x", ENOTDIR },
        { "new/../file/x", ENOTDIR }, { "loop", ELOOP },     { "new/../loop/x", ELOOP },
    };
    char longer[MD_MAX_PATH + 100];

    scratch_file(scratch, "file", "x");
    assert_int_equal(symlinkat("file", scratch->fd, "to-file"), 0);
    assert_int_equal(symlinkat("loop", scratch->fd, "loop"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };

        assert_int_equal(md_path_make_dirs_in(scratch->fd, rows[i].path, &err), -1);
        assert_int_equal(err.kind, MD_ERR_SYSTEM);
        assert_int_equal(err.sys, rows[i].sys);
    }
    for (size_t i = 0; i < sizeof(longer); i++) {
        longer[i] = i % 2 ? '/' : 'x';
    }
    longer[sizeof(longer) - 1] = '\0';
    {
        struct md_err err = { 0 };

        assert_int_equal(md_path_make_dirs_in(scratch->fd, longer, &err), -1);
        assert_int_equal(err.sys, ENAMETOOLONG);
        memset(longer, 'x', 300);
        longer[300] = '\0';
        assert_int_equal(md_path_make_dirs_in(scratch->fd, longer, &err), -1);
        assert_int_equal(err.sys, ENAMETOOLONG);
    }
}

static void forty_links_are_followed_but_not_more(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };

    for (int i = 0; i < 41; i++) {
        char name[16];
        char target[16];

        snprintf(name, sizeof(name), "l%d", i);
        snprintf(target, sizeof(target), "l%d", i + 1);
        assert_int_equal(symlinkat(target, scratch->fd, name), 0);
    }
    assert_int_equal(md_path_make_dirs_in(scratch->fd, "l0/x", &err), -1);
    assert_int_equal(err.sys, ELOOP);
    assert_makes(scratch, "l1/x", "l41/x");
    /* The same when it is not the kernel that counts, as something before is missing. */
    assert_int_equal(md_path_make_dirs_in(scratch->fd, "new/../l0/y", &err), -1);
    assert_int_equal(err.sys, ELOOP);
    assert_makes(scratch, "new2/../l1/y", "l41/y");
}

static void making_directories_leaks_no_descriptor(void **state)
{
    struct scratch *scratch = *state;
    int before = count_descriptors();
    struct md_err err = { 0 };

    assert_makes(scratch, "a/b/c/d", "a/b/c/d");
    scratch_file(scratch, "a/file", "x");
    assert_int_equal(md_path_make_dirs_in(scratch->fd, "new/../a/file/x", &err), -1);
    assert_int_equal(count_descriptors(), before);
}

static void our_own_directories_are_made_with_all_parents(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    struct stat st;
    char path[200];

    snprintf(path, sizeof(path), "%s/a//b/c/", scratch->path);
    assert_int_equal(md_path_make_dirs(path, 0700, &err), 0);
    assert_int_equal(md_path_make_dirs(path, 0700, &err), 0);
    assert_int_equal(fstatat(scratch->fd, "a/b/c", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(symlinkat("a", scratch->fd, "link"), 0);
    snprintf(path, sizeof(path), "%s/link/d/e", scratch->path);
    assert_int_equal(md_path_make_dirs(path, 0700, &err), 0);
    assert_int_equal(fstatat(scratch->fd, "a/d/e", &st, 0), 0);
    scratch_file(scratch, "file", "");
    snprintf(path, sizeof(path), "%s/file", scratch->path);
    assert_int_equal(md_path_make_dirs(path, 0700, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
    snprintf(path, sizeof(path), "%s/file/x/y", scratch->path);
    assert_int_equal(md_path_make_dirs(path, 0700, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(md_path_make_dirs("", 0700, &err), -1);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_name_is_relative_and_short),
        cmocka_unit_test(a1_a_name_that_leads_outside_is_refused),
        cmocka_unit_test(names_have_limits),
        WITH_SCRATCH(every_way_out_stays_inside),
        WITH_SCRATCH(a_failure_names_the_path_and_quiet_ones_only_set_errno),
        cmocka_unit_test(magic_links_are_not_followed),
        WITH_SCRATCH(a_file_is_made_with_its_mode),
        WITH_SCRATCH(the_empty_path_is_the_root),
        WITH_SCRATCH(directories_are_made_inside),
        WITH_SCRATCH(dangling_links_are_followed_inside),
        WITH_SCRATCH(a78_what_is_in_the_way_is_an_error),
        WITH_SCRATCH(forty_links_are_followed_but_not_more),
        WITH_SCRATCH(making_directories_leaks_no_descriptor),
        WITH_SCRATCH(our_own_directories_are_made_with_all_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
