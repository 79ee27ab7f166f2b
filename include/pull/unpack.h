/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking one layer as it streams in: hash, inflate, hash, read tar, write files. */
#ifndef MD_PULL_UNPACK_H
#define MD_PULL_UNPACK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/oci.h"
#include "pull/ring.h"

/*
 * The start of a layer, in a file that was opened for reading and appending: its first length
 * bytes are taken before those of the ring, which are added to it. That they cannot be added
 * (a full disk) is no failure: then no more is kept.
 */
struct pull_kept {
    int fd;
    int64_t length;
};

/* Where compressed bytes come from: a ring, or a descriptor (import). */
struct pull_source {
    struct pull_ring *ring; /* NULL: read fd */
    int fd;
    const struct pull_kept *kept; /* with a ring; or NULL */
};

/* What was promised. Plain value: it crosses a socket. */
struct pull_promise {
    struct md_digest digest;  /* of the compressed bytes; alg 0: not known (import) */
    int64_t size;             /* compressed bytes; -1: not known */
    struct md_digest diff_id; /* of the tar; alg 0: not known */
};

/* What it turned out to be. Plain value. */
struct pull_unpacked {
    struct md_digest diff_id;
    uint64_t compressed_bytes;
    uint64_t unpacked_bytes; /* of the tar */
    uint64_t entries;
    uint64_t skipped_devices; /* device nodes left out for want of privilege */
};

/*
 * Unpack a layer into layer_dir, which has an empty directory tree/; makes "entries" beside it.
 * Compression is told by the first bytes: plain tar, gzip (any number of members), zstd (any
 * number of frames), and with size -1 (import) bzip2 and xz too. Owners, modes, times, xattrs,
 * hard links, symlinks, fifos and devices are kept; names are bytes. Nothing is synced.
 *
 * Errors: MD_ERR_DIGEST  size, digest or diff id is not as promised
 *         MD_ERR_FORMAT  damaged or hostile, naming the (escaped) entry
 *         MD_ERR_LIMIT, MD_ERR_SYSTEM
 *         MD_ERR_NETWORK with empty text: the ring broke off, its writer knows why
 * After MD_ERR_DIGEST and MD_ERR_FORMAT the ring has been read to its end.
 * On failure what was written stays; the caller discards the layer.
 */
MD_MUST_CHECK
int pull_unpack(struct pull_source *source, const struct pull_promise *promise, int layer_dir,
                struct pull_unpacked *unpacked, struct md_err *err);

#endif
