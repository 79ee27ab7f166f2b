/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: escaping what came from outside, sizes, ages, times; strict numbers. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PIECE_MAX 16 /* the longest control character has 3 bytes, each 4 when escaped */

size_t md_text_decode(const char *bytes, size_t len, uint32_t *character)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *p = (const unsigned char *)bytes;
    size_t need;
    uint32_t value;

    if (len == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        *character = p[0];
        return 1;
    }
    need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || need > len) {
        return 0;
    }
    value = p[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (p[i] & 0x3fu);
    }
    if (value < smallest[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *character = value;
    return need;
}

bool md_text_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character <= 0x9f) ||
           character == 0x061c || character == 0x200e || character == 0x200f ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* One character or bad byte, made safe. Returns the bytes used; *made is the piece's length. */
static size_t escape_piece(const char *bytes, size_t len, char *piece, size_t *made)
{
    uint32_t character = 0;
    size_t used = md_text_decode(bytes, len, &character);

    if (used > 0 && character != '\\' && !md_text_is_control(character)) {
        memcpy(piece, bytes, used);
        *made = used;
        return used;
    }
    used = used > 0 ? used : 1;
    for (size_t i = 0; i < used; i++) {
        snprintf(piece + 4 * i, 5, "\\x%02x", (unsigned char)bytes[i]);
    }
    *made = 4 * used;
    return used;
}

const char *md_text_escape(const char *bytes, size_t len, char *out, size_t size)
{
    size_t used = 0;
    size_t cut = 0; /* the last place that leaves room for the dots */

    for (size_t at = 0; at < len;) {
        char piece[PIECE_MAX];
        size_t made;

        at += escape_piece(bytes + at, len - at, piece, &made);
        if (used + made + 1 > size) {
            memcpy(out + cut, "...", 4);
            return out;
        }
        memcpy(out + used, piece, made);
        used += made;
        if (used + 4 <= size) {
            cut = used;
        }
    }
    out[used] = '\0';
    return out;
}

char *md_text_escaped(const char *bytes, size_t len)
{
    char *out = md_xreallocarray(NULL, len + 1, 4);
    size_t used = 0;

    for (size_t at = 0; at < len;) {
        char piece[PIECE_MAX];
        size_t made;

        at += escape_piece(bytes + at, len - at, piece, &made);
        memcpy(out + used, piece, made);
        used += made;
    }
    out[used] = '\0';
    return md_xreallocarray(out, used + 1, 1);
}

static uint64_t divide_rounded(uint64_t value, uint64_t by)
{
    uint64_t rest = value % by;

    return value / by + (rest >= by - rest);
}

/* In integers: a locale's decimal comma and "1e+03" must not appear. */
const char *md_text_size(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    size_t unit = 0;
    uint64_t one = 1; /* bytes in one unit */
    uint64_t scale = 1;
    uint64_t value;
    char fraction[8] = "";

    while (unit < 6 && divide_rounded(bytes, one) >= 1000) {
        one *= 1000;
        unit++;
    }
    while (unit > 0 && scale < 100 && divide_rounded(bytes, one / (scale * 10)) < 1000) {
        scale *= 10;
    }
    value = divide_rounded(bytes, one / scale);
    if (value % scale > 0) {
        int digits = scale == 100 ? 2 : 1;

        snprintf(fraction, sizeof(fraction), ".%0*u", digits, (unsigned)(value % scale));
        fraction[strlen(fraction) - (fraction[digits] == '0')] = '\0';
    }
    snprintf(out, size, "%llu%s%s", (unsigned long long)(value / scale), fraction, units[unit]);
    return out;
}

static void put_count(char *out, size_t size, int64_t count, const char *what)
{
    snprintf(out, size, "%lld %s", (long long)count, what);
}

const char *md_text_duration(int64_t seconds, char *out, size_t size)
{
    int64_t minutes = seconds / 60;
    int64_t hours = seconds / 3600 + (seconds % 3600 >= 1800); /* rounded, as docker does */

    if (seconds < 1) {
        snprintf(out, size, "Less than a second");
    } else if (seconds == 1) {
        snprintf(out, size, "1 second");
    } else if (seconds < 60) {
        put_count(out, size, seconds, "seconds");
    } else if (minutes == 1) {
        snprintf(out, size, "About a minute");
    } else if (minutes < 60) {
        put_count(out, size, minutes, "minutes");
    } else if (hours == 1) {
        snprintf(out, size, "About an hour");
    } else if (hours < 48) {
        put_count(out, size, hours, "hours");
    } else if (hours < INT64_C(24) * 7 * 2) {
        put_count(out, size, hours / 24, "days");
    } else if (hours < INT64_C(24) * 30 * 2) {
        put_count(out, size, hours / 24 / 7, "weeks");
    } else if (hours < INT64_C(24) * 365 * 2) {
        put_count(out, size, hours / 24 / 30, "months");
    } else {
        put_count(out, size, seconds / 3600 / 24 / 365, "years");
    }
    return out;
}

const char *md_text_time(const struct timespec *when, char *out, size_t size)
{
    struct tm tm;

    if (!gmtime_r(&when->tv_sec, &tm)) {
        out[0] = '\0';
        return out;
    }
    snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, when->tv_nsec);
    return out;
}

/* Take exactly count digits, then the character after (0: none), off *text. */
static int take_digits(const char **text, int count, char after, int max, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return -1;
        }
        *value = *value * 10 + (**text - '0');
    }
    if (*value > max || (after && **text != after)) {
        return -1;
    }
    *text += after != '\0';
    return 0;
}

/* ".123", of which nine digits count. */
static int take_fraction(const char **text, long *nanoseconds)
{
    long unit = 100000000;

    *nanoseconds = 0;
    if (**text != '.') {
        return 0;
    }
    (*text)++;
    if (**text < '0' || **text > '9') {
        return -1;
    }
    for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10) {
        *nanoseconds += (**text - '0') * unit;
    }
    return 0;
}

/* "Z" or "+02:00", to the end of the text. */
static int take_offset(const char *text, long *seconds)
{
    int hours = 0;
    int minutes = 0;
    int sign = *text == '-' ? -1 : 1;

    *seconds = 0;
    if (*text == 'Z' || *text == 'z') {
        return text[1] == '\0' ? 0 : -1;
    }
    if (*text != '+' && *text != '-') {
        return -1;
    }
    text++;
    if (take_digits(&text, 2, ':', 23, &hours) < 0 ||
        take_digits(&text, 2, '\0', 59, &minutes) < 0 || *text != '\0') {
        return -1;
    }
    *seconds = sign * (hours * 3600L + minutes * 60L);
    return 0;
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

int md_text_parse_time(const char *text, struct timespec *when)
{
    struct tm tm = { 0 };
    long nanoseconds;
    long offset;
    int year;
    int month;

    if (take_digits(&text, 4, '-', 9999, &year) < 0 ||
        take_digits(&text, 2, '-', 12, &month) < 0 || month < 1 ||
        take_digits(&text, 2, '\0', days_in(year, month), &tm.tm_mday) < 0 || tm.tm_mday < 1 ||
        (*text != 'T' && *text != 't')) {
        return -1;
    }
    text++;
    if (take_digits(&text, 2, ':', 23, &tm.tm_hour) < 0 ||
        take_digits(&text, 2, ':', 59, &tm.tm_min) < 0 ||
        take_digits(&text, 2, '\0', 60, &tm.tm_sec) < 0 ||
        take_fraction(&text, &nanoseconds) < 0 || take_offset(text, &offset) < 0) {
        return -1;
    }
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    when->tv_sec = timegm(&tm) - offset;
    when->tv_nsec = nanoseconds;
    return 0;
}

/* Digits at the start of *text as a number of at most max; at least one. */
static int take_u64(const char **text, uint64_t max, uint64_t *value)
{
    uint64_t result = 0;

    if (**text < '0' || **text > '9') {
        return -1;
    }
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');

        if (__builtin_mul_overflow(result, (uint64_t)10, &result) ||
            __builtin_add_overflow(result, digit, &result) || result > max) {
            return -1;
        }
    }
    *value = result;
    return 0;
}

int md_text_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t result;

    if (take_u64(&text, max, &result) < 0 || *text != '\0') {
        return -1;
    }
    *value = result;
    return 0;
}

/* "", "b", "k", "kb", "kib" and so on up to "p", in either case. Returns the shift, or -1. */
static int size_suffix(const char *text)
{
    static const char letters[] = "kmgtp";
    const char *letter;

    if (*text == '\0' || strcasecmp(text, "b") == 0) {
        return 0;
    }
    letter = strchr(letters, *text | 0x20);
    if (!letter || *letter == '\0') {
        return -1;
    }
    text++;
    if (*text != '\0' && strcasecmp(text, "b") != 0 && strcasecmp(text, "ib") != 0) {
        return -1;
    }
    return (int)(letter - letters + 1) * 10;
}

int md_text_parse_size(const char *text, uint64_t *bytes)
{
    uint64_t whole;
    double fraction = 0;
    double unit = 0.1;
    int shift;

    if (take_u64(&text, INT64_MAX, &whole) < 0) {
        return -1;
    }
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            fraction += (*text - '0') * unit;
            unit /= 10;
        }
    }
    text += *text == ' ' && text[1] != '\0';
    shift = size_suffix(text);
    if (shift < 0 || whole > (uint64_t)INT64_MAX >> shift) {
        return -1;
    }
    whole <<= shift;
    whole += (uint64_t)(fraction * (double)(1ull << shift));
    if (whole > INT64_MAX) {
        return -1;
    }
    *bytes = whole;
    return 0;
}
