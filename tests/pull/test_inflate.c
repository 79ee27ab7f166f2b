/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and zstd streams, whole and damaged, in every way of cutting them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pull/crc32c.h"
#include "pull/inflate.h"

/* Bytes with a length. */
struct bytes {
    unsigned char data[65536];
    size_t len;
};

static void add(struct bytes *to, const void *data, size_t len)
{
    assert_true(to->len + len <= sizeof(to->data));
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void add_gzip(struct bytes *to, const void *data, size_t len)
{
    unsigned char out[8192];
    z_stream stream = { 0 };

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)len;
    stream.next_out = out;
    stream.avail_out = sizeof(out);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    add(to, out, sizeof(out) - stream.avail_out);
    deflateEnd(&stream);
}

static void add_zstd(struct bytes *to, const void *data, size_t len)
{
    unsigned char out[8192];
    size_t made = ZSTD_compress(out, sizeof(out), data, len, 3);

    assert_false(ZSTD_isError(made));
    add(to, out, made);
}

/* Decompress with at most these many bytes in and out at a time. Returns 0, or -1. */
static int decompress(const struct bytes *from, size_t in_step, size_t out_step,
                      struct bytes *to, struct md_err *err)
{
    struct pull_inflate *inflate = pull_inflate_open(pull_format_of(from->data, from->len));
    size_t at = 0;
    int result = 0;

    to->len = 0;
    for (bool over = false; result == 0 && !over;) {
        size_t len = from->len - at < in_step ? from->len - at : in_step;
        unsigned char *in = md_xmalloc(len ? len : 1); /* exact, for the sanitizer */
        struct pull_inflate_io io = { .in = in, .in_len = len };

        memcpy(in, from->data + at, len);
        do {
            io.out = to->data + to->len;
            io.out_room = out_step;
            assert_true(to->len + out_step <= sizeof(to->data));
            result = pull_inflate_run(inflate, &io, err);
            to->len = (size_t)(io.out - to->data);
        } while (result == 0 && io.out_room == 0);
        assert_true(result < 0 || io.in_len == 0);
        at += len;
        over = len == 0;
        free(in);
    }
    if (result == 0)
        result = pull_inflate_end(inflate, err);
    pull_inflate_free(&inflate);
    return result;
}

static void gives(const struct bytes *from, const void *data, size_t len)
{
    static const size_t steps[] = { 1, 2, 3, 7, 64, 4096, 60000 };
    struct bytes *to = md_xcalloc(1, sizeof(*to));

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        for (size_t j = 0; j < sizeof(steps) / sizeof(*steps); j++) {
            struct md_err err = { 0 };
            size_t room = steps[j] > 32768 ? 32768 : steps[j];

            assert_int_equal(decompress(from, steps[i], room, to, &err), 0);
            assert_int_equal(to->len, len);
            assert_memory_equal(to->data, data, len);
        }
    }
    free(to);
}

static void refused(const struct bytes *from)
{
    static const size_t steps[] = { 1, 5, 60000 };
    struct bytes *to = md_xcalloc(1, sizeof(*to));

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct md_err err = { 0 };

        assert_int_equal(decompress(from, steps[i], 8192, to, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
    }
    free(to);
}

static const char text[] =
    "some text, some text, some more text, and all that again: some text";

static void formats_are_told_by_their_first_bytes(void **state)
{
    static const unsigned char skippable[] = { 0x5a, 0x2a, 0x4d, 0x18, 0, 0 };

    (void)state;
    assert_int_equal(pull_format_of((const unsigned char *)"\x1f\x8b\x08", 3), PULL_GZIP);
    assert_int_equal(pull_format_of((const unsigned char *)"\x28\xb5\x2f\xfd", 4), PULL_ZSTD);
    assert_int_equal(pull_format_of(skippable, 6), PULL_ZSTD);
    assert_int_equal(pull_format_of((const unsigned char *)"BZh9", 4), PULL_BZIP2);
    assert_int_equal(pull_format_of((const unsigned char *)"\xfd"
                                                           "7zXZ",
                                    6),
                     PULL_XZ);
    assert_int_equal(pull_format_of((const unsigned char *)"etc/", 4), PULL_PLAIN);
    assert_int_equal(pull_format_of(NULL, 0), PULL_PLAIN);
}

static void a65_any_number_of_members_is_one_stream(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    struct bytes *expected = md_xcalloc(1, sizeof(*expected));

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        add_gzip(from, text, i % sizeof(text)); /* empty ones too */
        add(expected, text, i % sizeof(text));
    }
    gives(from, expected->data, expected->len);
    free(from);
    free(expected);
}

static void long_matches_cross_every_boundary(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    struct bytes *expected = md_xcalloc(1, sizeof(*expected));

    (void)state;
    for (unsigned i = 0; expected->len < 30000; i++) {
        unsigned char piece[40];

        memset(piece, (int)(i * 7 % 13), sizeof(piece));
        add(expected, piece, 1 + i % sizeof(piece));
    }
    add_gzip(from, expected->data, expected->len);
    gives(from, expected->data, expected->len);
    from->len = 0;
    add_zstd(from, expected->data, expected->len);
    gives(from, expected->data, expected->len);
    free(from);
    free(expected);
}

static void a66_zeros_may_follow_but_garbage_may_not(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));

    (void)state;
    add_gzip(from, text, sizeof(text));
    add(from, "\0\0\0\0\0\0\0\0\0", 9);
    gives(from, text, sizeof(text));
    add(from, "x", 1);
    refused(from);
    from->len = 0;
    add_gzip(from, text, sizeof(text));
    add(from, "garbage", 7);
    refused(from);
    from->len = 0;
    add_gzip(from, text, sizeof(text));
    add(from, "\0", 1);
    add_gzip(from, text, sizeof(text));
    refused(from);
    free(from);
}

static void a66_a_stream_cut_anywhere_is_refused(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    size_t len;

    (void)state;
    add_gzip(from, text, sizeof(text));
    len = from->len;
    for (from->len = 2; from->len < len; from->len++)
        refused(from);
    from->len = 0;
    add_zstd(from, text, sizeof(text));
    len = from->len;
    for (from->len = 4; from->len < len; from->len++)
        refused(from);
    free(from);
}

static void a66_a_wrong_checksum_or_length_is_refused(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));

    (void)state;
    add_gzip(from, text, sizeof(text));
    for (size_t i = from->len - 8; i < from->len; i++) {
        from->data[i] ^= 1;
        refused(from);
        from->data[i] ^= 1;
    }
    from->data[2] = 7; /* a method that is none */
    refused(from);
    free(from);
}

static void a66_header_fields_are_passed_over(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    struct bytes *plain = md_xcalloc(1, sizeof(*plain));
    char name[5000];

    (void)state;
    add_gzip(plain, text, sizeof(text));
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    add(from, "\x1f\x8b\x08\x1c\0\0\0\0\0\xff", 10); /* FEXTRA, FNAME, FCOMMENT */
    add(from, "\x88\x13", 2);                        /* 5000 */
    add(from, name, sizeof(name));
    add(from, name, sizeof(name));
    add(from, name, sizeof(name));
    add(from, plain->data + 10, plain->len - 10);
    gives(from, text, sizeof(text));
    free(from);
    free(plain);
}

static void a67_frames_and_skippable_frames_are_one_stream(void **state)
{
    static const unsigned char skippable[] = {
        0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'
    };
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    struct bytes *expected = md_xcalloc(1, sizeof(*expected));

    (void)state;
    for (int i = 0; i < 10; i++) {
        add(from, skippable, sizeof(skippable));
        add_zstd(from, text, sizeof(text));
        add(expected, text, sizeof(text));
        add_zstd(from, "", 0);
    }
    add(from, skippable, sizeof(skippable));
    gives(from, expected->data, expected->len);
    add(from, "garbage", 7);
    refused(from);
    free(from);
    free(expected);
}

static void a67_a_window_over_the_limit_is_refused(void **state)
{
    /* A frame header with a window descriptor of 2^28 bytes: RFC 8878, 3.1.1.1. */
    static const unsigned char frame[] = {
        0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 1, 0, 0
    };
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    struct bytes *to = md_xcalloc(1, sizeof(*to));
    struct md_err err = { 0 };

    (void)state;
    add(from, frame, sizeof(frame));
    assert_int_equal(decompress(from, 100, 8192, to, &err), -1);
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    from->data[5] = (27 - 10) << 3;
    assert_int_equal(decompress(from, 100, 8192, to, &err), 0);
    free(from);
    free(to);
}

/* A frame of text that is declared to need a window of 2^log bytes. */
static void add_windowed(struct bytes *to, int log)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    unsigned char out[8192];
    ZSTD_outBuffer room = { out, sizeof(out), 0 };
    ZSTD_inBuffer in = { text, sizeof(text), 0 };

    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log)));
    /* In two calls, or the frame would say its size and need no window. */
    assert_int_not_equal(ZSTD_compressStream2(context, &room, &in, ZSTD_e_flush), 1);
    assert_int_equal(ZSTD_compressStream2(context, &room, &in, ZSTD_e_end), 0);
    add(to, out, room.pos);
    ZSTD_freeCCtx(context);
}

static void a_large_window_waits_for_its_turn_and_gives_it_back(void **state)
{
    struct bytes *from = md_xcalloc(1, sizeof(*from));
    unsigned char out[sizeof(text)];
    int turn = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    eventfd_t token;

    (void)state;
    for (int log = PULL_USUAL_WINDOW_LOG; log <= 27; log += 2) {
        struct pull_inflate *inflate = pull_inflate_open(PULL_ZSTD);
        bool large = log > PULL_USUAL_WINDOW_LOG;
        struct md_err err = { 0 };

        from->len = 0;
        add_windowed(from, log);
        pull_inflate_take_turns(inflate, turn);
        for (size_t at = 0; at < from->len;) { /* the head comes byte by byte */
            size_t len = at < 16 ? 1 : from->len - at;
            struct pull_inflate_io io = { from->data + at, len, out, sizeof(out) };

            assert_int_equal(pull_inflate_run(inflate, &io, &err), 0);
            at += len;
        }
        assert_int_equal(pull_inflate_end(inflate, &err), 0);
        assert_memory_equal(out, text, sizeof(text));
        assert_int_equal(eventfd_read(turn, &token), large ? -1 : 0);
        if (!large)
            assert_int_equal(eventfd_write(turn, 1), 0);
        pull_inflate_free(&inflate);
        assert_int_equal(eventfd_read(turn, &token), 0);
        assert_int_equal(eventfd_write(turn, 1), 0);
    }
    close(turn);
    free(from);
}

static void crc32c_is_the_published_one(void **state)
{
    static const unsigned char zeros[100000];
    uint32_t crc = pull_crc32c(0, "123456789", 9);

    (void)state;
    assert_int_equal(crc, 0xe3069283);
    assert_int_equal(pull_crc32c(pull_crc32c(0, "1234", 4), "56789", 5), crc);
    assert_int_equal(pull_crc32c_zeros(crc, 0), crc);
    assert_int_equal(pull_crc32c_zeros(crc, 1), pull_crc32c(crc, zeros, 1));
    assert_int_equal(pull_crc32c_zeros(crc, sizeof(zeros)),
                     pull_crc32c(crc, zeros, sizeof(zeros)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_told_by_their_first_bytes),
        cmocka_unit_test(a65_any_number_of_members_is_one_stream),
        cmocka_unit_test(long_matches_cross_every_boundary),
        cmocka_unit_test(a66_zeros_may_follow_but_garbage_may_not),
        cmocka_unit_test(a66_a_stream_cut_anywhere_is_refused),
        cmocka_unit_test(a66_a_wrong_checksum_or_length_is_refused),
        cmocka_unit_test(a66_header_fields_are_passed_over),
        cmocka_unit_test(a67_frames_and_skippable_frames_are_one_stream),
        cmocka_unit_test(a67_a_window_over_the_limit_is_refused),
        cmocka_unit_test(a_large_window_waits_for_its_turn_and_gives_it_back),
        cmocka_unit_test(crc32c_is_the_published_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
