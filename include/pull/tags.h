/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of a repository, for pull --all-tags. */
#ifndef MD_PULL_TAGS_H
#define MD_PULL_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/list.h"
#include "base/ref.h"
#include "pull/patience.h"

struct pull_registry;

/*
 * In the network process: ask registry for the tags of its ref's repository, page by page, and
 * send TAG_LIST with them. Each is a tag by the grammar of references.
 *
 * Errors: MD_ERR_NOT_FOUND  no such repository, or it has no tags
 *         MD_ERR_FORMAT     no list of tags, or a next page that is elsewhere
 *         MD_ERR_LIMIT, MD_ERR_AUTH, MD_ERR_NETWORK, MD_ERR_SYSTEM
 * Source: OCI distribution-spec, "Listing Tags"; RFC 8288 (Link).
 */
MD_MUST_CHECK
int pull_tags_send(struct pull_registry *registry, int socket, struct md_err *err);

/* In the coordinator: order them through socket; tags (replaced) has the registry's order. */
MD_MUST_CHECK
int pull_tags_ask(int socket, const struct md_ref *ref, const struct pull_patience *patience,
                  struct md_list *tags, struct md_err *err);

/*
 * The address of the next page in the value of a Link field: what stands between the angle
 * brackets of the link whose rel has the word "next", into out, which holds size bytes. Returns
 * false where there is none.
 */
bool pull_tags_next(const char *link, char *out, size_t size);

#endif
