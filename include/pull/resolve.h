/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to a verified manifest and config: what a pull asks before any layer. */
#ifndef MD_PULL_RESOLVE_H
#define MD_PULL_RESOLVE_H

#include "base/err.h"
#include "pull/repository.h"
#include "pull/wire.h"

/*
 * Serve one RESOLVE order: ask repository (which serves order->ref), verify and parse, and send
 * UP_TO_DATE, or the documents, the layers and RESOLVED, to socket. On failure nothing that
 * counts was sent; the caller sends FAILED.
 *
 * Errors: MD_ERR_NOT_FOUND  no such manifest, or none for the platform
 *         MD_ERR_DIGEST     bytes that are not the promised bytes
 *         MD_ERR_FORMAT, MD_ERR_LIMIT, MD_ERR_AUTH, MD_ERR_NETWORK, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_resolve(struct pull_repository *repository, const struct pull_resolve *order,
                 int socket, struct md_err *err);

#endif
