/* SPDX-License-Identifier: Apache-2.0 */
/* Words by the rules of a Dockerfile: quotes, backslashes, variables. */
#include "base/words.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BLANKS " \t"

/* The name of a variable at the start of text: its length, or 0. */
static size_t name_len(const char *text)
{
    size_t len = 0;

    while (isalpha((unsigned char)text[len]) || text[len] == '_' ||
           (len > 0 && isdigit((unsigned char)text[len]))) {
        len++;
    }
    return len;
}

static void add(struct md_buf *out, const char *text, size_t len)
{
    int failed = md_buf_add(out, text, len);

    (void)failed; /* without a maximum it cannot */
}

/* "$NAME", "${NAME}", "${NAME:-default}", "${NAME:+instead}"; *p is behind the "$". */
static int expand_variable(const char **p, const struct md_list *env, struct md_buf *out)
{
    bool braced = **p == '{';
    const char *name = *p + braced;
    size_t len = name_len(name);
    const char *end = name + len;
    MD_AUTO_FREE char *key = NULL;
    const char *value;

    if (len == 0) {
        add(out, "$", 1);
        return braced ? -1 : 0;
    }
    key = md_xstrndup(name, len);
    value = md_list_env(env, key);
    *p = end;
    if (braced) {
        const char *close = strchr(end, '}');
        char how = end[0] == ':' ? end[1] : '\0';

        if (!close || (end != close && how != '-' && how != '+')) {
            return -1;
        }
        *p = close + 1;
        if ((how == '-' && (!value || !*value)) || (how == '+' && value && *value)) {
            add(out, end + 2, (size_t)(close - end - 2));
            return 0;
        }
        value = how == '+' ? NULL : value;
    }
    if (value) {
        add(out, value, strlen(value));
    }
    return 0;
}

/* What stands in double quotes; *p is behind the first and will be behind the second. */
static int expand_quoted(const char **p, const struct md_list *env, struct md_buf *out)
{
    while (**p && **p != '"') {
        if (**p == '$') {
            (*p)++;
            if (expand_variable(p, env, out) < 0) {
                return -1;
            }
            continue;
        }
        if (**p == '\\' && (*p)[1] && strchr("\"$\\", (*p)[1])) {
            (*p)++;
        }
        add(out, *p, 1);
        (*p)++;
    }
    if (**p != '"') {
        return -1;
    }
    (*p)++;
    return 0;
}

char *md_words_expand(const char *raw, const struct md_list *env)
{
    struct md_buf out = { 0 };
    const char *p = raw;
    int failed = 0;

    add(&out, "", 0);
    while (*p && failed == 0) {
        const char *start = p++;

        if (*start == '\'') {
            size_t len = strcspn(p, "'");

            failed = p[len] == '\'' ? 0 : -1;
            add(&out, p, len);
            p += len + (failed == 0);
        } else if (*start == '"') {
            failed = expand_quoted(&p, env, &out);
        } else if (*start == '$') {
            failed = expand_variable(&p, env, &out);
        } else {
            start += *start == '\\' && *p;
            add(&out, start, 1);
            p = start + 1;
        }
    }
    if (failed < 0) {
        md_buf_clear(&out);
        return NULL;
    }
    return out.data;
}

/* Length of the word at the start of text; blanks in quotes or after "\" belong to it. */
static size_t word_len(const char *text)
{
    const char *p = text;
    char quote = '\0';

    for (; *p && (quote || !strchr(BLANKS, *p)); p++) {
        if (*p == '\\' && quote != '\'' && p[1]) {
            p++;
        } else if (quote) {
            quote = *p == quote ? '\0' : quote;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        }
    }
    return (size_t)(p - text);
}

void md_words_split(const char *text, struct md_list *words)
{
    for (const char *p = text; *p; p += strspn(p, BLANKS)) {
        size_t len = word_len(p);

        md_list_take(words, md_xstrndup(p, len));
        p += len;
    }
}
