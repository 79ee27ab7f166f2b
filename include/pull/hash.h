/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 through OpenSSL, the only place that includes it. */
#ifndef MD_PULL_HASH_H
#define MD_PULL_HASH_H

#include <stddef.h>

#include "base/digest.h"

/* A running hash. pull_hash_open() makes it, pull_hash_finish() or _free() ends it. */
struct pull_hash;

struct pull_hash *pull_hash_open(enum md_digest_alg alg);
void pull_hash_add(struct pull_hash *hash, const void *bytes, size_t len);
/* The digest of what was added; frees the hash and sets *hash to NULL. */
void pull_hash_finish(struct pull_hash **hash, struct md_digest *digest);
void pull_hash_free(struct pull_hash **hash);

/* One shot. */
void pull_hash_bytes(enum md_digest_alg alg, const void *bytes, size_t len,
                     struct md_digest *digest);

#endif
