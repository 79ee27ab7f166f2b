/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to a verified manifest and config: what a pull asks before any layer. */
#ifndef MD_PULL_RESOLVE_H
#define MD_PULL_RESOLVE_H

#include "base/buf.h"
#include "base/err.h"
#include "pull/wire.h"

/* One document as it came. */
struct pull_found {
    struct md_buf bytes;
    struct md_digest digest; /* what it is known by; alg 0: a list that nobody knows by one */
    char content_type[256];  /* "" when nothing was said */
};

enum pull_paper_kind { PULL_A_MANIFEST, PULL_A_CONFIG };

/*
 * Where documents come from: a registry (served.h), or a local directory or archive (layout.h).
 * Embed it and find the whole by its address. Descriptions are within the limits; what comes of
 * them is verified by pull_resolve(), what was named is verified by the origin.
 */
struct pull_origin {
    /* The document that the order names: an index or a manifest. */
    int (*named)(struct pull_origin *origin, const struct pull_resolve *order,
                 struct pull_found *found, struct md_err *err);
    int (*described)(struct pull_origin *origin, enum pull_paper_kind kind,
                     const struct md_descriptor *described, struct pull_found *found,
                     struct md_err *err);
    /* Is it still what order->known was? Returns 1, 0 or -1. Only called where that is set. */
    int (*unchanged)(struct pull_origin *origin, const struct pull_resolve *order,
                     struct md_err *err);
};

/*
 * Serve one RESOLVE order: ask origin, verify and parse, and send UP_TO_DATE, or the documents,
 * the layers and RESOLVED, to socket. On failure nothing that counts was sent; the caller sends
 * FAILED.
 *
 * Errors: MD_ERR_NOT_FOUND  no such manifest, or none for the platform
 *         MD_ERR_DIGEST     bytes that are not the promised bytes
 *         MD_ERR_FORMAT, MD_ERR_LIMIT, MD_ERR_AUTH, MD_ERR_NETWORK, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_resolve(struct pull_origin *origin, const struct pull_resolve *order, int socket,
                 struct md_err *err);

/* For origins: compute the digest of what came, which must be expected. MD_ERR_DIGEST. */
MD_MUST_CHECK
int pull_found_check(struct pull_found *found, const struct md_digest *expected,
                     const char *what, struct md_err *err);
MD_MUST_CHECK
int pull_found_check_size(const struct pull_found *found, int64_t expected, const char *what,
                          struct md_err *err);
void pull_found_clear(struct pull_found *found);

#endif
