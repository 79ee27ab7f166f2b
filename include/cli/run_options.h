/* SPDX-License-Identifier: Apache-2.0 */
/* What `minidock run` was asked for, and what is made of it. */
#ifndef MD_CLI_RUN_OPTIONS_H
#define MD_CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/oci.h"
#include "cli/options.h"
#include "run/plan.h"
#include "store/container.h"

/* The flags of run and create, as typed; strings are borrowed from argv or config.json. */
struct cli_run_options {
    const char *name, *working_dir, *user, *entrypoint, *hostname, *network, *pull, *platform;
    const char *rootfs; /* --rootfs DIR: no image */
    struct md_list env, env_files, volumes, mounts, volumes_from, tmpfs;
    bool remove, open_stdin, terminal, read_only, quiet;
    /* of the container's life */
    const char *restart, *stop_signal, *stop_timeout, *log_driver, *timeout;
    const char *cidfile, *pidfile, *detach_keys, *preserve_fds, *status_fd;
    struct md_list labels, label_files, log_options, attach;
    bool detach, init, replace;
    bool sig_proxy; /* true unless said otherwise */
    bool saved; /* they come from config.json: nothing of the caller's environment is asked */
    struct md_list operands; /* IMAGE (unless rootfs) and the command */
};

/*
 * Merge the command line with the image's config into plan, but for the root's descriptors,
 * which the caller sets, its mounts (cli_mounts_plan()) and what cli_run_identity() adds. env
 * files are read, users looked up in rootfs.
 *
 * Errors: MD_ERR_USAGE, MD_ERR_NOT_FOUND, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int cli_run_plan(const struct cli_run_options *options, const struct md_oci_config *image,
                 int rootfs, struct run_plan *plan, struct md_err *err);

/* What run and create have in common; the table ends with an empty row. */
#define CLI_RUN_TABLE_SIZE 64
void cli_run_table(struct cli_run_options *options,
                   struct cli_option table[CLI_RUN_TABLE_SIZE]);
void cli_run_options_clear(struct cli_run_options *options);

/*
 * Check what the options of a container's life say, and take from the caller's surroundings
 * what a later start will not have: values of variables, files of variables and labels, the
 * working directory.
 *
 * Errors: MD_ERR_USAGE, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int cli_run_settle(struct cli_run_options *options, struct md_err *err);

/* run_plan.c: its part of that. */
MD_MUST_CHECK
int cli_run_settle_env(struct cli_run_options *options, struct md_err *err);

/* Options to JSON, by their long names, and back; what only matters to one command is left out.
 * The strings of *options are borrowed from json. */
struct json_t *cli_run_save(struct cli_run_options *options);
MD_MUST_CHECK
int cli_run_load(const struct json_t *json, struct cli_run_options *options,
                 struct md_err *err);

/* Labels of the image and of the options, "KEY" or "KEY=value". Owned by the caller. */
struct json_t *cli_run_labels(const struct cli_run_options *options,
                              const struct md_oci_config *image);

/* Once the container has its id: host name, HOSTNAME and /etc/hosts, where not given. */
void cli_run_identity(const char *id, struct run_plan *plan);

/* HostConfig.RestartPolicy. */
struct cli_policy;
struct json_t *cli_run_policy(const struct cli_policy *policy);

/* The container's config.json as inspect shows it, docker's member names. */
struct json_t *cli_run_config(struct cli_run_options *options,
                              const struct md_oci_config *image, const char *image_id,
                              const struct run_plan *plan);

#endif
