/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a refusal: what registries and token servers say about an error. */
#include "pull/refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* "MANIFEST_UNKNOWN" as docker writes it: "manifest unknown". */
static void code_words(const char *code, char *out)
{
    for (; *code; code++) {
        *out++ = (char)(*code == '_' ? ' ' : tolower((unsigned char)*code));
    }
    *out = '\0';
}

static void escape(const char *text, char *out, size_t size)
{
    md_text_escape(text, strlen(text), out, size);
}

void pull_refusal_parse(const struct md_buf *body, struct pull_refusal *refusal)
{
    struct md_err ignored = { 0 };
    MD_AUTO_JSON document =
        body->len > 0 ? md_json_parse(body->data, body->len, "refusal", &ignored) : NULL;
    const struct json_t *first = md_json_at(md_json_get(document, "errors"), 0);
    const char *code = md_json_get_text(first, "code");
    const char *message = md_json_get_text(first, "message");
    char words[sizeof(refusal->code)] = "";
    char shown[PULL_REFUSAL_TEXT_SIZE - sizeof(words) - 2] = "";

    memset(refusal, 0, sizeof(*refusal));
    if (!message) {
        message = md_json_get_text(document, "details");
    }
    if (!message) {
        message = md_json_get_text(document, "message");
    }
    if (code) {
        escape(code, refusal->code, sizeof(refusal->code));
        code_words(refusal->code, words);
    }
    if (message) {
        escape(message, shown, sizeof(shown));
    }
    snprintf(refusal->text, sizeof(refusal->text), "%s%s%s", words,
             words[0] && shown[0] ? ": " : "", shown);
}
