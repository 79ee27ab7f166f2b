/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull shows: docker's lines; live bars on a terminal, one line per layer elsewhere. */
#ifndef MD_PULL_PROGRESS_H
#define MD_PULL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/err.h"

enum pull_phase {
    PULL_WAITING,
    PULL_DOWNLOADING, /* and unpacking, which goes along with it */
    PULL_ELSEWHERE,   /* another process unpacks it */
    PULL_COMPLETE,
    PULL_EXISTS,
};

/* How it is shown. */
enum pull_show {
    PULL_SHOW_AUTO = 0, /* TTY on a terminal that can move the cursor, else PLAIN */
    PULL_SHOW_PLAIN,    /* one line for each layer's end */
    PULL_SHOW_TTY,      /* bars that are drawn over */
    PULL_SHOW_JSON,     /* docker's stream: one object on each line */
    PULL_SHOW_NONE,     /* nothing of the layers */
};

/* One line. */
struct pull_line {
    char id[13]; /* first 12 hex digits of the layer's digest */
    enum pull_phase phase;
    uint64_t total; /* compressed bytes */
    uint64_t done;
    uint64_t kept;  /* of done: from an earlier pull */
    uint64_t shown; /* JSON: done as it was said last */
};

/* Zero-initialise; lines is owned by the caller and stays while progress is used. */
struct pull_progress {
    FILE *out; /* NULL: quiet */
    enum pull_show show;
    bool live; /* to be drawn again while bytes come */
    struct pull_line *lines;
    size_t count;
    size_t drawn;       /* lines on the screen that the next drawing goes over */
    int64_t started_ms; /* of the first drawing, CLOCK_MONOTONIC */
    int64_t last_ms;
};

/* What AUTO means for out: a terminal, and TERM is not "dumb". */
enum pull_show pull_show_on(FILE *out, enum pull_show show);

void pull_progress_open(struct pull_progress *progress, FILE *out, enum pull_show show);

/* "auto", "plain", "tty", "json", "none". Errors: MD_ERR_USAGE. */
MD_MUST_CHECK
int pull_show_parse(const char *text, enum pull_show *show, struct md_err *err);

/*
 * A line that belongs to no layer: "id: text", or text where id is NULL; as JSON
 * {"status": text, "id": id}.
 */
void pull_say(FILE *out, enum pull_show show, const char *id, const char *text);

/* Show lines from now on: a block on a terminal, nothing yet elsewhere. */
void pull_progress_begin(struct pull_progress *progress, struct pull_line *lines, size_t count);

/* A line has changed its phase: elsewhere than on a terminal, ends are printed; as JSON all. */
void pull_progress_phase(struct pull_progress *progress, size_t line, enum pull_phase phase);

/* Draw the bars anew, if the last drawing is 100 ms old. */
void pull_progress_draw(struct pull_progress *progress);

/* Draw the last state and leave it on the screen. */
void pull_progress_end(struct pull_progress *progress);

#endif
