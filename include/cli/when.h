/* SPDX-License-Identifier: Apache-2.0 */
/* Times as docker's --since and --until take them. */
#ifndef MD_CLI_WHEN_H
#define MD_CLI_WHEN_H

#include <time.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * "1h30m", "1.5h", "10ms": that long before now. "2026-01-02", "2026-01-02T15:04",
 * "2026-01-02T15:04:05.25", each with "Z" or "+02:00" after it, or in the local zone. Seconds
 * since 1970, "1767323045.000000001".
 *
 * Errors: MD_ERR_USAGE
 * Source: docker's documentation of logs; Go's time.ParseDuration.
 */
MD_MUST_CHECK
int cli_when(const char *text, const struct timespec *now, struct timespec *when,
             struct md_err *err);

#endif
