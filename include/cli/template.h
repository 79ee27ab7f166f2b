/* SPDX-License-Identifier: Apache-2.0 */
/* The part of Go's templates that docker's users type after --format. */
#ifndef MD_CLI_TEMPLATE_H
#define MD_CLI_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/*
 * Append to out what template makes of value: {{.A.B}}, {{json .A}}, {{join .A ","}}, {{len
 * .A}}, {{index .A 0}} or {{index .A "key"}}, {{upper .A}}, {{lower .A}}, {{println .A}},
 * {{range .A}}...{{else}}...{{end}} with {{$k, $v := .A}}, {{if .A}}...{{else}}...{{end}},
 * {{with .A}}...{{end}}, string literals; "\t" and "\n" outside of {{}} are a tab and a
 * newline.
 *
 * Errors: MD_ERR_USAGE  malformed, an unknown function, or a field the value does not have
 * Source: docker's documentation, "Format command and log output"; Go text/template.
 */
MD_MUST_CHECK
int cli_template(const char *template, const struct json_t *value, struct md_buf *out,
                 struct md_err *err);

#endif
