/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a layer: kept, found again, told apart, thrown away. */
#include "store/prefix.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"

static struct md_digest digest_of(unsigned char byte)
{
    struct md_digest digest;
    unsigned char bytes[32];

    memset(bytes, byte, sizeof(bytes));
    md_digest_from_bytes(MD_SHA256, bytes, &digest);
    return digest;
}

static struct md_descriptor blob_of(unsigned char byte, int64_t size)
{
    return (struct md_descriptor){ .digest = digest_of(byte), .size = size };
}

static int open_prefix(const struct store *store, const struct md_descriptor *blob,
                       int64_t *length)
{
    const struct md_digest diff_id = digest_of(0xab);

    return store_prefix_open(store, &diff_id, blob, length);
}

static void what_was_added_is_found_again_and_added_to(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_descriptor blob = blob_of(1, STORE_PREFIX_LEAST);
    char bytes[8] = "";
    int64_t length = -1;
    MD_AUTO_FD first = open_prefix(store, &blob, &length);
    MD_AUTO_FD second = -1;

    assert_true(first >= 0);
    assert_int_equal(length, 0);
    assert_int_equal(md_fd_write_all(first, "abc", 3), 0);
    second = open_prefix(store, &blob, &length);
    assert_true(second >= 0);
    assert_int_equal(length, 3);
    assert_int_equal(md_fd_write_all(second, "def", 3), 0);
    assert_int_equal(pread(second, bytes, sizeof(bytes), 0), 6);
    assert_string_equal(bytes, "abcdef");
    assert_int_equal(count_entries(store->partial), 1);
}

static void of_a_small_blob_nothing_is_kept(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_descriptor blob = blob_of(1, STORE_PREFIX_LEAST - 1);
    const struct md_digest diff_id = digest_of(0xab);
    int64_t length = -1;

    assert_int_equal(open_prefix(store, &blob, &length), -1);
    assert_int_equal(length, 0);
    assert_int_equal(count_entries(store->partial), 0);
    store_prefix_discard(store, &diff_id, &blob);
}

static void two_blobs_of_one_layer_are_told_apart(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_descriptor gzip = blob_of(1, STORE_PREFIX_LEAST);
    const struct md_descriptor zstd = blob_of(2, STORE_PREFIX_LEAST);
    const struct md_digest diff_id = digest_of(0xab);
    int64_t length;
    MD_AUTO_FD first = open_prefix(store, &gzip, &length);
    MD_AUTO_FD second = -1;

    assert_int_equal(md_fd_write_all(first, "abc", 3), 0);
    second = open_prefix(store, &zstd, &length);
    assert_true(second >= 0);
    assert_int_equal(length, 0);
    assert_int_equal(count_entries(store->partial), 2);
    store_prefix_discard(store, &diff_id, &gzip);
    store_prefix_discard(store, &diff_id, &gzip);
    assert_int_equal(count_entries(store->partial), 1);
}

static void more_bytes_than_the_blob_has_are_thrown_away_B10(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_descriptor blob = blob_of(1, STORE_PREFIX_LEAST);
    int64_t length;
    MD_AUTO_FD first = open_prefix(store, &blob, &length);
    MD_AUTO_FD second = -1;
    struct stat st;

    assert_int_equal(ftruncate(first, STORE_PREFIX_LEAST + 1), 0);
    second = open_prefix(store, &blob, &length);
    assert_true(second >= 0);
    assert_int_equal(length, 0);
    assert_int_equal(fstat(second, &st), 0);
    assert_int_equal(st.st_size, 0);
}

/* The name of the only file in .partial. */
static int name_it(const char *name, unsigned char type, void *context, struct md_err *err)
{
    (void)type;
    (void)err;
    snprintf(context, 256, "%s", name);
    return 0;
}

static void what_is_no_plain_file_is_not_used(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_descriptor blob = blob_of(1, STORE_PREFIX_LEAST);
    struct md_err err = { 0 };
    char name[256] = "";
    int64_t length;
    MD_AUTO_FD first = open_prefix(store, &blob, &length);

    assert_true(first >= 0);
    assert_int_equal(store_visit(store->partial, name_it, name, &err), 0);
    assert_int_equal(unlinkat(store->partial, name, 0), 0);
    fresh_file(store->root, "precious", "x");
    assert_int_equal(symlinkat("../precious", store->partial, name), 0);
    assert_int_equal(open_prefix(store, &blob, &length), -1);
    assert_int_equal(unlinkat(store->partial, name, 0), 0);
    assert_int_equal(mkfifoat(store->partial, name, 0600), 0);
    assert_int_equal(open_prefix(store, &blob, &length), -1);
    assert_int_equal(length, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_setup, fresh_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_added_is_found_again_and_added_to),
        TEST(of_a_small_blob_nothing_is_kept),
        TEST(two_blobs_of_one_layer_are_told_apart),
        TEST(more_bytes_than_the_blob_has_are_thrown_away_B10),
        TEST(what_is_no_plain_file_is_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
