/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks made ahead: their order, their end, their failure, and a close at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pull/ahead.h"

#define SIZE 64

/* Gives blocks of rising length until last, then an end or a failure. */
struct source {
    ssize_t next;
    ssize_t last;
    int fails;
    int gate; /* a byte is read from it before each block; -1: none */
};

static ssize_t fill(void *context, unsigned char *block, size_t size, struct md_err *err)
{
    struct source *source = context;
    char byte;

    assert_int_equal(size, SIZE);
    if (source->gate >= 0 && read(source->gate, &byte, 1) != 1)
        return md_err_set(err, MD_ERR_NETWORK, "the gate is gone");
    if (source->next > source->last)
        return source->fails ? md_err_set(err, MD_ERR_FORMAT, "block %d", (int)source->next)
                             : 0;
    memset(block, (int)source->next, (size_t)source->next);
    return source->next++;
}

static void expect(struct pull_ahead *ahead, ssize_t length)
{
    const unsigned char *block;
    struct md_err err = { 0 };

    assert_int_equal(pull_ahead_next(ahead, (const void **)&block, &err), length);
    for (ssize_t i = 0; i < length; i++)
        assert_int_equal(block[i], length);
}

static void blocks_come_in_order_and_the_end_stays_the_end(void **state)
{
    struct source source = { .next = 1, .last = 40, .gate = -1 };
    struct md_err err = { 0 };
    struct pull_ahead *ahead = pull_ahead_open(fill, &source, SIZE, &err);

    (void)state;
    assert_non_null(ahead);
    for (ssize_t i = 1; i <= 40; i++)
        expect(ahead, i);
    expect(ahead, 0);
    expect(ahead, 0);
    pull_ahead_close(&ahead);
    assert_null(ahead);
    pull_ahead_close(&ahead);
}

static void a_failure_comes_after_all_blocks_before_it_and_stays(void **state)
{
    struct source source = { .next = 1, .last = 2, .fails = 1, .gate = -1 };
    struct md_err err = { 0 };
    struct pull_ahead *ahead = pull_ahead_open(fill, &source, SIZE, &err);
    const void *block;

    (void)state;
    assert_non_null(ahead);
    expect(ahead, 1);
    expect(ahead, 2);
    for (int i = 0; i < 2; i++) {
        memset(&err, 0, sizeof(err));
        assert_int_equal(pull_ahead_next(ahead, &block, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        assert_string_equal(err.text, "block 3");
    }
    pull_ahead_close(&ahead);
}

static void a_block_in_use_is_not_filled_again(void **state)
{
    struct source source = { .next = 1, .last = 40, .gate = -1 };
    struct md_err err = { 0 };
    int gate[2];

    (void)state;
    assert_int_equal(pipe(gate), 0);
    source.gate = gate[0];
    struct pull_ahead *ahead = pull_ahead_open(fill, &source, SIZE, &err);
    const unsigned char *block;

    assert_non_null(ahead);
    /* Room for as many as it can make: it stops before the one that is in use. */
    assert_int_equal(write(gate[1], "0123456789", 10), 10);
    for (ssize_t i = 1; i <= 8; i++) {
        assert_int_equal(pull_ahead_next(ahead, (const void **)&block, &err), i);
        for (int look = 0; look < 1000; look++)
            assert_int_equal(block[0], i);
    }
    close(gate[1]);
    pull_ahead_close(&ahead);
    close(gate[0]);
}

static void it_can_be_closed_before_anything_was_taken(void **state)
{
    struct source source = { .next = 1, .last = 40, .gate = -1 };
    struct md_err err = { 0 };

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct pull_ahead *ahead = pull_ahead_open(fill, &source, SIZE, &err);

        assert_non_null(ahead);
        pull_ahead_close(&ahead);
        assert_true(source.next <= 40);
        source.next = 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_in_order_and_the_end_stays_the_end),
        cmocka_unit_test(a_failure_comes_after_all_blocks_before_it_and_stays),
        cmocka_unit_test(a_block_in_use_is_not_filled_again),
        cmocka_unit_test(it_can_be_closed_before_anything_was_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
