/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about volumes share. */
#ifndef MD_CLI_VOLUMES_H
#define MD_CLI_VOLUMES_H

#include "cli/filter.h"
#include "store/volume.h"

/* A volume with docker's member names, as inspect shows it. */
struct json_t *cli_volume_object(const struct store_volume *volume);

/* The keys of their filters, for cli_filters_read(); label!= is the opposite of label=. */
extern const char *const cli_volume_filters[];

/*
 * Does a volume pass all filters? Those of the same key are alternatives, but all labels have
 * to fit. used: what containers use.
 *
 * Returns 1 or 0. Errors: MD_ERR_USAGE  dangling= is neither true nor false
 */
MD_MUST_CHECK
int cli_volume_passes(const struct store_volume *volume, const struct cli_filters *filters,
                      const struct md_list *used, struct md_err *err);

#endif
