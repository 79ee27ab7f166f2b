/* SPDX-License-Identifier: Apache-2.0 */
/* Local sources of images as podman names them: "oci:DIR:TAG" and its kin. */
#ifndef MD_PULL_PLACE_H
#define MD_PULL_PLACE_H

#include "base/err.h"
#include "base/ref.h"
#include "pull/wire.h"

/* Zero-initialise; strings are owned. */
struct pull_place {
    enum pull_local_kind kind; /* NONE: whichever it is */
    enum pull_place_form { PULL_PLACE_ANY = 0, PULL_PLACE_DIR, PULL_PLACE_FILE } form;
    char *text; /* as it was typed */
    char *path;
    char *tag; /* which image of it, or NULL */
};

/*
 * oci:DIR[:TAG], oci-archive:FILE[:TAG] and docker-archive:FILE[:NAME]. Where all that follows
 * the kind is there as a path it is the path; else the first colon ends the path.
 * Returns 1, or 0 for text of another form: a name.
 *
 * Errors: MD_ERR_USAGE  no path, or a transport of podman's that is not served
 * Source: containers-transports(5).
 */
MD_MUST_CHECK
int pull_place_parse(const char *text, struct pull_place *place, struct md_err *err);
void pull_place_clear(struct pull_place *place);

/* What follows "docker://", which is a registry's name as any other; else text itself. */
const char *pull_place_strip(const char *text);

/*
 * A name from that of a file or URL: "/x/alpine-minirootfs-3.20.3-x86_64.tar.gz" becomes
 * "alpine-minirootfs-3.20.3-x86_64"; what a repository name cannot hold becomes "-".
 *
 * Errors: MD_ERR_USAGE
 */
MD_MUST_CHECK
int pull_place_name(const char *source, struct md_ref *ref, struct md_err *err);

#endif
