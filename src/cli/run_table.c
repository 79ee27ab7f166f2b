/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of run and create. */
#include <string.h>

#include "cli/run_options.h"

/* What the program sees. */
static size_t program_rows(struct cli_run_options *run, struct cli_option *table)
{
    const struct cli_option rows[] = {
        { 'e', "env", CLI_LIST, "KEY[=VALUE]", "Set a variable, or pass the caller's on",
          &run->env },
        { 0, "env-file", CLI_LIST, "FILE", "Set the variables in FILE", &run->env_files },
        { 0, "entrypoint", CLI_TEXT, "PROGRAM", "Instead of the image's entrypoint",
          &run->entrypoint },
        { 'h', "hostname", CLI_TEXT, "NAME", "Host name (default: the short id)",
          &run->hostname },
        { 'i', "interactive", CLI_FLAG, NULL, "Connect stdin", &run->open_stdin },
        { 0, "mount", CLI_LIST, "KEY=VALUE[,...]",
          "Mount: type=bind, volume or tmpfs, source, target, readonly ...", &run->mounts },
        { 0, "network", CLI_TEXT, "NETWORK", "none (the default: loopback only) or host",
          &run->network },
        { 0, "net", CLI_TEXT, "NETWORK", "The same as --network", &run->network },
        { 0, "platform", CLI_TEXT, "OS/ARCH", "Platform of the image", &run->platform },
        { 0, "pull", CLI_TEXT, "WHEN", "missing (the default), always or never", &run->pull },
        { 'q', "quiet", CLI_FLAG, NULL, "Pull without saying so", &run->quiet },
        { 0, "read-only", CLI_FLAG, NULL, "Make the root file system read-only",
          &run->read_only },
        { 0, "rootfs", CLI_TEXT, "DIR", "Use DIR, which is not written to, instead of an image",
          &run->rootfs },
        { 0, "tmpfs", CLI_LIST, "PATH[:OPTIONS]", "Mount an empty file system in memory",
          &run->tmpfs },
        { 't', "tty", CLI_FLAG, NULL, "Give it a terminal of its own", &run->terminal },
        { 'u', "user", CLI_TEXT, "USER[:GROUP]", "Names or numbers (default: the image's user)",
          &run->user },
        { 'v', "volume", CLI_LIST, "[SOURCE:]PATH[:ro]",
          "Mount a volume, or a directory or file of the host (\":create\" makes it)",
          &run->volumes },
        { 0, "volumes-from", CLI_LIST, "CONTAINER[:ro]", "Mount what another container has",
          &run->volumes_from },
        { 'w', "workdir", CLI_TEXT, "PATH", "Working directory, made when missing",
          &run->working_dir },
    };

    memcpy(table, rows, sizeof(rows));
    return sizeof(rows) / sizeof(*rows);
}

/* How it lives and ends. */
static size_t life_rows(struct cli_run_options *run, struct cli_option *table)
{
    const struct cli_option rows[] = {
        { 0, "cidfile", CLI_TEXT, "FILE", "Write the container's id to a new FILE",
          &run->cidfile },
        { 0, "init", CLI_FLAG, NULL, "Process 1 is an init that reaps and passes signals on",
          &run->init },
        { 'l', "label", CLI_LIST, "KEY[=VALUE]", "Label the container", &run->labels },
        { 0, "label-file", CLI_LIST, "FILE", "The labels in FILE, one a line",
          &run->label_files },
        { 0, "log-driver", CLI_TEXT, "DRIVER", "json-file (the default), local or none",
          &run->log_driver },
        { 0, "log-opt", CLI_LIST, "KEY=VALUE", "max-size=10m, max-file=3", &run->log_options },
        { 0, "name", CLI_TEXT, "NAME", "Name of the container (default: a made-up one)",
          &run->name },
        { 0, "pidfile", CLI_TEXT, "FILE", "Write the pid of its process 1 to FILE",
          &run->pidfile },
        { 0, "replace", CLI_FLAG, NULL, "Remove a container that has the name already",
          &run->replace },
        { 0, "restart", CLI_TEXT, "POLICY", "no, on-failure[:N], always or unless-stopped",
          &run->restart },
        { 0, "rm", CLI_FLAG, NULL, "Remove the container when it ends", &run->remove },
        { 0, "stop-signal", CLI_TEXT, "SIGNAL",
          "What stop sends (default: the image's, or TERM)", &run->stop_signal },
        { 0, "stop-timeout", CLI_TEXT, "SECONDS", "Until stop kills it (default: 10)",
          &run->stop_timeout },
        { 0, "timeout", CLI_TEXT, "SECONDS", "Kill it after that: exit status 124",
          &run->timeout },
    };

    memcpy(table, rows, sizeof(rows));
    return sizeof(rows) / sizeof(*rows);
}

/* How this command runs it; create knows the flags too, for docker's sake. */
static size_t client_rows(struct cli_run_options *run, struct cli_option *table)
{
    const struct cli_option rows[] = {
        { 'a', "attach", CLI_LIST, "STREAM", "Only stdin, stdout or stderr", &run->attach },
        { 'd', "detach", CLI_FLAG, NULL, "Run it in the background and print its id",
          &run->detach },
        { 0, "detach-keys", CLI_TEXT, "KEYS", "Keys that leave it (default: ctrl-p,ctrl-q)",
          &run->detach_keys },
        { 0, "preserve-fds", CLI_TEXT, "N", "The program gets N descriptors from 3 on too",
          &run->preserve_fds },
        { 0, "sig-proxy", CLI_FLAG, NULL, "Pass signals on (the default)", &run->sig_proxy },
        { 0, "status-fd", CLI_TEXT, "N", "Report what happens as JSON lines on descriptor N",
          &run->status_fd },
        { 0 },
    };

    memcpy(table, rows, sizeof(rows));
    return sizeof(rows) / sizeof(*rows);
}

void cli_run_table(struct cli_run_options *options, struct cli_option table[CLI_RUN_TABLE_SIZE])
{
    size_t count = program_rows(options, table);

    count += life_rows(options, table + count);
    client_rows(options, table + count);
}

void cli_run_options_clear(struct cli_run_options *options)
{
    struct cli_option table[CLI_RUN_TABLE_SIZE];

    cli_run_table(options, table);
    for (const struct cli_option *row = table; row->name; row++) {
        if (row->kind == CLI_LIST)
            md_list_clear(row->value);
    }
    md_list_clear(&options->operands);
}
