/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's escapes for a log's text, fast for plain text. */
#ifndef MD_STORE_ESCAPE_H
#define MD_STORE_ESCAPE_H

#include <stddef.h>

#include "base/attr.h"

/* A byte becomes at most so many: \u0000. */
#define STORE_ESCAPE_GROWTH 6

/* Write text as the inside of a JSON string; bytes that are not UTF-8 each become U+FFFD, as
 * in docker's logs. out holds len * STORE_ESCAPE_GROWTH bytes. Returns the bytes written. */
size_t store_escape(const char *text, size_t len, char *out);

/* How many bytes at the end of text (0 to 3) begin a UTF-8 character that is not complete. */
size_t store_escape_cut(const char *text, size_t len);

/* Undo it in place. Returns the new length, or -1 when it is no inside of a JSON string. */
MD_MUST_CHECK
long store_unescape(char *text, size_t len);

#endif
