/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between two processes, and a writing side that cannot be trusted. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pull/ring.h"

static int open_ring(void **state)
{
    struct pull_ring *ring = md_xcalloc(1, sizeof(*ring));
    struct md_err err = { 0 };

    assert_int_equal(pull_ring_open(ring, &err), 0);
    *state = ring;
    return 0;
}

static int close_ring(void **state)
{
    pull_ring_close(*state);
    free(*state);
    return 0;
}

static int has_space_event(const struct pull_ring *ring)
{
    struct pollfd space = { .fd = ring->space_event, .events = POLLIN };

    return poll(&space, 1, 0);
}

static void bytes_come_out_as_they_went_in(void **state)
{
    struct pull_ring *ring = *state;
    const unsigned char *bytes;

    assert_int_equal(pull_ring_put(ring, "hello", 5), 5);
    assert_int_equal(pull_ring_peek(ring, &bytes), 5);
    assert_memory_equal(bytes, "hello", 5);
    pull_ring_take(ring, 2);
    assert_int_equal(pull_ring_peek(ring, &bytes), 3);
    assert_memory_equal(bytes, "llo", 3);
    pull_ring_take(ring, 3);
    pull_ring_end(ring, PULL_RING_WHOLE);
    assert_int_equal(pull_ring_peek(ring, &bytes), 0);
    assert_int_equal(pull_ring_total(ring), 5);
    pull_ring_reset(ring);
    assert_int_equal(pull_ring_total(ring), 0);
    pull_ring_end(ring, PULL_RING_BROKEN);
    assert_int_equal(pull_ring_peek(ring, &bytes), -1);
}

static void what_lies_in_a_ring_comes_before_its_end(void **state)
{
    struct pull_ring *ring = *state;
    const unsigned char *bytes;

    assert_int_equal(pull_ring_put(ring, "last", 4), 4);
    pull_ring_end(ring, PULL_RING_WHOLE);
    assert_int_equal(pull_ring_peek(ring, &bytes), 4);
    pull_ring_take(ring, 4);
    assert_int_equal(pull_ring_peek(ring, &bytes), 0);
}

static void a_full_ring_says_when_there_is_room_again(void **state)
{
    struct pull_ring *ring = *state;
    unsigned char *many = md_xcalloc(1, PULL_RING_BYTES);
    const unsigned char *bytes;

    assert_int_equal(pull_ring_put(ring, many, PULL_RING_BYTES), PULL_RING_BYTES);
    assert_int_equal(has_space_event(ring), 0);
    assert_int_equal(pull_ring_put(ring, many, 1), 0);
    assert_int_equal(pull_ring_peek(ring, &bytes), PULL_RING_BYTES);
    pull_ring_take(ring, PULL_RING_BYTES / 2 - 1);
    assert_int_equal(has_space_event(ring), 0);
    pull_ring_take(ring, 1);
    assert_int_equal(has_space_event(ring), 1);
    pull_ring_space_seen(ring);
    assert_int_equal(has_space_event(ring), 0);
    assert_int_equal(pull_ring_put(ring, many, PULL_RING_BYTES), PULL_RING_BYTES / 2);
    free(many);
}

/* Pseudo-random, the same on both sides. */
static unsigned char byte_at(uint64_t at)
{
    return (unsigned char)(at * 2654435761u >> 13);
}

static void write_much(struct pull_ring *ring, uint64_t total)
{
    unsigned char piece[20000];
    uint64_t done = 0;

    while (done < total) {
        struct pollfd space = { .fd = ring->space_event, .events = POLLIN };
        size_t len = 1 + (size_t)(done * 7919 % sizeof(piece));
        size_t put;

        if (len > total - done)
            len = (size_t)(total - done);
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(done + i);
        put = pull_ring_put(ring, piece, len);
        done += put;
        if (put < len && poll(&space, 1, 10000) == 1)
            pull_ring_space_seen(ring);
        else if (put < len)
            _exit(1); /* nobody woke us */
    }
    pull_ring_end(ring, PULL_RING_WHOLE);
    _exit(0);
}

static void two_processes_lose_nothing(void **state)
{
    struct pull_ring *ring = *state;
    const uint64_t total = 20u << 20;
    uint64_t got = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        write_much(ring, total);
    for (;;) {
        const unsigned char *bytes;
        ssize_t len = pull_ring_peek(ring, &bytes);

        if (len <= 0)
            break;
        if (got % 3 == 0 && len > 1000)
            len = 1000;
        for (ssize_t i = 0; i < len; i += 97)
            assert_int_equal(bytes[i], byte_at(got + (uint64_t)i));
        got += (uint64_t)len;
        pull_ring_take(ring, (size_t)len);
    }
    assert_int_equal(got, total);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void counters_that_lie_do_not_lead_outside(void **state)
{
    struct pull_ring *ring = *state;
    const unsigned char *inside;
    const unsigned char *bytes;

    assert_int_equal(pull_ring_put(ring, "x", 1), 1);
    assert_int_equal(pull_ring_peek(ring, &inside), 1);
    /* The first word of the shared memory is the count of bytes put. */
    for (int shift = 0; shift < 64; shift++) {
        uint64_t lie = UINT64_MAX << shift;
        ssize_t len;

        memcpy(ring->shared, &lie, sizeof(lie));
        len = pull_ring_peek(ring, &bytes);
        assert_true(len > 0 && bytes >= inside && len <= PULL_RING_BYTES);
        assert_true(bytes + len <= inside + PULL_RING_BYTES);
        pull_ring_take(ring, (size_t)len / 2 + 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ring, close_ring)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_come_out_as_they_went_in),
        TEST(what_lies_in_a_ring_comes_before_its_end),
        TEST(a_full_ring_says_when_there_is_room_again),
        TEST(two_processes_lose_nothing),
        TEST(counters_that_lie_do_not_lead_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
