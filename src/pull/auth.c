/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of registries and the tokens that answer them. */
#include "pull/auth.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* What is left of the text. */
struct cursor {
    const char *at;
    const char *end;
};

/* A name or value found in it; quoted values are copied out of their escapes. */
struct span {
    const char *at;
    size_t len;
};

static bool is_token_byte(char byte)
{
    return isascii((unsigned char)byte) &&
           (isalnum((unsigned char)byte) || (byte && strchr("!#$%&'*+-.^_`|~", byte)));
}

static bool at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end;
}

static bool skip_byte(struct cursor *cursor, char byte)
{
    if (at_end(cursor) || *cursor->at != byte) {
        return false;
    }
    cursor->at++;
    return true;
}

static size_t skip_blanks(struct cursor *cursor)
{
    const char *from = cursor->at;

    while (!at_end(cursor) && (*cursor->at == ' ' || *cursor->at == '\t')) {
        cursor->at++;
    }
    return (size_t)(cursor->at - from);
}

/* Empty list elements are allowed: RFC 9110, 5.6.1.2. */
static void skip_commas(struct cursor *cursor)
{
    do {
        skip_blanks(cursor);
    } while (skip_byte(cursor, ','));
}

static struct span take_token(struct cursor *cursor)
{
    struct span token = { .at = cursor->at };

    while (!at_end(cursor) && is_token_byte(*cursor->at)) {
        cursor->at++;
    }
    token.len = (size_t)(cursor->at - token.at);
    return token;
}

static bool span_is(const struct span *span, const char *text)
{
    return span->len == strlen(text) && strncasecmp(span->at, text, span->len) == 0;
}

/* A quoted string, after its first quote; kept NULL: only passed over. */
static int take_quoted(struct cursor *cursor, char *kept, size_t size)
{
    size_t len = 0;

    while (!at_end(cursor)) {
        char byte = *cursor->at++;

        if (byte == '"') {
            if (kept) {
                kept[len] = '\0';
            }
            return 0;
        }
        if (byte == '\\') {
            if (at_end(cursor)) {
                return -1;
            }
            byte = *cursor->at++;
        }
        if ((unsigned char)byte < 0x20 || byte == 0x7f || (kept && len + 1 >= size)) {
            return -1;
        }
        if (kept) {
            kept[len++] = byte;
        }
    }
    return -1;
}

/* What stands after "=": a token or a quoted string. */
static int take_value(struct cursor *cursor, char *kept, size_t size)
{
    struct span token;

    if (skip_byte(cursor, '"')) {
        return take_quoted(cursor, kept, size);
    }
    token = take_token(cursor);
    if (token.len == 0 || (kept && token.len >= size)) {
        return -1;
    }
    if (kept) {
        memcpy(kept, token.at, token.len);
        kept[token.len] = '\0';
    }
    return 0;
}

/* The parameters of a challenge as far as they are kept; twice is ambiguous. */
struct keeping {
    struct pull_challenge *into; /* NULL: a challenge that does not count */
    bool realm_seen;
    bool service_seen;
};

static int take_parameter(struct cursor *cursor, const struct span *name,
                          struct keeping *keeping)
{
    bool *seen = NULL;
    char *kept = NULL;
    size_t size = 0;

    if (keeping->into && span_is(name, "realm")) {
        seen = &keeping->realm_seen;
        kept = keeping->into->realm;
        size = sizeof(keeping->into->realm);
    } else if (keeping->into && span_is(name, "service")) {
        seen = &keeping->service_seen;
        kept = keeping->into->service;
        size = sizeof(keeping->into->service);
    }
    if (seen) {
        if (*seen) {
            return -1;
        }
        *seen = true;
    }
    return take_value(cursor, kept, size);
}

/*
 * "=" after a name, with blanks around it, and a value behind: a parameter. Otherwise the name
 * was a scheme. The cursor moves only for a parameter.
 */
static bool take_equals(struct cursor *cursor)
{
    struct cursor ahead = *cursor;

    skip_blanks(&ahead);
    if (!skip_byte(&ahead, '=')) {
        return false;
    }
    skip_blanks(&ahead);
    if (at_end(&ahead) || (*ahead.at != '"' && !is_token_byte(*ahead.at))) {
        return false;
    }
    *cursor = ahead;
    return true;
}

/* The other form of credentials: "Negotiate YII=". */
static void skip_token68(struct cursor *cursor)
{
    struct cursor ahead = *cursor;

    while (!at_end(&ahead) && (is_token_byte(*ahead.at) || *ahead.at == '/')) {
        ahead.at++;
    }
    while (skip_byte(&ahead, '=')) {
    }
    skip_blanks(&ahead);
    if (at_end(&ahead) || *ahead.at == ',') {
        *cursor = ahead;
    }
}

static int take_parameters(struct cursor *cursor, struct keeping *keeping)
{
    skip_token68(cursor);
    for (;;) {
        struct cursor before;
        struct span name;

        skip_commas(cursor);
        before = *cursor;
        name = take_token(cursor);
        if (name.len == 0) {
            return at_end(cursor) ? 0 : -1;
        }
        if (!take_equals(cursor)) {
            *cursor = before; /* the next scheme */
            return 0;
        }
        if (take_parameter(cursor, &name, keeping) < 0) {
            return -1;
        }
        skip_blanks(cursor);
        if (!at_end(cursor) && *cursor->at != ',') {
            return -1;
        }
    }
}

static int take_challenge(struct cursor *cursor, struct pull_challenge *challenge)
{
    struct keeping keeping = { 0 };
    struct span scheme = take_token(cursor);

    if (scheme.len == 0) {
        return -1;
    }
    if (span_is(&scheme, "basic")) {
        challenge->basic = true;
    }
    if (span_is(&scheme, "bearer") && !challenge->bearer) {
        challenge->bearer = true;
        keeping.into = challenge;
    }
    if (skip_blanks(cursor) == 0 && !at_end(cursor) && *cursor->at != ',') {
        return -1;
    }
    if (take_parameters(cursor, &keeping) < 0) {
        return -1;
    }
    return keeping.into && challenge->realm[0] == '\0' ? -1 : 0;
}

int pull_challenge_parse(const char *text, size_t len, struct pull_challenge *challenge,
                         struct md_err *err)
{
    struct cursor cursor = { .at = text, .end = text + len };

    memset(challenge, 0, sizeof(*challenge));
    skip_commas(&cursor);
    while (!at_end(&cursor)) {
        if (take_challenge(&cursor, challenge) < 0) {
            return md_err_set(err, MD_ERR_FORMAT, "malformed WWW-Authenticate field");
        }
        skip_commas(&cursor);
    }
    return 0;
}

/* Append a member of a query: "?" before the first, "&" before the others. */
static void add_query(struct md_buf *text, const char *name, const char *value)
{
    md_buf_printf(text, "%s%s=", strchr(text->data, '?') ? "&" : "?", name);
    pull_url_encode(value, text);
}

int pull_token_url(const struct pull_challenge *challenge,
                   const struct pull_token_question *question, const struct pull_url *registry,
                   struct pull_url *url, struct md_err *err)
{
    struct md_buf text = { 0 };
    int result;

    if (pull_url_parse(challenge->realm, NULL, url, err) < 0) {
        return md_err_in(err, "token realm");
    }
    if (!url->https && registry->https) {
        return md_err_set(err, MD_ERR_AUTH,
                          "%s wants a token fetched from %s without encryption: refused",
                          registry->site, url->site);
    }
    if (question->bare) {
        return 0;
    }
    md_buf_printf(&text, "%s", url->text);
    if (question->account) {
        add_query(&text, "account", question->account);
    }
    if (question->repository[0] != '\0') {
        MD_AUTO_FREE char *scope = md_xasprintf("repository:%s:pull", question->repository);

        add_query(&text, "scope", scope);
    }
    if (challenge->service[0] != '\0') {
        add_query(&text, "service", challenge->service);
    }
    result = pull_url_parse(text.data, NULL, url, err);
    md_buf_clear(&text);
    return result;
}

char *pull_token_parse(const char *bytes, size_t len, struct md_err *err)
{
    MD_AUTO_JSON document = md_json_parse(bytes, len, "token", err);
    const char *token;

    if (!document) {
        return NULL;
    }
    token = md_json_get_text(document, "token");
    if (!token || token[0] == '\0') {
        token = md_json_get_text(document, "access_token");
    }
    if (!token || token[0] == '\0' || strlen(token) > PULL_MAX_TOKEN_TEXT) {
        md_err_set(err, MD_ERR_FORMAT, "the token server sent no usable token");
        return NULL;
    }
    for (const char *byte = token; *byte; byte++) {
        /* A control byte or blank would be a header of the server's choice. */
        if ((unsigned char)*byte <= 0x20 || (unsigned char)*byte >= 0x7f) {
            md_err_set(err, MD_ERR_FORMAT,
                       "the token server sent a token with forbidden bytes");
            return NULL;
        }
    }
    return md_xstrdup(token);
}
