/* SPDX-License-Identifier: Apache-2.0 */
/* Where the connections of a request may go, watched where libcurl makes them. */
#ifndef MD_PULL_REACH_H
#define MD_PULL_REACH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "pull/zone.h"

/*
 * Those of one request that uses no proxy; limit is set by its owner. A proxy may be anywhere,
 * as the host's owner has named it, and where it goes only it knows.
 */
struct pull_reach {
    enum pull_zone limit;   /* the nearest zone that the host may be in; UNKNOWN: any */
    enum pull_zone zone;    /* where it is; UNKNOWN: not yet known */
    enum pull_zone refused; /* what was beyond the limit; UNKNOWN: nothing was */
};

/* easy: the request's CURL handle; reach lives as long. Returns 0, or -1. */
MD_MUST_CHECK
int pull_reach_watch(struct pull_reach *reach, void *easy);

/* When there was no connection: true if this is why, and reason says so. One address of several
 * may have been refused and another have done. */
bool pull_reach_refused(const struct pull_reach *reach, char *reason, size_t size);

#endif
