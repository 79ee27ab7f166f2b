/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling and importing: from a name or a file to an image in the store. */
#ifndef MD_PULL_PULL_H
#define MD_PULL_PULL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/list.h"
#include "base/oci.h"
#include "pull/credentials.h"
#include "pull/progress.h"
#include "store/store.h"

#define PULL_LOCK_FILE "minidock.lock" /* --locked without --lock */

struct pull_options {
    struct md_platform platform; /* wanted */
    bool platform_asked;         /* --platform was given */
    uint32_t attempts;           /* in a row that bring nothing new; 0: the usual number */
    FILE *out;                   /* docker's lines */
    bool quiet;                  /* only the full reference */
    struct pull_credential_options credentials;
    enum pull_show show; /* how progress is shown */
    bool force;          /* fetch and unpack again what is there */
    bool dry_run;        /* only say what would come; the store is not written to */
    bool json;           /* dry_run: one object for each image */
    bool all_tags;       /* the names are repositories: all that they have */
    const char *lock;    /* file of digests to record or to go by, or NULL */
    bool locked;         /* go by the file instead of writing it */
};

/*
 * Pull each name in turn; the first failure ends it. Whatever happens, a name leads to the
 * image it led to before, or to the new one, whole and durable on disk. A name may be one of a
 * local source: see pull/place.h.
 *
 * Errors: "pull "alpine": ..." of any kind that a registry, a layer or the disk can cause
 */
MD_MUST_CHECK
int pull_images(const struct store *store, const struct pull_options *options,
                const struct md_list *names, struct md_err *err);

/*
 * Load all images of an archive or an OCI layout: path, or standard input where it is NULL;
 * with docker's lines "Loaded image: ..." and "Loaded image ID: ...". Of options, platform,
 * out, quiet (no bars) and show count.
 */
MD_MUST_CHECK
int load_images(const struct store *store, const struct pull_options *options, const char *path,
                struct md_err *err);

struct import_options {
    struct md_platform platform;
    bool platform_asked;
    struct md_list changes; /* CMD ..., ENV ...: as docker's --change */
    const char *message;    /* or NULL */
    FILE *out;
};

/*
 * Make an image of a root file system: a tar (plain, gzip, bzip2, xz, zstd), a directory, "-"
 * for standard input, or a URL. Without name it is derived from the source's. Prints the
 * image's id, as docker does, and the name if it was derived. What holds images already is
 * loaded whole, as load_images() does; the name is for its only one.
 */
MD_MUST_CHECK
int import_image(const struct store *store, const struct import_options *options,
                 const char *source, const char *name, struct md_err *err);

#endif
