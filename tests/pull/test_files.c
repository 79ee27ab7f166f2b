/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/files.c and src/pull/archive.c: tars that are read where they lie. */
#include "pull/files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "pull/archive.h"
#include "rawtar.h"

/* The tar, ended and freed here, as an open file. */
static int as_file(struct tar *tar)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    tar_end(tar);
    assert_true(fd >= 0);
    assert_int_equal(md_fd_write_all(fd, tar->bytes, tar->len), 0);
    tar_clear(tar);
    return fd;
}

static struct pull_files *open_tar(struct tar *tar)
{
    struct md_err err = { 0 };
    struct pull_files *files = pull_files_open_tar(as_file(tar), &err);

    if (!files)
        fail_msg("%s", err.text);
    return files;
}

static void expect_text(const struct pull_files *files, const char *name, const char *text)
{
    struct md_err err = { 0 };
    size_t len;
    MD_AUTO_FREE char *bytes = pull_files_read(files, name, 1 << 20, &len, &err);

    if (!bytes)
        fail_msg("%s", err.text);
    assert_string_equal(bytes, text);
}

static void expect_refused(struct tar *tar, enum md_err_kind kind, const char *words)
{
    struct md_err err = { 0 };

    assert_null(pull_files_open_tar(as_file(tar), &err));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void files_are_found_where_they_lie_whatever_stands_around_them(void **state)
{
    struct tar tar = { 0 };
    struct pull_files *files;
    char name[300];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[100] = '/';
    name[sizeof(name) - 1] = '\0';
    name[200] = '/';
    tar_dir(&tar, "blobs/", 0755);
    tar_file(&tar, "./first", "one");
    tar_pax(&tar, 'g', "comment", "global");
    tar_pax(&tar, 'x', "path", name);
    tar_file(&tar, "short", "two, by a long name");
    tar_file(&tar, "empty", "");
    tar_file(&tar, "/last", "three");
    files = open_tar(&tar);
    expect_text(files, "first", "one");
    expect_text(files, name, "two, by a long name");
    expect_text(files, "empty", "");
    expect_text(files, "last", "three");
    expect_text(files, "./blobs/../last", "three");
    assert_false(pull_files_have(files, "blobs"));
    assert_false(pull_files_have(files, "short"));
    assert_false(pull_files_have(files, ""));
    assert_false(pull_files_have(files, "../first"));
    pull_files_close(&files);
}

static void links_are_followed_inside_the_tar_only(void **state)
{
    struct tar tar = { 0 };
    struct pull_files *files;
    struct pull_extent extent;
    struct md_err err = { 0 };

    (void)state;
    tar_file(&tar, "a/layer.tar", "layer");
    tar_symlink(&tar, "b/layer.tar", "../a/layer.tar");
    tar_hard_link(&tar, "c", "b/layer.tar");
    tar_symlink(&tar, "etc", "/etc/passwd");
    tar_symlink(&tar, "loop", "loop");
    files = open_tar(&tar);
    expect_text(files, "b/layer.tar", "layer");
    expect_text(files, "c", "layer");
    assert_int_equal(pull_files_find(files, "etc", &extent, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(pull_files_find(files, "loop", &extent, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    pull_files_close(&files);
}

static void names_that_lead_out_or_come_twice_are_refused(void **state)
{
    struct tar tar = { 0 };

    (void)state;
    tar_file(&tar, "../x", "");
    expect_refused(&tar, MD_ERR_FORMAT, "../x");
    tar_symlink(&tar, "a/x", "../../y");
    expect_refused(&tar, MD_ERR_FORMAT, "a/x");
    tar_hard_link(&tar, "x", "../y");
    expect_refused(&tar, MD_ERR_FORMAT, "leads out");
    tar_file(&tar, "x", "1");
    tar_file(&tar, "./x", "2");
    expect_refused(&tar, MD_ERR_FORMAT, "\"x\" twice");
    tar_file(&tar, "x\033[1m", "1");
    tar_file(&tar, "x\033[1m", "2");
    expect_refused(&tar, MD_ERR_FORMAT, "\\x1b");
}

static void files_with_holes_are_refused(void **state)
{
    const struct tar_record sparse[] = { { "GNU.sparse.major", "0" },
                                         { "GNU.sparse.minor", "1" },
                                         { "GNU.sparse.size", "1000" },
                                         { "GNU.sparse.numblocks", "1" },
                                         { "GNU.sparse.map", "500,3" } };
    struct tar tar = { 0 };

    (void)state;
    tar_pax_all(&tar, 'x', sparse, 5);
    tar_file(&tar, "x", "abc");
    expect_refused(&tar, MD_ERR_FORMAT, "holes");
}

static void more_entries_than_an_archive_may_have_are_refused(void **state)
{
    struct tar tar = { 0 };

    (void)state;
    for (int i = 0; i <= MD_MAX_ARCHIVE_ENTRIES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%d", i);
        tar_file(&tar, name, "");
    }
    expect_refused(&tar, MD_ERR_LIMIT, "65536");
}

static void a_file_that_is_too_long_or_cut_off_is_an_error(void **state)
{
    struct tar tar = { 0 };
    struct md_err err = { 0 };
    struct pull_files *files;
    size_t len;
    int fd;

    (void)state;
    tar_file(&tar, "x", "12345");
    fd = as_file(&tar);
    files = pull_files_open_tar(dup(fd), &err);
    assert_non_null(files);
    assert_null(pull_files_read(files, "x", 4, &len, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    assert_int_equal(ftruncate(fd, 512), 0); /* after its names were read */
    assert_null(pull_files_read(files, "x", 5, &len, &err));
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    pull_files_close(&files);
    close(fd);
}

static bool probed(struct tar *tar)
{
    MD_AUTO_FD fd = as_file(tar);

    return pull_archive_probe(fd);
}

static void image_archives_are_told_by_their_names(void **state)
{
    const char *const id = "00000000000000000000000000000000000000000000000000000000000000ab";
    struct tar tar = { 0 };
    char name[100];

    (void)state;
    tar_dir(&tar, "./", 0755);
    tar_file(&tar, "./oci-layout", "{}");
    tar_file(&tar, "./index.json", "{}");
    tar_file(&tar, "./blobs/sha256/x", "{}");
    assert_true(probed(&tar));
    snprintf(name, sizeof(name), "%s/layer.tar", id);
    tar_file(&tar, name, "");
    snprintf(name, sizeof(name), "%s.json", id);
    tar_file(&tar, name, "");
    tar_file(&tar, "repositories", "");
    tar_file(&tar, "manifest.json", "[]");
    assert_true(probed(&tar));
    tar_file(&tar, "manifest.json", "[]");
    tar_dir(&tar, "bin/", 0755);
    assert_false(probed(&tar));
    tar_file(&tar, "oci-layout", "{}");
    assert_false(probed(&tar)); /* nothing that leads to an image */
    snprintf(name, sizeof(name), "%s.exe", id);
    tar_file(&tar, "manifest.json", "[]");
    tar_file(&tar, name, "");
    assert_false(probed(&tar));
}

static void a_name_is_escaped_whatever_is_wrong_with_its_file(void **state)
{
    static const char name[] = "x\033[1m";
    char path[] = "/tmp/minidock-files-XXXXXX";
    struct md_err err = { 0 };
    struct pull_files *files;
    size_t len;
    int dir;

    (void)state;
    assert_non_null(mkdtemp(path));
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat(name, dir, name), 0);
    files = pull_files_open_dir(dir);
    assert_null(pull_files_read(files, name, 1, &len, &err));
    assert_int_equal(err.sys, ELOOP);
    assert_null(strchr(err.text, '\033'));
    assert_int_equal(unlinkat(dir, name, 0), 0);
    assert_int_equal(rmdir(path), 0);
    pull_files_close(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_where_they_lie_whatever_stands_around_them),
        cmocka_unit_test(links_are_followed_inside_the_tar_only),
        cmocka_unit_test(names_that_lead_out_or_come_twice_are_refused),
        cmocka_unit_test(files_with_holes_are_refused),
        cmocka_unit_test(more_entries_than_an_archive_may_have_are_refused),
        cmocka_unit_test(a_file_that_is_too_long_or_cut_off_is_an_error),
        cmocka_unit_test(image_archives_are_told_by_their_names),
        cmocka_unit_test(a_name_is_escaped_whatever_is_wrong_with_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
