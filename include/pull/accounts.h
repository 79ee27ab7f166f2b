/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for the images of one command: found before any registry is asked. */
#ifndef MD_PULL_ACCOUNTS_H
#define MD_PULL_ACCOUNTS_H

#include <stddef.h>

#include "base/err.h"
#include "base/ref.h"
#include "pull/credentials.h"

/*
 * Look up the credentials for the repositories of refs, where registries.conf says that they
 * are, and hand them to the network process at socket. Mirrors on other hosts get none. What
 * is wrong with registries.conf itself is left to the network process to say.
 *
 * Errors: "pull "alpine": ...", as pull_credentials_find()
 *         MD_ERR_SYSTEM  the file of --authfile is not there
 */
MD_MUST_CHECK
int pull_accounts_send(int socket, const struct pull_credential_options *options,
                       const struct md_ref *refs, size_t count, struct md_err *err);

#endif
