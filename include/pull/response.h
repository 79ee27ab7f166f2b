/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the head of an HTTP answer. */
#ifndef MD_PULL_RESPONSE_H
#define MD_PULL_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/digest.h"
#include "pull/url.h"
#include "pull/zone.h"

#define PULL_MAX_CHALLENGE 8192 /* bytes of all WWW-Authenticate fields of an answer */

/* What is kept of an answer's head. Fields that did not come, or were too long, are "". */
struct pull_response {
    int status;
    enum pull_zone zone; /* of the host's address; UNKNOWN when a proxy has the connection */
    int64_t length;      /* Content-Length, -1 when not said; valid once the body has begun */
    char length_text[24];
    bool length_wrong; /* lengths that differ, or one that is no number */
    char location[PULL_MAX_URL];
    char content_type[256];
    char content_digest[MD_DIGEST_TEXT_SIZE];
    char content_range[128];
    char retry_after[64];
    char link[2048];
    char ratelimit_limit[64]; /* "100;w=21600": pulls, and in how many seconds */
    char ratelimit_remaining[64];
    char ratelimit_source[64]; /* whom the registry counts: an address or an id */
    struct md_buf challenge;   /* WWW-Authenticate, several joined by commas */
    bool challenge_too_long;
};

void pull_response_reset(struct pull_response *response);
/* Keep what counts of one header line, line end included. */
void pull_response_header(struct pull_response *response, const char *line, size_t len);

/* Content-Range says exactly bytes first to last, counted from 0, of total: RFC 9110, 14.4. */
bool pull_response_range_is(const struct pull_response *response, int64_t first, int64_t last,
                            int64_t total);
bool pull_response_is_html(const struct pull_response *response);
/*
 * Retry-After in seconds, at most a day; a date is counted from now, one that has passed is 0.
 * -1 when it did not come or makes no sense. RFC 9110, 10.2.3.
 */
int pull_response_retry_after(const struct pull_response *response, time_t now);

#endif
