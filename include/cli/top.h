/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of top, by ps(1)'s names. */
#ifndef MD_CLI_TOP_H
#define MD_CLI_TOP_H

#include "base/list.h"
#include "cli/proc.h"

/* What all cells are measured by. */
struct cli_top_clock {
    long ticks;          /* per second */
    int64_t now;         /* ticks since 1970 */
    int64_t uptime;      /* ticks since boot */
    uint64_t page_bytes; /* of a page of memory */
    uint64_t pages;      /* that the machine has */
};

/* One column: its heading, and one process's cell, which the caller frees. */
struct cli_top_column {
    const char *heading;
    char *(*cell)(const struct cli_process *process, const struct cli_top_clock *clock);
};

#define CLI_TOP_COLUMNS 64

/*
 * Read ps's options: none, -ef and its like; aux; -o with a list of columns. At most
 * CLI_TOP_COLUMNS. Returns how many, or -1.
 *
 * Errors: MD_ERR_USAGE  an option or a column that is not known, by its name
 */
MD_MUST_CHECK
int cli_top_columns(char *const *options, size_t count,
                    struct cli_top_column columns[CLI_TOP_COLUMNS], struct md_err *err);

#endif
