/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: two counters that only grow, a flag of each side that it waits, two eventfds. The
 * reader trusts neither counter: whatever they say, it stays inside the ring.
 */
#include "pull/ring.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#define CACHE_LINE 64

struct pull_ring_shared {
    _Alignas(CACHE_LINE) _Atomic uint64_t head; /* bytes put since the reset */
    _Atomic int end;                            /* enum pull_ring_end */
    _Atomic int writer_waits;
    _Alignas(CACHE_LINE) _Atomic uint64_t tail; /* bytes taken */
    _Atomic int reader_waits;
    _Alignas(4096) unsigned char bytes[PULL_RING_BYTES];
};

int pull_ring_open(struct pull_ring *ring, struct md_err *err)
{
    MD_AUTO_FD data = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MD_AUTO_FD space = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    void *shared;

    if (data < 0 || space < 0)
        return md_err_sys(err, "cannot make a ring's events");
    shared = mmap(NULL, sizeof(*ring->shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return md_err_sys(err, "cannot map a ring");
    ring->shared = shared;
    ring->data_event = md_fd_take(&data);
    ring->space_event = md_fd_take(&space);
    ring->turn = -1;
    return 0;
}

void pull_ring_close(struct pull_ring *ring)
{
    if (!ring->shared)
        return;
    munmap(ring->shared, sizeof(*ring->shared));
    ring->shared = NULL;
    md_fd_close(&ring->data_event);
    md_fd_close(&ring->space_event);
}

static void ring_bell(int event)
{
    /* It can only fail when the counter is full, and then the other side is being woken. */
    if (eventfd_write(event, 1) < 0)
        return;
}

static void bell_seen(int event)
{
    eventfd_t count;

    if (eventfd_read(event, &count) < 0)
        return; /* EAGAIN: nobody rang */
}

void pull_ring_reset(struct pull_ring *ring)
{
    struct pull_ring_shared *shared = ring->shared;

    atomic_store(&shared->head, 0);
    atomic_store(&shared->tail, 0);
    atomic_store(&shared->end, PULL_RING_OPEN);
    atomic_store(&shared->writer_waits, 0);
    atomic_store(&shared->reader_waits, 0);
    bell_seen(ring->data_event);
    bell_seen(ring->space_event);
}

static void wake_reader(struct pull_ring *ring)
{
    if (atomic_exchange(&ring->shared->reader_waits, 0))
        ring_bell(ring->data_event);
}

/* How many bytes lie in the ring; a count that cannot be is taken as full. */
static size_t filled(const struct pull_ring_shared *shared)
{
    uint64_t len = atomic_load(&shared->head) - atomic_load(&shared->tail);

    return len < PULL_RING_BYTES ? (size_t)len : PULL_RING_BYTES;
}

static size_t put_part(struct pull_ring_shared *shared, const unsigned char *bytes, size_t len)
{
    size_t room = PULL_RING_BYTES - filled(shared);
    uint64_t head = atomic_load(&shared->head);
    size_t at = head % PULL_RING_BYTES;
    size_t first = PULL_RING_BYTES - at;

    if (len > room)
        len = room;
    if (first > len)
        first = len;
    memcpy(shared->bytes + at, bytes, first);
    memcpy(shared->bytes, bytes + first, len - first);
    atomic_store(&shared->head, head + len);
    return len;
}

size_t pull_ring_put(struct pull_ring *ring, const void *bytes, size_t len)
{
    struct pull_ring_shared *shared = ring->shared;
    size_t done = put_part(shared, bytes, len);

    if (done < len) {
        /* Say so first, then look again: room made in between would ring no bell. */
        atomic_store(&shared->writer_waits, 1);
        done += put_part(shared, (const unsigned char *)bytes + done, len - done);
    }
    if (done > 0)
        wake_reader(ring);
    return done;
}

void pull_ring_space_seen(struct pull_ring *ring)
{
    bell_seen(ring->space_event);
}

void pull_ring_end(struct pull_ring *ring, enum pull_ring_end how)
{
    atomic_store(&ring->shared->end, (int)how);
    wake_reader(ring);
}

static bool wait_for_data(struct pull_ring *ring)
{
    struct pollfd poll_data = { .fd = ring->data_event, .events = POLLIN };

    bell_seen(ring->data_event);
    atomic_store(&ring->shared->reader_waits, 1);
    if (filled(ring->shared) > 0 || atomic_load(&ring->shared->end) != PULL_RING_OPEN)
        return true; /* put or ended before the flag was up */
    return poll(&poll_data, 1, -1) >= 0 || errno == EINTR;
}

ssize_t pull_ring_peek(struct pull_ring *ring, const unsigned char **bytes)
{
    struct pull_ring_shared *shared = ring->shared;

    for (;;) {
        int end = atomic_load(&shared->end); /* before the count: the last bytes come first */
        size_t len = filled(shared);
        size_t at = atomic_load(&shared->tail) % PULL_RING_BYTES;

        if (len > 0) {
            *bytes = shared->bytes + at;
            return (ssize_t)(len < PULL_RING_BYTES - at ? len : PULL_RING_BYTES - at);
        }
        if (end == PULL_RING_WHOLE)
            return 0;
        if (end != PULL_RING_OPEN || !wait_for_data(ring))
            return -1;
    }
}

void pull_ring_take(struct pull_ring *ring, size_t len)
{
    struct pull_ring_shared *shared = ring->shared;

    atomic_fetch_add(&shared->tail, len);
    /* Half a ring at a time, so that the writing side is not woken for every few bytes. */
    if (filled(shared) <= PULL_RING_BYTES / 2 && atomic_exchange(&shared->writer_waits, 0))
        ring_bell(ring->space_event);
}

uint64_t pull_ring_total(const struct pull_ring *ring)
{
    return atomic_load(&ring->shared->head);
}
