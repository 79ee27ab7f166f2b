/* SPDX-License-Identifier: Apache-2.0 */
/* TOML as far as configuration files of registries use it, strictly. */
#ifndef MD_PULL_TOML_H
#define MD_PULL_TOML_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum pull_toml_kind {
    PULL_TOML_TABLE,
    PULL_TOML_ARRAY,
    PULL_TOML_TEXT,
    PULL_TOML_BOOLEAN,
    PULL_TOML_INTEGER,
};

/* What made a table or array: it says who may add to it later. */
enum pull_toml_made {
    PULL_TOML_WHOLE,   /* a value: nobody */
    PULL_TOML_IMPLIED, /* on the way to [a.b]: may get a header of its own */
    PULL_TOML_HEADER,  /* [a], or [[a]] for an array */
    PULL_TOML_DOTTED,  /* a.b = ... */
};

/* A value; its tree is owned through its root. What does not belong to its kind is 0. */
struct pull_toml {
    enum pull_toml_kind kind;
    enum pull_toml_made made;
    unsigned line;           /* where it begins, from 1 */
    char *key;               /* in a table; else NULL */
    char *text;              /* TEXT: valid UTF-8 */
    int64_t number;          /* INTEGER; BOOLEAN: 0 or 1; TABLE, ARRAY: how many entries */
    struct pull_toml *first; /* of an array or table, in the file's order */
    struct pull_toml *last;
    struct pull_toml *next;
};

/*
 * Parse a document: tables, arrays of tables, bare, quoted and dotted keys, one-line strings,
 * booleans, decimal integers, arrays, inline tables, comments. name is the file's, for errors.
 *
 * Errors: MD_ERR_FORMAT  with file and line: malformed, a key twice, or TOML that is not read
 *                        (floats, dates, strings of several lines)
 *         MD_ERR_LIMIT   more than MD_MAX_SETTINGS bytes, nested too deeply
 * Source: toml.io, v1.0.0.
 */
MD_MUST_CHECK
struct pull_toml *pull_toml_parse(const char *bytes, size_t len, const char *name,
                                  struct md_err *err);
void pull_toml_free(struct pull_toml **root);

/* The value of key in a table, or NULL. */
const struct pull_toml *pull_toml_get(const struct pull_toml *table, const char *key);

#endif
