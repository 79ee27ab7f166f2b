/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that detach a client from its container: "ctrl-p,ctrl-q". */
#ifndef MD_RUN_KEYS_H
#define MD_RUN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define RUN_KEYS_MAX 16
#define RUN_KEYS_DEFAULT "ctrl-p,ctrl-q"

/* Zero-initialised: none, so nothing detaches. */
struct run_keys {
    unsigned char keys[RUN_KEYS_MAX];
    size_t count;
    size_t matched; /* how many of them have just been typed */
};

/*
 * docker's words, separated by commas: a letter or other character, or "ctrl-" and one of a-z,
 * @, [, \, ], ^, _. "" is none.
 *
 * Errors: MD_ERR_USAGE
 */
MD_MUST_CHECK
int run_keys_parse(const char *text, struct run_keys *keys, struct md_err *err);

/*
 * What of len typed bytes is to be passed on: all of them, up to the last key of the sequence,
 * which is kept. The keys before it go through at once: a shell's ctrl-p must not wait for what
 * is typed next. *detach becomes true when the sequence is complete.
 */
size_t run_keys_filter(struct run_keys *keys, const unsigned char *bytes, size_t len,
                       bool *detach);

#endif
