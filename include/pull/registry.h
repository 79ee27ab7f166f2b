/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository of a registry: where it is asked, with which token, and what its refusals mean.
 */
#ifndef MD_PULL_REGISTRY_H
#define MD_PULL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ref.h"
#include "pull/credential.h"
#include "pull/refusal.h"
#include "pull/transfer.h"

/*
 * Docker's rule: plain http only on this machine or where registries.conf says insecure, and
 * only when nothing there speaks TLS.
 */
enum pull_scheme { PULL_SCHEME_UNKNOWN = 0, PULL_SCHEME_HTTPS, PULL_SCHEME_HTTP };

struct pull_registry {
    struct pull_http *http;                 /* borrowed */
    struct md_ref ref;                      /* the last one asked for: error texts name it */
    char host[MD_MAX_REPOSITORY + 16];      /* whom to ask, which may be a mirror ... */
    char repository[MD_MAX_REPOSITORY + 1]; /* ... and for what */
    enum pull_verify verify;
    const struct pull_host_certs *certs; /* of host, or NULL; borrowed */
    unsigned attempts;                   /* as in pull_order */
    enum pull_scheme scheme;
    bool answered;       /* so what breaks later may be tried again */
    enum pull_zone zone; /* where it answered from */
    struct pull_credential credential;
    char *authorization; /* "Bearer ...", "Basic ...", NULL before the first challenge */
    unsigned serial;     /* counts the tokens */
    char withheld_from[PULL_MAX_HOST + 1]; /* the token server that was not told who asks */
};

/* ref's repository as it is asked at endpoint. Errors: MD_ERR_FORMAT  it makes no address */
MD_MUST_CHECK
struct pull_registry *pull_registry_open(struct pull_http *http, const struct md_ref *ref,
                                         const struct pull_endpoint *endpoint,
                                         struct md_err *err);
/* From now on with this credential; what was got with another is forgotten. */
void pull_registry_trust(struct pull_registry *registry,
                         const struct pull_credential *credential);
void pull_registry_close(struct pull_registry **registry);

/* Whether it takes a credential is all we want to know: its root is fetched, no repository. */
static inline bool pull_registry_is_login(const struct pull_registry *registry)
{
    return registry->repository[0] == '\0';
}

/* What to fetch from it. */
struct pull_wish {
    const char *what; /* for errors, borrowed until the transfer is closed */
    enum pull_method method;
    const char *kind; /* "manifests" or "blobs" */
    const char *name; /* a tag or digest */
    const char *accept;
    size_t max;
    struct pull_ring *ring;
    int64_t size;
    int64_t offset;
};

/* Errors: MD_ERR_FORMAT  the registry's name makes no address */
MD_MUST_CHECK
struct pull_transfer *pull_registry_fetch(struct pull_registry *registry,
                                          const struct pull_wish *wish, struct md_err *err);

/*
 * As pull_transfer_advance(), answering a challenge on the way (this waits for the token
 * server) and trying plain http where it is allowed.
 *
 * Errors: MD_ERR_AUTH  no token is to be had, in docker's words
 */
MD_MUST_CHECK
enum pull_progress pull_registry_advance(struct pull_registry *registry,
                                         struct pull_transfer *transfer, struct md_err *err);
MD_MUST_CHECK
enum pull_progress pull_registry_finish(struct pull_registry *registry,
                                        struct pull_transfer *transfer, struct md_err *err);

/*
 * Say why a transfer that was ANSWERED is no success: the host, what was asked, the status and
 * the registry's own words. registry NULL: it was no registry that was asked. Returns -1.
 *
 * Errors: MD_ERR_NOT_FOUND, MD_ERR_AUTH, MD_ERR_NETWORK
 */
int pull_registry_refused(const struct pull_registry *registry,
                          const struct pull_transfer *transfer, struct md_err *err);

/* The same of a refusal to let us in, by it or by its token server. */
int pull_registry_denied(const struct pull_registry *registry,
                         const struct pull_refusal *refusal, struct md_err *err);

#endif
