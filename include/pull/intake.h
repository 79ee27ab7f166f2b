/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes of a transfer go, and the count that makes resuming safe. */
#ifndef MD_PULL_INTAKE_H
#define MD_PULL_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pull/http.h"
#include "pull/ring.h"

/* Why the intake stopped an exchange. */
enum pull_stop {
    PULL_STOP_NONE = 0,
    PULL_STOP_LENGTH, /* the head promises another size than expected */
    PULL_STOP_RANGE,  /* not the part that was asked for */
    PULL_STOP_ENOUGH, /* more bytes than expected */
};

struct pull_intake {
    struct pull_sink sink;
    const struct pull_response *response; /* of the exchange under way; borrowed */
    struct pull_ring *ring;               /* NULL: into body; borrowed */
    size_t max;                           /* of a document */
    int64_t size;                         /* of the whole blob, -1 not known */
    int64_t position;                     /* bytes of the blob before the ring or in it */
    int64_t discard;  /* bytes of this exchange that came before and are not wanted */
    int64_t wasted;   /* bytes of all exchanges that came before and were not wanted */
    unsigned answers; /* of which bytes are in the ring */
    bool counted;     /* this exchange is one of them */
    bool no_range;    /* the server cannot do it right */
    bool ranged;      /* this exchange asked for a part */
    bool begun;       /* the head of this exchange was looked at */
    enum pull_stop stop;
    struct md_buf body; /* the document, or what a refusal says */
};

/* The content of a 200 or 206 goes to where it is wanted, of any other status to body. */
bool pull_status_is_content(int status);

/* The other members are set by the owner before. */
void pull_intake_open(struct pull_intake *intake);
void pull_intake_close(struct pull_intake *intake);

/* Before an exchange: returns the range to ask for, written to out, or NULL for the whole. */
const char *pull_intake_begin(struct pull_intake *intake, char *out, size_t size);

/* After an exchange of which no byte came: look at its head now. */
void pull_intake_look(struct pull_intake *intake);

#endif
