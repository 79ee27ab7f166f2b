/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes of a transfer go: into memory, or into a ring that may be full. */
#include "pull/intake.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"

bool pull_status_is_content(int status)
{
    return status == 200 || status == 206;
}

/* Is what follows the head what was asked for? */
static enum pull_stop judge_head(struct pull_intake *intake)
{
    const struct pull_response *response = intake->response;

    intake->discard = 0;
    if (!pull_status_is_content(response->status) || !intake->ring) {
        return PULL_STOP_NONE;
    }
    if (response->status == 206) {
        bool right = intake->ranged && pull_response_range_is(response, intake->position,
                                                              intake->size - 1, intake->size);

        return right ? PULL_STOP_NONE : PULL_STOP_RANGE;
    }
    /* The whole, asked for or not: what is in the ring already comes again. */
    intake->discard = intake->position;
    if (intake->size >= 0 && response->length >= 0 && response->length != intake->size) {
        return PULL_STOP_LENGTH;
    }
    return PULL_STOP_NONE;
}

void pull_intake_look(struct pull_intake *intake)
{
    if (!intake->begun) {
        intake->begun = true;
        intake->stop = judge_head(intake);
    }
}

static ssize_t put_in_memory(struct pull_intake *intake, const char *bytes, size_t len)
{
    if (md_buf_add(&intake->body, bytes, len) < 0) {
        intake->stop = PULL_STOP_ENOUGH;
        return -1;
    }
    return (ssize_t)len;
}

static ssize_t put_in_ring(struct pull_intake *intake, const char *bytes, size_t len)
{
    size_t skip = intake->discard < (int64_t)len ? (size_t)intake->discard : len;
    size_t put = 0;

    intake->discard -= (int64_t)skip;
    intake->wasted += (int64_t)skip;
    len -= skip;
    if (intake->size >= 0 && (int64_t)len > intake->size - intake->position) {
        intake->stop = PULL_STOP_ENOUGH;
        return -1;
    }
    if (len > 0) {
        put = pull_ring_put(intake->ring, bytes + skip, len);
    }
    if (put > 0 && !intake->counted) {
        intake->counted = true;
        intake->answers++;
    }
    intake->position += (int64_t)put;
    return (ssize_t)(skip + put);
}

static ssize_t take_bytes(struct pull_sink *sink, const char *bytes, size_t len)
{
    struct pull_intake *intake = (struct pull_intake *)sink;

    pull_intake_look(intake);
    if (intake->stop != PULL_STOP_NONE) {
        return -1;
    }
    if (!pull_status_is_content(intake->response->status)) {
        intake->body.max = MD_MAX_ERROR_BODY;
        return put_in_memory(intake, bytes, len);
    }
    return intake->ring ? put_in_ring(intake, bytes, len) : put_in_memory(intake, bytes, len);
}

static void see_space(struct pull_sink *sink)
{
    pull_ring_space_seen(((struct pull_intake *)sink)->ring);
}

void pull_intake_open(struct pull_intake *intake)
{
    intake->sink.put = take_bytes;
    intake->sink.ready = see_space;
    intake->sink.ready_fd = intake->ring ? intake->ring->space_event : -1;
}

void pull_intake_close(struct pull_intake *intake)
{
    md_buf_clear(&intake->body);
}

const char *pull_intake_begin(struct pull_intake *intake, char *out, size_t size)
{
    md_buf_clear(&intake->body);
    intake->body.max = intake->max;
    intake->begun = false;
    intake->counted = false;
    intake->stop = PULL_STOP_NONE;
    intake->ranged = intake->ring && !intake->no_range && intake->position > 0 &&
                     intake->position < intake->size;
    if (!intake->ranged) {
        return NULL;
    }
    /* With its end named: some registries answer 416 to "bytes=5-". */
    snprintf(out, size, "%" PRId64 "-%" PRId64, intake->position, intake->size - 1);
    return out;
}
