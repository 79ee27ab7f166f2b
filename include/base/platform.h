/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: os/architecture/variant by Go's names. */
#ifndef MD_BASE_PLATFORM_H
#define MD_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Normalised: x86_64 is amd64, aarch64 is arm64; arm64 has no v8, arm defaults to v7. */
struct md_platform {
    char os[32];
    char architecture[32];
    char variant[32]; /* "" when none */
};

/* "linux/arm64", "linux/arm/v7", "arm64" (os: linux). Errors: MD_ERR_USAGE. */
MD_MUST_CHECK
int md_platform_parse(const char *text, struct md_platform *platform, struct md_err *err);

/* The machine we run on: uname(2). */
void md_platform_host(struct md_platform *platform);

/* Bring os, architecture and variant to the normal form. */
void md_platform_normalize(struct md_platform *platform);

/*
 * How well offered serves wanted: 0 not at all, higher is better, exact is best. arm/v7 is also
 * served by v6 and v5, amd64 only by amd64 without variant or with the same one.
 */
int md_platform_rank(const struct md_platform *wanted, const struct md_platform *offered);

/* "linux/arm64" or "linux/arm/v7"; out holds 97 bytes. */
const char *md_platform_text(const struct md_platform *platform, char *out, size_t size);

#endif
