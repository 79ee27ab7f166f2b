/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential helpers: the programs docker-credential-NAME, found in $PATH.
 *
 * Each runs for at most PULL_HELPER_SECONDS and says at most PULL_HELPER_BYTES; secrets go
 * through its standard input, never through its arguments. Its error output is the caller's.
 *
 * Source: docker/docker-credential-helpers, README.md, "Development".
 */
#ifndef MD_PULL_HELPER_H
#define MD_PULL_HELPER_H

#include "base/err.h"
#include "base/list.h"
#include "pull/credential.h"

#define PULL_HELPER_SECONDS 120 /* somebody may have to type a passphrase */
#define PULL_HELPER_BYTES (1u << 20)

/*
 * The credential that helper name keeps for server. Returns 1, 0 when it has none, or -1.
 *
 * Errors: MD_ERR_AUTH  the helper cannot be run, failed, or made no sense; it is named
 */
MD_MUST_CHECK
int pull_helper_get(const char *name, const char *server, struct pull_credential *credential,
                    struct md_err *err);

/* Errors: as pull_helper_get() */
MD_MUST_CHECK
int pull_helper_store(const char *name, const char *server,
                      const struct pull_credential *credential, struct md_err *err);
MD_MUST_CHECK
int pull_helper_erase(const char *name, const char *server, struct md_err *err);
/* All servers that it keeps credentials for, into *servers (replaced). */
MD_MUST_CHECK
int pull_helper_list(const char *name, struct md_list *servers, struct md_err *err);

/* The answer of "get", parsed: for pull_helper_get() and its tests. */
MD_MUST_CHECK
int pull_helper_parse(const char *bytes, size_t len, struct pull_credential *credential,
                      struct md_err *err);

#endif
