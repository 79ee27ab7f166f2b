/* SPDX-License-Identifier: Apache-2.0 */
/* The part of Go's templates that docker's users type after --format. */
#include "cli/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_DEPTH 16    /* nested blocks */
#define MAX_VARIABLES 8 /* $names in sight */
#define MAX_WORDS 8     /* words of one action */

/* What $name means inside a range. */
struct variable {
    char name[32];
    const struct json_t *value;
};

/* A rendering under way. skip > 0 or out NULL: text is read but not written. */
struct state {
    const char *at;
    struct md_buf *out;
    const struct json_t *root;
    struct variable variables[MAX_VARIABLES];
    size_t variable_count;
    struct json_t *owned; /* array of values made on the way: keys and indexes of a range */
    int depth;
};

enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

enum block { SKIP, WRITE };

static int render(struct state *state, const struct json_t *dot, enum stop *stop,
                  struct md_err *err);

static void write_text(struct state *state, const char *text, size_t len)
{
    if (state->out && len > 0)
        md_buf_printf(state->out, "%.*s", (int)len, text);
}

/* A value as Go prints it: strings bare, numbers, booleans, others as JSON. */
static void write_value(struct state *state, const struct json_t *value)
{
    const char *text = md_json_is_null(value) ? "<no value>" : md_json_text(value);

    if (text) {
        write_text(state, text, strlen(text));
    } else {
        MD_AUTO_FREE char *json = md_json_line(value);

        write_text(state, json, strlen(json));
    }
}

/* Truth by Go's rules: null, false, 0, "" and empty collections are false. */
static bool is_true(const struct json_t *value)
{
    if (md_json_is_string(value))
        return md_json_text(value)[0] != '\0';
    if (md_json_is_object(value) || md_json_is_array(value))
        return md_json_count(value) > 0;
    return md_json_true(value) || md_json_int(value) != 0;
}

static int lookup_path(const struct json_t *value, const char *path,
                       const struct json_t **found, struct md_err *err)
{
    while (*path == '.') {
        size_t len = strcspn(path + 1, ".");
        MD_AUTO_FREE char *key = md_xstrndup(path + 1, len);

        path += 1 + len;
        if (len == 0)
            break;
        const struct json_t *next = md_json_get(value, key);
        bool there = false;

        for (const char *k = NULL; !there && (k = md_json_next_key(value, k));)
            there = strcmp(k, key) == 0;
        if (!there)
            return md_err_set(err, MD_ERR_USAGE, "template: no field \"%s\" in the value", key);
        value = next;
    }
    *found = value;
    return 0;
}

/* One word of an action: .A.B, $x.A, "text", 12. */
static int evaluate_word(struct state *state, const struct json_t *dot, const char *word,
                         const struct json_t **value, struct md_err *err)
{
    *value = NULL;
    if (!state->out)
        return 0; /* a block that is only read over: its values need not exist */
    if (word[0] == '.')
        return lookup_path(dot, word, value, err);
    if (word[0] == '"' || isdigit((unsigned char)word[0])) {
        size_t len = strlen(word);
        MD_AUTO_FREE char *text = word[0] == '"' ? md_xstrndup(word + 1, len - 2) : NULL;
        struct json_t *made =
            text ? md_json_string(text) : md_json_number(strtoll(word, NULL, 10));

        md_json_append(state->owned, made);
        *value = made;
        return 0;
    }
    if (word[0] == '$') {
        size_t len = strcspn(word, ".");

        if (len == 1)
            return lookup_path(state->root, word + 1, value, err);
        for (size_t i = state->variable_count; i-- > 0;) {
            if (strlen(state->variables[i].name) == len &&
                strncmp(state->variables[i].name, word, len) == 0)
                return lookup_path(state->variables[i].value, word + len, value, err);
        }
    }
    return md_err_set(err, MD_ERR_USAGE, "template: cannot understand \"%s\"", word);
}

static void write_join(struct state *state, const struct json_t *array, const char *between)
{
    for (size_t i = 0; i < md_json_count(array); i++) {
        if (i > 0)
            write_text(state, between, strlen(between));
        write_value(state, md_json_at(array, i));
    }
}

static void write_cased(struct state *state, const char *text, int (*convert)(int))
{
    for (; text && *text; text++) {
        char letter = (char)convert((unsigned char)*text);

        write_text(state, &letter, 1);
    }
}

/* {{function A [B]}} */
static int call(struct state *state, const char *name, const struct json_t **values,
                size_t count, struct md_err *err)
{
    const char *second = count > 1 ? md_json_text(values[1]) : NULL;

    if (strcmp(name, "json") == 0 && count == 1) {
        MD_AUTO_FREE char *line = md_json_line(values[0]);

        write_text(state, line, strlen(line));
    } else if (strcmp(name, "join") == 0 && count == 2 && second) {
        write_join(state, values[0], second);
    } else if (strcmp(name, "len") == 0 && count == 1) {
        const char *text = md_json_text(values[0]);
        char number[24];

        snprintf(number, sizeof(number), "%zu", text ? strlen(text) : md_json_count(values[0]));
        write_text(state, number, strlen(number));
    } else if (strcmp(name, "index") == 0 && count == 2) {
        write_value(state, second ? md_json_get(values[0], second)
                                  : md_json_at(values[0], (size_t)md_json_int(values[1])));
    } else if (strcmp(name, "upper") == 0 && count == 1) {
        write_cased(state, md_json_text(values[0]), toupper);
    } else if (strcmp(name, "lower") == 0 && count == 1) {
        write_cased(state, md_json_text(values[0]), tolower);
    } else if (strcmp(name, "println") == 0 && count == 1) {
        write_value(state, values[0]);
        write_text(state, "\n", 1);
    } else {
        return md_err_set(err, MD_ERR_USAGE,
                          "template: unknown function or wrong arguments: %s", name);
    }
    return 0;
}

/* Split an action into words; quoted text stays one word with its quotes. */
static int split(char *action, char *words[MAX_WORDS], size_t *count, struct md_err *err)
{
    *count = 0;
    for (char *at = action; *at;) {
        at += strspn(at, " \t\n,");
        if (!*at)
            break;
        if (*count == MAX_WORDS)
            return md_err_set(err, MD_ERR_USAGE, "template: too many words in one action");
        words[(*count)++] = at;
        if (*at == '"') {
            char *end = strchr(at + 1, '"');

            if (!end)
                return md_err_set(err, MD_ERR_USAGE, "template: unterminated quoted text");
            at = end + 1;
        } else {
            at += strcspn(at, " \t\n,");
        }
        if (*at)
            *at++ = '\0';
    }
    return 0;
}

static void push_variable(struct state *state, const char *name, const struct json_t *value)
{
    struct variable *variable = &state->variables[state->variable_count++];

    snprintf(variable->name, sizeof(variable->name), "%s", name);
    variable->value = value;
}

/* Render the block from where we are, or only read over it. */
static int block(struct state *state, const struct json_t *dot, enum block how, enum stop *stop,
                 struct md_err *err)
{
    struct md_buf *out = state->out;

    if (how == SKIP)
        state->out = NULL;
    if (++state->depth > MAX_DEPTH)
        return md_err_set(err, MD_ERR_USAGE, "template: blocks nested too deep");
    int status = render(state, dot, stop, err);

    state->depth--;
    state->out = out;
    if (status == 0 && *stop == STOP_END_OF_TEXT)
        return md_err_set(err, MD_ERR_USAGE, "template: {{end}} is missing");
    return status;
}

/* {{if}} and {{with}}: the block with inner as dot if truth is true, else the other. */
static int choose(struct state *state, const struct json_t *dot, const struct json_t *inner,
                  const struct json_t *truth, struct md_err *err)
{
    enum block first = is_true(truth) ? WRITE : SKIP;
    enum stop stop = STOP_END;

    if (block(state, first == WRITE ? inner : dot, first, &stop, err) < 0)
        return -1;
    if (stop == STOP_ELSE)
        return block(state, dot, first == WRITE ? SKIP : WRITE, &stop, err);
    return 0;
}

static int range(struct state *state, const struct json_t *dot, const struct json_t *values,
                 char *names[2], struct md_err *err)
{
    const char *start = state->at;
    size_t count = state->out ? md_json_count(values) : 0;
    size_t variables = state->variable_count;
    const char *key = NULL;
    enum stop stop = STOP_END;

    if (variables + 2 > MAX_VARIABLES)
        return md_err_set(err, MD_ERR_USAGE, "template: too many variables");
    for (size_t i = 0; i < count; i++) {
        key = md_json_is_object(values) ? md_json_next_key(values, key) : NULL;
        const struct json_t *item = key ? md_json_get(values, key) : md_json_at(values, i);
        struct json_t *index = key ? md_json_string(key) : md_json_number((int64_t)i);

        md_json_append(state->owned, index);
        if (names[0])
            push_variable(state, names[0], names[1] ? index : item);
        if (names[1])
            push_variable(state, names[1], item);
        state->at = start;
        if (block(state, item, WRITE, &stop, err) < 0)
            return -1;
        state->variable_count = variables;
    }
    if (count == 0 && block(state, dot, SKIP, &stop, err) < 0)
        return -1;
    if (stop == STOP_ELSE)
        return block(state, dot, count == 0 ? WRITE : SKIP, &stop, err);
    return 0;
}

/* {{range $k, $v := .A}}: variables first, then := and the value. */
static int range_action(struct state *state, const struct json_t *dot, char **words,
                        size_t count, struct md_err *err)
{
    char *names[2] = { 0 };
    const struct json_t *values = NULL;
    size_t at = 1;

    for (; at < count && words[at][0] == '$' && at < 3 && count > 2; at++)
        names[at - 1] = words[at];
    if (at > 1 && at < count && strcmp(words[at], ":=") == 0)
        at++;
    if (at + 1 != count)
        return md_err_set(err, MD_ERR_USAGE, "template: malformed {{range}}");
    if (evaluate_word(state, dot, words[at], &values, err) < 0)
        return -1;
    return range(state, dot, values, names, err);
}

/* One {{action}}; *stop is set when it ends the block we are in. */
static int act(struct state *state, const struct json_t *dot, char *action, enum stop *stop,
               struct md_err *err)
{
    char *words[MAX_WORDS];
    const struct json_t *values[MAX_WORDS];
    size_t count;

    if (split(action, words, &count, err) < 0)
        return -1;
    if (count == 0)
        return md_err_set(err, MD_ERR_USAGE, "template: empty action");
    if (strcmp(words[0], "end") == 0 || strcmp(words[0], "else") == 0) {
        if (count > 1)
            return md_err_set(err, MD_ERR_USAGE, "template: {{%s %s}} is not known", words[0],
                              words[1]);
        *stop = words[0][1] == 'n' ? STOP_END : STOP_ELSE;
        return 0;
    }
    if (strcmp(words[0], "range") == 0)
        return range_action(state, dot, words, count, err);

    bool function = isalpha((unsigned char)words[0][0]) != 0;

    for (size_t i = function; i < count; i++) {
        if (evaluate_word(state, dot, words[i], &values[i - function], err) < 0)
            return -1;
    }
    if (function && count == 2 && strcmp(words[0], "if") == 0)
        return choose(state, dot, dot, values[0], err);
    if (function && count == 2 && strcmp(words[0], "with") == 0)
        return choose(state, dot, values[0], values[0], err);
    if (function)
        return call(state, words[0], values, count - 1, err);
    if (count != 1)
        return md_err_set(err, MD_ERR_USAGE, "template: cannot understand \"%s\"", words[1]);
    write_value(state, values[0]);
    return 0;
}

/* Text outside of {{}}; shells pass "\t" and "\n" as two characters. */
static void literal(struct state *state, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *at = state->at + i;

        if (*at == '\\' && i + 1 < len && (at[1] == 't' || at[1] == 'n')) {
            write_text(state, at[1] == 't' ? "\t" : "\n", 1);
            i++;
        } else {
            write_text(state, at, 1);
        }
    }
    state->at += len;
}

static int render(struct state *state, const struct json_t *dot, enum stop *stop,
                  struct md_err *err)
{
    *stop = STOP_END_OF_TEXT;
    while (*state->at) {
        const char *open = strstr(state->at, "{{");

        literal(state, open ? (size_t)(open - state->at) : strlen(state->at));
        if (!open)
            return 0;
        const char *close = strstr(open, "}}");

        if (!close)
            return md_err_set(err, MD_ERR_USAGE, "template: unclosed action");
        MD_AUTO_FREE char *action = md_xstrndup(open + 2, (size_t)(close - open - 2));

        state->at = close + 2;
        if (act(state, dot, action, stop, err) < 0)
            return -1;
        if (*stop != STOP_END_OF_TEXT)
            return 0;
    }
    return 0;
}

int cli_template(const char *template, const struct json_t *value, struct md_buf *out,
                 struct md_err *err)
{
    MD_AUTO_JSON owned = md_json_array();
    struct state state = { .at = template, .out = out, .root = value, .owned = owned };
    enum stop stop;

    if (strncmp(template, "table ", 6) == 0)
        state.at += 6;
    if (render(&state, value, &stop, err) < 0)
        return -1;
    if (stop != STOP_END_OF_TEXT)
        return md_err_set(err, MD_ERR_USAGE, "template: unexpected {{%s}}",
                          stop == STOP_END ? "end" : "else");
    return 0;
}
