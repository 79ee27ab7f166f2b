/* SPDX-License-Identifier: Apache-2.0 */
/* Flags and operands of one command, as docker's command line takes them. */
#ifndef MD_CLI_OPTIONS_H
#define MD_CLI_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

enum cli_option_kind {
    CLI_FLAG, /* value: bool *; --flag, --flag=false, combined short flags */
    CLI_TEXT, /* value: const char **; the last one wins */
    CLI_LIST, /* value: struct md_list *; may be given many times */
};

struct cli_option {
    char letter;      /* 0: none */
    const char *name; /* without "--"; NULL ends a table */
    enum cli_option_kind kind;
    const char *argument; /* its name in --help; NULL for flags */
    const char *help;
    void *value;
};

/* One command: what --help prints and how many operands it takes. */
struct cli_syntax {
    const char *usage;   /* "run [OPTIONS] IMAGE [COMMAND [ARG...]]" */
    const char *summary; /* one sentence */
    const char *more;    /* printed after the options, or NULL */
    int least, most;     /* operands; most < 0: any number */
    bool leading;        /* flags end at the first operand (run) */
    const struct cli_option *options;
};

/* What a command returns after --help: cli_main() makes it exit status 0. */
#define CLI_HELP_SHOWN (-2)

/*
 * Parse argv[1..argc-1]; values in the table are filled, operands are copied to *operands.
 * --help and -h without another meaning print the usage on stdout and return CLI_HELP_SHOWN;
 * otherwise 0, or -1 with *err.
 *
 * Errors: MD_ERR_USAGE  unknown flag, missing or superfluous argument: docker's words
 */
MD_MUST_CHECK
int cli_parse(const struct cli_syntax *syntax, int argc, char **argv, struct md_list *operands,
              struct md_err *err);

#endif
