/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the head of an answer, line by line, and after an empty line the body of a refusal. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "pull/refusal.h"
#include "pull/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What is shown to people or compared holds no control bytes. */
static void check_clean(const char *text, size_t size)
{
    assert(strlen(text) < size);
    for (; *text; text++) {
        assert((unsigned char)*text >= 0x20 && *text != 0x7f);
    }
}

static void check_kept(const struct pull_response *response)
{
    int seconds = pull_response_retry_after(response, 1000000000);

    check_clean(response->location, sizeof(response->location));
    check_clean(response->content_type, sizeof(response->content_type));
    check_clean(response->content_digest, sizeof(response->content_digest));
    check_clean(response->content_range, sizeof(response->content_range));
    check_clean(response->retry_after, sizeof(response->retry_after));
    check_clean(response->length_text, sizeof(response->length_text));
    assert(response->length_wrong ||
           response->length_text[strspn(response->length_text, "0123456789")] == '\0');
    assert(response->challenge.len <= PULL_MAX_CHALLENGE);
    assert(seconds >= -1 && seconds <= 86400);
}

/* A range is one range only. */
static void check_range(const struct pull_response *response)
{
    bool is = pull_response_range_is(response, 5, 9, 10);

    assert(!is || !pull_response_range_is(response, 5, 8, 10));
    assert(!is || !pull_response_range_is(response, 5, 9, 11));
}

static void read_refusal(const char *bytes, size_t len)
{
    struct md_buf body = { .data = (char *)bytes, .len = len };
    struct pull_refusal refusal;

    pull_refusal_parse(&body, &refusal);
    check_clean(refusal.code, sizeof(refusal.code));
    check_clean(refusal.text, sizeof(refusal.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct pull_response response;
    const char *at = (const char *)bytes;
    const char *end = at + len;

    pull_response_reset(&response);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;

        if (newline == at) {
            read_refusal(next, (size_t)(end - next));
            break;
        }
        pull_response_header(&response, at, (size_t)(next - at));
        at = next;
    }
    check_kept(&response);
    check_range(&response);
    (void)pull_response_is_html(&response);
    pull_response_reset(&response);
    return 0;
}
