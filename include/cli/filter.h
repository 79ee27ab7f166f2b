/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE of the commands that list things. */
#ifndef MD_CLI_FILTER_H
#define MD_CLI_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/list.h"

struct cli_filter {
    char *key;
    char *value;
};

/* Zero-initialise. */
struct cli_filters {
    struct cli_filter *items;
    size_t count;
};

/*
 * Read what was typed; known are the keys there are, NULL ends them. Clear it in any case.
 *
 * Errors: MD_ERR_USAGE  no "=", docker's words: bad format of filter (expected name=value);
 *                       or an unknown key: invalid filter 'x'
 */
MD_MUST_CHECK
int cli_filters_read(const struct md_list *typed, const char *const *known,
                     struct cli_filters *filters, struct md_err *err);
void cli_filters_clear(struct cli_filters *filters);

/* "1", "true", "0", "false" and their kin, as Go reads them. Errors: MD_ERR_USAGE */
MD_MUST_CHECK
int cli_filter_bool(const struct cli_filter *filter, bool *value, struct md_err *err);

/* Has labels (an object, or NULL) the label "KEY" or "KEY=value"? */
bool cli_filter_label(const struct json_t *labels, const char *label);

#endif
