/* SPDX-License-Identifier: Apache-2.0 */
/* From a command line to one call per command: global flags, the table, help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"

/* The command that argv starts with; *words says how many words its name has. */
static const struct cli_command *find(const struct cli_command *commands, int argc, char **argv,
                                      int *words)
{
    char two[64];

    if (argc > 1) {
        snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
        for (const struct cli_command *command = commands; command->name; command++) {
            if (strcmp(command->name, two) == 0) {
                *words = 2;
                return command;
            }
        }
    }
    for (const struct cli_command *command = commands; command->name; command++) {
        if (argc > 0 && strcmp(command->name, argv[0]) == 0) {
            *words = 1;
            return command;
        }
    }
    return NULL;
}

static int show_help(const struct cli_program *program, FILE *out)
{
    fprintf(out, "Usage:  %s [--root DIR] [--debug] COMMAND [OPTIONS] ...\n\n", program->name);
    fprintf(out, "Pull images, and run containers from them, without a daemon.\n\nCommands:\n");
    for (const struct cli_command *command = program->commands; command->name; command++) {
        if (command->summary)
            fprintf(out, "  %-14s %s\n", command->name, command->summary);
    }
    fprintf(out,
            "\nGlobal options:\n"
            "      --root DIR   Keep images and containers in DIR ($MINIDOCK_ROOT;\n"
            "                   default /var/lib/minidock)\n"
            "      --debug      Say on stderr what is being done\n"
            "      --version    Print the version\n\n"
            "Run '%s help COMMAND' for the options of a command.\n",
            program->name);
    return CLI_OK;
}

static int usage(const struct cli_program *program, const char *what, const char *word)
{
    fprintf(stderr, "minidock: %s%s\n\nRun '%s help' for the commands\n", what, word,
            program->name);
    return CLI_RUNTIME_FAILED;
}

/* Read the flags before the command; returns its index, or -1 after reporting bad usage. */
static int parse_global(const struct cli_program *program, int argc, char **argv,
                        struct cli_global *global)
{
    int at = 1;

    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--debug") == 0 || strcmp(argv[at], "-D") == 0) {
            global->debug = true;
        } else if (strncmp(argv[at], "--root=", 7) == 0) {
            global->root = argv[at] + 7;
        } else if (strcmp(argv[at], "--root") == 0 && at + 1 < argc) {
            global->root = argv[++at];
        } else if (strcmp(argv[at], "--root") == 0) {
            usage(program, "flag needs an argument: ", "--root");
            return -1;
        } else if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-v") == 0 ||
                   strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            break;
        } else {
            usage(program, "unknown flag: ", argv[at]);
            return -1;
        }
    }
    return at;
}

static int run_command(const struct cli_program *program, const struct cli_global *global,
                       int argc, char **argv)
{
    struct md_err err = { 0 };
    int words = 0;
    const struct cli_command *command = find(program->commands, argc, argv, &words);

    if (!command)
        return usage(program, "unknown command: ", argv[0]);
    int status = command->run(global, argc - words + 1, argv + words - 1, &err);

    if (status == CLI_HELP_SHOWN)
        status = CLI_OK;
    if (status >= 0 && fflush(stdout) != 0)
        status = md_err_sys(&err, "cannot write to standard output");
    if (status < 0)
        return cli_report(&err, (enum cli_status)command->failed);
    return status;
}

/* `help run` is `run --help`. */
static int help_command(const struct cli_program *program, const struct cli_global *global,
                        int argc, char **argv)
{
    char help[] = "--help";
    char *asked[3] = { 0 };
    int count = 0;

    for (; count < argc && count < 2; count++)
        asked[count] = argv[count];
    asked[count] = help;
    return run_command(program, global, count + 1, asked);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli_global global = { 0 };

    if (md_fd_fill_standard() < 0)
        abort();
    int at = parse_global(program, argc, argv, &global);

    if (at < 0)
        return CLI_RUNTIME_FAILED;
    if (global.debug)
        md_log_enable();
    if (at == argc) {
        show_help(program, stderr);
        return CLI_RUNTIME_FAILED;
    }
    if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-v") == 0 ||
        strcmp(argv[at], "version") == 0) {
        printf("minidock version %s\n", MINIDOCK_VERSION);
        return CLI_OK;
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 ||
        (strcmp(argv[at], "help") == 0 && at + 1 == argc))
        return show_help(program, stdout);
    if (strcmp(argv[at], "help") == 0)
        return help_command(program, &global, argc - at - 1, argv + at + 1);
    return run_command(program, &global, argc - at, argv + at);
}
