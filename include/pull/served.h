/* SPDX-License-Identifier: Apache-2.0 */
/* A registry as the origin of documents. */
#ifndef MD_PULL_SERVED_H
#define MD_PULL_SERVED_H

#include "pull/registry.h"
#include "pull/resolve.h"

struct pull_served {
    struct pull_origin origin;
    struct pull_registry *registry; /* borrowed; it serves the order's ref */
};

/* The origin of what registry serves. */
struct pull_served pull_served_by(struct pull_registry *registry);

#endif
