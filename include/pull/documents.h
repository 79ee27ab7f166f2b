/* SPDX-License-Identifier: Apache-2.0 */
/* Documents handed to the coordinator: sealed memory, which nobody can change any more. */
#ifndef MD_PULL_DOCUMENTS_H
#define MD_PULL_DOCUMENTS_H

#include <stddef.h>

#include "base/err.h"
#include "pull/wire.h"

/* Errors: MD_ERR_SYSTEM */
MD_MUST_CHECK
int pull_document_send(int socket, enum pull_document which, const char *bytes, size_t len,
                       struct md_err *err);

/* A TAG_LIST message: a tag on each line. Errors: MD_ERR_SYSTEM */
MD_MUST_CHECK
int pull_tag_list_send(int socket, const char *bytes, size_t len, struct md_err *err);

#endif
