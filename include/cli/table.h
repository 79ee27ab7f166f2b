/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people (docker's tables) or programs (--format json, --format '{{.Field}}'). */
#ifndef MD_CLI_TABLE_H
#define MD_CLI_TABLE_H

#include "base/err.h"
#include "base/json.h"

/* One column of the table: its heading and the row's member. */
struct cli_column {
    const char *heading; /* NULL ends the columns */
    const char *field;
};

/*
 * Print rows (an array of objects, docker's member names) on stdout. format NULL or "table":
 * the columns; "json": one object per line; "table {{...}}" or "{{...}}": the template per row.
 *
 * Errors: MD_ERR_USAGE  a template that cannot be parsed or names an unknown field
 */
MD_MUST_CHECK
int cli_table_print(const struct json_t *rows, const struct cli_column *columns,
                    const char *format, struct md_err *err);

#endif
