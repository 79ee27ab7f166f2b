/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside on its way to standard output. */
#ifndef MD_CLI_OUTPUT_H
#define MD_CLI_OUTPUT_H

#include <stddef.h>
#include <time.h>

/*
 * For one cell of a table: as it is, or escaped where it has control characters, newlines and
 * tabs included. The caller frees it.
 */
char *cli_cell(const char *text);

/* At most so many characters, the last one an ellipsis when it is cut; the caller frees it. */
char *cli_shortened(const char *text, size_t characters);

/*
 * Print a text and a newline: byte for byte to a pipe or a file, for programs; on a terminal
 * control characters other than newlines and tabs are escaped.
 */
void cli_print_text(const char *text);

/* Go's "2026-01-02 15:04:05 +0100 CET", as docker's CreatedAt; the caller frees it. */
char *cli_created_at(const struct timespec *when);

/* "3 weeks ago"; the caller frees it. */
char *cli_ago(time_t when);

#endif
