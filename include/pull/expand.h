/* SPDX-License-Identifier: Apache-2.0 */
/* The plain bytes of a file that may be compressed with gzip, zstd, bzip2 or xz. */
#ifndef MD_PULL_EXPAND_H
#define MD_PULL_EXPAND_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pull/inflate.h"

struct pull_expand;

/* From where fd (borrowed) stands. Errors: MD_ERR_FORMAT, MD_ERR_SYSTEM */
MD_MUST_CHECK
struct pull_expand *pull_expand_open(int fd, struct md_err *err);
void pull_expand_close(struct pull_expand **expand);
enum pull_format pull_expand_format(const struct pull_expand *expand);

/* A pull_read_fn. Errors: MD_ERR_FORMAT  damaged; MD_ERR_LIMIT, MD_ERR_SYSTEM */
MD_MUST_CHECK
ssize_t pull_expand_read(void *expand, const void **bytes, struct md_err *err);

/*
 * Write all of it to another file.
 *
 * Errors: those of pull_expand_read(); MD_ERR_LIMIT  more than max bytes
 */
MD_MUST_CHECK
int pull_expand_to(struct pull_expand *expand, int fd, uint64_t max, struct md_err *err);

#endif
