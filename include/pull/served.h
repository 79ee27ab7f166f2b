/* SPDX-License-Identifier: Apache-2.0 */
/* A repository as the origin of documents. */
#ifndef MD_PULL_SERVED_H
#define MD_PULL_SERVED_H

#include "pull/repository.h"
#include "pull/resolve.h"

struct pull_served {
    struct pull_origin origin;
    struct pull_repository *repository; /* borrowed; it serves the order's ref */
};

/* The origin of what repository serves: each document from the first place that is right. */
struct pull_served pull_served_by(struct pull_repository *repository);

#endif
