/* SPDX-License-Identifier: Apache-2.0 */
/* A repository wherever it is to be had: its mirrors, then its registry. */
#ifndef MD_PULL_REPOSITORY_H
#define MD_PULL_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "pull/registry.h"

struct pull_repository {
    struct pull_registry *places[PULL_MAX_MIRRORS + 1]; /* in the order of asking */
    size_t count;
    struct pull_endpoints endpoints; /* where they are */
    size_t first; /* the one to begin with: those before it did not give a document */
    struct pull_repository *next; /* for its owner's list */
};

/*
 * Errors: what settings->err says
 *         MD_ERR_AUTH    blocked
 *         MD_ERR_FORMAT  a name that makes no address
 */
MD_MUST_CHECK
struct pull_repository *pull_repository_open(struct pull_http *http, const struct md_ref *ref,
                                             struct md_err *err);
void pull_repository_close(struct pull_repository **repository);

/*
 * True when it is the repository of ref, to be asked at the same places: that may depend on
 * the tag, and on whether there is a digest.
 */
bool pull_repository_serves(const struct pull_repository *repository, const struct md_ref *ref);

/* Begin with ref, and with the first place again. */
void pull_repository_turn(struct pull_repository *repository, const struct md_ref *ref);

/* Places that could not give something, each with its reason. Zero-initialise. */
struct pull_tried {
    struct md_buf text;
};

/* Note why place did not give what, and clear *err for the next one. */
void pull_tried_note(struct pull_tried *tried, const struct pull_registry *place,
                     const char *what, struct md_err *err);
/* *err is the last place's: put the others behind it. */
void pull_tried_tell(const struct pull_tried *tried, struct md_err *err);
void pull_tried_clear(struct pull_tried *tried);

#endif
