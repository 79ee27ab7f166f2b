/* SPDX-License-Identifier: Apache-2.0 */
/* The part of Go's templates that docker's users type after --format. */
#ifndef MD_CLI_TEMPLATE_H
#define MD_CLI_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/*
 * What there is:
 *
 *   values     .  .A.B  $  $x.A  "text"  `text`  12  true  false  nil  (pipeline).A
 *   actions    {{pipeline}}  {{$x := pipeline}}  {{$x = pipeline}}  {{if}}  {{else if}}
 *              {{with}}  {{range}}  {{range $i, $e := pipeline}}  {{else}}  {{end}}
 *              {{- trimmed -}}  {{- and comments: a slash and a star around them -}}
 *   Go's       and or not eq ne lt le gt ge index len slice print println printf
 *   docker's   json join split lower upper title pad truncate, and .Label "key" of a row
 *
 * "\t" and "\n" outside of {{}} are a tab and a newline, as shells pass them. Everything else
 * of Go's is refused by its name when the template is parsed.
 *
 * Source: docker's documentation, "Format command and log output"; Go text/template.
 */
struct cli_template;

#define MD_AUTO_TEMPLATE __attribute__((cleanup(cli_template_free))) struct cli_template *

/* The caller frees the result. Errors: MD_ERR_USAGE  malformed, or not supported */
MD_MUST_CHECK
struct cli_template *cli_template_parse(const char *text, struct md_err *err);
void cli_template_free(struct cli_template **template);

/* What a template is about. Both are borrowed. */
struct cli_template_data {
    const struct json_t *value;
    /* What .Label "key" looks into, where value has a member "Labels". NULL: value is a row of
     * headings, and the key makes one. */
    const struct json_t *labels;
};

/*
 * Append to out, which has no maximum, what the template makes of data. What is printed is safe
 * for terminals only as far as the value's texts are.
 *
 * Errors: MD_ERR_USAGE  a member that the value does not have, or arguments that do not fit
 */
MD_MUST_CHECK
int cli_template_render(const struct cli_template *template,
                        const struct cli_template_data *data, struct md_buf *out,
                        struct md_err *err);

/* Parse and render. */
MD_MUST_CHECK
int cli_template(const char *text, const struct json_t *value, struct md_buf *out,
                 struct md_err *err);

#endif
