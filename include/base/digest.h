/* SPDX-License-Identifier: Apache-2.0 */
/* Digests as text: "sha256:<64 hex>" and "sha512:<128 hex>", lower case only. */
#ifndef MD_BASE_DIGEST_H
#define MD_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define MD_DIGEST_TEXT_SIZE (7 + 128 + 1)

enum md_digest_alg { MD_SHA256 = 1, MD_SHA512 };

/* A parsed digest; zeroed means none. Plain value. */
struct md_digest {
    enum md_digest_alg alg;
    char text[MD_DIGEST_TEXT_SIZE]; /* with the algorithm in front */
};

/*
 * Parse text, which must be a digest to its last byte.
 *
 * Errors: MD_ERR_FORMAT  not sha256 or sha512 in lower-case hex
 * Source: OCI image-spec, descriptor.md, "Digests".
 */
MD_MUST_CHECK
int md_digest_parse(const char *text, struct md_digest *digest, struct md_err *err);

/* Make a digest from raw hash bytes (32 for sha256, 64 for sha512). */
void md_digest_from_bytes(enum md_digest_alg alg, const unsigned char *bytes,
                          struct md_digest *digest);

bool md_digest_equal(const struct md_digest *a, const struct md_digest *b);

/* The hex part, borrowed from *digest. */
const char *md_digest_hex(const struct md_digest *digest);

/* True for a string of exactly 64 lower-case hex digits, as image and container ids are. */
bool md_is_id(const char *text);

/* True for 1 to 64 lower-case hex digits: an id or a prefix of one. */
bool md_is_id_prefix(const char *text);

#endif
