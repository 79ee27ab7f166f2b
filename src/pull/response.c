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

int pull_response_retry_after(const struct pull_response *response)
{
    const char *text = response->retry_after;
    uint64_t seconds;

    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return -1;
    }
    return md_text_parse_u64(text, LONGEST_S, &seconds) < 0 ? LONGEST_S : (int)seconds;
}
