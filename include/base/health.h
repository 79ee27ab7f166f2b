/* SPDX-License-Identifier: Apache-2.0 */
/* An image's health check: kept for tools and for later, not yet run by minidock. */
#ifndef MD_BASE_HEALTH_H
#define MD_BASE_HEALTH_H

#include "base/err.h"
#include "base/json.h"

/*
 * Take the known members of a config's "Healthcheck" (Test, Interval, Timeout, StartPeriod,
 * StartInterval in nanoseconds, Retries) into *out; NULL where there is none.
 *
 * Errors: MD_ERR_FORMAT
 * Source: Docker image specification v1.2, "Healthcheck".
 */
MD_MUST_CHECK
int md_health_parse(const struct json_t *value, struct json_t **out, struct md_err *err);

/*
 * The arguments of a HEALTHCHECK instruction: "NONE", or "[--interval=30s] [--timeout=30s]
 * [--start-period=5s] [--start-interval=5s] [--retries=3] CMD command", the command as a JSON
 * array or for a shell. Replaces *out. Returns 0, or -1 when it is malformed.
 */
MD_MUST_CHECK
int md_health_change(const char *arguments, struct json_t **out);

#endif
