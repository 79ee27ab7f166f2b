/* SPDX-License-Identifier: Apache-2.0 */
/* A table of paths and what is known of them, for merging: hashes only, so it stays small. */
#ifndef MD_STORE_MARKS_H
#define MD_STORE_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store_mark {
    uint64_t hash;
    uint32_t value; /* 0: nothing any more */
};

/* Zero-initialise. */
struct store_marks {
    struct store_mark *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
};

/* Remember value for path, replacing. Errors: MD_ERR_LIMIT  more than MD_MAX_RECORDS paths */
MD_MUST_CHECK
int store_marks_set(struct store_marks *marks, const char *path, uint32_t value,
                    struct md_err *err);
/* The value of path, 0 when there is none. */
uint32_t store_marks_get(const struct store_marks *marks, const char *path);
/* Forget path, if it is there. */
void store_marks_drop(struct store_marks *marks, const char *path);
void store_marks_clear(struct store_marks *marks);

#endif
