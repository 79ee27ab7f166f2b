/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people (docker's tables) or programs (--format json, --format '{{.Field}}'). */
#ifndef MD_CLI_TABLE_H
#define MD_CLI_TABLE_H

#include "base/err.h"
#include "base/json.h"
#include "base/list.h"

/* One column of the table: its heading and the row's member. */
struct cli_column {
    const char *heading; /* NULL ends the columns */
    const char *field;
};

/* Rows, and all that is needed to print them in any way. Everything is borrowed. */
struct cli_table {
    const struct json_t *rows;   /* array of objects, docker's member names */
    const struct json_t *labels; /* array: what .Label "key" means in each row, or NULL */
    const struct cli_column *columns;
    const struct cli_column *others; /* headings of fields outside of the columns, or NULL */
};

/*
 * Print on stdout. format NULL or "table": the columns; "json": one object per line; "table
 * {{...}}": aligned at its tabs, under a line of headings; "{{...}}": a line per row.
 *
 * Errors: MD_ERR_USAGE  a template that cannot be parsed or names an unknown field
 */
MD_MUST_CHECK
int cli_table_show(const struct cli_table *table, const char *format, struct md_err *err);

/* The same of rows that have no fields but their columns. */
MD_MUST_CHECK
int cli_table_print(const struct json_t *rows, const struct cli_column *columns,
                    const char *format, struct md_err *err);

/* Print lines with their tabs as columns, each at least so many characters wide. */
void cli_table_align(const struct md_list *lines, size_t least_width);

#endif
