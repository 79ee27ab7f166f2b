/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the head of an HTTP answer, and how it is read. */
#include "pull/response.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define LONGEST_S 86400 /* a Retry-After beyond a day is as good as a day */

static void keep_challenge(struct pull_response *response, const char *value, size_t len)
{
    struct md_buf *kept = &response->challenge;

    if ((kept->len > 0 && md_buf_add(kept, ", ", 2) < 0) || md_buf_add(kept, value, len) < 0) {
        response->challenge_too_long = true;
    }
}

/* The first of a field counts; one that does not fit, or holds control bytes, did not come. */
static void keep_field(char *kept, size_t size, const char *value, size_t len)
{
    if (kept[0] != '\0' || len >= size) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)value[i];

        if (byte < 0x20 || byte == 0x7f) {
            return;
        }
    }
    memcpy(kept, value, len);
    kept[len] = '\0';
}

/*
 * Of several lengths, or one that is no number, others may take another than we do: RFC 9112,
 * 6.3. libcurl takes the last, up to its first byte that is no digit.
 */
static void keep_length(struct pull_response *response, const char *value, size_t len)
{
    char *kept = response->length_text;
    uint64_t number;

    if (kept[0] != '\0' && (strlen(kept) != len || memcmp(kept, value, len) != 0)) {
        response->length_wrong = true;
    } else {
        keep_field(kept, sizeof(response->length_text), value, len);
        if (kept[strspn(kept, "0123456789")] != '\0' ||
            md_text_parse_u64(kept, INT64_MAX, &number) < 0) {
            response->length_wrong = true;
        }
    }
}

/* Moves *value and *len to what is left without blanks and line end around it. */
static void trim(const char **value, size_t *len)
{
    while (*len > 0 && (**value == ' ' || **value == '\t')) {
        (*value)++;
        (*len)--;
    }
    while (*len > 0 && strchr(" \t\r\n", (*value)[*len - 1])) {
        (*len)--;
    }
}

static bool is_named(const char *line, size_t name_len, const char *name)
{
    return strlen(name) == name_len && strncasecmp(line, name, name_len) == 0;
}

void pull_response_header(struct pull_response *response, const char *line, size_t len)
{
    const struct {
        const char *name;
        char *kept;
        size_t size;
    } fields[] = {
        { "Location", response->location, sizeof(response->location) },
        { "Content-Type", response->content_type, sizeof(response->content_type) },
        { "Docker-Content-Digest", response->content_digest, sizeof(response->content_digest) },
        { "Content-Range", response->content_range, sizeof(response->content_range) },
        { "Retry-After", response->retry_after, sizeof(response->retry_after) },
        { "Link", response->link, sizeof(response->link) },
        { "RateLimit-Limit", response->ratelimit_limit, sizeof(response->ratelimit_limit) },
        { "RateLimit-Remaining", response->ratelimit_remaining,
          sizeof(response->ratelimit_remaining) },
        { "Docker-RateLimit-Source", response->ratelimit_source,
          sizeof(response->ratelimit_source) },
    };
    const char *colon = memchr(line, ':', len);
    const char *value;
    size_t name_len;

    if (!colon) {
        return;
    }
    name_len = (size_t)(colon - line);
    value = colon + 1;
    len -= name_len + 1;
    trim(&value, &len);
    if (is_named(line, name_len, "WWW-Authenticate")) {
        keep_challenge(response, value, len);
        return;
    }
    if (is_named(line, name_len, "Content-Length")) {
        keep_length(response, value, len);
        return;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (is_named(line, name_len, fields[i].name)) {
            keep_field(fields[i].kept, fields[i].size, value, len);
        }
    }
}

void pull_response_reset(struct pull_response *response)
{
    md_buf_clear(&response->challenge);
    memset(response, 0, sizeof(*response));
    response->challenge.max = PULL_MAX_CHALLENGE;
    response->length = -1;
}

/* Digits up to the byte after, which must be end; moves *text past it. */
static bool take_number(const char **text, char end, int64_t *number)
{
    char digits[24];
    size_t len = strspn(*text, "0123456789");
    uint64_t value;

    if (len == 0 || len >= sizeof(digits) || (*text)[len] != end) {
        return false;
    }
    memcpy(digits, *text, len);
    digits[len] = '\0';
    if (md_text_parse_u64(digits, INT64_MAX, &value) < 0) {
        return false;
    }
    *text += len + (end != '\0');
    *number = (int64_t)value;
    return true;
}

bool pull_response_range_is(const struct pull_response *response, int64_t first, int64_t last,
                            int64_t total)
{
    const char *text = response->content_range;
    int64_t from;
    int64_t to;
    int64_t of;

    if (strncasecmp(text, "bytes ", 6) != 0) {
        return false;
    }
    text += 6;
    return take_number(&text, '-', &from) && take_number(&text, '/', &to) &&
           take_number(&text, '\0', &of) && from == first && to == last && of == total;
}

bool pull_response_is_html(const struct pull_response *response)
{
    return strncasecmp(response->content_type, "text/html", 9) == 0;
}

/* Seconds until "Sun, 06 Nov 1994 08:49:37 GMT", the one form that may still be sent. */
static int seconds_until(const char *date, time_t now)
{
    struct tm broken = { 0 };
    const char *rest = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    time_t when;

    if (!rest || *rest != '\0') {
        return -1;
    }
    when = timegm(&broken);
    if (when <= now) {
        return 0;
    }
    return when - now > LONGEST_S ? LONGEST_S : (int)(when - now);
}

int pull_response_retry_after(const struct pull_response *response, time_t now)
{
    const char *text = response->retry_after;
    uint64_t seconds;

    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return seconds_until(text, now);
    }
    return md_text_parse_u64(text, LONGEST_S, &seconds) < 0 ? LONGEST_S : (int)seconds;
}
