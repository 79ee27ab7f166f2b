/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: the functions, and values as Go prints them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/template_tree.h"

#define MAX_WIDTH 1000 /* of printf's %5d, and of pad */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **cli_template_keys(const struct json_t *object, size_t *count)
{
    *count = md_json_count(object);
    const char **keys = md_xcalloc(*count + 1, sizeof(*keys));
    const char *key = NULL;

    for (size_t i = 0; i < *count; i++)
        keys[i] = key = md_json_next_key(object, key);
    qsort(keys, *count, sizeof(*keys), by_name);
    return keys;
}

bool cli_template_true(const struct json_t *value)
{
    if (md_json_is_string(value))
        return md_json_text(value)[0] != '\0';
    if (md_json_is_object(value) || md_json_is_array(value))
        return md_json_count(value) > 0;
    return md_json_true(value) || md_json_int(value) != 0;
}

static bool is_bool(const struct json_t *value)
{
    return !md_json_is_null(value) && !md_json_is_string(value) && !md_json_is_int(value) &&
           !md_json_is_object(value) && !md_json_is_array(value);
}

void cli_template_print(const struct json_t *value, struct md_buf *out)
{
    if (!value)
        return;
    if (md_json_is_string(value)) {
        md_buf_printf(out, "%s", md_json_text(value));
    } else if (md_json_is_object(value)) {
        size_t count = 0;
        MD_AUTO_FREE const char **keys = cli_template_keys(value, &count);

        for (size_t i = 0; i < count; i++) {
            md_buf_printf(out, "%s%s:", i ? " " : "map[", keys[i]);
            cli_template_print(md_json_get(value, keys[i]), out);
        }
        md_buf_printf(out, "%s", count ? "]" : "map[]");
    } else if (md_json_is_array(value)) {
        for (size_t i = 0; i < md_json_count(value); i++) {
            md_buf_printf(out, "%s", i ? " " : "[");
            cli_template_print(md_json_at(value, i), out);
        }
        md_buf_printf(out, "%s", md_json_count(value) ? "]" : "[]");
    } else {
        MD_AUTO_FREE char *json = md_json_line(value);

        md_buf_printf(out, "%s", md_json_is_null(value) ? "[]" : json);
    }
}

static int fail(const struct cli_call *call, struct md_err *err)
{
    return md_err_set(err, MD_ERR_USAGE, "template: wrong arguments of \"%s\"", call->name);
}

/* Give value to the call's owner, and make it the result. */
static int give(struct cli_call *call, const struct json_t **result, struct json_t *value)
{
    md_json_append(call->owned, value);
    *result = value;
    return 0;
}

static int give_text(struct cli_call *call, const struct json_t **result, struct md_buf *text)
{
    struct json_t *value = md_json_string(text->data ? text->data : "");

    md_buf_clear(text);
    return give(call, result, value);
}

/* An argument that is text; no value counts as "". NULL for other kinds. */
static const char *text_of(const struct json_t *value)
{
    return value ? md_json_text(value) : "";
}

typedef int call_fn(struct cli_call *call, const struct json_t **result, struct md_err *err);

static int call_json(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    (void)err;
    MD_AUTO_FREE char *line = call->args[0] ? md_json_line(call->args[0]) : md_xstrdup("null");

    return give(call, result, md_json_string(line));
}

static int call_join(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const struct json_t *array = call->args[0];
    const char *between = text_of(call->args[1]);
    struct md_buf out = { 0 };

    if (!between || (!md_json_is_null(array) && !md_json_is_array(array)))
        return fail(call, err);
    for (size_t i = 0; i < md_json_count(array); i++) {
        md_buf_printf(&out, "%s", i ? between : "");
        cli_template_print(md_json_at(array, i), &out);
    }
    return give_text(call, result, &out);
}

static int call_split(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const char *text = text_of(call->args[0]);
    const char *between = text_of(call->args[1]);

    if (!text || !between || !*between)
        return fail(call, err);
    struct json_t *parts = md_json_array();

    for (const char *found; (found = strstr(text, between)); text = found + strlen(between)) {
        MD_AUTO_FREE char *part = md_xstrndup(text, (size_t)(found - text));

        md_json_append(parts, md_json_string(part));
    }
    md_json_append(parts, md_json_string(text));
    return give(call, result, parts);
}

/* lower, upper, title: of ASCII letters. */
static int call_case(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const char *text = text_of(call->args[0]);
    char before = ' ';

    if (!text)
        return fail(call, err);
    MD_AUTO_FREE char *out = md_xstrdup(text);

    for (char *p = out; *p; before = *p++) {
        bool upper =
            call->name[0] == 'u' || (call->name[0] == 't' && isspace((unsigned char)before));

        if (upper)
            *p = (char)toupper((unsigned char)*p);
        else if (call->name[0] == 'l')
            *p = (char)tolower((unsigned char)*p);
    }
    return give(call, result, md_json_string(out));
}

static int call_len(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const struct json_t *value = call->args[0];
    const char *text = text_of(value);

    if (!text && !md_json_is_null(value) && !md_json_is_array(value) &&
        !md_json_is_object(value))
        return fail(call, err);
    return give(call, result,
                md_json_number((int64_t)(text ? strlen(text) : md_json_count(value))));
}

/* {{index .A 0 "key"}}: a missing key has no value, an index outside is an error, as in Go. */
static int call_index(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const struct json_t *value = call->args[0];

    for (size_t i = 1; i < call->count; i++) {
        const struct json_t *key = call->args[i];
        bool in_map = md_json_is_object(value) || md_json_is_null(value);

        if (in_map && md_json_is_string(key)) {
            value = md_json_get(value, md_json_text(key));
        } else if (md_json_is_array(value) && md_json_is_int(key)) {
            int64_t at = md_json_int(key);

            if (at < 0 || (uint64_t)at >= md_json_count(value))
                return md_err_set(err, MD_ERR_USAGE, "template: index out of range: %lld",
                                  (long long)at);
            value = md_json_at(value, (size_t)at);
        } else {
            return fail(call, err);
        }
    }
    *result = value;
    return 0;
}

/* {{slice .ID 0 12}} of text or an array. */
static int call_slice(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const struct json_t *value = call->args[0];
    const char *text = text_of(value);
    int64_t most = (int64_t)(text ? strlen(text) : md_json_count(value));
    int64_t from = call->count > 1 ? md_json_int(call->args[1]) : 0;
    int64_t to = call->count > 2 ? md_json_int(call->args[2]) : most;

    for (size_t i = 1; i < call->count; i++) {
        if (!md_json_is_int(call->args[i]))
            return fail(call, err);
    }
    if ((!text && !md_json_is_array(value)) || from < 0 || to < from || to > most)
        return fail(call, err);
    if (text) {
        MD_AUTO_FREE char *part = md_xstrndup(text + from, (size_t)(to - from));

        return give(call, result, md_json_string(part));
    }
    struct json_t *part = md_json_array();

    for (; from < to; from++)
        md_json_append(part, md_json_copy(md_json_at(value, (size_t)from)));
    return give(call, result, part);
}

/* The bytes that so many characters take at most. */
static size_t bytes_of(const char *text, int64_t characters)
{
    size_t at = 0;
    uint32_t character;

    for (; characters > 0 && text[at]; characters--) {
        size_t len = md_text_decode(text + at, strlen(text + at), &character);

        at += len ? len : 1;
    }
    return at;
}

static int call_truncate(struct cli_call *call, const struct json_t **result,
                         struct md_err *err)
{
    const char *text = text_of(call->args[0]);

    if (!text || !md_json_is_int(call->args[1]) || md_json_int(call->args[1]) < 0)
        return fail(call, err);
    MD_AUTO_FREE char *part = md_xstrndup(text, bytes_of(text, md_json_int(call->args[1])));

    return give(call, result, md_json_string(part));
}

/* {{pad .A 1 2}}: so many blanks before and after. */
static int call_pad(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const char *text = text_of(call->args[0]);
    int64_t before = md_json_int(call->args[1]);
    int64_t after = md_json_int(call->args[2]);
    struct md_buf out = { 0 };

    if (!text || before < 0 || before > MAX_WIDTH || after < 0 || after > MAX_WIDTH)
        return fail(call, err);
    if (*text)
        md_buf_printf(&out, "%*s%s%*s", (int)before, "", text, (int)after, "");
    return give_text(call, result, &out);
}

/* -1, 0, 1, or 2 when the two cannot be compared. */
static int compare(const struct json_t *a, const struct json_t *b)
{
    const char *left = text_of(a);
    const char *right = text_of(b);

    if (left && right) {
        int order = strcmp(left, right);

        return (order > 0) - (order < 0);
    }
    if (md_json_is_int(a) && md_json_is_int(b))
        return (md_json_int(a) > md_json_int(b)) - (md_json_int(a) < md_json_int(b));
    if (is_bool(a) && is_bool(b))
        return md_json_true(a) - md_json_true(b);
    return 2;
}

/* eq (with any of the others), ne, lt, le, gt, ge. */
static int call_compare(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const char *name = call->name;
    bool truth = false;

    if (call->count > 2 && strcmp(name, "eq") != 0)
        return fail(call, err);
    for (size_t i = 1; i < call->count && !truth; i++) {
        int order = compare(call->args[0], call->args[i]);
        bool ordered = name[0] == 'l' || name[0] == 'g';

        if (order == 2 || (ordered && is_bool(call->args[0])))
            return md_err_set(err, MD_ERR_USAGE,
                              "template: \"%s\" of values that cannot be "
                              "compared",
                              name);
        truth = (order == 0 && name[ordered] == 'e') || (order != 0 && name[0] == 'n') ||
                (order < 0 && name[0] == 'l') || (order > 0 && name[0] == 'g');
    }
    return give(call, result, md_json_bool(truth));
}

static int call_not(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    (void)err;
    return give(call, result, md_json_bool(!cli_template_true(call->args[0])));
}

/* print: blanks between two that are no text; println: between all, and a newline. */
static int call_print(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    bool line = strcmp(call->name, "println") == 0;
    struct md_buf out = { 0 };

    (void)err;
    for (size_t i = 0; i < call->count; i++) {
        bool blank = i > 0 && (line || (!md_json_is_string(call->args[i - 1]) &&
                                        !md_json_is_string(call->args[i])));

        md_buf_printf(&out, "%s", blank ? " " : "");
        cli_template_print(call->args[i], &out);
    }
    md_buf_printf(&out, "%s", line ? "\n" : "");
    return give_text(call, result, &out);
}

/* One of printf's verbs, *format just behind its %. */
static int print_verb(const char **format, const struct json_t *arg, struct md_buf *out)
{
    const char *p = *format + strspn(*format, "-0123456789");
    struct md_buf text = { 0 };
    char flags[8];
    int width;

    if (p - *format >= (long)sizeof(flags) || !*p || !strchr("vsdqt", *p))
        return -1;
    snprintf(flags, sizeof(flags), "%.*s", (int)(p - *format), *format);
    width = (int)strtol(flags, NULL, 10);
    if ((*p == 'd') != md_json_is_int(arg) && *p != 'v')
        return -1;
    if (width > MAX_WIDTH || width < -MAX_WIDTH || (*p == 't' && !is_bool(arg)))
        return -1;
    if (*p == 'q') {
        MD_AUTO_FREE char *line = arg ? md_json_line(arg) : md_xstrdup("\"\"");

        md_buf_printf(&text, "%s", line);
    } else {
        cli_template_print(arg, &text);
    }
    if (flags[0] == '0' && md_json_is_int(arg))
        md_buf_printf(out, "%0*lld", width, (long long)md_json_int(arg));
    else
        md_buf_printf(out, "%*s", width, text.data ? text.data : "");
    md_buf_clear(&text);
    *format = p + 1;
    return 0;
}

/* %v %s %d %q %t with a width, and %%. */
static int call_printf(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    const char *format = md_json_text(call->args[0]);
    struct md_buf out = { 0 };
    size_t used = 1;

    if (!format)
        return fail(call, err);
    while (*format) {
        size_t len = strcspn(format, "%");

        md_buf_printf(&out, "%.*s", (int)len, format);
        format += len;
        if (strncmp(format, "%%", 2) == 0) {
            md_buf_printf(&out, "%%");
            format += 2;
        } else if (*format) {
            format++;
            if (used == call->count || print_verb(&format, call->args[used++], &out) < 0) {
                md_buf_clear(&out);
                return fail(call, err);
            }
        }
    }
    if (used == call->count)
        return give_text(call, result, &out);
    md_buf_clear(&out);
    return fail(call, err);
}

static const struct {
    const char *name;
    size_t least, most; /* arguments */
    call_fn *call;      /* NULL: template.c evaluates it */
} functions[] = {
    { "and", 1, CLI_TEMPLATE_ARGS, NULL },
    { "eq", 2, CLI_TEMPLATE_ARGS, call_compare },
    { "ge", 2, 2, call_compare },
    { "gt", 2, 2, call_compare },
    { "index", 1, CLI_TEMPLATE_ARGS, call_index },
    { "join", 2, 2, call_join },
    { "json", 1, 1, call_json },
    { "le", 2, 2, call_compare },
    { "len", 1, 1, call_len },
    { "lower", 1, 1, call_case },
    { "lt", 2, 2, call_compare },
    { "ne", 2, 2, call_compare },
    { "not", 1, 1, call_not },
    { "or", 1, CLI_TEMPLATE_ARGS, NULL },
    { "pad", 3, 3, call_pad },
    { "print", 0, CLI_TEMPLATE_ARGS, call_print },
    { "printf", 1, CLI_TEMPLATE_ARGS, call_printf },
    { "println", 0, CLI_TEMPLATE_ARGS, call_print },
    { "slice", 1, 3, call_slice },
    { "split", 2, 2, call_split },
    { "title", 1, 1, call_case },
    { "truncate", 2, 2, call_truncate },
    { "upper", 1, 1, call_case },
};

#define FUNCTION_COUNT (sizeof(functions) / sizeof(*functions))

static size_t find(const char *name)
{
    size_t i = 0;

    while (i < FUNCTION_COUNT && strcmp(functions[i].name, name) != 0)
        i++;
    return i;
}

bool cli_template_knows(const char *name)
{
    return find(name) < FUNCTION_COUNT;
}

int cli_template_call(struct cli_call *call, const struct json_t **result, struct md_err *err)
{
    size_t i = find(call->name);

    *result = NULL;
    if (i == FUNCTION_COUNT || !functions[i].call || call->count < functions[i].least ||
        call->count > functions[i].most)
        return fail(call, err);
    return functions[i].call(call, result, err);
}
