/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the store's disk: asked for before a pull, told about when it has run out. */
#ifndef MD_PULL_SPACE_H
#define MD_PULL_SPACE_H

#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

/*
 * Is there room for bytes of layers? Their compressed size is meant, which is the least that
 * they will take: what cannot be is said before anything is fetched.
 *
 * Errors: MD_ERR_SYSTEM  there is not: the store's path, the bytes needed and free
 */
MD_MUST_CHECK
int pull_space_check(const struct store *store, uint64_t bytes, struct md_err *err);

/*
 * If *err is a disk or quota that was full, put in front of it where that was, the bytes free
 * and still needed at least, and that the next pull resumes. To be called when what cannot be
 * kept is gone.
 */
void pull_space_explain(const struct store *store, uint64_t bytes, struct md_err *err);

#endif
