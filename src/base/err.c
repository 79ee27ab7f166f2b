/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: fills struct md_err, cutting long sentences and keeping them on one line. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room to see that a sentence is too long; what it means is in the first 512 bytes anyway. */
#define DRAFT_SIZE 1024

/* Cut at a character's start, never inside a UTF-8 sequence. */
static size_t cut_at(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) {
        at--;
    }
    return at;
}

static void put_text(struct md_err *err, const char *text)
{
    size_t len = strlen(text);
    size_t room = sizeof(err->text) - 1;

    if (len > room) {
        size_t keep = cut_at(text, room - 3);

        memcpy(err->text, text, keep);
        memcpy(err->text + keep, "...", 4);
    } else {
        memcpy(err->text, text, len + 1);
    }
    for (char *p = err->text; *p; p++) {
        if (*p == '\n' || *p == '\r') {
            *p = ' ';
        }
    }
}

int md_err_set(struct md_err *err, enum md_err_kind kind, const char *fmt, ...)
{
    char draft[DRAFT_SIZE]; /* the arguments may point into err->text */
    va_list args;

    va_start(args, fmt);
    vsnprintf(draft, sizeof(draft), fmt, args);
    va_end(args);
    err->kind = kind;
    err->sys = 0;
    put_text(err, draft);
    return -1;
}

int md_err_sys(struct md_err *err, const char *fmt, ...)
{
    int saved = errno;
    char draft[DRAFT_SIZE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(draft, sizeof(draft), fmt, args);
    va_end(args);
    err->kind = MD_ERR_SYSTEM;
    err->sys = saved;
    put_text(err, draft);
    errno = saved;
    return -1;
}

int md_err_in(struct md_err *err, const char *fmt, ...)
{
    char draft[DRAFT_SIZE];
    va_list args;
    size_t used;

    va_start(args, fmt);
    vsnprintf(draft, sizeof(draft), fmt, args);
    va_end(args);
    used = strlen(draft);
    snprintf(draft + used, sizeof(draft) - used, ": %s", err->text);
    put_text(err, draft);
    return -1;
}
