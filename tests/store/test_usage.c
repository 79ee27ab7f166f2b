/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes containers and layers hold. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"
#include "store/entries.h"
#include "store/usage.h"

static int folder(void **state)
{
    return ((struct fresh *)*state)->store.partial;
}

static void files_count_and_links_are_not_followed(void **state)
{
    struct store_container container = { .dir = folder(state) };
    struct md_err err = { 0 };
    uint64_t bytes = 1;

    assert_int_equal(store_container_usage(&container, &bytes, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(mkdirat(container.dir, "upper", 0700), 0);
    assert_int_equal(store_container_usage(&container, &bytes, &err), 0);
    assert_int_equal(bytes, 0);
    fresh_file(container.dir, "outside", "not counted");
    fresh_file(container.dir, "upper/a", "four");
    assert_int_equal(linkat(container.dir, "upper/a", container.dir, "upper/b", 0), 0);
    assert_int_equal(mkdirat(container.dir, "upper/d", 0700), 0);
    fresh_file(container.dir, "upper/d/c", "sixsix");
    assert_int_equal(symlinkat("..", container.dir, "upper/d/up"), 0);
    assert_int_equal(symlinkat("../outside", container.dir, "upper/out"), 0);
    assert_int_equal(mknodat(container.dir, "upper/fifo", S_IFIFO | 0600, 0), 0);
    assert_int_equal(store_container_usage(&container, &bytes, &err), 0);
    assert_int_equal(bytes, 10);
}

/* Deeper than is looked: no more descriptors than that, and no crash. */
static void a_very_deep_tree_is_looked_at_in_part(void **state)
{
    struct store_container container = { .dir = folder(state) };
    struct md_err err = { 0 };
    uint64_t bytes = 0;
    MD_AUTO_FD at = -1;

    assert_int_equal(mkdirat(container.dir, "upper", 0700), 0);
    at = openat(container.dir, "upper", O_RDONLY | O_CLOEXEC);
    for (int depth = 0; depth < 300; depth++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_CLOEXEC);

        fresh_file(next, "f", "x");
        md_fd_close(&at);
        at = next;
    }
    assert_int_equal(store_container_usage(&container, &bytes, &err), 0);
    assert_int_equal(bytes, 255);
}

static void a_layer_s_files_are_in_its_list(void **state)
{
    struct store *store = &((struct fresh *)*state)->store;
    struct store_entries_writer writer = { .fd = -1 };
    struct md_err err = { 0 };
    struct md_digest id = { 0 };
    uint64_t bytes = 1;

    md_digest_from_bytes(MD_SHA256, (const unsigned char[32]){ 7 }, &id);
    assert_int_equal(store_layer_usage(store, &id, &bytes, &err), -1);
    assert_int_equal(mkdirat(store->layers, md_digest_hex(&id), 0700), 0);
    MD_AUTO_FD dir = openat(store->layers, md_digest_hex(&id), O_RDONLY | O_CLOEXEC);

    assert_int_equal(store_entries_create(dir, &writer, &err), 0);
    assert_int_equal(store_entries_file(&writer, 100, 1, "a", &err), 0);
    assert_int_equal(store_entries_mark(&writer, 'w', "b", &err), 0);
    assert_int_equal(store_entries_file(&writer, 23, 1, "c", &err), 0);
    assert_int_equal(store_entries_finish(&writer, &err), 0);
    assert_int_equal(store_layer_usage(store, &id, &bytes, &err), 0);
    assert_int_equal(bytes, 123);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(files_count_and_links_are_not_followed),
        T(a_very_deep_tree_is_looked_at_in_part),
        T(a_layer_s_files_are_in_its_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
