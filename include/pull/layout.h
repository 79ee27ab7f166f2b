/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images in a directory or an archive: an OCI layout, or what `docker save` writes, which is
 * read as if it were one. What is in it was written by others: only the local process reads it.
 *
 * Source: OCI image-spec, image-layout.md; Docker image specification v1.2, "Combined Image
 * JSON + Filesystem Changeset Format".
 */
#ifndef MD_PULL_LAYOUT_H
#define MD_PULL_LAYOUT_H

#include "base/json.h"
#include "base/list.h"
#include "pull/files.h"
#include "pull/resolve.h"

/* One image, or one image for each of several platforms. */
struct pull_layout_image {
    struct md_list names;   /* references; ":tag" where a tag is all that is said */
    struct json_t *entries; /* OCI: its rows of the index */
};

/* docker save: a blob of the image that was looked at last. */
struct pull_layout_blob {
    struct md_digest digest;
    char *path;
};

struct pull_layout {
    struct pull_origin origin;
    struct pull_files *files;
    enum pull_local_kind kind;
    struct pull_layout_image *images;
    size_t count;
    struct json_t *rows; /* docker save: manifest.json */
    struct pull_layout_blob *blobs;
    size_t blob_count;
};

/*
 * files is taken. wanted NONE: whichever it is; an archive that is both is taken as OCI.
 *
 * Errors: MD_ERR_NOT_FOUND  it is not what is wanted
 *         MD_ERR_FORMAT, MD_ERR_LIMIT, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
struct pull_layout *pull_layout_open(struct pull_files *files, enum pull_local_kind wanted,
                                     struct md_err *err);
void pull_layout_close(struct pull_layout **layout);

/* Where the bytes of a blob of the image lie that was resolved last; nothing is verified. */
MD_MUST_CHECK
int pull_layout_blob(const struct pull_layout *layout, const struct md_digest *digest,
                     struct pull_extent *extent, struct md_err *err);

/* The parts of it for docker save; docker_archive.c. */
MD_MUST_CHECK
int pull_docker_open(struct pull_layout *layout, struct md_err *err);
/* A manifest such as a push of the image would have made; the blobs that it names. */
MD_MUST_CHECK
int pull_docker_named(struct pull_layout *layout, uint32_t image, struct pull_found *found,
                      struct md_err *err);
void pull_docker_forget_blobs(struct pull_layout *layout);

#endif
