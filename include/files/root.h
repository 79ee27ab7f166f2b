/* SPDX-License-Identifier: Apache-2.0 */
/* The root directory of a container that runs or does not, as a descriptor. */
#ifndef MD_FILES_ROOT_H
#define MD_FILES_ROOT_H

#include "store/container.h"
#include "store/overlay.h"

enum files_view {
    FILES_BARE,  /* without what is mounted in it; not to be written to */
    FILES_READ,  /* as the container sees it, volumes included */
    FILES_WRITE, /* the same, to be written to */
};

/* Zero-initialise with fd, overlay.lower, .upper, .work and .image.dir -1. */
struct files_root {
    int fd; /* O_PATH or not; names below it are opened with md_path_try_in() or _below() */
    struct store_container container;
    struct store_overlay overlay;
};

/*
 * Open the root of the container what. One that runs is entered through its PID 1, seen by a
 * pidfd to be that very process; the others are mounted for this process alone, and locked, so
 * that they do not start meanwhile. Waits while it is being started, or used by another
 * command. The process may get a mount namespace of its own.
 *
 * Errors: MD_ERR_NOT_FOUND  No such container: x
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int files_root_open(const struct store *store, const char *what, enum files_view view,
                    struct files_root *root, struct md_err *err);
void files_root_close(struct files_root *root);

#endif
