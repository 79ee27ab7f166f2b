/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says of how often it may be asked. */
#ifndef MD_PULL_RATELIMIT_H
#define MD_PULL_RATELIMIT_H

#include <stddef.h>
#include <time.h>

#include "pull/response.h"

#define PULL_RATELIMIT_TEXT_SIZE 200

/* With --debug: how many pulls are left, when the answer says so. */
void pull_ratelimit_log(const struct pull_response *response, const char *host);

/*
 * What can be done about an answer of 429, for the end of an error: wait (until when, if that
 * is known), log in, or use a mirror. out holds PULL_RATELIMIT_TEXT_SIZE bytes. Returns out.
 *
 * Source: docs.docker.com, "Docker Hub pull usage and limits"; RFC 9110, 10.2.3.
 */
const char *pull_ratelimit_remedies(const struct pull_response *response, time_t now, char *out,
                                    size_t size);

#endif
