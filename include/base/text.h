/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: escaping what came from outside, sizes, ages, times; strict numbers. */
#ifndef MD_BASE_TEXT_H
#define MD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

/*
 * Make bytes from outside safe to print: printable UTF-8 stays; C0, DEL, C1, invalid UTF-8,
 * bidirectional controls and the backslash become \xNN. The result is cut with "..." to fit
 * size (at least 8). Returns out.
 */
const char *md_text_escape(const char *bytes, size_t len, char *out, size_t size);

/* As md_text_escape() into memory that the caller frees, never cut. */
char *md_text_escaped(const char *bytes, size_t len);

/*
 * Decode one UTF-8 character. Returns its length in bytes, or 0 when bytes do not start with a
 * valid one (overlong forms and surrogates are not valid: RFC 3629).
 */
size_t md_text_decode(const char *bytes, size_t len, uint32_t *character);

/* True for C0, DEL, C1, line separators and bidirectional controls: never for a terminal. */
bool md_text_is_control(uint32_t character);

/* "284MB", "7.8MB", "0B": powers of 1000, three digits, as docker prints sizes. */
const char *md_text_size(uint64_t bytes, char *out, size_t size);

/* "Less than a second", "5 minutes", "2 weeks": docker's words for a duration. */
const char *md_text_duration(int64_t seconds, char *out, size_t size);

/* RFC 3339 with nanoseconds in UTC: "2026-01-02T03:04:05.123456789Z". out holds 31 bytes. */
const char *md_text_time(const struct timespec *when, char *out, size_t size);

/* Parse RFC 3339 (fraction and offset allowed) into *when. Returns 0, or -1. */
MD_MUST_CHECK
int md_text_parse_time(const char *text, struct timespec *when);

/* Digits only, no sign, no space, at most max. Returns 0, or -1. */
MD_MUST_CHECK
int md_text_parse_u64(const char *text, uint64_t max, uint64_t *value);

/* "64m", "1g", "512", "1.5kb": docker's sizes, powers of 1024. Returns 0, or -1. */
MD_MUST_CHECK
int md_text_parse_size(const char *text, uint64_t *bytes);

#endif
