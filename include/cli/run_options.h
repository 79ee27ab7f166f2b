/* SPDX-License-Identifier: Apache-2.0 */
/* What `minidock run` was asked for, and what is made of it. */
#ifndef MD_CLI_RUN_OPTIONS_H
#define MD_CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/oci.h"
#include "run/plan.h"
#include "store/container.h"

/* The flags of run, as typed; strings are borrowed from argv. */
struct cli_run_options {
    const char *name, *working_dir, *user, *entrypoint, *hostname, *network, *pull, *platform;
    const char *rootfs; /* --rootfs DIR: no image */
    struct md_list env, env_files, volumes, mounts, volumes_from, tmpfs;
    bool remove, open_stdin, terminal, read_only, quiet;
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

/* Once the container has its id: host name, HOSTNAME and /etc/hosts, where not given. */
void cli_run_identity(const char *id, struct run_plan *plan);

/* The container's config.json as inspect shows it, docker's member names. */
struct json_t *cli_run_config(const struct cli_run_options *options,
                              const struct md_oci_config *image, const char *image_id,
                              const struct run_plan *plan);

#endif
