/* SPDX-License-Identifier: Apache-2.0 */
/* Times as docker's --since and --until take them. Pure, but for the local zone. */
#include "cli/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BILLION INT64_C(1000000000)

static const char digits[] = "0123456789";

/* Digits at the start of *text, as nanoseconds of a unit, exactly. Returns 0, or -1. */
static int take_number(const char **text, int64_t unit, int64_t *nanoseconds)
{
    size_t whole = strspn(*text, digits);
    int64_t value = 0;

    for (size_t i = 0; i < whole; i++) {
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)((*text)[i] - '0'), &value))
            return -1;
    }
    if (__builtin_mul_overflow(value, unit, nanoseconds))
        return -1;
    *text += whole;
    if (**text != '.')
        return whole > 0 ? 0 : -1;
    (*text)++;
    size_t after = strspn(*text, digits);

    for (size_t i = 0; i < after && unit > 0; i++) {
        unit /= 10;
        *nanoseconds += unit * ((*text)[i] - '0');
    }
    *text += after;
    return whole + after > 0 ? 0 : -1;
}

/* One part of a duration, "1.5h": its unit stands behind the number. */
static int take_part(const char **text, int64_t *nanoseconds)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {
        { "ns", 1 },      { "us", 1000 },        { "\xc2\xb5s", 1000 },   { "ms", 1000000 },
        { "s", BILLION }, { "m", 60 * BILLION }, { "h", 3600 * BILLION },
    };
    const char *name = *text + strspn(*text, "0123456789.");

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        size_t len = strlen(units[i].name);
        size_t there = strcspn(name, "0123456789.");

        if (there != len || memcmp(name, units[i].name, len) != 0)
            continue;
        if (take_number(text, units[i].unit, nanoseconds) < 0 || *text != name)
            return -1;
        *text += len;
        return 0;
    }
    return -1;
}

/* "1h30m", "-10s", "0". Returns 0, or -1. */
static int take_duration(const char *text, int64_t *nanoseconds)
{
    bool negative = *text == '-';
    int64_t sum = 0;

    text += *text == '-' || *text == '+';
    if (!*text)
        return -1;
    if (strcmp(text, "0") == 0)
        text++;
    while (*text) {
        int64_t part = 0;

        if (take_part(&text, &part) < 0 || __builtin_add_overflow(sum, part, &sum))
            return -1;
    }
    *nanoseconds = negative ? -sum : sum;
    return 0;
}

/* "+02:00", where now is: docker's client takes the offset of today for any day. */
static void local_zone(const struct timespec *now, char *zone, size_t size)
{
    struct tm tm = { 0 };
    long minutes;

    localtime_r(&now->tv_sec, &tm);
    minutes = tm.tm_gmtoff / 60;
    snprintf(zone, size, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
             (minutes < 0 ? -minutes : minutes) / 60 % 24,
             (minutes < 0 ? -minutes : minutes) % 60);
}

/* A date with what follows it made whole, for md_text_parse_time(). Returns 0, or -1. */
static int take_date(const char *text, const struct timespec *now, struct timespec *when)
{
    size_t len = strlen(text);
    const char *time = len > 10 && text[10] == 'T' ? text + 11 : NULL;
    const char *zone = len < 10 ? "" : time ? time + strcspn(time, "Zz+-") : text + 10;
    int time_len = time ? (int)(zone - time) : 0;
    char local[16];

    if (len < 10 || len > 64)
        return -1;
    local_zone(now, local, sizeof(local));
    MD_AUTO_FREE char *whole = md_xasprintf("%.10sT%.*s%s%s", text, time_len, time ? time : "",
                                            !time           ? "00:00:00"
                                            : time_len == 5 ? ":00"
                                                            : "",
                                            *zone ? zone : local);

    return md_text_parse_time(whole, when);
}

int cli_when(const char *text, const struct timespec *now, struct timespec *when,
             struct md_err *err)
{
    const char *at = text;
    int64_t nanoseconds = 0;
    uint64_t seconds = 0;
    char whole[24];

    if (take_duration(text, &nanoseconds) == 0) {
        int64_t left = now->tv_nsec - nanoseconds % BILLION;

        when->tv_sec = now->tv_sec - nanoseconds / BILLION;
        when->tv_sec += left < 0 ? -1 : left >= BILLION ? 1 : 0;
        when->tv_nsec = (long)((left + BILLION) % BILLION);
        return 0;
    }
    if (take_date(text, now, when) == 0)
        return 0;
    snprintf(whole, sizeof(whole), "%.*s", (int)strspn(text, digits), text);
    at += strlen(whole);
    if (md_text_parse_u64(whole, INT32_MAX * UINT64_C(64), &seconds) == 0 &&
        (*at == '\0' || (*at == '.' && take_number(&at, BILLION, &nanoseconds) == 0)) &&
        *at == '\0') {
        when->tv_sec = (time_t)seconds;
        when->tv_nsec = (long)nanoseconds;
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid time \"%s\"", text);
}
