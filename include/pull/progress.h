/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull shows: docker's lines; live bars on a terminal, one line per layer elsewhere. */
#ifndef MD_PULL_PROGRESS_H
#define MD_PULL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/digest.h"

enum pull_phase {
    PULL_WAITING,
    PULL_DOWNLOADING, /* and unpacking, which goes along with it */
    PULL_ELSEWHERE,   /* another process unpacks it */
    PULL_COMPLETE,
    PULL_EXISTS,
};

/* One line. */
struct pull_line {
    char id[13]; /* first 12 hex digits of the layer's digest */
    enum pull_phase phase;
    uint64_t total; /* compressed bytes */
    uint64_t done;
};

/* Zero-initialise; lines is owned by the caller and stays while progress is used. */
struct pull_progress {
    FILE *out; /* NULL: quiet */
    bool live; /* out is a terminal that can move the cursor */
    struct pull_line *lines;
    size_t count;
    size_t drawn;       /* lines on the screen that the next drawing goes over */
    int64_t started_ms; /* of the first drawing, CLOCK_MONOTONIC */
    int64_t last_ms;
};

/* Decide about bars: a terminal, and TERM is not "dumb". */
void pull_progress_open(struct pull_progress *progress, FILE *out);

/* Show lines from now on: a block on a terminal, nothing yet elsewhere. */
void pull_progress_begin(struct pull_progress *progress, struct pull_line *lines, size_t count);

/* A line has changed its phase: elsewhere than on a terminal, ends are printed. */
void pull_progress_phase(struct pull_progress *progress, size_t line, enum pull_phase phase);

/* Draw the bars anew, if the last drawing is 100 ms old. */
void pull_progress_draw(struct pull_progress *progress);

/* Draw the last state and leave it on the screen. */
void pull_progress_end(struct pull_progress *progress);

#endif
