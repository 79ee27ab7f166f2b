/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the coordinator to a network process: orders, rings, messages. */
#ifndef TESTS_PULL_COORDINATOR_H
#define TESTS_PULL_COORDINATOR_H

#include <stdint.h>
#include <sys/types.h>

#include "pull/wire.h"

struct coordinator {
    struct pull_ring rings[PULL_RINGS];
    int socket;
    pid_t pid;
};

/* What came of a RESOLVE. */
struct resolution {
    struct pull_message last; /* UP_TO_DATE, RESOLVED or FAILED */
    char *documents[PULL_DOCUMENTS];
    struct pull_layer layers[16];
    uint32_t layer_count;
};

void coordinator_open(struct coordinator *coordinator);
/* Also checks that the network process ends by itself. */
void coordinator_close(struct coordinator *coordinator);

/* name may hold "%d" for a port. */
void coordinator_resolve(struct coordinator *coordinator, struct pull_resolve *order,
                         struct resolution *resolution);
void resolution_clear(struct resolution *resolution);

/* An order to resolve name, "%d" in it replaced by port. */
struct pull_resolve resolve_order(const char *name, int port);

void coordinator_fetch(struct coordinator *coordinator, uint32_t ring,
                       const struct md_descriptor *blob, int64_t offset);
void coordinator_fetch_url(struct coordinator *coordinator, uint32_t ring, const char *url);

/* Read the ring to its end: the digest of what came, or alg 0 when it broke off. */
struct md_digest coordinator_drain(struct coordinator *coordinator, uint32_t ring,
                                   uint64_t *total);
/* Take len bytes off the ring; they must come. */
void coordinator_take(struct coordinator *coordinator, uint32_t ring, size_t len);
struct pull_message coordinator_receive(struct coordinator *coordinator);

/* The descriptor of len bytes, and of a "fill" body of the scripted server. */
struct md_descriptor describe(const char *bytes, size_t len);
struct md_descriptor describe_fill(size_t len);

#endif
