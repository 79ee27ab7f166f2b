/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64, as auth files and Basic want it. */
#include "pull/base64.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *pull_base64_encode(const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    char *text = md_xcalloc((len + 2) / 3 + 1, 4);
    char *out = text;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);

        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    return text;
}

/* Four digits into up to three bytes; returns how many, or -1. Padding is only for the last. */
static int decode_group(const char *text, unsigned char out[3])
{
    size_t padding = text[3] == '=' ? (text[2] == '=' ? 2 : 1) : 0;
    uint32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *digit = i < 4 - padding ? strchr(digits, text[i]) : digits;

        if (!digit || *digit == '\0')
            return -1;
        group = group << 6 | (uint32_t)(digit - digits);
    }
    out[0] = (unsigned char)(group >> 16);
    out[1] = (unsigned char)(group >> 8);
    out[2] = (unsigned char)group;
    return 3 - (int)padding;
}

char *pull_base64_decode(const char *text, size_t *len)
{
    size_t size = strlen(text);
    MD_AUTO_FREE unsigned char *bytes = md_xcalloc(size / 4 * 3 + 1, 1);

    *len = 0;
    if (size % 4 != 0)
        return NULL;
    for (size_t i = 0; i < size; i += 4) {
        int got = decode_group(text + i, bytes + *len);

        if (got < 0 || (got < 3 && i + 4 < size))
            return NULL;
        *len += (size_t)got;
    }
    bytes[*len] = '\0';
    return md_ptr_take(&bytes);
}
