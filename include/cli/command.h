/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: one call each, a status or an error out. */
#ifndef MD_CLI_COMMAND_H
#define MD_CLI_COMMAND_H

#include <stdbool.h>

#include "base/err.h"

/* What stands before the command on the command line. */
struct cli_global {
    const char *root; /* --root, or NULL */
    bool debug;
};

/*
 * A command: argv[0] is its name. Returns an exit status of its own (0 and up; for run the
 * program's), or -1 with *err.
 */
typedef int cli_command_fn(const struct cli_global *global, int argc, char **argv,
                           struct md_err *err);

/* A row of a program's table of commands. */
struct cli_command {
    const char *name; /* "run", "image path"; NULL ends the table */
    cli_command_fn *run;
    const char *summary;                                /* NULL: an alias, not listed by help */
    enum { CLI_EXIT_1 = 1, CLI_EXIT_125 = 125 } failed; /* exit status of its errors */
};

/* A program: its name, and its commands. */
struct cli_program {
    const char *name;
    const struct cli_command *commands;
};

/* Parse what is global, find the command, run it, report its error; the exit status. */
int cli_main(const struct cli_program *program, int argc, char **argv);

cli_command_fn cli_attach;
cli_command_fn cli_container_inspect;
cli_command_fn cli_create;
cli_command_fn cli_diff;
cli_command_fn cli_exec;
cli_command_fn cli_history;
cli_command_fn cli_image_inspect;
cli_command_fn cli_image_path;
cli_command_fn cli_images;
cli_command_fn cli_inspect;
cli_command_fn cli_kill;
cli_command_fn cli_logs;
cli_command_fn cli_pause;
cli_command_fn cli_port;
cli_command_fn cli_ps;
cli_command_fn cli_rename;
cli_command_fn cli_restart;
cli_command_fn cli_rm;
cli_command_fn cli_rmi;
cli_command_fn cli_run;
cli_command_fn cli_start;
cli_command_fn cli_stats;
cli_command_fn cli_stop;
cli_command_fn cli_tag;
cli_command_fn cli_top;
cli_command_fn cli_unpause;
cli_command_fn cli_update;
cli_command_fn cli_wait;
cli_command_fn cli_volume_create;
cli_command_fn cli_volume_inspect;
cli_command_fn cli_volume_ls;
cli_command_fn cli_volume_prune;
cli_command_fn cli_volume_rm;

/*
 * pull, load, import, login, logout, cp, export, commit: become libexec's minidock-image with
 * the same arguments.
 */
cli_command_fn cli_image_program;

/* What `run` asks of `pull`; strings are borrowed. */
struct cli_pull {
    const char *image;
    const char *platform; /* or NULL */
    bool quiet;
};

/*
 * Run `minidock-image pull` for an image that run misses; its output goes to stderr. Returns
 * its exit status, or -1.
 */
MD_MUST_CHECK
int cli_pull(const struct cli_global *global, const struct cli_pull *pull, struct md_err *err);

#endif
