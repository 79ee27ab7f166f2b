/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull would fetch, and the room that it needs: pull --dry-run. */
#ifndef MD_PULL_DRYRUN_H
#define MD_PULL_DRYRUN_H

#include "base/err.h"
#include "pull/image.h"

/*
 * After pull_ask(): print a line for each layer and a sum, or with json one object. Nothing is
 * written to the store, which need not even be there.
 *
 * Errors: MD_ERR_SYSTEM  the free space cannot be found out
 */
MD_MUST_CHECK
int pull_dry_run(const struct pull *pull, struct md_err *err);

#endif
