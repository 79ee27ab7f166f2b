/* SPDX-License-Identifier: Apache-2.0 */
/* What registries.conf says: from an image's name to the places that are asked for it. Pure. */
#ifndef MD_PULL_REGISTRIES_H
#define MD_PULL_REGISTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/ref.h"

#define PULL_MAX_MIRRORS 15 /* of one registry */

/* When a mirror is asked. */
enum pull_mirror_use { PULL_MIRROR_ALWAYS, PULL_MIRROR_BY_DIGEST, PULL_MIRROR_BY_TAG };

struct pull_mirror {
    char *location;
    bool insecure;
    enum pull_mirror_use use;
};

/* One [[registry]]. */
struct pull_rule {
    char *prefix;   /* "host[:port][/path][:tag|@digest]" or "*.domain" */
    char *location; /* replaces the prefix; NULL: the name stays as it is */
    char *file;
    unsigned line;
    bool insecure;
    bool blocked;
    struct pull_mirror mirrors[PULL_MAX_MIRRORS];
    size_t mirror_count;
};

/* Zero-initialise. */
struct pull_registries {
    struct pull_rule *rules;
    size_t count;
};

/*
 * Add what a file says; its rules replace earlier ones of the same prefix. name is the file's.
 * Short names and search lists have no effect; unknown keys are told with --debug.
 *
 * Errors: MD_ERR_FORMAT, MD_ERR_LIMIT  with file and line
 * Source: containers-registries.conf(5), version 2.
 */
MD_MUST_CHECK
int pull_registries_add(struct pull_registries *registries, const char *bytes, size_t len,
                        const char *name, struct md_err *err);
void pull_registries_clear(struct pull_registries *registries);

/* A place to ask. Plain value. */
struct pull_endpoint {
    char host[MD_MAX_REPOSITORY + 1]; /* with the port where it was given */
    char repository[MD_MAX_REPOSITORY + 1];
    bool insecure; /* TLS is not verified there, and plain http allowed */
    bool mirror;
};

/* In the order of asking; the last is the registry itself. */
struct pull_endpoints {
    struct pull_endpoint at[PULL_MAX_MIRRORS + 1];
    size_t count;
};

/*
 * Where to ask for ref. With an empty repository (a login): the registry itself.
 *
 * Errors: MD_ERR_AUTH    blocked: registry and file are named
 *         MD_ERR_FORMAT  a location that makes no name of an image
 */
MD_MUST_CHECK
int pull_registries_find(const struct pull_registries *registries, const struct md_ref *ref,
                         struct pull_endpoints *endpoints, struct md_err *err);

#endif
