/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tombstones of containers that were made with --rm: .gone/<id>/ with config.json, state.json
 * and the end of the log. The last STORE_GONE_COUNT are kept.
 */
#ifndef MD_STORE_GONE_H
#define MD_STORE_GONE_H

#include "store/container.h"

#define STORE_GONE_COUNT 20
#define STORE_GONE_LOG_BYTES (64u << 10)

/*
 * Make the tombstone of a container whose directory dir is about to be deleted: config.json is
 * taken out of it, and so is the end of the log. state is how it ended. Failures are only
 * logged. Older tombstones than the last STORE_GONE_COUNT go.
 */
void store_gone_keep(const struct store *store, int dir, const char *id,
                     const struct store_state *state);

/*
 * The ids of the tombstones, the latest first; the caller frees *ids. Waits for containers that
 * are on their way there.
 */
MD_MUST_CHECK
int store_gone_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                    struct md_err *err);

/*
 * Open a tombstone by id; container->dir is good for store_container_state() and
 * store_log_read().
 *
 * Errors: MD_ERR_NOT_FOUND, MD_ERR_FORMAT, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int store_gone_open(const struct store *store, const char *id,
                    struct store_container *container, struct md_err *err);

#endif
