/* SPDX-License-Identifier: Apache-2.0 */
/* Templates from text to tokens. */
#include "cli/template_lex.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void *cli_template_allocate(struct cli_template_reader *reader, size_t size)
{
    struct cli_template *tree = reader->tree;

    tree->blocks = md_xreallocarray(tree->blocks, tree->block_count + 1, sizeof(*tree->blocks));
    tree->blocks[tree->block_count] = md_xcalloc(1, size);
    return tree->blocks[tree->block_count++];
}

static char *keep_text(struct cli_template_reader *reader, const char *text, size_t len)
{
    char *copy = cli_template_allocate(reader, len + 1);

    memcpy(copy, text, len);
    return copy;
}

int cli_template_bad(struct md_err *err, const char *what, const char *at)
{
    return md_err_set(err, MD_ERR_USAGE, "template: %s near \"%.40s\"", what, at);
}

static bool is_name(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_';
}

/* ".A.B", "." or nothing. */
const char *cli_template_path(struct cli_template_reader *reader)
{
    const char *start = reader->at;

    while (*reader->at == '.') {
        reader->at++;
        while (is_name(*reader->at))
            reader->at++;
    }
    return keep_text(reader, start, (size_t)(reader->at - start));
}

static void set_constant(struct cli_template_reader *reader, struct json_t *value)
{
    md_json_append(reader->tree->constants, value);
    reader->token.kind = CLI_TOKEN_OPERAND;
    reader->token.operand =
        (struct cli_operand){ .kind = CLI_OPERAND_CONSTANT, .path = "", .value = value };
}

/* The inside of "text" with Go's escapes that make sense here. */
static int take_quoted(struct cli_template_reader *reader, struct md_err *err)
{
    static const char escapes[] = "n\nt\tr\r\"\"\\\\''";
    struct md_buf text = { 0 };
    const char *p = reader->at + 1;

    for (; *p && *p != '"' && *p != '\n'; p++) {
        const char *found = *p == '\\' && p[1] ? strchr(escapes, p[1]) : NULL;

        if (*p == '\\' && (!found || (found - escapes) % 2 != 0))
            break;
        md_buf_printf(&text, "%c", found ? found[1] : *p);
        p += found != NULL;
    }
    if (*p != '"') {
        md_buf_clear(&text);
        return cli_template_bad(err, *p == '\\' ? "unknown escape" : "unterminated quoted text",
                                reader->at);
    }
    reader->at = p + 1;
    set_constant(reader, md_json_string(text.data ? text.data : ""));
    md_buf_clear(&text);
    return 0;
}

static int take_raw(struct cli_template_reader *reader, struct md_err *err)
{
    const char *end = strchr(reader->at + 1, '`');

    if (!end)
        return cli_template_bad(err, "unterminated quoted text", reader->at);
    MD_AUTO_FREE char *text = md_xstrndup(reader->at + 1, (size_t)(end - reader->at) - 1);

    reader->at = end + 1;
    set_constant(reader, md_json_string(text));
    return 0;
}

static int take_number(struct cli_template_reader *reader, struct md_err *err)
{
    size_t len = 1 + strspn(reader->at + 1, "0123456789");
    char text[20];

    if (len >= sizeof(text) || is_name(reader->at[len]) || reader->at[len] == '.')
        return cli_template_bad(err, "cannot understand a number", reader->at);
    snprintf(text, sizeof(text), "%.*s", (int)len, reader->at);
    reader->at += len;
    set_constant(reader, md_json_number(strtoll(text, NULL, 10)));
    return 0;
}

/* A function, a keyword, or a constant that has a name. */
static void take_word(struct cli_template_reader *reader)
{
    const char *start = reader->at;

    while (is_name(*reader->at))
        reader->at++;
    const char *word = keep_text(reader, start, (size_t)(reader->at - start));

    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        set_constant(reader, md_json_bool(word[0] == 't'));
    } else if (strcmp(word, "nil") == 0) {
        reader->token.kind = CLI_TOKEN_OPERAND;
        reader->token.operand =
            (struct cli_operand){ .kind = CLI_OPERAND_CONSTANT, .path = "" };
    } else {
        reader->token.kind = CLI_TOKEN_WORD;
        reader->token.operand =
            (struct cli_operand){ .kind = CLI_OPERAND_FUNCTION, .text = word, .path = "" };
    }
}

static void take_reference(struct cli_template_reader *reader)
{
    const char *start = reader->at;
    const char *name = NULL;

    if (*start == '$') {
        reader->at++;
        while (is_name(*reader->at))
            reader->at++;
        name = keep_text(reader, start, (size_t)(reader->at - start));
    }
    reader->token.kind = CLI_TOKEN_OPERAND;
    reader->token.operand = (struct cli_operand){
        .kind = name ? CLI_OPERAND_VARIABLE : CLI_OPERAND_DOT,
        .text = name,
        .path = cli_template_path(reader),
    };
}

/* Signs, the longest first. Returns whether there was one. */
static bool take_sign(struct cli_template_reader *reader)
{
    static const struct {
        const char *text;
        enum cli_token_kind kind;
    } signs[] = {
        { "}}", CLI_TOKEN_CLOSE }, { ":=", CLI_TOKEN_DECLARE }, { "=", CLI_TOKEN_ASSIGN },
        { "|", CLI_TOKEN_PIPE },   { "(", CLI_TOKEN_LEFT },     { ")", CLI_TOKEN_RIGHT },
        { ",", CLI_TOKEN_COMMA },
    };

    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (strncmp(reader->at, signs[i].text, strlen(signs[i].text)) == 0) {
            reader->at += strlen(signs[i].text);
            reader->token = (struct cli_token){ .kind = signs[i].kind };
            return true;
        }
    }
    return false;
}

/* Read the next token of an action. */
int cli_template_next(struct cli_template_reader *reader, struct md_err *err)
{
    reader->at += strspn(reader->at, " \t\r\n");
    if (strncmp(reader->at, "-}}", 3) == 0) {
        reader->at++;
        reader->blanks = CLI_BLANKS_TRIM;
    }
    if (*reader->at == '\0')
        return md_err_set(err, MD_ERR_USAGE, "template: unclosed action");
    if (take_sign(reader))
        return 0;
    if (*reader->at == '"')
        return take_quoted(reader, err);
    if (*reader->at == '`')
        return take_raw(reader, err);
    if (isdigit((unsigned char)*reader->at) ||
        (*reader->at == '-' && isdigit((unsigned char)reader->at[1])))
        return take_number(reader, err);
    if (*reader->at == '.' || *reader->at == '$')
        take_reference(reader);
    else if (is_name(*reader->at))
        take_word(reader);
    else
        return cli_template_bad(err, "cannot understand what is written", reader->at);
    return 0;
}
