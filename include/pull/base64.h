/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 with padding: RFC 4648, 4. */
#ifndef MD_PULL_BASE64_H
#define MD_PULL_BASE64_H

#include <stddef.h>

/* The caller frees it. */
char *pull_base64_encode(const void *bytes, size_t len);

/*
 * Decode text into fresh memory, NUL-terminated; *len excludes the NUL. NULL when it is not
 * base 64: other characters, wrong padding.
 */
char *pull_base64_decode(const char *text, size_t *len);

#endif
