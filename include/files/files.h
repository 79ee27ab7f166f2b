/* SPDX-License-Identifier: Apache-2.0 */
/* Files of containers as tar: cp, export and commit. */
#ifndef MD_FILES_FILES_H
#define MD_FILES_FILES_H

#include <stdbool.h>

#include "base/list.h"
#include "base/oci.h"
#include "store/store.h"

struct files_cp {
    const char *source; /* CONTAINER:PATH, a path of the host, or "-": a tar on stdin */
    const char *target; /* the other kind; "-": a tar on stdout */
    bool archive;       /* -a: owners as in the source */
    bool follow;        /* -L: what a link in source leads to, not the link */
    bool quiet;
};

/*
 * Copy by docker's rules for what exists, for "/" and "/." at the end. A tar on stdin or stdout
 * keeps its owners; otherwise what comes out belongs to the caller and what goes in to root,
 * and set-user-id bits and capabilities stay behind, unless archive says to keep all that.
 *
 * Errors: MD_ERR_USAGE, MD_ERR_NOT_FOUND, MD_ERR_CONFLICT in docker's words; MD_ERR_SYSTEM
 * Source: docker's reference of `docker container cp`.
 */
MD_MUST_CHECK
int files_cp(const struct store *store, const struct files_cp *cp, struct md_err *err);

/*
 * Write a container's root file system, without what is mounted in it, as a tar: to the file
 * output, which appears when it is whole, or where output is NULL to stdout.
 */
MD_MUST_CHECK
int files_export(const struct store *store, const char *what, const char *output,
                 struct md_err *err);

struct files_commit {
    const char *container;
    const char *name;       /* NULL: none */
    struct md_list changes; /* CMD ..., ENV ...: as docker's --change */
    const char *author;     /* or NULL */
    const char *message;    /* or NULL */
    bool pause;             /* freeze one that runs while it is read */
};

/*
 * Make an image of a container: the layers of its image and one of what it has changed (of a
 * --rootfs container one with all); the config is the image's, with the container's command,
 * environment, user, directory and labels, and the changes. Prints the image's id.
 *
 * No manifest is written, as for an imported image: it would name compressed blobs, which do
 * not exist before somebody makes them.
 */
MD_MUST_CHECK
int files_commit(const struct store *store, const struct files_commit *commit,
                 struct md_err *err);

#endif
