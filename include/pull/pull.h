/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling and importing: from a name or a file to an image in the store. */
#ifndef MD_PULL_PULL_H
#define MD_PULL_PULL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/list.h"
#include "base/oci.h"
#include "pull/credentials.h"
#include "store/store.h"

struct pull_options {
    struct md_platform platform; /* wanted */
    bool platform_asked;         /* --platform was given */
    FILE *out;                   /* docker's lines */
    bool quiet;                  /* only the full reference */
    struct pull_credential_options credentials;
};

/*
 * Pull each name in turn; the first failure ends it. Whatever happens, a name leads to the
 * image it led to before, or to the new one, whole and durable on disk.
 *
 * Errors: "pull "alpine": ..." of any kind that a registry, a layer or the disk can cause
 */
MD_MUST_CHECK
int pull_images(const struct store *store, const struct pull_options *options,
                const struct md_list *names, struct md_err *err);

struct import_options {
    struct md_platform platform;
    struct md_list changes; /* CMD ..., ENV ...: as docker's --change */
    const char *message;    /* or NULL */
    FILE *out;
};

/*
 * Make an image of a root file system: a tar (plain, gzip, bzip2, xz, zstd), a directory, "-"
 * for standard input, or a URL. Without name it is derived from the source's. Prints the
 * image's id, as docker does, and the name if it was derived.
 */
MD_MUST_CHECK
int import_image(const struct store *store, const struct import_options *options,
                 const char *source, const char *name, struct md_err *err);

#endif
