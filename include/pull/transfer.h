/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing fetched: a document into memory, or a blob into a ring. Redirects are followed and
 * what broke off is tried again here, and nowhere else.
 */
#ifndef MD_PULL_TRANSFER_H
#define MD_PULL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pull/http.h"
#include "pull/ring.h"

/* What to fetch. All pointers are borrowed until the transfer is closed. */
struct pull_order {
    const char *what; /* for errors: "manifest for alpine:latest" */
    enum pull_method method;
    const struct pull_url *url;
    const char *accept;      /* or NULL */
    size_t max;              /* into memory: the most bytes taken */
    struct pull_ring *ring;  /* NULL: into memory */
    int64_t size;            /* into a ring: bytes of the whole blob, -1 not known */
    int64_t offset;          /* into a ring: bytes at its start that are not wanted */
    int connect_timeout_ms;  /* 0: the usual */
    bool known_host;         /* it has answered before: that it cannot be reached will pass */
    unsigned attempts;       /* at most; 0: the usual PULL_ATTEMPTS */
    enum pull_verify verify; /* of the order's origin; elsewhere TLS is always verified */
    const struct pull_host_certs *vouching; /* as in pull_request, or NULL */
    const char *form;     /* PULL_POST: what is sent; a redirect is no answer to it */
    enum pull_zone reach; /* the nearest zone that any host may be in; UNKNOWN: see below */
};

enum pull_progress {
    PULL_GAVE_UP = -1, /* *err says why */
    PULL_UNDER_WAY,
    PULL_ANSWERED, /* for good: look at status */
};

/*
 * With no reach of its own the order's host may be anywhere, as the user named it. Whom it
 * redirects to may be in its own zone or one before it, and on a private network anyway: stores
 * of blobs are, behind public registries. So no public host can make us ask this machine or
 * a link-local address for anything.
 */
struct pull_transfer;

struct pull_transfer *pull_transfer_open(struct pull_http *http,
                                         const struct pull_order *order);
void pull_transfer_close(struct pull_transfer **transfer);

/*
 * Send this Authorization value (NULL: none) from the next attempt on, to the origin of the
 * order's address only. serial is for the caller to know it again.
 */
void pull_transfer_authorize(struct pull_transfer *transfer, const char *value,
                             unsigned serial);
unsigned pull_transfer_serial(const struct pull_transfer *transfer);
/* True once for each attempt: a new token that is refused too is not asked for again. */
bool pull_transfer_may_ask_token(struct pull_transfer *transfer);

/*
 * Take the next step: begin, follow, try again, or finish. Never waits. ANSWERED with 200 or
 * 206 means that all bytes came and are in the ring or in pull_transfer_body(); a ring is not
 * ended. ANSWERED with another status: its body (cut at MD_MAX_ERROR_BODY) is in
 * pull_transfer_body().
 *
 * Errors: MD_ERR_NETWORK  it could not be fetched in as many attempts as the patience allows
 *         MD_ERR_LIMIT    a document over max
 *         MD_ERR_DIGEST   a blob that is shorter or longer than size
 */
MD_MUST_CHECK
enum pull_progress pull_transfer_advance(struct pull_transfer *transfer, struct md_err *err);

/* Begin anew after ANSWERED or GAVE_UP, with the first address or another. */
void pull_transfer_again(struct pull_transfer *transfer, const struct pull_url *url);

/* Milliseconds until pull_transfer_advance() has something to do by itself; -1: never. */
int pull_transfer_wait_ms(const struct pull_transfer *transfer);

/* Bytes of the blob that came before the ring or are in it: where another goes on. */
int64_t pull_transfer_position(const struct pull_transfer *transfer);

/* How the last exchange ended and what it said. */
enum pull_http_end pull_transfer_end(const struct pull_transfer *transfer);
const struct pull_response *pull_transfer_response(const struct pull_transfer *transfer);
const struct md_buf *pull_transfer_body(const struct pull_transfer *transfer);
/* Move the body to *body, which is empty; the caller clears it. */
void pull_transfer_take_body(struct pull_transfer *transfer, struct md_buf *body);
/* The address that answered, and whether it is of another origin than the order's. */
const struct pull_url *pull_transfer_url(const struct pull_transfer *transfer);
bool pull_transfer_is_elsewhere(const struct pull_transfer *transfer);
/* From how many answers the bytes in the ring were put together. */
unsigned pull_transfer_answers(const struct pull_transfer *transfer);
const char *pull_transfer_what(const struct pull_transfer *transfer);
/* Where the order's own host was the last time it answered. */
enum pull_zone pull_transfer_zone(const struct pull_transfer *transfer);

/*
 * Wait for the next thing to do while the coordinator is there; other requests move on.
 *
 * Errors: MD_ERR_NETWORK  the coordinator is gone
 */
MD_MUST_CHECK
int pull_transfer_await(struct pull_transfer *transfer, struct md_err *err);

/* Advance and await until it has ended. */
MD_MUST_CHECK
enum pull_progress pull_transfer_finish(struct pull_transfer *transfer, struct md_err *err);

#endif
