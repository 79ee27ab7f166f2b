/* SPDX-License-Identifier: Apache-2.0 */
/* The files that hold credentials: docker's config.json and containers' auth.json. */
#ifndef MD_PULL_AUTHFILE_H
#define MD_PULL_AUTHFILE_H

#include "base/err.h"
#include "base/json.h"
#include "base/list.h"
#include "pull/credential.h"

/* What a file says of a repository. Plain value. */
struct pull_authfile_answer {
    char helper[64];                   /* "" or the NAME of docker-credential-NAME to ask ... */
    char server[PULL_MAX_HOST + 32];   /* ... for this */
    struct pull_credential credential; /* what the file itself holds: NONE when nothing */
};

/*
 * Read the file; *json is NULL when there is none.
 *
 * Errors: MD_ERR_SYSTEM, MD_ERR_LIMIT; MD_ERR_FORMAT  no JSON object
 */
MD_MUST_CHECK
int pull_authfile_read(const char *path, struct json_t **json, struct md_err *err);

/*
 * Look up repository ("" for none) of registry in json. Keys count from the most specific on:
 * host/namespace/repository, host/namespace, host; Docker Hub is known by all its names.
 *
 * Errors: MD_ERR_FORMAT, MD_ERR_LIMIT  an entry that cannot be used
 * Source: containers-auth.json(5); docker/cli, cli/config/configfile.
 */
MD_MUST_CHECK
int pull_authfile_find(const struct json_t *json, const char *registry, const char *repository,
                       struct pull_authfile_answer *answer, struct md_err *err);

/*
 * As pull_authfile_find(), of answer only helper and server: who keeps what `login` is told.
 *
 * Errors: MD_ERR_FORMAT
 */
MD_MUST_CHECK
int pull_authfile_find_helper(const struct json_t *json, const char *registry,
                              struct pull_authfile_answer *answer, struct md_err *err);

/* True when the file has an entry of any kind for the registry itself. */
bool pull_authfile_knows(const struct json_t *json, const char *registry);

/*
 * Change one file, which no other minidock changes meanwhile; whoever reads it sees the old
 * state or the new. It is made where it is missing (0600, its directory 0700), and a symbolic
 * link stays one. Members that are not understood are kept.
 */
struct pull_authfile_change {
    char *path; /* of the file itself, links followed */
    int dir;
    struct json_t *json;
};

MD_MUST_CHECK
int pull_authfile_begin(const char *path, struct pull_authfile_change *change,
                        struct md_err *err);
MD_MUST_CHECK
int pull_authfile_commit(struct pull_authfile_change *change, struct md_err *err);
void pull_authfile_clear(struct pull_authfile_change *change); /* without commit: no change */

/*
 * Enter a credential for registry in place of what was there. INSIDE: with its secret;
 * OUTSIDE: an entry only, as a helper keeps the secret.
 */
enum pull_authfile_secret { PULL_SECRET_INSIDE, PULL_SECRET_OUTSIDE };
void pull_authfile_enter(struct json_t *json, const char *registry,
                         const struct pull_credential *credential,
                         enum pull_authfile_secret secret);

/* Take out every entry of registry itself; returns how many. */
int pull_authfile_remove(struct json_t *json, const char *registry);

#endif
