/* SPDX-License-Identifier: Apache-2.0 */
/* Answering a registry that wants to know who asks. */
#ifndef MD_PULL_TOKEN_H
#define MD_PULL_TOKEN_H

#include "pull/registry.h"

/*
 * transfer was answered with 401: get registry->authorization anew, from the token server that
 * the challenge names, or from the credential itself where the registry wants that (Basic).
 * Waits for the token server.
 *
 * Errors: MD_ERR_AUTH  there is none to be had, in docker's words
 *         MD_ERR_NETWORK, MD_ERR_FORMAT, MD_ERR_LIMIT
 */
MD_MUST_CHECK
int pull_token_renew(struct pull_registry *registry, const struct pull_transfer *transfer,
                     struct md_err *err);

#endif
