/* SPDX-License-Identifier: Apache-2.0 */
/* Where credentials come from: the command line, then files, then helpers. */
#ifndef MD_PULL_CREDENTIALS_H
#define MD_PULL_CREDENTIALS_H

#include "base/err.h"
#include "pull/credential.h"

/* What the command line says of them; strings are borrowed. */
struct pull_credential_options {
    const char *creds;    /* --creds USER:PASSWORD, or NULL */
    const char *authfile; /* --authfile, or NULL */
};

/*
 * Fill account->credential for the registry and repository of account, whose kind stays NONE
 * when there is nothing for them. All files are read and all helpers run here: nothing later
 * in a pull looks for a credential again.
 *
 * The first of these counts: --creds; --authfile, or else $REGISTRY_AUTH_FILE, and no other;
 * $XDG_RUNTIME_DIR/containers/auth.json (without: /run/containers/UID/auth.json);
 * $XDG_CONFIG_HOME/containers/auth.json (~/.config); $DOCKER_CONFIG/config.json (~/.docker).
 * source NULL, or gets the path of the file that counted, for the caller to free ("" for none).
 *
 * Errors: MD_ERR_USAGE   --creds without a password, or a name too long
 *         MD_ERR_AUTH    a helper failed: nothing else is tried in its place
 *         MD_ERR_FORMAT, MD_ERR_LIMIT, MD_ERR_SYSTEM  a file that cannot be used; it is named
 */
MD_MUST_CHECK
int pull_credentials_find(const struct pull_credential_options *options,
                          struct pull_account *account, char **source, struct md_err *err);

/*
 * The file that `login` and `logout` change; the caller frees it.
 *
 * Errors: MD_ERR_SYSTEM  no home directory is known
 */
MD_MUST_CHECK
char *pull_credentials_file(const char *authfile, struct md_err *err);

#endif
