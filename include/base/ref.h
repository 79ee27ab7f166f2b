/* SPDX-License-Identifier: Apache-2.0 */
/* Image references by docker's grammar, and the store's names for them. */
#ifndef MD_BASE_REF_H
#define MD_BASE_REF_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/limits.h"

/*
 * A parsed reference. registry is as the user knows it ("docker.io", "localhost:5000"),
 * repository complete ("library/alpine"). tag is "" when only a digest was given.
 * Plain value, nothing to free.
 */
struct md_ref {
    char registry[MD_MAX_REPOSITORY + 1];
    char repository[MD_MAX_REPOSITORY + 1];
    char tag[MD_MAX_TAG + 1];
    struct md_digest digest; /* alg 0 when none was given */
    bool default_tag;        /* "latest" was added by us */
};

#define MD_REF_TEXT_SIZE (2 * (MD_MAX_REPOSITORY + 1) + MD_MAX_TAG + 2 + MD_DIGEST_TEXT_SIZE)

/*
 * Parse text by docker's rules: the first component is a host if it has a dot, a colon or is
 * "localhost" (or an IPv6 literal in brackets, or has an upper-case letter, which no repository
 * may have); no host means docker.io; one component there means library/; no tag and no digest
 * means latest. index.docker.io is docker.io. 64 hex digits are an image id and no name.
 *
 * Errors: MD_ERR_USAGE  malformed, docker's words ("invalid reference format: repository name
 *                       (library/Busybox) must be lowercase"); or its store name is over
 *                       MD_MAX_STORE_NAME bytes
 * Source: distribution/reference, regexp.go and normalize.go (the grammar).
 */
MD_MUST_CHECK
int md_ref_parse(const char *text, struct md_ref *ref, struct md_err *err);

/* "docker.io/library/alpine:latest", "...@sha256:..."; out holds MD_REF_TEXT_SIZE bytes. */
void md_ref_full(const struct md_ref *ref, char *out);

/*
 * As docker shows it: "alpine:latest", "ghcr.io/org/app:1", "alpine@sha256:...". Only where
 * that would name another host ("docker.io/localhost/x") does docker.io stay in front.
 */
void md_ref_familiar(const struct md_ref *ref, char *out);

/* As md_ref_familiar() without tag and digest: "alpine", "ghcr.io/org/app". */
void md_ref_familiar_repository(const struct md_ref *ref, char *out);

/*
 * The name of its symlink in the store: familiar, "/" written "+", ":latest" dropped:
 * "alpine", "alpine:3.20", "ghcr.io+org+app:1", "alpine@sha256:...". A reference with tag and
 * digest is stored by its digest, as docker does. Injective; out holds MD_REF_TEXT_SIZE bytes.
 */
void md_ref_store_name(const struct md_ref *ref, char *out);

/* The reference of a store name; -1 for a name that md_ref_store_name() never makes. */
MD_MUST_CHECK
int md_ref_from_store_name(const char *name, struct md_ref *ref);

#endif
