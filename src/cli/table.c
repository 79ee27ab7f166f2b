/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people (docker's tables) or programs (--format json, --format '{{.Field}}'). */
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/template.h"

#define LEAST_WIDTH 10 /* docker's tabwriter: cells of 10 at least, 3 spaces between */
#define PADDING 3

static const char *cell(const struct json_t *row, const char *field)
{
    const char *text = md_json_get_text(row, field);

    return text ? text : "";
}

/* Columns a terminal needs for text: bytes that do not continue a UTF-8 sequence. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static void print_row(const struct json_t *row, const struct cli_column *columns,
                      const size_t *widths)
{
    for (size_t i = 0; columns[i].heading; i++) {
        const char *text = row ? cell(row, columns[i].field) : columns[i].heading;

        fputs(text, stdout);
        if (columns[i + 1].heading)
            printf("%*s", (int)(widths[i] - width_of(text)), "");
    }
    putchar('\n');
}

static void print_table(const struct json_t *rows, const struct cli_column *columns)
{
    size_t count = 0;

    while (columns[count].heading)
        count++;
    MD_AUTO_FREE size_t *widths = md_xcalloc(count, sizeof(*widths));

    for (size_t i = 0; i < count; i++) {
        size_t longest = strlen(columns[i].heading);

        for (size_t r = 0; r < md_json_count(rows); r++) {
            size_t width = width_of(cell(md_json_at(rows, r), columns[i].field));

            longest = width > longest ? width : longest;
        }
        widths[i] = longest + PADDING > LEAST_WIDTH ? longest + PADDING : LEAST_WIDTH;
    }
    print_row(NULL, columns, widths);
    for (size_t r = 0; r < md_json_count(rows); r++)
        print_row(md_json_at(rows, r), columns, widths);
}

static int print_templates(const struct json_t *rows, const char *format, struct md_err *err)
{
    for (size_t r = 0; r < md_json_count(rows); r++) {
        struct md_buf out = { 0 };

        if (cli_template(format, md_json_at(rows, r), &out, err) < 0) {
            md_buf_clear(&out);
            return -1;
        }
        printf("%.*s\n", (int)out.len, out.data ? out.data : "");
        md_buf_clear(&out);
    }
    return 0;
}

int cli_table_print(const struct json_t *rows, const struct cli_column *columns,
                    const char *format, struct md_err *err)
{
    if (!format || strcmp(format, "table") == 0) {
        print_table(rows, columns);
        return 0;
    }
    if (strcmp(format, "json") != 0)
        return print_templates(rows, format, err);
    for (size_t r = 0; r < md_json_count(rows); r++) {
        MD_AUTO_FREE char *line = md_json_line(md_json_at(rows, r));

        puts(line);
    }
    return 0;
}
