/* SPDX-License-Identifier: Apache-2.0 */
/* Whole layers: promises kept and broken, damage, and layers on top of each other. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "layerkit.h"
#include "pull/hash.h"
#include "pull/ring.h"

static struct pull_promise promise_of(const void *bytes, size_t len)
{
    struct pull_promise promise = { .size = (int64_t)len };

    pull_hash_bytes(MD_SHA256, bytes, len, &promise.digest);
    return promise;
}

static struct tar five_entries(void)
{
    struct tar tar = { 0 };

    tar_dir(&tar, "d", 0755);
    tar_file(&tar, "d/f", "content");
    tar_symlink(&tar, "d/l", "f");
    tar_hard_link(&tar, "d/h", "d/f");
    tar_file(&tar, "z", "last");
    return tar;
}

#define FIVE "d/ 755\nd/f 644 =content\nd/h 644 =content\nd/l -> f\nz 644 =last\n"

/* gzip, in members of at most step bytes each. */
static struct tar gzip(const struct tar *tar, size_t step)
{
    struct tar packed = { .bytes = md_xmalloc(1 << 20) };

    for (size_t at = 0; at < tar->len; at += step) {
        z_stream stream = { 0 };

        assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
        stream.next_in = tar->bytes + at;
        stream.avail_in = (uInt)(tar->len - at < step ? tar->len - at : step);
        stream.next_out = packed.bytes + packed.len;
        stream.avail_out = (uInt)((1 << 20) - packed.len);
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed.len += stream.total_out;
        deflateEnd(&stream);
    }
    return packed;
}

static void what_was_promised_is_checked(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    struct tar packed;
    struct pull_promise promise;
    struct md_digest diff_id;

    tar_end(&tar);
    pull_hash_bytes(MD_SHA256, tar.bytes, tar.len, &diff_id);
    packed = gzip(&tar, 1 << 20);
    promise = promise_of(packed.bytes, packed.len);
    promise.diff_id = diff_id;
    assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), 0);
    kit_expect_tree(kit, FIVE);
    assert_true(md_digest_equal(&kit->unpacked.diff_id, &diff_id));
    assert_int_equal(kit->unpacked.compressed_bytes, packed.len);
    assert_int_equal(kit->unpacked.unpacked_bytes, tar.len);
    assert_int_equal(kit->unpacked.entries, 5);

    promise.size++;
    assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    promise.size -= 2;
    assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    promise.size++;
    promise.diff_id = promise.digest;
    assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    assert_non_null(strstr(kit->err.text, diff_id.text));
    promise.diff_id = diff_id;
    promise.digest = diff_id;
    assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    tar_clear(&tar);
    tar_clear(&packed);
}

static void sha512_digests_are_checked_too(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    struct pull_promise promise = { .size = -1 };

    tar_end(&tar);
    pull_hash_bytes(MD_SHA512, tar.bytes, tar.len, &promise.digest);
    promise.diff_id = promise.digest;
    assert_int_equal(kit_unpack_bytes(kit, tar.bytes, tar.len, &promise), 0);
    promise.diff_id.text[10] = promise.diff_id.text[10] == '0' ? '1' : '0';
    assert_int_equal(kit_unpack_bytes(kit, tar.bytes, tar.len, &promise), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    tar_clear(&tar);
}

static void b4_a_flipped_bit_is_a_wrong_digest_and_not_a_damaged_tar(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    struct tar packed;
    struct pull_promise promise;

    tar_end(&tar);
    packed = gzip(&tar, 1 << 20);
    promise = promise_of(packed.bytes, packed.len);
    for (size_t i = 0; i < packed.len; i++) {
        packed.bytes[i] ^= 4;
        assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), -1);
        assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
        packed.bytes[i] ^= 4;
    }
    tar_clear(&tar);
    tar_clear(&packed);
}

static void a61_the_end_of_the_tar_is_not_the_end_of_the_bytes(void **state)
{
    static const char *const tails[] = { "", "one", "two", "more", "garbage" };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        struct tar tar = five_entries();
        struct pull_promise promise = { .size = -1 };
        struct md_digest expected;
        char zeros[20 * 512] = "";

        if (i > 0)
            tar_data(&tar, zeros, 512);
        if (i > 1)
            tar_data(&tar, zeros, 512);
        if (i == 3)
            tar_file(&tar, "hidden", "x");
        if (i == 4)
            tar_data(&tar, "garbage", 7);
        tar_data(&tar, zeros, i > 1 ? sizeof(zeros) : 0);
        pull_hash_bytes(MD_SHA256, tar.bytes, tar.len, &expected);
        assert_int_equal(kit_unpack_bytes(kit, tar.bytes, tar.len, &promise), 0);
        kit_expect_tree(kit, FIVE);
        assert_true(md_digest_equal(&kit->unpacked.diff_id, &expected));
        assert_int_equal(kit->unpacked.unpacked_bytes, tar.len);
        tar_clear(&tar);
    }
}

/* True when what is there is the beginning of the five entries, and each of them whole. */
static bool is_whole(struct kit *kit)
{
    static const char *const states[] = {
        "",
        "d/ 755\n",
        "d/ 755\nd/f 644 =content\n",
        "d/ 755\nd/f 644 =content\nd/l -> f\n",
        "d/ 755\nd/f 644 =content\nd/h 644 =content\nd/l -> f\n",
        FIVE,
    };
    MD_AUTO_FD tree = openat(kit->layer, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *list = kit_list(tree);
    bool whole = false;

    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        whole = whole || strcmp(list, states[i]) == 0;
    free(list);
    return whole;
}

static void a62_a_tar_cut_anywhere_is_refused_or_whole(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    size_t len;

    tar_end(&tar);
    len = tar.len;
    for (size_t cut = 0; cut <= len; cut += cut % 512 > 8 && cut % 512 < 500 ? 13 : 1) {
        struct pull_promise promise = promise_of(tar.bytes, cut);
        int result = kit_unpack_bytes(kit, tar.bytes, cut, &promise);

        if (result == 0)
            assert_true(is_whole(kit));
        else
            assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
        if (cut % 512 != 0 && cut < len - 1024)
            assert_true(result < 0 || cut % 512 >= 7); /* at most padding is missing */
    }
    tar_clear(&tar);
}

static void a62_a_compressed_tar_cut_anywhere_is_refused(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    struct tar packed;

    tar_end(&tar);
    packed = gzip(&tar, 1 << 20);
    for (size_t cut = 0; cut < packed.len; cut++) {
        struct pull_promise promise = promise_of(packed.bytes, cut);

        assert_int_equal(kit_unpack_bytes(kit, packed.bytes, cut, &promise), -1);
        assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
    }
    tar_clear(&tar);
    tar_clear(&packed);
}

static void a63_what_is_no_tar_is_refused(void **state)
{
    static const char *const junk[] = {
        "",
        "x",
        "PK\003\004 a zip of some length",
        "070701 a cpio",
        "#!/bin/sh\necho hello\n",
        "7z\xbc\xaf\x27\x1c",
        "Rar!\x1a\x07\x01",
        "#mtree\n./a type=file\n",
    };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++) {
        unsigned char bytes[2048] = { 0 };
        struct pull_promise promise;

        memcpy(bytes, junk[i], strlen(junk[i]));
        promise = promise_of(bytes, strlen(junk[i]));
        assert_int_equal(kit_unpack_bytes(kit, bytes, strlen(junk[i]), &promise), -1);
        assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
        if (!*junk[i])
            continue;
        promise = promise_of(bytes, sizeof(bytes));
        assert_int_equal(kit_unpack_bytes(kit, bytes, sizeof(bytes), &promise), -1);
        assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
    }
}

static void a72_an_empty_tar_is_an_empty_layer(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0);
    kit_expect_tree(kit, "");
    kit_expect_marks(kit, "i \n");
    tar_clear(&tar);
}

static void a65_members_may_end_in_the_middle_of_a_header(void **state)
{
    static const size_t steps[] = { 100, 511, 512, 513, 1000 };
    struct kit *kit = *state;
    struct tar tar = five_entries();

    tar_end(&tar);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct tar packed = gzip(&tar, steps[i]);
        struct pull_promise promise = promise_of(packed.bytes, packed.len);

        pull_hash_bytes(MD_SHA256, tar.bytes, tar.len, &promise.diff_id);
        assert_int_equal(kit_unpack_bytes(kit, packed.bytes, packed.len, &promise), 0);
        kit_expect_tree(kit, FIVE);
        tar_clear(&packed);
    }
    tar_clear(&tar);
}

/* A tar of five entries and zeros behind it, packed by bzip2 -9. */
static const unsigned char packed_by_bzip2[] = { 'B',  'Z',  'h',  '9', 0x17, 0x72, 0x45,
                                                 0x38, 0x50, 0x90, 0,   0,    0,    0 };

static void a68_bzip2_is_for_import_only(void **state)
{
    struct kit *kit = *state;
    struct pull_promise promise = promise_of(packed_by_bzip2, sizeof(packed_by_bzip2));

    assert_int_equal(kit_unpack_bytes(kit, packed_by_bzip2, sizeof(packed_by_bzip2), &promise),
                     -1);
    assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
    assert_non_null(strstr(kit->err.text, "bzip2"));
    /* An import gets as far as finding that nothing is in it. */
    promise = (struct pull_promise){ .size = -1 };
    assert_int_equal(kit_unpack_bytes(kit, packed_by_bzip2, sizeof(packed_by_bzip2), &promise),
                     -1);
    assert_int_equal(kit->err.kind, MD_ERR_FORMAT);
    assert_null(strstr(kit->err.text, "bzip2"));
}

/* Writes the tar into the ring, in pieces, and ends as told. */
static pid_t start_writing(struct pull_ring *ring, const struct tar *tar,
                           enum pull_ring_end how)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    for (size_t at = 0; at < tar->len;) {
        size_t step = tar->len - at < 333 ? tar->len - at : 333;

        at += pull_ring_put(ring, tar->bytes + at, step);
    }
    pull_ring_end(ring, how);
    _exit(0);
}

static void layers_come_through_a_ring(void **state)
{
    struct kit *kit = *state;
    struct tar tar = five_entries();
    struct pull_ring ring;
    struct pull_source source = { .ring = &ring, .fd = -1 };
    struct pull_promise promise;
    pid_t pid;

    tar_end(&tar);
    promise = promise_of(tar.bytes, tar.len);
    assert_int_equal(pull_ring_open(&ring, &kit->err), 0);
    pid = start_writing(&ring, &tar, PULL_RING_WHOLE);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0); /* makes a layer's directory */
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    assert_int_equal(md_path_remove_tree(kit->layer, "tree"), 0);
    assert_int_equal(mkdirat(kit->layer, "tree", 0755), 0);
    assert_int_equal(pull_unpack(&source, &promise, kit->layer, &kit->unpacked, &kit->err), 0);
    kit_expect_tree(kit, FIVE);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    pull_ring_reset(&ring);
    tar.len -= 700;
    pid = start_writing(&ring, &tar, PULL_RING_BROKEN);
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    assert_int_equal(pull_unpack(&source, &promise, kit->layer, &kit->unpacked, &kit->err), -1);
    assert_int_equal(kit->err.kind, MD_ERR_NETWORK);
    assert_string_equal(kit->err.text, "");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    pull_ring_close(&ring);
    tar_clear(&tar);
}

/* A layer whose first bytes are in a file, the others in a ring that has ended. */
struct resumed {
    struct tar tar;
    struct pull_ring ring;
    struct pull_kept kept;
    struct pull_source source;
    struct pull_promise promise;
};

static void resumed_open(struct kit *kit, struct resumed *resumed, size_t at)
{
    resumed->tar = five_entries();
    tar_end(&resumed->tar);
    resumed->promise = promise_of(resumed->tar.bytes, resumed->tar.len);
    assert_int_equal(pull_ring_open(&resumed->ring, &kit->err), 0);
    resumed->kept.fd = openat(kit->dir, "kept", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(resumed->kept.fd >= 0);
    assert_int_equal(md_fd_write_all(resumed->kept.fd, resumed->tar.bytes, at), 0);
    resumed->kept.length = (int64_t)at;
    resumed->source = (struct pull_source){ &resumed->ring, -1, &resumed->kept };
    assert_int_equal(
        pull_ring_put(&resumed->ring, resumed->tar.bytes + at, resumed->tar.len - at),
        resumed->tar.len - at);
    pull_ring_end(&resumed->ring, PULL_RING_WHOLE);
}

static int resumed_unpack(struct kit *kit, struct resumed *resumed)
{
    struct tar empty = { 0 };

    tar_end(&empty);
    assert_int_equal(kit_unpack(kit, &empty, 0), 0); /* makes a layer's directory */
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    tar_clear(&empty);
    return pull_unpack(&resumed->source, &resumed->promise, kit->layer, &kit->unpacked,
                       &kit->err);
}

static void resumed_close(struct kit *kit, struct resumed *resumed)
{
    md_fd_close(&resumed->kept.fd);
    assert_int_equal(unlinkat(kit->dir, "kept", 0), 0);
    pull_ring_close(&resumed->ring);
    tar_clear(&resumed->tar);
}

static void what_was_kept_comes_first_and_the_rest_is_added_to_it(void **state)
{
    static const size_t starts[] = { 0, 1, 511, 512, 1025, SIZE_MAX - 1, SIZE_MAX };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        struct tar tar = five_entries();
        struct resumed resumed;
        unsigned char *whole;

        tar_end(&tar);
        resumed_open(kit, &resumed,
                     starts[i] > tar.len ? tar.len - (SIZE_MAX - starts[i]) : starts[i]);
        assert_int_equal(resumed_unpack(kit, &resumed), 0);
        kit_expect_tree(kit, FIVE);
        whole = md_xmalloc(tar.len + 1);
        assert_int_equal(pread(resumed.kept.fd, whole, tar.len + 1, 0), tar.len);
        assert_memory_equal(whole, tar.bytes, tar.len);
        free(whole);
        resumed_close(kit, &resumed);
        tar_clear(&tar);
    }
}

static void b10_damage_in_what_was_kept_is_a_wrong_digest(void **state)
{
    struct kit *kit = *state;
    const unsigned char *bytes;
    struct resumed resumed;

    resumed_open(kit, &resumed, 1024);
    resumed.tar.bytes[600] ^= 1;
    assert_int_equal(ftruncate(resumed.kept.fd, 0), 0);
    assert_int_equal(md_fd_write_all(resumed.kept.fd, resumed.tar.bytes, 1024), 0);
    assert_int_equal(resumed_unpack(kit, &resumed), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    assert_int_equal(pull_ring_peek(&resumed.ring, &bytes), 0);
    resumed_close(kit, &resumed);
}

static void b10_what_was_kept_and_is_gone_is_told_when_the_ring_has_ended(void **state)
{
    struct kit *kit = *state;
    const unsigned char *bytes;
    struct resumed resumed;

    resumed_open(kit, &resumed, 1024);
    assert_int_equal(ftruncate(resumed.kept.fd, 700), 0);
    assert_int_equal(resumed_unpack(kit, &resumed), -1);
    assert_int_equal(kit->err.kind, MD_ERR_DIGEST);
    assert_true(pull_ring_peek(&resumed.ring, &bytes) <= 0); /* nothing is left in it */
    resumed_close(kit, &resumed);
}

static void that_nothing_can_be_kept_is_no_failure(void **state)
{
    struct kit *kit = *state;
    struct resumed resumed;

    resumed_open(kit, &resumed, 1024);
    md_fd_close(&resumed.kept.fd);
    resumed.kept.fd = openat(kit->dir, "kept", O_RDONLY | O_CLOEXEC); /* so writing fails */
    assert_int_equal(resumed_unpack(kit, &resumed), 0);
    kit_expect_tree(kit, FIVE);
    resumed_close(kit, &resumed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_promised_is_checked),
        TEST(sha512_digests_are_checked_too),
        TEST(b4_a_flipped_bit_is_a_wrong_digest_and_not_a_damaged_tar),
        TEST(a61_the_end_of_the_tar_is_not_the_end_of_the_bytes),
        TEST(a62_a_tar_cut_anywhere_is_refused_or_whole),
        TEST(a62_a_compressed_tar_cut_anywhere_is_refused),
        TEST(a63_what_is_no_tar_is_refused),
        TEST(a72_an_empty_tar_is_an_empty_layer),
        TEST(a65_members_may_end_in_the_middle_of_a_header),
        TEST(a68_bzip2_is_for_import_only),
        TEST(layers_come_through_a_ring),
        TEST(what_was_kept_comes_first_and_the_rest_is_added_to_it),
        TEST(b10_damage_in_what_was_kept_is_a_wrong_digest),
        TEST(b10_what_was_kept_and_is_gone_is_told_when_the_ring_has_ended),
        TEST(that_nothing_can_be_kept_is_no_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
