/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a maximum. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Room for len more bytes and the NUL. */
static void make_room(struct md_buf *buf, size_t len)
{
    size_t size = buf->size ? buf->size : 256;

    assert(len < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
    while (size < buf->len + len + 1) {
        size *= 2;
    }
    if (size != buf->size) {
        buf->data = md_xreallocarray(buf->data, size, 1);
        buf->size = size;
    }
}

int md_buf_add(struct md_buf *buf, const void *bytes, size_t len)
{
    if (buf->max > 0 && len > buf->max - buf->len) {
        return -1;
    }
    make_room(buf, len);
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

void md_buf_printf(struct md_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_list again;
    int len;

    assert(buf->max == 0);
    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    assert(len >= 0);
    make_room(buf, (size_t)len);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
    buf->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void md_buf_clear(struct md_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->size = 0;
}
