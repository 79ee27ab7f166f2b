/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: a kind for programs, a sentence for people. */
#ifndef MD_BASE_ERR_H
#define MD_BASE_ERR_H

#include "base/attr.h"

/* What callers and tests may branch on. */
enum md_err_kind {
    MD_ERR_NONE = 0,
    MD_ERR_USAGE,     /* the user asked for something malformed */
    MD_ERR_NOT_FOUND, /* no such image, container, file */
    MD_ERR_CONFLICT,  /* in use, or the name is taken */
    MD_ERR_NETWORK,
    MD_ERR_AUTH,
    MD_ERR_DIGEST, /* bytes are not the promised bytes */
    MD_ERR_FORMAT, /* JSON or tar that cannot be accepted */
    MD_ERR_LIMIT,  /* larger than base/limits.h allows */
    MD_ERR_EXEC,   /* the program cannot be started: see sys */
    MD_ERR_SYSTEM, /* a system call failed: see sys */
};

/*
 * One error. A plain value: no heap, nothing to free, fits one datagram, may be sent
 * between processes of the same build. Zero-initialise it.
 */
struct md_err {
    enum md_err_kind kind;
    int sys;        /* errno of the failed call, 0 when there was none */
    char text[512]; /* "outer: inner", no newline, cut with "..." */
};

/*
 * Fill *err. All return -1, so that a failing function ends in `return md_err_set(...)`.
 * md_err_sys takes errno and kind MD_ERR_SYSTEM; the sentence for errno is added by the
 * reporter, never by the caller. md_err_in puts context in front ("context: text").
 * Text that came from outside must be escaped with md_text_escape() first.
 */
int md_err_set(struct md_err *err, enum md_err_kind kind, const char *fmt, ...) MD_PRINTF(3, 4);
int md_err_sys(struct md_err *err, const char *fmt, ...) MD_PRINTF(2, 3);
int md_err_in(struct md_err *err, const char *fmt, ...) MD_PRINTF(2, 3);

#endif
