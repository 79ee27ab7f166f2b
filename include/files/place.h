/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of a copy: paths in the host's files or in a container's, by docker's rules. */
#ifndef MD_FILES_PLACE_H
#define MD_FILES_PLACE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"

/* A path as it was given, below a root directory. */
struct files_place {
    int root;                   /* borrowed */
    const char *container;      /* as typed, or NULL: the host */
    const char *given;          /* as typed, for messages */
    char path[MD_MAX_PATH + 1]; /* clean, without the leading "/"; "" is the root */
    bool contents;              /* it ended in "/." */
    bool directory;             /* it ended in "/", or in "/." */
};

/*
 * Take a path: of the host relative to the working directory, of a container to its root.
 *
 * Errors: MD_ERR_SYSTEM  ENAMETOOLONG
 */
MD_MUST_CHECK
int files_place_set(struct files_place *place, const char *given, struct md_err *err);

/* The last component of the path, "" of the root. */
const char *files_place_base(const struct files_place *place);

enum files_link { FILES_LINK_ITSELF, FILES_LINK_TARGET };

/*
 * Open what is to be copied, O_PATH; a link itself, or what it leads to.
 *
 * Errors: MD_ERR_NOT_FOUND  Could not find the file x in container y
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int files_place_open(const struct files_place *place, enum files_link link, struct md_err *err);

/* Where a copy goes. Zero-initialise with dir and parent -1. */
struct files_destination {
    bool exists;
    int dir;                    /* the directory itself, or -1: it is none, or missing */
    int parent;                 /* otherwise: the directory that it is or will be in ... */
    char name[MD_MAX_NAME + 1]; /* ... and its name there */
};

/*
 * Find it; links are followed, also one that leads nowhere yet.
 *
 * Errors: MD_ERR_NOT_FOUND  its directory is missing
 *         MD_ERR_CONFLICT   it is neither a directory nor a regular file
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int files_place_find(const struct files_place *place, struct files_destination *found,
                     struct md_err *err);
void files_destination_close(struct files_destination *found);

#endif
