/* SPDX-License-Identifier: Apache-2.0 */
/* The id maps of a user namespace, written by the runner. */
#ifndef MD_RUN_IDS_H
#define MD_RUN_IDS_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/plan.h"

/* Write the maps of process pid; no maps (counts 0) is success. Source: user_namespaces(7). */
MD_MUST_CHECK
int run_ids_write(pid_t pid, const struct run_id_map *ids, struct md_err *err);

#endif
