/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl's result of a request means. */
#ifndef MD_PULL_VERDICT_H
#define MD_PULL_VERDICT_H

#include "pull/http.h"

#define PULL_REASON_SIZE 320

/*
 * code (a CURLcode, not CURLE_OK) and words are libcurl's; verified is its
 * CURLINFO_SSL_VERIFYRESULT. Writes words for people, escaped, and what to do where that is
 * known.
 */
enum pull_http_end pull_verdict(int code, const char *words, long verified,
                                char reason[PULL_REASON_SIZE]);

/* Why there was no connection, by its error number, in words for people. */
const char *pull_verdict_connect(long number);

#endif
