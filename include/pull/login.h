/* SPDX-License-Identifier: Apache-2.0 */
/* login and logout: credentials checked with a registry, kept, and taken away again. */
#ifndef MD_PULL_LOGIN_H
#define MD_PULL_LOGIN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* Strings are borrowed; NULL where an option was not given. */
struct login_options {
    const char *registry; /* NULL: Docker Hub */
    const char *user;
    const char *password;
    bool password_stdin;
    const char *authfile;
    FILE *out;
};

/*
 * Ask for what is missing, have the registry confirm it, and keep it, in a credential helper
 * where one is configured. Nothing is kept that the registry did not confirm.
 *
 * Errors: MD_ERR_USAGE  options that exclude each other
 *         MD_ERR_AUTH   the registry refuses, a helper fails, or there is nobody to ask
 *         MD_ERR_NETWORK, MD_ERR_SYSTEM, MD_ERR_FORMAT
 */
MD_MUST_CHECK
int login_run(const struct login_options *options, struct md_err *err);

struct logout_options {
    const char *registry; /* NULL: Docker Hub */
    bool all;
    const char *authfile;
    FILE *out;
};

/* Errors: MD_ERR_USAGE, MD_ERR_AUTH, MD_ERR_SYSTEM, MD_ERR_FORMAT */
MD_MUST_CHECK
int login_end(const struct logout_options *options, struct md_err *err);

#endif
