/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a template's actions. */
#ifndef MD_CLI_TEMPLATE_LEX_H
#define MD_CLI_TEMPLATE_LEX_H

#include "cli/template_tree.h"

enum cli_token_kind {
    CLI_TOKEN_CLOSE, /* }} */
    CLI_TOKEN_PIPE,
    CLI_TOKEN_LEFT,
    CLI_TOKEN_RIGHT,
    CLI_TOKEN_DECLARE, /* := */
    CLI_TOKEN_ASSIGN,
    CLI_TOKEN_COMMA,
    CLI_TOKEN_OPERAND, /* a value: operand says which */
    CLI_TOKEN_WORD,    /* a keyword or a function */
};

struct cli_token {
    enum cli_token_kind kind;
    struct cli_operand operand;
};

/* A template that is being read. */
struct cli_template_reader {
    const char *at;
    struct cli_template *tree;
    struct cli_token token; /* the next one of the action */
    int depth;              /* of blocks and parentheses, at most CLI_TEMPLATE_DEPTH */
    enum {
        CLI_BLANKS_KEEP,
        CLI_BLANKS_TRIM
    } blanks; /* at the start of the text that follows */
};

/* Read the next token of an action into reader->token. Errors: MD_ERR_USAGE */
MD_MUST_CHECK
int cli_template_next(struct cli_template_reader *reader, struct md_err *err);

/* Take ".A.B", "." or nothing, without blanks in front, off the text. */
const char *cli_template_path(struct cli_template_reader *reader);

/* Zeroed memory that is the tree's. */
void *cli_template_allocate(struct cli_template_reader *reader, size_t size);

/* Returns -1 with "template: <what> near "<at>"". */
int cli_template_bad(struct md_err *err, const char *what, const char *at);

#endif
