/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a refusal: what registries and token servers say about an error. */
#ifndef MD_PULL_REFUSAL_H
#define MD_PULL_REFUSAL_H

#include "base/buf.h"

#define PULL_REFUSAL_TEXT_SIZE 240

/* Plain value. Both are "" when the body is no error document. */
struct pull_refusal {
    char code[64];                     /* "MANIFEST_UNKNOWN", escaped */
    char text[PULL_REFUSAL_TEXT_SIZE]; /* "manifest unknown: ...", escaped and cut */
};

/*
 * The first error of {"errors": [{"code", "message"}]}, or a token server's {"details"} or
 * {"message"}.
 *
 * Source: OCI distribution-spec, "Error Codes".
 */
void pull_refusal_parse(const struct md_buf *body, struct pull_refusal *refusal);

#endif
