/* SPDX-License-Identifier: Apache-2.0 */
/* The words of TOML: blanks, line ends, strings and keys. */
#include "pull/tomltext.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

void pull_toml_path_clear(struct pull_toml_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        free(path->parts[i]);
    }
    path->count = 0;
}

int pull_toml_wrong(struct pull_toml_parser *parser, const char *words)
{
    return md_err_set(parser->err, MD_ERR_FORMAT, "%s:%u: %s", parser->name, parser->line,
                      words);
}

int pull_toml_wrong_key(struct pull_toml_parser *parser, const char *key, const char *words)
{
    char shown[80];

    return md_err_set(parser->err, MD_ERR_FORMAT, "%s:%u: \"%s\" %s", parser->name,
                      parser->line, md_text_escape(key, strlen(key), shown, sizeof(shown)),
                      words);
}

/* ---- Bytes ---- */

bool pull_toml_at_end(const struct pull_toml_parser *parser)
{
    return parser->at == parser->end;
}

bool pull_toml_sees(const struct pull_toml_parser *parser, char byte)
{
    return !pull_toml_at_end(parser) && *parser->at == byte;
}

bool pull_toml_skip(struct pull_toml_parser *parser, char byte)
{
    bool there = pull_toml_sees(parser, byte);

    parser->at += there;
    return there;
}

void pull_toml_skip_blanks(struct pull_toml_parser *parser)
{
    while (pull_toml_sees(parser, ' ') || pull_toml_sees(parser, '\t')) {
        parser->at++;
    }
}

/* A line's end, with the comment before it. */
bool pull_toml_skip_line_end(struct pull_toml_parser *parser)
{
    pull_toml_skip_blanks(parser);
    if (pull_toml_sees(parser, '#')) {
        while (!pull_toml_at_end(parser) && !pull_toml_sees(parser, '\n')) {
            parser->at++;
        }
    }
    if (pull_toml_sees(parser, '\r')) {
        parser->at++;
    }
    if (!pull_toml_skip(parser, '\n')) {
        return false;
    }
    parser->line++;
    return true;
}

/* UTF-8, and no control bytes but tabs and line ends. Leaves the line where it was. */
int pull_toml_check_bytes(struct pull_toml_parser *parser)
{
    size_t step;

    for (const char *at = parser->at; at < parser->end; at += step) {
        size_t left = (size_t)(parser->end - at);
        bool line_end = *at == '\n' || (*at == '\r' && left > 1 && at[1] == '\n');
        uint32_t character = 0;

        step = md_text_decode(at, left, &character);
        if (step == 0) {
            return pull_toml_wrong(parser, "not UTF-8");
        }
        if ((character < 0x20 || character == 0x7f) && !line_end && *at != '\t') {
            return pull_toml_wrong(parser, "a control byte");
        }
        parser->line += *at == '\n';
    }
    parser->line = 1;
    return 0;
}

/* ---- Strings ---- */

static void add_character(struct md_buf *text, uint32_t character)
{
    char bytes[4];
    size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = len; i-- > 1; character >>= 6) {
        bytes[i] = (char)(0x80 | (character & 0x3f));
    }
    bytes[0] = (char)(first[len] | character);
    (void)!md_buf_add(text, bytes, len); /* shorter than its escape, so within the maximum */
}

/* \uXXXX and \UXXXXXXXX, after the letter. */
static int take_code(struct pull_toml_parser *parser, size_t digits, struct md_buf *text)
{
    uint32_t character = 0;

    for (size_t i = 0; i < digits; i++) {
        if (pull_toml_at_end(parser) || !isxdigit((unsigned char)*parser->at)) {
            return pull_toml_wrong(parser, "a malformed \\u in a string");
        }
        int digit = tolower((unsigned char)*parser->at++);

        character =
            character << 4 | (uint32_t)(isdigit(digit) ? digit - '0' : digit - 'a' + 10);
    }
    if (character == 0 || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) {
        return pull_toml_wrong(parser, "a \\u in a string that is no character");
    }
    add_character(text, character);
    return 0;
}

static int take_escape(struct pull_toml_parser *parser, struct md_buf *text)
{
    static const char letters[] = "btnfr\"\\";
    static const char meant[] = "\b\t\n\f\r\"\\";
    char letter = pull_toml_at_end(parser) ? '\0' : *parser->at++;
    const char *found = letter ? strchr(letters, letter) : NULL;

    if (found) {
        add_character(text, (unsigned char)meant[found - letters]);
        return 0;
    }
    if (letter == 'u' || letter == 'U') {
        return take_code(parser, letter == 'u' ? 4 : 8, text);
    }
    return pull_toml_wrong(parser, "an unknown escape in a string");
}

static int take_characters(struct pull_toml_parser *parser, char quote, struct md_buf *text)
{
    while (!pull_toml_skip(parser, quote)) {
        if (pull_toml_at_end(parser) || pull_toml_sees(parser, '\n') ||
            pull_toml_sees(parser, '\r')) {
            return pull_toml_wrong(parser, "a string without its end");
        }
        if (quote == '"' && pull_toml_skip(parser, '\\')) {
            if (take_escape(parser, text) < 0) {
                return -1;
            }
        } else if (md_buf_add(text, parser->at++, 1) < 0) {
            return pull_toml_wrong(parser, "a string that is too long");
        }
    }
    return 0;
}

/* A string in "" or '', the first quote being next. The caller frees it; NULL on failure. */
char *pull_toml_take_string(struct pull_toml_parser *parser)
{
    struct md_buf text = { .max = MD_MAX_SETTINGS };
    char quote = *parser->at++;

    if (parser->end - parser->at >= 2 && parser->at[0] == quote && parser->at[1] == quote) {
        pull_toml_wrong(parser, PULL_TOML_NOT_READ);
        return NULL;
    }
    if (take_characters(parser, quote, &text) < 0) {
        md_buf_clear(&text);
        return NULL;
    }
    return text.data ? text.data : md_xstrdup("");
}

/* ---- Keys ---- */

bool pull_toml_is_bare(char byte)
{
    return isascii((unsigned char)byte) &&
           (isalnum((unsigned char)byte) || byte == '_' || byte == '-');
}

static int take_part(struct pull_toml_parser *parser, struct pull_toml_path *path)
{
    const char *from = parser->at;
    char *part;

    if (path->count == PULL_TOML_DEPTH) {
        pull_toml_wrong(parser, "a key with too many parts");
        parser->err->kind = MD_ERR_LIMIT;
        return -1;
    }
    if (pull_toml_sees(parser, '"') || pull_toml_sees(parser, '\'')) {
        part = pull_toml_take_string(parser);
        if (!part) {
            return -1;
        }
    } else {
        while (!pull_toml_at_end(parser) && pull_toml_is_bare(*parser->at)) {
            parser->at++;
        }
        if (parser->at == from) {
            return pull_toml_wrong(parser, "a key is expected");
        }
        part = md_xstrndup(from, (size_t)(parser->at - from));
    }
    path->parts[path->count++] = part;
    return 0;
}

int pull_toml_take_path(struct pull_toml_parser *parser, struct pull_toml_path *path)
{
    do {
        pull_toml_skip_blanks(parser);
        if (take_part(parser, path) < 0) {
            return -1;
        }
        pull_toml_skip_blanks(parser);
    } while (pull_toml_skip(parser, '.'));
    return 0;
}
