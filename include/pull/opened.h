/* SPDX-License-Identifier: Apache-2.0 */
/* A local source of images, opened: the crew that reads it, and what is in it. */
#ifndef MD_PULL_OPENED_H
#define MD_PULL_OPENED_H

#include <stdbool.h>
#include <stddef.h>

#include "pull/crew.h"
#include "pull/place.h"
#include "store/store.h"

/* Zero-initialise; pull_opened_close() is safe at any time. */
struct pull_opened {
    struct pull_crew crew;
    enum pull_local_kind kind; /* NONE: an archive of something else; see probe */
    struct pull_choice *choices;
    size_t count;
    struct md_ref label; /* localhost/<name of the file>: what its images may be called */
    bool has_label;      /* or only localhost/image, for errors */
};

/* How to open it. */
struct pull_opening {
    const char *path; /* NULL: standard input */
    enum pull_local_kind wanted;
    enum pull_place_form form;
    bool probe;    /* it may well be no archive of images */
    bool no_store; /* the store is not to be written to */
};

/*
 * Errors: MD_ERR_FORMAT  a directory where a file is wanted, or the reverse
 *         MD_ERR_NOT_FOUND  no images in it; MD_ERR_LIMIT, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_opened_open(const struct store *store, const struct pull_opening *how,
                     struct pull_opened *opened, struct md_err *err);
void pull_opened_close(struct pull_opened *opened);

/* The number of images. */
size_t pull_opened_images(const struct pull_opened *opened);

/*
 * What a choice is called: its own name, or its tag, or latest, behind the label.
 *
 * Errors: MD_ERR_FORMAT  no name that an image may have
 */
MD_MUST_CHECK
int pull_opened_name(const struct pull_opened *opened, const struct pull_choice *choice,
                     struct md_ref *ref, struct md_err *err);

/*
 * The choice that a user calls by wanted, a reference or a tag alone; or with NULL the first
 * one of the only image.
 *
 * Errors: MD_ERR_NOT_FOUND  none, or several: the text lists what there is
 */
MD_MUST_CHECK
const struct pull_choice *pull_opened_choose(const struct pull_opened *opened,
                                             const char *wanted, struct md_err *err);

#endif
