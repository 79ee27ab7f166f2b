/* SPDX-License-Identifier: Apache-2.0 */
/* A credential: what proves to one registry who asks. A plain value, of fixed size. */
#ifndef MD_PULL_CREDENTIAL_H
#define MD_PULL_CREDENTIAL_H

#include "base/limits.h"

/* Passwords of cloud registries are documents: Google's key files have 2.4 KB, ECR's 2.5 KB. */
#define PULL_MAX_USER 255
#define PULL_MAX_SECRET 8191
#define PULL_MAX_HOST 263 /* a host's 255 bytes and its port */

enum pull_credential_kind {
    PULL_CREDENTIAL_NONE = 0, /* anonymous */
    PULL_CREDENTIAL_PASSWORD, /* user and password */
    PULL_CREDENTIAL_IDENTITY, /* a refresh token: OAuth 2, for token servers only */
};

struct pull_credential {
    enum pull_credential_kind kind;
    char user[PULL_MAX_USER + 1];
    char secret[PULL_MAX_SECRET + 1];
    /* The token server that `login` found the registry to have; "" where it may be derived. */
    char realm_host[PULL_MAX_HOST + 1];
};

/* For whom a credential is: a repository of a registry, both as in struct md_ref. */
struct pull_account {
    char registry[MD_MAX_REPOSITORY + 1];
    char repository[MD_MAX_REPOSITORY + 1];
    struct pull_credential credential;
};

/* A registry's key in auth files and towards helpers: docker's for Docker Hub, or its name. */
const char *pull_account_key(const char *registry);

/* One name for all that mean the same registry: "index.docker.io" for Docker Hub's. */
const char *pull_account_canonical(const char *registry);

#endif
