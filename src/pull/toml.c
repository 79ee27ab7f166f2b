/* SPDX-License-Identifier: Apache-2.0 */
/* TOML as far as configuration files of registries use it: the tree, values and headers. */
#include "pull/toml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/tomltext.h"

#define MAX_ENTRIES 10000 /* of one table: each is compared with those before it */

/* ---- The tree ---- */

static struct pull_toml *find(const struct pull_toml *table, const char *key)
{
    struct pull_toml *child = table->first;

    while (child && strcmp(child->key, key) != 0) {
        child = child->next;
    }
    return child;
}

const struct pull_toml *pull_toml_get(const struct pull_toml *table, const char *key)
{
    return find(table, key);
}

static void node_free(struct pull_toml *node)
{
    struct pull_toml *next;

    for (struct pull_toml *child = node->first; child; child = next) {
        next = child->next;
        node_free(child); /* no deeper than PULL_TOML_DEPTH in a key and as much in a value */
    }
    free(node->key);
    free(node->text);
    free(node);
}

void pull_toml_free(struct pull_toml **root)
{
    if (*root) {
        node_free(*root);
    }
    *root = NULL;
}

static struct pull_toml *add(const struct pull_toml_parser *parser, struct pull_toml *parent,
                             const char *key)
{
    struct pull_toml *node = md_xcalloc(1, sizeof(*node));

    node->line = parser->line;
    node->key = key ? md_xstrdup(key) : NULL;
    node->number = 0;
    if (parent->last) {
        parent->last->next = node;
    } else {
        parent->first = node;
    }
    parent->last = node;
    parent->number++; /* an array or table counts its entries here while it grows */
    return node;
}

/* A new entry of a table, unless it is there or there are too many. */
static struct pull_toml *add_new(struct pull_toml_parser *parser, struct pull_toml *table,
                                 const char *key)
{
    if (find(table, key)) {
        pull_toml_wrong_key(parser, key, "is there already");
        return NULL;
    }
    if (table->number == MAX_ENTRIES) {
        pull_toml_wrong_key(parser, key, "is one entry too many");
        parser->err->kind = MD_ERR_LIMIT;
        return NULL;
    }
    return add(parser, table, key);
}

/* One part of a header on: the table of that name, made where there is none. */
static struct pull_toml *step(struct pull_toml_parser *parser, struct pull_toml *table,
                              const char *key, enum pull_toml_made made)
{
    struct pull_toml *child = find(table, key);

    if (!child) {
        child = add_new(parser, table, key);
        if (child) {
            child->made = made;
        }
        return child;
    }
    if (made == PULL_TOML_IMPLIED && child->kind == PULL_TOML_ARRAY &&
        child->made == PULL_TOML_HEADER) {
        return child->last;
    }
    if (child->kind != PULL_TOML_TABLE || child->made == PULL_TOML_WHOLE ||
        (made == PULL_TOML_DOTTED && child->made != PULL_TOML_DOTTED)) {
        pull_toml_wrong_key(parser, key, "is no table that may be added to here");
        return NULL;
    }
    return child;
}

/* All parts but the last. */
static struct pull_toml *walk(struct pull_toml_parser *parser, struct pull_toml *table,
                              const struct pull_toml_path *path, enum pull_toml_made made)
{
    for (size_t i = 0; table && i + 1 < path->count; i++) {
        table = step(parser, table, path->parts[i], made);
    }
    return table;
}

/* ---- Values ---- */

static int take_value(struct pull_toml_parser *parser, struct pull_toml *value);

static int take_number(struct pull_toml_parser *parser, struct pull_toml *value)
{
    char digits[24];
    size_t len = 0;
    uint64_t number;
    bool negative = pull_toml_sees(parser, '-');
    const char *rest = parser->at + (negative || pull_toml_sees(parser, '+'));

    while (rest < parser->end && isdigit((unsigned char)*rest) && len + 1 < sizeof(digits)) {
        digits[len++] = *rest++;
    }
    digits[len] = '\0';
    if (len == 0 || (len > 1 && digits[0] == '0') ||
        (rest < parser->end && !strchr(" \t\r\n#,]}", *rest)) ||
        md_text_parse_u64(digits, INT64_MAX, &number) < 0) {
        return pull_toml_wrong(parser, PULL_TOML_NOT_READ);
    }
    parser->at = rest;
    value->kind = PULL_TOML_INTEGER;
    value->number = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

static bool skip_word(struct pull_toml_parser *parser, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(parser->end - parser->at) < len || memcmp(parser->at, word, len) != 0 ||
        (parser->at + len < parser->end && pull_toml_is_bare(parser->at[len]))) {
        return false;
    }
    parser->at += len;
    return true;
}

static int take_array(struct pull_toml_parser *parser, struct pull_toml *array)
{
    array->kind = PULL_TOML_ARRAY;
    for (;;) {
        while (pull_toml_skip_line_end(parser)) {
        }
        if (pull_toml_skip(parser, ']')) {
            return 0;
        }
        if (array->number == MAX_ENTRIES) {
            return pull_toml_wrong(parser, "an array with too many entries");
        }
        if (take_value(parser, add(parser, array, NULL)) < 0) {
            return -1;
        }
        while (pull_toml_skip_line_end(parser)) {
        }
        if (!pull_toml_skip(parser, ',') && !pull_toml_sees(parser, ']')) {
            return pull_toml_wrong(parser, "\",\" or \"]\" is expected");
        }
    }
}

/* key = value */
static int take_pair(struct pull_toml_parser *parser, struct pull_toml *table)
{
    PULL_AUTO_TOML_PATH path = { .count = 0 };
    struct pull_toml *value;

    if (pull_toml_take_path(parser, &path) < 0) {
        return -1;
    }
    if (!pull_toml_skip(parser, '=')) {
        return pull_toml_wrong(parser, "\"=\" is expected");
    }
    table = walk(parser, table, &path, PULL_TOML_DOTTED);
    value = table ? add_new(parser, table, path.parts[path.count - 1]) : NULL;
    if (!value) {
        return -1;
    }
    pull_toml_skip_blanks(parser);
    return take_value(parser, value);
}

static int take_inline_table(struct pull_toml_parser *parser, struct pull_toml *table)
{
    pull_toml_skip_blanks(parser);
    if (pull_toml_skip(parser, '}')) {
        return 0;
    }
    for (;;) {
        if (take_pair(parser, table) < 0) {
            return -1;
        }
        pull_toml_skip_blanks(parser);
        if (pull_toml_skip(parser, '}')) {
            return 0;
        }
        if (!pull_toml_skip(parser, ',')) {
            return pull_toml_wrong(parser, "\",\" or \"}\" is expected");
        }
    }
}

static int take_nested(struct pull_toml_parser *parser, struct pull_toml *value)
{
    int result;

    if (parser->depth == PULL_TOML_DEPTH) {
        pull_toml_wrong(parser, "nested too deeply");
        parser->err->kind = MD_ERR_LIMIT;
        return -1;
    }
    parser->depth++;
    result =
        *parser->at++ == '[' ? take_array(parser, value) : take_inline_table(parser, value);
    parser->depth--;
    return result;
}

static int take_value(struct pull_toml_parser *parser, struct pull_toml *value)
{
    if (pull_toml_sees(parser, '"') || pull_toml_sees(parser, '\'')) {
        value->kind = PULL_TOML_TEXT;
        value->text = pull_toml_take_string(parser);
        return value->text ? 0 : -1;
    }
    if (pull_toml_sees(parser, '[') || pull_toml_sees(parser, '{')) {
        return take_nested(parser, value);
    }
    if (skip_word(parser, "true") || skip_word(parser, "false")) {
        value->kind = PULL_TOML_BOOLEAN;
        value->number = parser->at[-2] == 'u';
        return 0;
    }
    return take_number(parser, value);
}

/* ---- Headers ---- */

/* [a.b] */
static struct pull_toml *open_table(struct pull_toml_parser *parser, struct pull_toml *parent,
                                    const char *key)
{
    struct pull_toml *table = find(parent, key);

    if (!table) {
        table = add_new(parser, parent, key);
    } else if (table->kind != PULL_TOML_TABLE || table->made != PULL_TOML_IMPLIED) {
        pull_toml_wrong_key(parser, key, "is there already");
        return NULL;
    }
    if (table) {
        table->made = PULL_TOML_HEADER;
        table->line = parser->line;
    }
    return table;
}

/* [[a.b]] */
static struct pull_toml *open_element(struct pull_toml_parser *parser, struct pull_toml *parent,
                                      const char *key)
{
    struct pull_toml *array = find(parent, key);

    if (!array) {
        array = add_new(parser, parent, key);
        if (!array) {
            return NULL;
        }
        array->kind = PULL_TOML_ARRAY;
        array->made = PULL_TOML_HEADER;
    } else if (array->kind != PULL_TOML_ARRAY || array->made != PULL_TOML_HEADER) {
        pull_toml_wrong_key(parser, key, "is there already, and no array of tables");
        return NULL;
    }
    struct pull_toml *element = add(parser, array, NULL);

    element->made = PULL_TOML_HEADER;
    return element;
}

/* After the first "[". */
static int take_header(struct pull_toml_parser *parser)
{
    PULL_AUTO_TOML_PATH path = { .count = 0 };
    bool element = pull_toml_skip(parser, '[');
    struct pull_toml *parent;
    const char *key;

    if (pull_toml_take_path(parser, &path) < 0) {
        return -1;
    }
    if (!pull_toml_skip(parser, ']') || (element && !pull_toml_skip(parser, ']'))) {
        return pull_toml_wrong(parser, "a header without its end");
    }
    key = path.parts[path.count - 1];
    parent = walk(parser, parser->root, &path, PULL_TOML_IMPLIED);
    if (!parent) {
        return -1;
    }
    parser->table =
        element ? open_element(parser, parent, key) : open_table(parser, parent, key);
    return parser->table ? 0 : -1;
}

static int expect_line_end(struct pull_toml_parser *parser)
{
    return pull_toml_skip_line_end(parser) || pull_toml_at_end(parser)
               ? 0
               : pull_toml_wrong(parser, "something follows on the same line");
}

static int take_document(struct pull_toml_parser *parser)
{
    while (!pull_toml_at_end(parser)) {
        int result = 0;

        if (pull_toml_skip_line_end(parser) || pull_toml_at_end(parser)) {
            continue;
        }
        result = pull_toml_skip(parser, '[') ? take_header(parser)
                                             : take_pair(parser, parser->table);
        if (result < 0 || expect_line_end(parser) < 0) {
            return -1;
        }
    }
    return 0;
}

struct pull_toml *pull_toml_parse(const char *bytes, size_t len, const char *name,
                                  struct md_err *err)
{
    struct pull_toml *root = md_xcalloc(1, sizeof(*root));
    struct pull_toml_parser parser = {
        .at = bytes,
        .end = bytes + len,
        .name = name,
        .line = 1,
        .root = root,
        .table = root,
        .err = err,
    };

    if (len > MD_MAX_SETTINGS) {
        md_err_set(err, MD_ERR_LIMIT, "%s: more than %u bytes", name, MD_MAX_SETTINGS);
        pull_toml_free(&root);
    } else if (pull_toml_check_bytes(&parser) < 0 || take_document(&parser) < 0) {
        pull_toml_free(&root);
    }
    return root;
}
