/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking and looking at layers for tests. */
#include "layerkit.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/path.h"
#include "pull/tar.h"
#include "pull/tree.h"
#include "store/entries.h"
#include "store/merge.h"

static int open_dir(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static char *describe_canary(const struct kit *kit)
{
    MD_AUTO_FD dir = open(kit->canary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat of_dir;
    struct stat of_file;
    char *list;
    char *text;

    assert_int_equal(fstat(dir, &of_dir), 0);
    assert_int_equal(fstatat(dir, "f", &of_file, AT_SYMLINK_NOFOLLOW), 0);
    list = kit_list(dir);
    text = md_xasprintf("%lld.%ld %u\n%lld.%ld %u %u\n%s", (long long)of_dir.st_ctim.tv_sec,
                        of_dir.st_ctim.tv_nsec, of_dir.st_mode,
                        (long long)of_file.st_ctim.tv_sec, of_file.st_ctim.tv_nsec,
                        of_file.st_mode, (unsigned)of_file.st_nlink, list);
    free(list);
    return text;
}

int kit_open(void **state)
{
    struct kit *kit = md_xcalloc(1, sizeof(*kit));
    MD_AUTO_FD file = -1;

    snprintf(kit->path, sizeof(kit->path), "/tmp/minidock-layer-XXXXXX");
    assert_non_null(mkdtemp(kit->path));
    kit->dir = open(kit->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(kit->dir, "canary", 0700), 0);
    assert_int_equal(mkdirat(kit->dir, "rootfs", 0755), 0);
    snprintf(kit->canary, sizeof(kit->canary), "%s/canary", kit->path);
    file = openat(kit->dir, "canary/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(md_fd_write_all(file, "canary", 6), 0);
    kit->rootfs = open_dir(kit->dir, "rootfs");
    kit->layer = -1;
    kit->before = describe_canary(kit);
    *state = kit;
    return 0;
}

int kit_close(void **state)
{
    struct kit *kit = *state;
    char *after = describe_canary(kit);

    assert_string_equal(after, kit->before);
    free(after);
    free(kit->before);
    md_fd_close(&kit->layer);
    md_fd_close(&kit->rootfs);
    assert_int_equal(md_path_empty_dir(kit->dir), 0);
    md_fd_close(&kit->dir);
    assert_int_equal(rmdir(kit->path), 0);
    free(kit);
    return 0;
}

static void new_layer(struct kit *kit)
{
    char name[32];

    snprintf(name, sizeof(name), "layer%d", kit->layers++);
    md_fd_close(&kit->layer);
    kit->err = (struct md_err){ 0 };
    assert_int_equal(mkdirat(kit->dir, name, 0700), 0);
    kit->layer = open_dir(kit->dir, name);
    assert_int_equal(mkdirat(kit->layer, "tree", 0755), 0);
}

int kit_unpack_bytes(struct kit *kit, const void *bytes, size_t len,
                     const struct pull_promise *promise)
{
    MD_AUTO_FD memory = memfd_create("layer", MFD_CLOEXEC);
    struct pull_source source = { .fd = memory };

    new_layer(kit);
    assert_int_equal(md_fd_write_all(memory, bytes, len), 0);
    assert_int_equal(lseek(memory, 0, SEEK_SET), 0);
    return pull_unpack(&source, promise, kit->layer, &kit->unpacked, &kit->err);
}

struct feed {
    const struct tar *tar;
    size_t at;
    size_t chunk;
    unsigned char
        *copy; /* exactly as long as the chunk, so that a sanitizer sees a step over */
};

static ssize_t feed(void *context, const void **bytes, struct md_err *err)
{
    struct feed *from = context;
    size_t len = from->tar->len - from->at;

    (void)err;
    if (len > from->chunk)
        len = from->chunk;
    free(from->copy);
    from->copy = md_xmalloc(len ? len : 1);
    if (len)
        memcpy(from->copy, from->tar->bytes + from->at, len);
    from->at += len;
    *bytes = from->copy;
    return (ssize_t)len;
}

static int unpack_entries(struct pull_tree *tree, struct pull_tar *tar, struct md_err *err)
{
    struct pull_entry entry;
    int more;

    while ((more = pull_tar_next(tar, &entry, err)) > 0) {
        if (pull_tree_add(tree, tar, &entry, err) < 0)
            return -1;
    }
    return more < 0 ? -1 : pull_tree_finish(tree, err);
}

static int unpack_in_chunks(struct kit *kit, const struct tar *from, size_t chunk)
{
    struct feed context = { .tar = from, .chunk = chunk };
    struct pull_tree *tree = md_xcalloc(1, sizeof(*tree));
    mode_t mask = umask(0);
    struct pull_tar *tar;
    int result;

    new_layer(kit);
    result = pull_tree_open(tree, kit->layer, &kit->err);
    assert_int_equal(result, 0);
    tar = pull_tar_open(feed, &context, &kit->err);
    result = tar ? unpack_entries(tree, tar, &kit->err) : -1;
    pull_tar_close(&tar);
    pull_tree_clear(tree);
    umask(mask);
    free(tree);
    free(context.copy);
    return result;
}

int kit_unpack(struct kit *kit, const struct tar *tar, size_t chunk)
{
    const struct pull_promise promise = { .size = (int64_t)tar->len };

    if (chunk > 0)
        return unpack_in_chunks(kit, tar, chunk);
    return kit_unpack_bytes(kit, tar->bytes, tar->len, &promise);
}

int kit_merge(struct kit *kit)
{
    kit->err = (struct md_err){ 0 };
    return store_merge(kit->rootfs, kit->layer, &kit->size, &kit->err);
}

static void list_file(struct md_buf *text, int dir, const char *name)
{
    MD_AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char content[32];
    ssize_t len = md_fd_read_full(fd, content, sizeof(content) - 1);

    assert_true(len >= 0);
    content[len] = '\0';
    md_buf_printf(text, " =%s", content);
}

static void list_one(struct md_buf *text, int dir, const char *name, const struct stat *st)
{
    char target[256];
    ssize_t len;

    switch (st->st_mode & S_IFMT) {
    case S_IFLNK:
        len = readlinkat(dir, name, target, sizeof(target));
        assert_true(len >= 0);
        md_buf_printf(text, " -> %.*s", (int)len, target);
        break;
    case S_IFDIR:
        md_buf_printf(text, "/ %o", st->st_mode & 07777);
        break;
    case S_IFREG:
        md_buf_printf(text, " %o", st->st_mode & 07777);
        list_file(text, dir, name);
        break;
    case S_IFIFO:
        md_buf_printf(text, " fifo %o", st->st_mode & 07777);
        break;
    default:
        md_buf_printf(text, " %s %u:%u", S_ISCHR(st->st_mode) ? "char" : "block",
                      major(st->st_rdev), minor(st->st_rdev));
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_below(struct md_list *lines, int parent, const char *name, const char *prefix)
{
    int fd = open_dir(parent, name);
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        struct md_buf text = { 0 };
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_int_equal(fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
        md_buf_printf(&text, "%s%s", prefix, entry->d_name);
        if (S_ISDIR(st.st_mode)) {
            char *below = md_xasprintf("%s%s/", prefix, entry->d_name);

            list_below(lines, fd, entry->d_name, below);
            free(below);
        }
        list_one(&text, fd, entry->d_name, &st);
        md_list_take(lines, text.data);
    }
    closedir(dir);
}

static char *join(struct md_list *lines)
{
    struct md_buf text = { 0 };

    md_buf_printf(&text, "%s", "");
    for (size_t i = 0; i < lines->count; i++)
        md_buf_printf(&text, "%s\n", lines->items[i]);
    md_list_clear(lines);
    return text.data;
}

char *kit_list(int dir)
{
    struct md_list lines = { 0 };

    list_below(&lines, dir, ".", "");
    if (lines.count)
        qsort(lines.items, lines.count, sizeof(*lines.items), compare);
    return join(&lines);
}

void kit_expect(int dir, const char *expected)
{
    char *list = kit_list(dir);

    assert_string_equal(list, expected);
    free(list);
}

void kit_expect_tree(const struct kit *kit, const char *expected)
{
    MD_AUTO_FD tree = open_dir(kit->layer, "tree");

    kit_expect(tree, expected);
}

static int add_mark(const struct store_entry *entry, void *context, struct md_err *err)
{
    struct md_list *lines = context;

    (void)err;
    md_list_take(lines, entry->target ? md_xasprintf("l %s => %s", entry->path, entry->target)
                                      : md_xasprintf("%c %s", entry->letter, entry->path));
    return 0;
}

void kit_expect_marks(const struct kit *kit, const char *expected)
{
    struct md_list lines = { 0 };
    struct md_err err = { 0 };
    char *text;

    assert_int_equal(store_entries_read(kit->layer, add_mark, &lines, &err), 0);
    text = join(&lines);
    assert_string_equal(text, expected);
    free(text);
}

const size_t kit_chunks[6] = { 0, 1, 511, 512, 513, 65536 };

void kit_gives(struct kit *kit, struct tar *tar, const char *tree)
{
    tar_end(tar);
    for (EACH_KIT_CHUNK(i)) {
        int result = kit_unpack(kit, tar, kit_chunks[i]);

        assert_string_equal(kit->err.text, "");
        assert_int_equal(result, 0);
        kit_expect_tree(kit, tree);
    }
    tar_clear(tar);
}

void kit_refused(struct kit *kit, struct tar *tar, const char *culprit)
{
    tar_end(tar);
    for (EACH_KIT_CHUNK(i)) {
        assert_int_equal(kit_unpack(kit, tar, kit_chunks[i]), -1);
        assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
        assert_non_null(strstr(kit->err.text, culprit));
    }
    tar_clear(tar);
}

struct stat kit_look(const struct kit *kit, const char *name)
{
    MD_AUTO_FD tree = openat(kit->layer, "tree", O_PATH | O_CLOEXEC);
    struct stat st;

    assert_int_equal(fstatat(tree, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}
