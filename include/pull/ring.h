/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes in shared memory between two processes: one writes, one reads. It carries a
 * layer's compressed bytes from the network process to a writer process without a pipe's cost.
 */
#ifndef MD_PULL_RING_H
#define MD_PULL_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define PULL_RING_BYTES (128u << 10) /* a power of two */

/* How the writing side ended. */
enum pull_ring_end { PULL_RING_OPEN = 0, PULL_RING_WHOLE, PULL_RING_BROKEN };

struct pull_ring_shared;

/*
 * A process's view of a ring; made before fork(), the same in all processes.
 * space_event becomes readable when the reader has made room after pull_ring_put() found none.
 */
struct pull_ring {
    struct pull_ring_shared *shared;
    int data_event;
    int space_event;
    int turn; /* of its crew: see pull_inflate_take_turns(); borrowed, -1 at first */
};

MD_MUST_CHECK
int pull_ring_open(struct pull_ring *ring, struct md_err *err);
void pull_ring_close(struct pull_ring *ring);

/* Make an idle ring empty and open again: nobody may be using it. */
void pull_ring_reset(struct pull_ring *ring);

/* Copy as many bytes as fit; returns how many, 0 when full: then poll space_event. */
size_t pull_ring_put(struct pull_ring *ring, const void *bytes, size_t len);
/* Take the wake-up off space_event. */
void pull_ring_space_seen(struct pull_ring *ring);
void pull_ring_end(struct pull_ring *ring, enum pull_ring_end how);

/*
 * Wait for bytes. Returns how many lie at *bytes (they stay until pull_ring_take()), 0 after
 * the end of a whole stream, -1 when the writing side broke off.
 */
ssize_t pull_ring_peek(struct pull_ring *ring, const unsigned char **bytes);
void pull_ring_take(struct pull_ring *ring, size_t len);

/* Bytes that went in since the reset; for progress, readable by every process. */
uint64_t pull_ring_total(const struct pull_ring *ring);

#endif
