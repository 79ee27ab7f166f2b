/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock file: the digest that each name stood for, for pulls that give the same another time.
 *
 *   { "version": 1,
 *     "images": {
 *       "docker.io/library/alpine:latest": {
 *         "digest": "sha256:...",
 *         "platforms": { "linux/amd64": "sha256:..." }
 *       } } }
 *
 * The digest is what the registry serves, an index's often; platforms has the manifests that
 * were pulled through it.
 * Sorted by name, one value on each line, replaced atomically. It is the user's own file: links
 * are not followed, and members that are not known are dropped.
 */
#ifndef MD_PULL_LOCK_H
#define MD_PULL_LOCK_H

#include "base/digest.h"
#include "base/err.h"
#include "base/platform.h"
#include "base/ref.h"

/*
 * The digest that path has for ref.
 *
 * Errors: MD_ERR_NOT_FOUND  the file has no such name
 *         MD_ERR_FORMAT     it is no lock file; MD_ERR_SYSTEM  it cannot be read
 */
MD_MUST_CHECK
int pull_lock_find(const char *path, const struct md_ref *ref, struct md_digest *digest,
                   struct md_err *err);

/* What a name stands for. */
struct pull_lock_entry {
    struct md_digest digest;
    struct md_digest manifest; /* alg 0: not known */
    struct md_platform platform;
};

/*
 * Record it in path, which is made where it is missing. Whoever does the same at the same time
 * is waited for. Platforms of a digest that is the same stay.
 *
 * Errors: MD_ERR_FORMAT  what is there is no lock file: it is left alone; MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_lock_record(const char *path, const struct md_ref *ref,
                     const struct pull_lock_entry *entry, struct md_err *err);

#endif
