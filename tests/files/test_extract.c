/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/files/extract.c, on tars that src/files/tar.c and pack.c have written. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "files/extract.h"
#include "files/pack.h"

/* Two directories, and a tar in memory. */
struct fixture {
    char path[40];
    int base;
    int from;
    int to;
    int memory;
    struct files_tar *tar;
    struct files_extracted extracted;
    struct md_err err;
};

static int setup(void **state)
{
    struct fixture *f = md_xcalloc(1, sizeof(*f));

    snprintf(f->path, sizeof(f->path), "/tmp/minidock-extract-XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    f->base = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(f->base, "from", 0755) < 0 || mkdirat(f->base, "to", 0755) < 0)
        return -1;
    f->from = openat(f->base, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->to = openat(f->base, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->memory = memfd_create("tar", MFD_CLOEXEC);
    f->tar = files_tar_open(f->memory);
    *state = f;
    return f->memory < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    files_tar_close(&f->tar);
    md_fd_close(&f->base);
    md_fd_close(&f->from);
    md_fd_close(&f->to);
    md_fd_close(&f->memory);
    int status = md_path_remove_tree(AT_FDCWD, f->path);

    free(f);
    return status;
}

static void add(struct fixture *f, const char *path, mode_t mode, const char *target)
{
    const struct files_entry entry = {
        .path = path,
        .st = { .st_mode = mode, .st_uid = geteuid(), .st_gid = getegid() },
        .symlink = S_ISLNK(mode) ? target : NULL,
        .hard_link = S_ISLNK(mode) ? NULL : target,
        .fd = -1,
    };

    assert_int_equal(files_tar_add(f->tar, &entry, &f->err), 0);
}

static int extract(struct fixture *f, enum files_owner owner)
{
    const struct files_target target = {
        .dir = f->to, .owner = owner, .uid = geteuid(), .gid = getegid()
    };

    assert_int_equal(files_tar_finish(f->tar, &f->err), 0);
    assert_int_equal(lseek(f->memory, 0, SEEK_SET), 0);
    return files_extract(f->memory, &target, &f->extracted, &f->err);
}

static bool exists(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void a_tree_comes_out_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    const struct timespec times[2] = { { 0 }, { 1000000000, 123456789 } };
    const struct files_tree tree = { f->from, "copy", -1 };
    MD_AUTO_FD fd = -1;
    struct stat one;
    struct stat two;

    assert_int_equal(mkdirat(f->from, "d", 0750), 0);
    fd = openat(f->from, "d/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
    assert_int_equal(write(fd, "words", 5), 5);
    assert_int_equal(linkat(f->from, "d/file", f->from, "hard", 0), 0);
    assert_int_equal(symlinkat("d/file", f->from, "link"), 0);
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(utimensat(f->from, "d", times, 0), 0);
    assert_int_equal(files_pack(f->tar, &tree, &f->err), 0);
    assert_int_equal(extract(f, FILES_KEEP), 0);
    assert_int_equal(fstatat(f->to, "copy/d/file", &one, 0), 0);
    assert_int_equal(fstatat(f->to, "copy/hard", &two, 0), 0);
    assert_int_equal(one.st_ino, two.st_ino);
    assert_int_equal(one.st_size, 5);
    assert_int_equal(one.st_mode & 07777, 0640);
    assert_int_equal(one.st_mtim.tv_nsec, 123456789);
    assert_int_equal(fstatat(f->to, "copy/d", &two, 0), 0);
    assert_int_equal(two.st_mtim.tv_sec, 1000000000);
    assert_true(f->extracted.bytes > 5);
}

static void a_name_that_leads_outside_is_refused(void **state)
{
    struct fixture *f = *state;

    add(f, "../escaped", S_IFREG | 0644, NULL);
    assert_int_equal(extract(f, FILES_KEEP), -1);
    assert_int_equal(f->err.kind, MD_ERR_FORMAT);
    assert_false(exists(f->base, "escaped"));
}

static void what_a_link_of_the_tar_leads_to_is_inside(void **state)
{
    struct fixture *f = *state;

    add(f, "up", S_IFLNK | 0777, "..");
    add(f, "up/escaped", S_IFREG | 0644, NULL);
    assert_int_equal(extract(f, FILES_KEEP), 0);
    assert_false(exists(f->base, "escaped"));
    assert_true(exists(f->to, "escaped"));
}

static void a_hard_link_reaches_nothing_outside(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mknodat(f->base, "secret", S_IFREG | 0600, 0), 0);
    add(f, "h", S_IFREG | 0644, "../secret");
    assert_int_equal(extract(f, FILES_KEEP), -1);
    assert_false(exists(f->to, "h"));
}

static void an_existing_link_is_replaced_and_not_followed(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(mknodat(f->base, "secret", S_IFREG | 0600, 0), 0);
    assert_int_equal(symlinkat("../secret", f->to, "x"), 0);
    add(f, "x", S_IFREG | 0644, NULL);
    assert_int_equal(extract(f, FILES_KEEP), 0);
    assert_int_equal(fstatat(f->to, "x", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(fstatat(f->base, "secret", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void set_user_id_bits_stay_behind_without_their_owner(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    add(f, "x", S_IFREG | 06755, NULL);
    assert_int_equal(extract(f, FILES_GIVE), 0);
    assert_int_equal(fstatat(f->to, "x", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void directories_and_files_do_not_take_each_others_place(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdirat(f->to, "x", 0755), 0);
    add(f, "x", S_IFREG | 0644, NULL);
    assert_int_equal(extract(f, FILES_KEEP), -1);
    assert_int_equal(f->err.kind, MD_ERR_CONFLICT);
    assert_non_null(strstr(f->err.text, "cannot overwrite directory \"x\" with non-directory"));
}

static void the_target_itself_keeps_its_attributes(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    add(f, "./", S_IFDIR | 0700, NULL);
    add(f, "./x", S_IFREG | 0644, NULL);
    assert_int_equal(extract(f, FILES_KEEP), 0);
    assert_int_equal(fstat(f->to, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_true(exists(f->to, "x"));
}

static void what_is_no_tar_is_an_error(void **state)
{
    struct fixture *f = *state;
    const struct files_target target = { .dir = f->to };
    static const char text[] = "this is no tar, but it is long enough to be looked at";

    assert_int_equal(write(f->memory, text, sizeof(text)), sizeof(text));
    assert_int_equal(lseek(f->memory, 0, SEEK_SET), 0);
    assert_int_equal(files_extract(f->memory, &target, &f->extracted, &f->err), -1);
    assert_int_equal(f->err.kind, MD_ERR_FORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_comes_out_as_it_went_in),
        TEST(a_name_that_leads_outside_is_refused),
        TEST(what_a_link_of_the_tar_leads_to_is_inside),
        TEST(a_hard_link_reaches_nothing_outside),
        TEST(an_existing_link_is_replaced_and_not_followed),
        TEST(set_user_id_bits_stay_behind_without_their_owner),
        TEST(directories_and_files_do_not_take_each_others_place),
        TEST(the_target_itself_keeps_its_attributes),
        TEST(what_is_no_tar_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
