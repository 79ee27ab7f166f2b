/* SPDX-License-Identifier: Apache-2.0 */
/* Templates from tokens to a tree. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/template_lex.h"

/* What ended a list of nodes. */
enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

static const char *const keywords[] = { "if", "with", "range", "else", "end" };

static int deeper(struct cli_template_reader *reader, struct md_err *err)
{
    if (++reader->depth > CLI_TEMPLATE_DEPTH)
        return md_err_set(err, MD_ERR_USAGE, "template: nested too deep");
    return 0;
}

static bool is_keyword(const char *word)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
        if (strcmp(word, keywords[i]) == 0)
            return true;
    }
    return false;
}

static int parse_pipeline(struct cli_template_reader *reader, enum cli_token_kind closing,
                          struct cli_pipeline **pipeline, struct md_err *err);

/* One word of a command, which is the next token. */
static int parse_operand(struct cli_template_reader *reader, struct cli_operand **operand,
                         struct md_err *err)
{
    *operand = cli_template_allocate(reader, sizeof(**operand));
    if (reader->token.kind == CLI_TOKEN_OPERAND || reader->token.kind == CLI_TOKEN_WORD) {
        **operand = reader->token.operand;
        if (reader->token.kind == CLI_TOKEN_WORD &&
            (is_keyword((*operand)->text) || !cli_template_knows((*operand)->text)))
            return md_err_set(err, MD_ERR_USAGE, "template: \"%s\" is not supported",
                              (*operand)->text);
        return cli_template_next(reader, err);
    }
    if (reader->token.kind != CLI_TOKEN_LEFT)
        return cli_template_bad(err, "a value is missing", reader->at);
    (*operand)->kind = CLI_OPERAND_GROUP;
    if (deeper(reader, err) < 0 || cli_template_next(reader, err) < 0 ||
        parse_pipeline(reader, CLI_TOKEN_RIGHT, &(*operand)->group, err) < 0)
        return -1;
    reader->depth--;
    (*operand)->path = cli_template_path(reader);
    return cli_template_next(reader, err);
}

/* Up to a | or the closing token, which stays the next one. */
static int parse_command(struct cli_template_reader *reader, enum cli_token_kind closing,
                         struct cli_command_node *command, struct md_err *err)
{
    struct cli_operand **last = &command->operands;
    size_t count = 0;

    while (reader->token.kind != closing && reader->token.kind != CLI_TOKEN_PIPE) {
        if (count++ == CLI_TEMPLATE_ARGS)
            return md_err_set(err, MD_ERR_USAGE, "template: too many words in one action");
        if (parse_operand(reader, last, err) < 0)
            return -1;
        last = &(*last)->next;
    }
    if (count == 0)
        return cli_template_bad(err, "a value is missing", reader->at);
    return 0;
}

/* "$x :=", "$x =", "$i, $e :=": read if they are there, else everything stays as it was. */
static int parse_binding(struct cli_template_reader *reader, struct cli_pipeline *pipeline,
                         struct md_err *err)
{
    struct cli_template_reader before = *reader;

    for (size_t i = 0; i < 2; i++) {
        const struct cli_operand *variable = &reader->token.operand;

        if (reader->token.kind != CLI_TOKEN_OPERAND || variable->kind != CLI_OPERAND_VARIABLE ||
            variable->path[0] || !variable->text[1])
            break;
        pipeline->variables[i] = variable->text;
        if (cli_template_next(reader, err) < 0)
            return -1;
        if (reader->token.kind == CLI_TOKEN_DECLARE || reader->token.kind == CLI_TOKEN_ASSIGN) {
            pipeline->binding =
                reader->token.kind == CLI_TOKEN_DECLARE ? CLI_BIND_DECLARE : CLI_BIND_ASSIGN;
            return cli_template_next(reader, err);
        }
        if (reader->token.kind != CLI_TOKEN_COMMA)
            break;
        if (cli_template_next(reader, err) < 0)
            return -1;
    }
    *reader = before;
    pipeline->variables[0] = pipeline->variables[1] = NULL;
    return 0;
}

/* From the next token up to the closing one, which is taken, but nothing after it. */
static int parse_pipeline(struct cli_template_reader *reader, enum cli_token_kind closing,
                          struct cli_pipeline **pipeline, struct md_err *err)
{
    *pipeline = cli_template_allocate(reader, sizeof(**pipeline));
    struct cli_command_node **last = &(*pipeline)->commands;

    if (parse_binding(reader, *pipeline, err) < 0)
        return -1;
    for (;;) {
        *last = cli_template_allocate(reader, sizeof(**last));
        if (parse_command(reader, closing, *last, err) < 0)
            return -1;
        if (reader->token.kind == closing)
            return 0;
        last = &(*last)->next;
        if (cli_template_next(reader, err) < 0)
            return -1;
    }
}

static int parse_list(struct cli_template_reader *reader, struct cli_node **nodes,
                      enum stop *stop, struct md_err *err);

static bool at_word(const struct cli_template_reader *reader, const char *word)
{
    return reader->token.kind == CLI_TOKEN_WORD &&
           strcmp(reader->token.operand.text, word) == 0;
}

/* {{if}}, {{with}} or {{range}}, whose keyword is the next token, with all up to {{end}}. */
static int parse_block(struct cli_template_reader *reader, struct cli_node *node,
                       struct md_err *err)
{
    enum stop stop;

    node->kind = at_word(reader, "if")     ? CLI_NODE_IF
                 : at_word(reader, "with") ? CLI_NODE_WITH
                                           : CLI_NODE_RANGE;
    if (deeper(reader, err) < 0 || cli_template_next(reader, err) < 0 ||
        parse_pipeline(reader, CLI_TOKEN_CLOSE, &node->pipeline, err) < 0)
        return -1;
    if (node->pipeline->variables[1] && node->kind != CLI_NODE_RANGE)
        return md_err_set(err, MD_ERR_USAGE, "template: too many variables");
    if (parse_list(reader, &node->body, &stop, err) < 0)
        return -1;
    if (stop == STOP_ELSE && (at_word(reader, "if") || at_word(reader, "with"))) {
        node->otherwise = cli_template_allocate(reader, sizeof(*node));
        if (parse_block(reader, node->otherwise, err) < 0)
            return -1;
        stop = STOP_END;
    } else if (stop == STOP_ELSE) {
        if (reader->token.kind != CLI_TOKEN_CLOSE)
            return cli_template_bad(err, "{{else}} with something after it", reader->at);
        if (parse_list(reader, &node->otherwise, &stop, err) < 0)
            return -1;
    }
    reader->depth--;
    if (stop != STOP_END)
        return md_err_set(err, MD_ERR_USAGE, "template: %s",
                          stop == STOP_ELSE ? "a second {{else}}" : "{{end}} is missing");
    return 0;
}

/* Text up to the next action; shells pass "\t" and "\n" as two characters. */
static void parse_text(struct cli_template_reader *reader, struct cli_node *node)
{
    const char *open = strstr(reader->at, "{{");
    size_t len = open ? (size_t)(open - reader->at) : strlen(reader->at);
    const char *end = reader->at + len;
    char *text = cli_template_allocate(reader, len + 1);
    size_t used = 0;

    node->kind = CLI_NODE_TEXT;
    node->text = text;
    if (reader->blanks == CLI_BLANKS_TRIM) {
        while (reader->at < end && isspace((unsigned char)*reader->at))
            reader->at++;
    }
    reader->blanks = CLI_BLANKS_KEEP;
    for (const char *p = reader->at; p < end; p++) {
        bool escape = *p == '\\' && p + 1 < end && (p[1] == 't' || p[1] == 'n');

        text[used++] = escape ? (p[1] == 't' ? '\t' : '\n') : *p;
        p += escape;
    }
    reader->at = end;
    if (open && strncmp(open, "{{-", 3) == 0 && isspace((unsigned char)open[3])) {
        while (used > 0 && isspace((unsigned char)text[used - 1]))
            used--;
        text[used] = '\0';
    }
}

/* Step over "{{", "{{- " and a comment; *comment says whether it was one. */
static int open_action(struct cli_template_reader *reader, bool *comment, struct md_err *err)
{
    const char *start = reader->at;

    reader->at += 2;
    if (*reader->at == '-' && isspace((unsigned char)reader->at[1]))
        reader->at++;
    const char *inside = reader->at + strspn(reader->at, " \t\r\n");

    *comment = strncmp(inside, "/*", 2) == 0;
    if (!*comment)
        return cli_template_next(reader, err);
    const char *end = strstr(inside + 2, "*/");

    if (!end)
        return cli_template_bad(err, "unclosed comment", start);
    reader->at = end + 2;
    if (cli_template_next(reader, err) < 0)
        return -1;
    return reader->token.kind == CLI_TOKEN_CLOSE
               ? 0
               : cli_template_bad(err, "text after a comment", start);
}

/* Nodes up to what ends their block: the end of the text, {{end}}, or {{else, whose next token
 * is then read. */
static int parse_list(struct cli_template_reader *reader, struct cli_node **nodes,
                      enum stop *stop, struct md_err *err)
{
    *stop = STOP_END_OF_TEXT;
    while (*reader->at) {
        struct cli_node *node = cli_template_allocate(reader, sizeof(*node));
        bool comment = false;
        int status;

        *nodes = node;
        nodes = &node->next;
        if (strncmp(reader->at, "{{", 2) != 0 || reader->blanks == CLI_BLANKS_TRIM) {
            parse_text(reader, node);
            continue;
        }
        node->kind = CLI_NODE_TEXT;
        node->text = "";
        if (open_action(reader, &comment, err) < 0)
            return -1;
        if (comment)
            continue;
        if (at_word(reader, "end") || at_word(reader, "else")) {
            *stop = at_word(reader, "end") ? STOP_END : STOP_ELSE;
            if (cli_template_next(reader, err) < 0)
                return -1;
            return *stop == STOP_ELSE || reader->token.kind == CLI_TOKEN_CLOSE
                       ? 0
                       : cli_template_bad(err, "{{end}} with something after it", reader->at);
        }
        if (at_word(reader, "if") || at_word(reader, "with") || at_word(reader, "range")) {
            status = parse_block(reader, node, err);
        } else {
            node->kind = CLI_NODE_PRINT;
            status = parse_pipeline(reader, CLI_TOKEN_CLOSE, &node->pipeline, err);
            if (status == 0 && node->pipeline->variables[1])
                status = md_err_set(err, MD_ERR_USAGE, "template: too many variables");
        }
        if (status < 0)
            return -1;
    }
    return 0;
}

struct cli_template *cli_template_parse(const char *text, struct md_err *err)
{
    MD_AUTO_TEMPLATE tree = md_xcalloc(1, sizeof(*tree));
    struct cli_template_reader reader = { .at = text, .tree = tree };
    enum stop stop;

    tree->constants = md_json_array();
    if (strlen(text) > CLI_TEMPLATE_BYTES) {
        md_err_set(err, MD_ERR_USAGE, "template: longer than %d bytes", CLI_TEMPLATE_BYTES);
        return NULL;
    }
    if (parse_list(&reader, &tree->nodes, &stop, err) < 0)
        return NULL;
    if (stop != STOP_END_OF_TEXT) {
        md_err_set(err, MD_ERR_USAGE, "template: unexpected {{%s}}",
                   stop == STOP_END ? "end" : "else");
        return NULL;
    }
    return md_ptr_take(&tree);
}

void cli_template_free(struct cli_template **template)
{
    struct cli_template *tree = *template;

    if (!tree)
        return;
    for (size_t i = 0; i < tree->block_count; i++)
        free(tree->blocks[i]);
    free(tree->blocks);
    md_json_free(&tree->constants);
    free(tree);
    *template = NULL;
}
