/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/expand.c. */
#include "pull/expand.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"

#define SIZE 700000 /* several blocks */

static unsigned char plain[SIZE];

static void make_plain(void)
{
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (unsigned char)(i * i >> 7);
}

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("file", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(md_fd_write_all(fd, bytes, len), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static int gzip_file(size_t cut)
{
    uLongf len = compressBound(SIZE) + 64;
    MD_AUTO_FREE unsigned char *out = md_xmalloc(len);
    z_stream stream = { .next_in = plain, .avail_in = SIZE, .next_out = out };

    stream.avail_out = (uInt)len;
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return file_of(out, stream.total_out - cut);
}

static int expand(int fd, int to, uint64_t max, struct md_err *err)
{
    struct pull_expand *expand = pull_expand_open(fd, err);
    int status = expand ? pull_expand_to(expand, to, max, err) : -1;

    pull_expand_close(&expand);
    return status;
}

static void expect_plain(int fd)
{
    MD_AUTO_FREE unsigned char *got = md_xmalloc(SIZE + 1);

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(md_fd_read_full(fd, got, SIZE + 1), SIZE);
    assert_memory_equal(got, plain, SIZE);
}

static void plain_and_compressed_files_give_the_same(void **state)
{
    struct md_err err = { 0 };
    MD_AUTO_FD as_is = file_of(plain, SIZE);
    MD_AUTO_FD gzip = gzip_file(0);
    MD_AUTO_FD one = file_of("", 0);
    MD_AUTO_FD two = file_of("", 0);

    (void)state;
    assert_int_equal(expand(as_is, one, SIZE, &err), 0);
    expect_plain(one);
    assert_int_equal(expand(gzip, two, SIZE, &err), 0);
    expect_plain(two);
}

static void more_than_is_allowed_and_a_cut_file_are_errors(void **state)
{
    struct md_err err = { 0 };
    MD_AUTO_FD whole = gzip_file(0);
    MD_AUTO_FD cut = gzip_file(9);
    MD_AUTO_FD out = file_of("", 0);

    (void)state;
    assert_int_equal(expand(whole, out, SIZE - 1, &err), -1);
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    assert_int_equal(expand(cut, out, SIZE, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
}

static void a_short_file_is_what_it_is(void **state)
{
    struct md_err err = { 0 };
    MD_AUTO_FD empty = file_of("", 0);
    MD_AUTO_FD three = file_of("abc", 3);
    MD_AUTO_FD out = file_of("", 0);

    (void)state;
    assert_int_equal(expand(empty, out, 0, &err), 0);
    assert_int_equal(expand(three, out, 3, &err), 0);
    assert_int_equal(lseek(out, 0, SEEK_END), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_compressed_files_give_the_same),
        cmocka_unit_test(more_than_is_allowed_and_a_cut_file_are_errors),
        cmocka_unit_test(a_short_file_is_what_it_is),
    };

    make_plain();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
