/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `ps` share: one container in hand, its filters and its row. */
#ifndef MD_CLI_PS_H
#define MD_CLI_PS_H

#include "cli/filter.h"
#include "store/container.h"

/* A container and how it is. Borrowed. */
struct cli_ps_item {
    const struct store_container *container;
    const struct store_state *state;
};

/* The filters of ps, ready to be asked. Zero-initialise. */
struct cli_ps_filter;

/*
 * Read what was typed. before=, since= and ancestor= are looked up in the store. Clear the
 * result with cli_ps_filter_free(), NULL is fine.
 *
 * Errors: MD_ERR_USAGE  unknown, malformed, or about what this version does not have
 *         MD_ERR_NOT_FOUND  No such container: x
 */
MD_MUST_CHECK
struct cli_ps_filter *cli_ps_filter_read(const struct store *store, const struct md_list *typed,
                                         struct md_err *err);
void cli_ps_filter_free(struct cli_ps_filter *filter);

/* status= asks for those that do not run as well. */
bool cli_ps_filter_wants_all(const struct cli_ps_filter *filter);

/*
 * Does the container pass? Filters of one key are alternatives (each label= has to hold), those
 * of different keys all have to hold.
 */
bool cli_ps_filter_passes(const struct store *store, const struct cli_ps_filter *filter,
                          const struct cli_ps_item *item);

/* How a row is to be. */
struct cli_ps_style {
    bool full;  /* --no-trunc */
    bool sizes; /* look at the files */
};

/* docker's row of one container, with all its fields. Owned by the caller. */
struct json_t *cli_ps_row(const struct store *store, const struct cli_ps_item *item,
                          const struct cli_ps_style *style);

/* "Up 5 minutes (Paused)", "Exited (0) 2 hours ago", "Created"; the caller frees it. */
char *cli_ps_status(const struct store_state *state, time_t now);

#endif
