/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a layer's compressed bytes, kept as they come, so that a later pull goes on
 * where one was interrupted: .partial/<diff id>.<half of the blob's digest>.prefix, a file.
 *
 * It is never synced and never believed: who reads it hashes it again from its first byte. It
 * belongs to whoever has claimed the layer (store/layer.h), so it has one writer, and no lock
 * of its own.
 */
#ifndef MD_STORE_PREFIX_H
#define MD_STORE_PREFIX_H

#include <stdint.h>

#include "base/oci.h"
#include "store/store.h"

/* What is smaller is fetched again sooner than it is looked for. */
#define STORE_PREFIX_LEAST (8 << 20)

/*
 * Open it for reading and for adding to its end, made where it is missing; *length is how much
 * of the blob is there already. One that is longer than the blob is emptied first. Returns a
 * descriptor, or -1 where none is kept: the blob is small, or the file cannot be opened, which
 * is only logged, as no pull depends on it.
 */
MD_MUST_CHECK
int store_prefix_open(const struct store *store, const struct md_digest *diff_id,
                      const struct md_descriptor *blob, int64_t *length);

/* The layer is finished, or the bytes are wrong: delete it. Missing is success. */
void store_prefix_discard(const struct store *store, const struct md_digest *diff_id,
                          const struct md_descriptor *blob);

#endif
