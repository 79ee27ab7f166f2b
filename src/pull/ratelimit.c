/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says of how often it may be asked. */
#include "pull/ratelimit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define LONGEST_S 86400 /* pull_response_retry_after() says no more */

/* "100;w=21600" as "100 in 6 hours"; a bare number as it is; "" for anything else. */
static void amount_words(const char *field, char *out, size_t size)
{
    char digits[16];
    char period[64];
    size_t len = strspn(field, "0123456789");
    uint64_t seconds;

    out[0] = '\0';
    if (len == 0 || len >= sizeof(digits))
        return;
    memcpy(digits, field, len);
    digits[len] = '\0';
    if (strncmp(field + len, ";w=", 3) == 0 &&
        md_text_parse_u64(field + len + 3, INT32_MAX, &seconds) == 0)
        snprintf(out, size, "%s in %s", digits,
                 md_text_duration((int64_t)seconds, period, sizeof(period)));
    else
        snprintf(out, size, "%s", digits);
}

/* "0 of 100 in 6 hours", or nothing. */
static void left_words(const struct pull_response *response, char *out, size_t size)
{
    char limit[96];
    char left[96];

    amount_words(response->ratelimit_limit, limit, sizeof(limit));
    amount_words(response->ratelimit_remaining, left, sizeof(left));
    left[strcspn(left, " ")] = '\0';
    out[0] = '\0';
    if (left[0] != '\0' && limit[0] != '\0')
        snprintf(out, size, "%s of %s", left, limit);
}

void pull_ratelimit_log(const struct pull_response *response, const char *host)
{
    char words[200];
    char source[160] = "";
    const char *counted = response->ratelimit_source;

    left_words(response, words, sizeof(words));
    if (words[0] == '\0')
        return;
    if (counted[0] != '\0')
        md_text_escape(counted, strlen(counted), source, sizeof(source));
    md_log("%s: rate limit: %s left%s%s", host, words, source[0] ? ", counted for " : "",
           source);
}

const char *pull_ratelimit_remedies(const struct pull_response *response, time_t now, char *out,
                                    size_t size)
{
    int seconds = pull_response_retry_after(response, now);
    char words[80];
    char until[96] = "a while";
    time_t then = now + seconds;
    struct tm local;

    left_words(response, words, sizeof(words));
    if (seconds >= LONGEST_S)
        snprintf(until, sizeof(until), "a day or more");
    else if (seconds > 0 && localtime_r(&then, &local))
        strftime(until, sizeof(until), "until %H:%M:%S", &local);
    snprintf(out, size,
             "wait %s, use 'minidock login', or name a mirror in registries.conf%s%s%s", until,
             words[0] ? " (left: " : "", words, words[0] ? ")" : "");
    return out;
}
