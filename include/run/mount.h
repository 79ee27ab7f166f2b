/* SPDX-License-Identifier: Apache-2.0 */
/* The mount system calls on descriptors, with a sentence for what goes wrong. */
#ifndef MD_RUN_MOUNT_H
#define MD_RUN_MOUNT_H

#include "base/attr.h"
#include "base/err.h"

/* One option of a file system; value NULL: a flag. Lists of them end with key NULL. */
struct run_mount_option {
    const char *key;
    const char *value;
};

/*
 * A new file system, not attached anywhere yet. attributes: MOUNT_ATTR_*. Returns the mount's
 * descriptor, which stays good for *at() and move_mount when it is attached.
 *
 * Errors: MD_ERR_SYSTEM  names the type, and what the kernel says where it says something
 * Source: fsopen, fsconfig, fsmount, Linux 5.2.
 */
MD_MUST_CHECK
int run_mount_new(const char *type, const struct run_mount_option *options, unsigned attributes,
                  struct md_err *err);

/* Attach a mount to a name below dir that is ours, or to dir itself when name is "". */
MD_MUST_CHECK
int run_mount_attach(int mount, int dir, const char *name, struct md_err *err);

/* A bind: a clone of what is at name below dir, not attached. -1 with errno only. */
MD_MUST_CHECK
int run_mount_clone(int dir, const char *name);

/* Set MOUNT_ATTR_* of a mount. */
MD_MUST_CHECK
int run_mount_set(int mount, unsigned attributes, struct md_err *err);

/*
 * Open the directory name of the container's root that something is to be mounted on: made when
 * missing, refused when it is anything but a directory (a symbolic link in an image is a trap).
 */
MD_MUST_CHECK
int run_mount_point(int root, const char *name, struct md_err *err);

#endif
