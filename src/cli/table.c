/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people (docker's tables) or programs (--format json, --format '{{.Field}}'). */
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/template.h"

#define LEAST_WIDTH 10 /* docker's tabwriter: cells of 10 at least, 3 spaces between */
#define PADDING 3

/* The width of each cell but the last of a line. */
struct widths {
    size_t *widths;
    size_t count;
};

/* Columns a terminal needs for text: bytes that do not continue a UTF-8 sequence. */
static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* Make room for the cells of one line: what tabs end. */
static void measure(const char *line, size_t least_width, struct widths *widths)
{
    const char *tab;

    for (size_t i = 0; (tab = strchr(line, '\t')); i++, line = tab + 1) {
        size_t width = width_of(line, (size_t)(tab - line)) + PADDING;

        if (i == widths->count) {
            widths->widths = md_xreallocarray(widths->widths, i + 1, sizeof(*widths->widths));
            widths->widths[widths->count++] = least_width;
        }
        if (width > widths->widths[i])
            widths->widths[i] = width;
    }
}

static void print_aligned(const char *line, const struct widths *widths)
{
    struct md_buf out = { 0 };
    const char *tab;

    for (size_t i = 0; (tab = strchr(line, '\t')); i++, line = tab + 1) {
        size_t len = (size_t)(tab - line);

        md_buf_printf(&out, "%.*s%*s", (int)len, line,
                      (int)(widths->widths[i] - width_of(line, len)), "");
    }
    md_buf_printf(&out, "%s", line);
    cli_print_text(out.data);
    md_buf_clear(&out);
}

void cli_table_align(const struct md_list *lines, size_t least_width)
{
    struct widths widths = { 0 };

    for (size_t i = 0; i < lines->count; i++)
        measure(lines->items[i], least_width, &widths);
    for (size_t i = 0; i < lines->count; i++)
        print_aligned(lines->items[i], &widths);
    md_ptr_free(&widths.widths);
}

static int add_line(struct md_list *lines, const struct cli_template *template,
                    const struct cli_template_data *data, struct md_err *err)
{
    struct md_buf out = { 0 };
    int status = cli_template_render(template, data, &out, err);

    if (status == 0)
        md_list_add(lines, out.data ? out.data : "");
    md_buf_clear(&out);
    return status;
}

static int add_rows(struct md_list *lines, const struct cli_template *template,
                    const struct cli_table *table, struct md_err *err)
{
    MD_AUTO_JSON none = md_json_object();

    for (size_t i = 0; i < md_json_count(table->rows); i++) {
        struct cli_template_data data = { md_json_at(table->rows, i),
                                          md_json_at(table->labels, i) };

        if (!data.labels)
            data.labels = none;
        if (add_line(lines, template, &data, err) < 0)
            return -1;
    }
    return 0;
}

static void add_names(struct json_t *headings, const struct cli_column *columns)
{
    for (; columns && columns->heading; columns++)
        md_json_set(headings, columns->field, md_json_string(columns->heading));
}

/* The template's own line of headings, as docker makes it: the template of a row of them. */
static int add_headings(struct md_list *lines, const struct cli_template *template,
                        const struct cli_table *table, struct md_err *err)
{
    MD_AUTO_JSON headings = md_json_object();
    const struct cli_template_data data = { .value = headings };

    add_names(headings, table->columns);
    add_names(headings, table->others);
    return add_line(lines, template, &data, err);
}

static int print_table(const struct cli_table *table, const char *text, struct md_err *err)
{
    MD_AUTO_TEMPLATE template = cli_template_parse(text, err);
    struct md_list lines = { 0 };

    if (!template)
        return -1;
    int status = add_headings(&lines, template, table, err);

    if (status == 0)
        status = add_rows(&lines, template, table, err);
    if (status == 0)
        cli_table_align(&lines, LEAST_WIDTH);
    md_list_clear(&lines);
    return status;
}

static int print_lines(const struct cli_table *table, const char *text, struct md_err *err)
{
    MD_AUTO_TEMPLATE template = cli_template_parse(text, err);
    struct md_list lines = { 0 };

    if (!template)
        return -1;
    int status = add_rows(&lines, template, table, err);

    for (size_t i = 0; status == 0 && i < lines.count; i++)
        cli_print_text(lines.items[i]);
    md_list_clear(&lines);
    return status;
}

/* "{{.ID}}\t{{.Image}}" of the columns. */
static int print_columns(const struct cli_table *table, struct md_err *err)
{
    struct md_buf text = { 0 };

    for (const struct cli_column *column = table->columns; column->heading; column++)
        md_buf_printf(&text, "%s{{.%s}}", column == table->columns ? "" : "\t", column->field);
    int status = print_table(table, text.data, err);

    md_buf_clear(&text);
    return status;
}

int cli_table_show(const struct cli_table *table, const char *format, struct md_err *err)
{
    if (!format || !*format || strcmp(format, "table") == 0)
        return print_columns(table, err);
    if (strncmp(format, "table ", 6) == 0)
        return print_table(table, format + 6, err);
    if (strcmp(format, "json") != 0)
        return print_lines(table, format, err);
    for (size_t i = 0; i < md_json_count(table->rows); i++) {
        MD_AUTO_FREE char *line = md_json_line(md_json_at(table->rows, i));

        puts(line);
    }
    return 0;
}

int cli_table_print(const struct json_t *rows, const struct cli_column *columns,
                    const char *format, struct md_err *err)
{
    const struct cli_table table = { .rows = rows, .columns = columns };

    return cli_table_show(&table, format, err);
}
