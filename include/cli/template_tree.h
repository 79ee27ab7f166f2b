/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed template: what template_parse.c makes and template.c walks. */
#ifndef MD_CLI_TEMPLATE_TREE_H
#define MD_CLI_TEMPLATE_TREE_H

#include "cli/template.h"

#define CLI_TEMPLATE_DEPTH 32    /* blocks and parentheses inside each other */
#define CLI_TEMPLATE_ARGS 16     /* of one function */
#define CLI_TEMPLATE_BYTES 65536 /* of a template */

enum cli_operand_kind {
    CLI_OPERAND_DOT,      /* .A.B: path only */
    CLI_OPERAND_VARIABLE, /* $x.A: text is "$x" */
    CLI_OPERAND_CONSTANT, /* value; NULL is nil */
    CLI_OPERAND_FUNCTION, /* text is its name */
    CLI_OPERAND_GROUP,    /* (pipeline).A */
};

/* A word of a command. All memory is the template's. */
struct cli_operand {
    enum cli_operand_kind kind;
    const char *text;
    const char *path; /* "", "." or ".A.B": what is taken of the value */
    const struct json_t *value;
    struct cli_pipeline *group;
    struct cli_operand *next;
};

struct cli_command_node {
    struct cli_operand *operands;
    struct cli_command_node *next; /* gets this one's result as its last argument */
};

enum cli_binding { CLI_BIND_NONE, CLI_BIND_DECLARE, CLI_BIND_ASSIGN };

struct cli_pipeline {
    enum cli_binding binding;
    const char *variables[2]; /* "$i", "$e", or NULL */
    struct cli_command_node *commands;
};

enum cli_node_kind {
    CLI_NODE_TEXT,
    CLI_NODE_PRINT,
    CLI_NODE_IF,
    CLI_NODE_WITH,
    CLI_NODE_RANGE
};

struct cli_node {
    enum cli_node_kind kind;
    const char *text;
    struct cli_pipeline *pipeline;
    struct cli_node *body;
    struct cli_node *otherwise;
    struct cli_node *next;
};

struct cli_template {
    struct cli_node *nodes;
    struct json_t *constants; /* array that owns them */
    void **blocks;            /* all memory of the tree */
    size_t block_count;
};

/* Is there a function of this name? */
bool cli_template_knows(const char *name);

/*
 * Call a function. values made on the way are appended to owned, an array; *result is one of
 * them, or an argument, or NULL for no value.
 */
struct cli_call {
    const char *name;
    const struct json_t *args[CLI_TEMPLATE_ARGS];
    size_t count;
    struct json_t *owned;
};
MD_MUST_CHECK
int cli_template_call(struct cli_call *call, const struct json_t **result, struct md_err *err);

/* A value as Go prints it: text bare, [a b], map[k:v], null as [], nothing for NULL. */
void cli_template_print(const struct json_t *value, struct md_buf *out);

/* Truth by Go's rules: null, false, 0, "" and empty collections are false. */
bool cli_template_true(const struct json_t *value);

/* The keys of an object in order; the caller frees the array, the keys are the object's. */
const char **cli_template_keys(const struct json_t *object, size_t *count);

#endif
