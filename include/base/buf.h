/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a maximum, always NUL-terminated once something was added. */
#ifndef MD_BASE_BUF_H
#define MD_BASE_BUF_H

#include <stddef.h>

#include "base/attr.h"

/* Zero-initialise, then set max (bytes); data is owned by the buffer. */
struct md_buf {
    char *data;
    size_t len;
    size_t size; /* allocated */
    size_t max;  /* 0: no maximum of its own, only for text we make ourselves */
};

/* Append. Returns 0, or -1 (nothing added) when max would be passed. */
MD_MUST_CHECK
int md_buf_add(struct md_buf *buf, const void *bytes, size_t len);

/* Append formatted text; only for buffers without a maximum. */
void md_buf_printf(struct md_buf *buf, const char *fmt, ...) MD_PRINTF(2, 3);

void md_buf_clear(struct md_buf *buf);

#endif
