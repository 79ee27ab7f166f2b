/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two layers from any bytes, merged: the root file system may be anything, what lies beside it
 * stays. Each three bytes are an operation and two of a few names, which are links, ".." and
 * directories to each other.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "store/entries.h"
#include "store/merge.h"

static const char *const names[] = {
    "a",     "b",          "c",       "a/b",   "a/c",       "b/a",      "a/b/c",
    "b/c/a", "..",         "/",       "../..", "../canary", "a/../b",   "",
    "a/..",  "/b/../../a", "a/b/c/a", "c/c",   "/a/b/c",    "b/../b/a",
};

static const char *name_of(uint8_t byte)
{
    return names[byte % (sizeof(names) / sizeof(*names))];
}

/* Only names that the unpacking would leave: below the tree, without "..". */
static bool is_clean(const char *name)
{
    return *name && !strstr(name, "..") && *name != '/';
}

static void make(int tree, uint8_t operation, const char *path, const char *other)
{
    MD_AUTO_FD fd = -1;

    if (!is_clean(path))
        return;
    switch (operation % 3) {
    case 0:
        fd = md_path_try_in(tree, path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0644);
        break;
    case 1:
        (void)!mkdirat(tree, path, 0755);
        break;
    default:
        (void)!symlinkat(*other ? other : ".", tree, path);
    }
}

static void record(struct store_entries_writer *writer, uint8_t operation, const char *path,
                   const char *other)
{
    static const char letters[] = "iwqe";
    struct md_err err = { 0 };

    if (operation % 5 == 4 ? store_entries_link(writer, path, other, &err) < 0
                           : store_entries_mark(writer, letters[operation % 5], path, &err) < 0)
        abort();
}

static void fill(int layer, const uint8_t *data, size_t size)
{
    struct store_entries_writer writer = { .fd = -1 };
    struct md_err err = { 0 };
    MD_AUTO_FD tree = -1;

    if (mkdirat(layer, "tree", 0755) < 0 || store_entries_create(layer, &writer, &err) < 0)
        abort();
    tree = openat(layer, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i + 2 < size; i += 3) {
        if (data[i] & 128)
            record(&writer, data[i] & 127, name_of(data[i + 1]), name_of(data[i + 2]));
        else
            make(tree, data[i], name_of(data[i + 1]), name_of(data[i + 2]));
    }
    if (store_entries_finish(&writer, &err) < 0)
        abort();
}

static int open_dir(int parent, const char *name)
{
    int dir;

    if (mkdirat(parent, name, 0755) < 0)
        abort();
    dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        abort();
    return dir;
}

static int open_work(void)
{
    char path[] = "/tmp/minidock-fuzz-XXXXXX";
    int dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (dir < 0)
        abort();
    return dir;
}

static void check_canary(int work)
{
    struct stat st;

    if (fstatat(work, "canary", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        st.st_nlink != 1 || st.st_size != 0)
        abort();
}

static void merge(int work, int rootfs, const char *name, const uint8_t *data, size_t size)
{
    MD_AUTO_FD layer = open_dir(work, name);
    struct md_err err = { 0 };
    uint64_t bytes = 0;

    fill(layer, data, size);
    if (store_merge(rootfs, layer, &bytes, &err) < 0 && err.kind == MD_ERR_NONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int work = -1; /* kept between inputs */
    MD_AUTO_FD canary = -1;
    MD_AUTO_FD rootfs = -1;
    size_t half = size / 6 * 3;

    if (work < 0)
        work = open_work();
    canary = openat(work, "canary", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    rootfs = open_dir(work, "rootfs");
    if (canary < 0)
        abort();
    merge(work, rootfs, "one", data, half);
    merge(work, rootfs, "two", data + half, size - half);
    check_canary(work);
    if (md_path_empty_dir(work) < 0)
        abort();
    return 0;
}
