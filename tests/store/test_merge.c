/* SPDX-License-Identifier: Apache-2.0 */
/* Merging layers made by hand; what tars make of it is tested with the unpacking. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fresh_store.h"

#include "base/fd.h"
#include "base/mem.h"
#include "store/copy.h"
#include "store/entries.h"
#include "store/marks.h"
#include "store/merge.h"

/* A layer under way, and the root file system, in a store's .partial. */
struct work {
    int layer;
    int tree;
    int rootfs;
    struct store_entries_writer entries;
    struct md_err err;
    uint64_t size;
};

static struct work begin(struct fresh *fresh, const char *name)
{
    struct work work = { .entries = { .fd = -1 } };
    int partial = fresh->store.partial;

    (void)mkdirat(partial, "rootfs", 0755);
    work.rootfs = openat(partial, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(partial, name, 0700), 0);
    work.layer = openat(partial, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(work.layer, "tree", 0755), 0);
    work.tree = openat(work.layer, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(store_entries_create(work.layer, &work.entries, &work.err), 0);
    return work;
}

static void mark(struct work *work, char letter, const char *path)
{
    assert_int_equal(store_entries_mark(&work->entries, letter, path, &work->err), 0);
}

static int merge(struct work *work)
{
    assert_int_equal(store_entries_finish(&work->entries, &work->err), 0);
    return store_merge(work->rootfs, work->layer, &work->size, &work->err);
}

static void end(struct work *work)
{
    md_fd_close(&work->layer);
    md_fd_close(&work->tree);
    md_fd_close(&work->rootfs);
}

static void make_dir(int dir, const char *name, mode_t mode, time_t mtime)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { mtime, 5 } };
    MD_AUTO_FD made = -1;

    assert_int_equal(mkdirat(dir, name, 0700), 0);
    made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fchmod(made, mode), 0);
    assert_int_equal(futimens(made, times), 0);
}

static void files_are_the_same_and_directories_have_their_attributes(void **state)
{
    struct work work = begin(*state, "layer");
    MD_AUTO_FD dir = -1;
    struct stat in_layer;
    struct stat in_rootfs;
    char value[4];

    make_dir(work.tree, "d", 0711, 77);
    fresh_file(work.tree, "d/f", "content");
    make_dir(work.tree, "d/empty", 02755, 78);
    dir = openat(work.tree, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fsetxattr(dir, "user.a", "b", 1, 0) == 0 || errno == ENOTSUP)
        assert_int_equal(futimens(dir, (struct timespec[2]){ { 77, 5 }, { 77, 5 } }), 0);
    assert_int_equal(store_entries_file(&work.entries, 7, 0, "d/f", &work.err), 0);
    assert_int_equal(merge(&work), 0);
    assert_int_equal(work.size, 7);
    assert_int_equal(fstatat(work.tree, "d/f", &in_layer, 0), 0);
    assert_int_equal(fstatat(work.rootfs, "d/f", &in_rootfs, 0), 0);
    assert_int_equal(in_layer.st_ino, in_rootfs.st_ino);
    assert_int_equal(fstatat(work.rootfs, "d", &in_rootfs, 0), 0);
    assert_int_equal(in_rootfs.st_mode & 07777, 0711);
    assert_int_equal(in_rootfs.st_mtim.tv_sec, 77);
    assert_int_equal(in_rootfs.st_mtim.tv_nsec, 5);
    assert_int_equal(fstatat(work.rootfs, "d/empty", &in_rootfs, 0), 0);
    assert_int_equal(in_rootfs.st_mode & 07777, 02755);
    md_fd_close(&dir);
    dir = openat(work.rootfs, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fgetxattr(dir, "user.a", value, sizeof(value)) != 1)
        assert_int_equal(errno, ENOTSUP);
    end(&work);
}

static void attributes_that_a_later_layer_does_not_have_go(void **state)
{
    struct work work = begin(*state, "lower");
    MD_AUTO_FD dir = -1;
    char value[4];

    make_dir(work.tree, "d", 0755, 1);
    dir = openat(work.tree, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fsetxattr(dir, "user.a", "b", 1, 0) < 0)
        skip();
    assert_int_equal(merge(&work), 0);
    end(&work);
    work = begin(*state, "upper");
    make_dir(work.tree, "d", 0700, 2);
    assert_int_equal(merge(&work), 0);
    md_fd_close(&dir);
    dir = openat(work.rootfs, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fgetxattr(dir, "user.a", value, sizeof(value)), -1);
    assert_int_equal(errno, ENODATA);
    end(&work);
}

static void a_file_with_too_many_links_is_copied(void **state)
{
    struct work work = begin(*state, "layer");
    struct stat st;
    char name[32];
    int made = 0;

    fresh_file(work.tree, "f", "content");
    make_dir(work.layer, "links", 0700, 1);
    for (; made < 70000; made++) {
        snprintf(name, sizeof(name), "links/%d", made);
        if (linkat(work.tree, "f", work.layer, name, 0) < 0)
            break;
    }
    if (made == 70000)
        skip(); /* this file system has no such limit, or a higher one */
    assert_int_equal(fchmodat(work.tree, "f", 04711, 0), 0);
    assert_int_equal(merge(&work), 0);
    assert_int_equal(fstatat(work.rootfs, "f", &st, 0), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_size, 7);
    assert_int_equal(st.st_mode & 07777, 04711);
    end(&work);
}

static void copies_have_everything(void **state)
{
    struct fresh *fresh = *state;
    int dir = fresh->store.partial;
    const struct timespec times[2] = { { 1, 2 }, { 3, 4 } };
    struct stat st;
    char target[16] = "";
    MD_AUTO_FD file = openat(dir, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0640);

    assert_int_equal(ftruncate(file, 300000), 0);
    assert_int_equal(pwrite(file, "end", 3, 299997), 3);
    assert_int_equal(futimens(file, times), 0);
    assert_int_equal(store_copy(dir, "f", dir, "copy"), 0);
    assert_int_equal(fstatat(dir, "copy", &st, 0), 0);
    assert_int_equal(st.st_size, 300000);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_mtim.tv_sec, 3);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(store_copy(dir, "f", dir, "copy"), -1);
    assert_int_equal(errno, EEXIST);

    assert_int_equal(symlinkat("to", dir, "l"), 0);
    assert_int_equal(store_copy(dir, "l", dir, "l2"), 0);
    assert_int_equal(readlinkat(dir, "l2", target, sizeof(target)), 2);
    assert_int_equal(mkfifoat(dir, "p", 0600), 0);
    assert_int_equal(store_copy(dir, "p", dir, "p2"), 0);
    assert_int_equal(fstatat(dir, "p2", &st, 0), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

/* A44: deeper than there are descriptors; at least as deep as a path can name. */
static void deep_trees_need_no_more_descriptors(void **state)
{
    struct work work = begin(*state, "layer");
    MD_AUTO_FREE char *path = md_xcalloc(1, 4096);
    struct stat st;

    for (size_t i = 0; i < 2000; i++) {
        memcpy(path + 2 * i, "a/", 2);
        assert_int_equal(mkdirat(work.tree, path, 0755), 0);
    }
    memcpy(path + 4000, "f", 1);
    fresh_file(work.tree, path, "x");
    assert_int_equal(merge(&work), 0);
    assert_int_equal(fstatat(work.rootfs, path, &st, 0), 0);
    end(&work);
}

static void a_layer_is_never_written_to(void **state)
{
    struct work work = begin(*state, "layer");
    struct stat before;
    struct stat after;

    make_dir(work.tree, "d", 0711, 77);
    fresh_file(work.tree, "f", "content");
    assert_int_equal(fstatat(work.tree, "d", &before, 0), 0);
    assert_int_equal(merge(&work), 0);
    assert_int_equal(fstatat(work.tree, "d", &after, 0), 0);
    assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(after.st_ctim));
    end(&work);
    /* What is put over it in the root file system is another file. */
    work = begin(*state, "upper");
    fresh_file(work.tree, "f", "other");
    fresh_file(work.tree, "d", "a file now");
    assert_int_equal(merge(&work), 0);
    end(&work);
    work.layer =
        openat(((struct fresh *)*state)->store.partial, "layer/tree", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstatat(work.layer, "f", &after, 0), 0);
    assert_int_equal(after.st_size, 7);
    assert_int_equal(after.st_nlink, 1);
    assert_int_equal(fstatat(work.layer, "d", &after, 0), 0);
    assert_true(S_ISDIR(after.st_mode));
    close(work.layer);
}

static void lists_of_entries_that_lie_do_no_harm(void **state)
{
    struct fresh *fresh = *state;
    struct work work = begin(fresh, "layer");

    fresh_file(fresh->store.partial, "outside", "x");
    assert_int_equal(symlinkat("../..", work.rootfs, "up"), 0);
    fresh_file(work.tree, "f", "x");
    mark(&work, 'w', "up/outside");
    mark(&work, 'w', "../outside");
    mark(&work, 'q', "up");
    mark(&work, 'q', "../..");
    mark(&work, 'i', "f");
    mark(&work, 'i', "missing");
    (void)merge(&work);
    assert_true(exists(fresh->store.partial, "outside"));
    end(&work);
}

static void marks_are_found_replaced_and_dropped(void **state)
{
    struct store_marks marks = { 0 };
    struct md_err err = { 0 };
    char path[32];

    (void)state;
    assert_int_equal(store_marks_get(&marks, "x"), 0);
    store_marks_drop(&marks, "x");
    for (unsigned i = 1; i <= 10000; i++) {
        snprintf(path, sizeof(path), "path/%u", i);
        assert_int_equal(store_marks_set(&marks, path, i, &err), 0);
    }
    store_marks_drop(&marks, "path/77");
    assert_int_equal(store_marks_set(&marks, "path/78", 1, &err), 0);
    for (unsigned i = 1; i <= 10000; i++) {
        snprintf(path, sizeof(path), "path/%u", i);
        assert_int_equal(store_marks_get(&marks, path), i == 77 ? 0 : i == 78 ? 1 : i);
    }
    store_marks_clear(&marks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_setup, fresh_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_the_same_and_directories_have_their_attributes),
        TEST(attributes_that_a_later_layer_does_not_have_go),
        TEST(a_file_with_too_many_links_is_copied),
        TEST(copies_have_everything),
        TEST(deep_trees_need_no_more_descriptors),
        TEST(a_layer_is_never_written_to),
        TEST(lists_of_entries_that_lie_do_no_harm),
        TEST(marks_are_found_replaced_and_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
