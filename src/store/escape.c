/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's escapes for a log's text. */
#include "store/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time: Bit Twiddling Hacks, "Determine if a word has a byte less than n". */
#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u
#define REPLACEMENT "\xef\xbf\xbd"

/* Not 0 if and only if a byte of word is zero. */
static uint64_t zeros(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

/* Is a byte among these eight that cannot be copied as it is? */
static bool has_special(uint64_t word)
{
    uint64_t control = (word - ONES * 0x20) & ~word & HIGHS;

    return (control | (word & HIGHS) | zeros(word ^ (ONES * '"')) |
            zeros(word ^ (ONES * '\\'))) != 0;
}

static bool is_special(unsigned char c)
{
    return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

/* How many bytes can be copied as they are. */
static size_t plain_run(const char *text, size_t len)
{
    size_t i = 0;

    while (len - i >= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, text + i, sizeof(word));
        if (has_special(word)) {
            break;
        }
        i += sizeof(word);
    }
    while (i < len && !is_special((unsigned char)text[i])) {
        i++;
    }
    return i;
}

/* The length that a character's first byte promises; 0 for one that begins none. */
static size_t promised(unsigned char c)
{
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }
    return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* May c follow first? Excludes overlong forms, surrogates and what is over U+10FFFF. */
static bool is_second(unsigned char first, unsigned char c)
{
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return c >= low && c <= high;
}

/* How many of the len bytes belong to the character that begins here, complete or not. */
static size_t valid_prefix(const unsigned char *p, size_t len)
{
    size_t want = promised(p[0]);
    size_t got = 1;

    if (want == 0) {
        return 0;
    }
    while (got < want && got < len) {
        if (got == 1 ? !is_second(p[0], p[1]) : (p[got] & 0xc0) != 0x80) {
            return 0;
        }
        got++;
    }
    return got;
}

size_t store_escape_cut(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t back = 1; back <= 3 && back <= len; back++) {
        size_t want = promised(p[len - back]);

        if (want > 0) {
            return want > back && valid_prefix(p + len - back, back) == back ? back : 0;
        }
    }
    return 0;
}

static size_t escape_control(unsigned char c, char *out)
{
    static const char digits[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\r\t\b\f";
    static const char to[] = "\"\\nrtbf";
    const char *found = c ? strchr(from, c) : NULL;

    out[0] = '\\';
    if (found) {
        out[1] = to[found - from];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

size_t store_escape(const char *text, size_t len, char *out)
{
    char *start = out;
    size_t i = 0;

    for (;;) {
        size_t run = plain_run(text + i, len - i);
        const unsigned char *p = (const unsigned char *)text + i + run;
        size_t valid;

        memcpy(out, text + i, run);
        out += run;
        i += run;
        if (i == len) {
            return (size_t)(out - start);
        }
        if (*p < 0x80) {
            out += escape_control(*p, out);
            i++;
            continue;
        }
        valid = valid_prefix(p, len - i);
        if (valid > 0 && valid == promised(*p)) {
            memcpy(out, p, valid);
            out += valid;
            i += valid;
        } else {
            memcpy(out, REPLACEMENT, 3);
            out += 3;
            i++;
        }
    }
}

/* Four hex digits. Returns their value, or -1. */
static long hex4(const char *p, const char *end)
{
    long value = 0;

    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        const char *found = p[i] ? strchr("0123456789abcdef0123456789ABCDEF", p[i]) : NULL;

        if (!found) {
            return -1;
        }
        value = value * 16 + (found - "0123456789abcdef0123456789ABCDEF") % 16;
    }
    return value;
}

/* code as UTF-8. Returns the bytes written. */
static size_t put_utf8(unsigned long code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The character of a \u at p, which may take a second \u. Returns where it ends, or NULL. */
static const char *unescape_unicode(const char *p, const char *end, char **out)
{
    long code = hex4(p, end);

    if (code < 0) {
        return NULL;
    }
    p += 4;
    if (code >= 0xd800 && code < 0xe000) {
        long low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;

        if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
            return NULL;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *out += put_utf8((unsigned long)code, *out);
    return p;
}

/* One escape, p is after its backslash. Returns where it ends, or NULL. */
static const char *unescape_one(const char *p, const char *end, char **out)
{
    static const char from[] = "\"\\/nrtbf";
    static const char to[] = "\"\\/\n\r\t\b\f";
    const char *found;

    if (p < end && *p == 'u') {
        return unescape_unicode(p + 1, end, out);
    }
    found = p < end && *p ? strchr(from, *p) : NULL;
    if (!found) {
        return NULL;
    }
    *(*out)++ = to[found - from];
    return p + 1;
}

long store_unescape(char *text, size_t len)
{
    const char *end = text + len;
    const char *p = text;
    char *out = text;

    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((backslash ? backslash : end) - p);

        memmove(out, p, run);
        out += run;
        p += run;
        if (backslash) {
            p = unescape_one(p + 1, end, &out);
            if (!p) {
                return -1;
            }
        }
    }
    return out - text;
}
