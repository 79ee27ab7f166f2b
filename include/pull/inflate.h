/* SPDX-License-Identifier: Apache-2.0 */
/* Decompressing a layer's stream: gzip through ISA-L or zlib, zstd, or nothing at all. */
#ifndef MD_PULL_INFLATE_H
#define MD_PULL_INFLATE_H

#include <stddef.h>

#include "base/err.h"

/* How a stream is compressed, told by its first bytes. */
enum pull_format { PULL_PLAIN = 0, PULL_GZIP, PULL_ZSTD, PULL_BZIP2, PULL_XZ };

#define PULL_USUAL_WINDOW_LOG 23 /* 8 MiB, what any decoder must take: RFC 8878, 3.1.1.1.2 */
#define PULL_MAGIC_BYTES 6       /* as many first bytes as tell every format */

enum pull_format pull_format_of(const unsigned char *bytes, size_t len);

/* A decompressor for PULL_PLAIN, PULL_GZIP or PULL_ZSTD. */
struct pull_inflate;

struct pull_inflate *pull_inflate_open(enum pull_format format);
/*
 * Frames with windows above 2^PULL_USUAL_WINDOW_LOG bytes wait until they can take the one token
 * from turn, a blocking eventfd with EFD_SEMAPHORE, and keep it until pull_inflate_free(): so of
 * several processes only one at a time has such a window. Borrowed; -1, as at first: no waiting.
 */
void pull_inflate_take_turns(struct pull_inflate *inflate, int turn);
void pull_inflate_free(struct pull_inflate **inflate);

/* Input that is left and room for output that is left: both move forward. */
struct pull_inflate_io {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_room;
};

/*
 * Decompress until the input is used up and nothing is held back, or there is no more room. Any
 * number of gzip members or zstd frames may follow each other, and zeros may follow the last.
 *
 * Errors: MD_ERR_FORMAT  damaged, or something else follows the last member
 *         MD_ERR_LIMIT   a zstd window of more than 2^MD_MAX_ZSTD_WINDOW_LOG bytes
 */
MD_MUST_CHECK
int pull_inflate_run(struct pull_inflate *inflate, struct pull_inflate_io *io,
                     struct md_err *err);

/* The input is over. Errors: MD_ERR_FORMAT  in the middle of a member or frame */
MD_MUST_CHECK
int pull_inflate_end(const struct pull_inflate *inflate, struct md_err *err);

#endif
