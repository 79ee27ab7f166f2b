/* SPDX-License-Identifier: Apache-2.0 */
/* The words of TOML, for toml.c alone: blanks, line ends, strings and keys. */
#ifndef MD_PULL_TOMLTEXT_H
#define MD_PULL_TOMLTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pull/toml.h"

#define PULL_TOML_DEPTH 16 /* parts of a key; arrays and inline tables inside each other */

#define PULL_TOML_NOT_READ                                                                     \
    "only strings of one line, booleans, decimal integers, arrays and tables are read"

struct pull_toml_parser {
    const char *at;
    const char *end;
    const char *name; /* of the file */
    unsigned line;
    int depth;
    struct pull_toml *root;
    struct pull_toml *table; /* of the last header */
    struct md_err *err;
};

/* A dotted key, taken apart. */
struct pull_toml_path {
    char *parts[PULL_TOML_DEPTH];
    size_t count;
};

#define PULL_AUTO_TOML_PATH __attribute__((cleanup(pull_toml_path_clear))) struct pull_toml_path

void pull_toml_path_clear(struct pull_toml_path *path);

/* "FILE:LINE: words", "FILE:LINE: "key" words": both are MD_ERR_FORMAT and return -1. */
int pull_toml_wrong(struct pull_toml_parser *parser, const char *words);
int pull_toml_wrong_key(struct pull_toml_parser *parser, const char *key, const char *words);

/* UTF-8, and no control bytes but tabs and line ends; to be asked first. */
MD_MUST_CHECK
int pull_toml_check_bytes(struct pull_toml_parser *parser);

bool pull_toml_at_end(const struct pull_toml_parser *parser);
/* True when byte is next; skip() moves past it. */
bool pull_toml_sees(const struct pull_toml_parser *parser, char byte);
bool pull_toml_skip(struct pull_toml_parser *parser, char byte);
void pull_toml_skip_blanks(struct pull_toml_parser *parser);
/* Blanks, a comment and the line's end; false when something else follows, or nothing. */
bool pull_toml_skip_line_end(struct pull_toml_parser *parser);

/* True for what may stand in a key without quotes. */
bool pull_toml_is_bare(char byte);

/* A string in "" or '', whose first quote is next. The caller frees it; NULL on failure. */
MD_MUST_CHECK
char *pull_toml_take_string(struct pull_toml_parser *parser);

/* A key with its dots; path is empty before. */
MD_MUST_CHECK
int pull_toml_take_path(struct pull_toml_parser *parser, struct pull_toml_path *path);

#endif
