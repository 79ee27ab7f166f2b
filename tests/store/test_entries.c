/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's list of entries: what is written is read, and damage is found. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fresh_store.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/entries.h"

#define LONG_PATHS 3000

static void long_path(unsigned number, char *out)
{
    memset(out, 'p', MD_MAX_PATH);
    out[MD_MAX_PATH] = '\0';
    snprintf(out, 16, "%014u", number);
    out[14] = '\n'; /* any byte but NUL */
}

static int check(const struct store_entry *entry, void *context, struct md_err *err)
{
    unsigned *seen = context;
    char path[MD_MAX_PATH + 1];

    (void)err;
    switch ((*seen)++) {
    case 0:
        assert_int_equal(entry->letter, 'f');
        assert_true(entry->size == UINT64_MAX);
        assert_int_equal(entry->crc32c, 0x0badcafe);
        assert_string_equal(entry->path, "a file/ f 1 x");
        assert_null(entry->target);
        return 0;
    case 1:
        assert_int_equal(entry->letter, 'i');
        assert_string_equal(entry->path, "");
        return 0;
    case 2:
        assert_int_equal(entry->letter, 'w');
        return 0;
    default:
        assert_int_equal(entry->letter, 'l');
        long_path(*seen - 1, path);
        assert_string_equal(entry->path, path);
        assert_string_equal(entry->target, path);
        return 0;
    }
}

static void write_all(int dir)
{
    struct store_entries_writer writer = { .fd = -1 };
    struct md_err err = { 0 };
    char path[MD_MAX_PATH + 1];

    assert_int_equal(store_entries_create(dir, &writer, &err), 0);
    assert_int_equal(store_entries_file(&writer, UINT64_MAX, 0x0badcafe, "a file/ f 1 x", &err),
                     0);
    assert_int_equal(store_entries_mark(&writer, 'i', "", &err), 0);
    assert_int_equal(store_entries_mark(&writer, 'w', "gone", &err), 0);
    for (unsigned i = 3; i < LONG_PATHS; i++) {
        long_path(i, path);
        assert_int_equal(store_entries_link(&writer, path, path, &err), 0);
    }
    assert_int_equal(store_entries_finish(&writer, &err), 0);
}

static void what_is_written_is_read(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    unsigned seen = 0;

    write_all(fresh->store.partial);
    assert_int_equal(store_entries_read(fresh->store.partial, check, &seen, &err), 0);
    assert_int_equal(seen, LONG_PATHS);
}

static void a_list_is_only_made_once(void **state)
{
    struct fresh *fresh = *state;
    struct store_entries_writer writer = { .fd = -1 };
    struct md_err err = { 0 };

    write_all(fresh->store.partial);
    assert_int_equal(store_entries_create(fresh->store.partial, &writer, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
}

static int ignore(const struct store_entry *entry, void *context, struct md_err *err)
{
    (void)entry;
    (void)context;
    (void)err;
    return 0;
}

static void damage_is_found(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } lists[] = {
        { "", 0 },
        { "minidock-entries 2\0", 19 },
        { "minidock-entries 1", 18 },
        { "minidock-entries 1\0i", 20 },
        { "minidock-entries 1\0\0", 20 },
        { "minidock-entries 1\0ix\0", 22 },
        { "minidock-entries 1\0z x\0", 23 },
        { "minidock-entries 1\0l x\0", 23 },
        { "minidock-entries 1\0f x\0", 23 },
        { "minidock-entries 1\0f 1 2 x\0", 27 },
        { "minidock-entries 1\0f 1 0000000G x\0", 34 },
        { "minidock-entries 1\0f 18446744073709551616 00000000 x\0", 53 },
        { "minidock-entries 1\0f  00000000 x\0", 33 },
    };
    struct fresh *fresh = *state;

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct md_err err = { 0 };
        MD_AUTO_FD fd = openat(fresh->store.partial, "entries",
                               O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

        assert_int_equal(md_fd_write_all(fd, lists[i].bytes, lists[i].len), 0);
        assert_int_equal(store_entries_read(fresh->store.partial, ignore, NULL, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
    }
}

static int stop(const struct store_entry *entry, void *context, struct md_err *err)
{
    (void)entry;
    (void)context;
    return md_err_set(err, MD_ERR_CONFLICT, "enough");
}

static void a_visitor_can_stop(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    write_all(fresh->store.partial);
    assert_int_equal(store_entries_read(fresh->store.partial, stop, NULL, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_setup, fresh_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(a_list_is_only_made_once),
        TEST(damage_is_found),
        TEST(a_visitor_can_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
