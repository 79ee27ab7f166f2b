/* SPDX-License-Identifier: Apache-2.0 */
/* What a container has changed: its upper directory compared with its image. */
#ifndef MD_STORE_DIFF_H
#define MD_STORE_DIFF_H

#include <stddef.h>

#include "base/err.h"

/* The letters are docker's. */
enum store_change_kind {
    STORE_ADDED = 'A',
    STORE_CHANGED = 'C',
    STORE_DELETED = 'D',
};

struct store_change {
    enum store_change_kind kind;
    char *path; /* "/etc/passwd" */
};

/* Zero-initialise. */
struct store_changes {
    struct store_change *items; /* sorted by path, bytewise */
    size_t count;
    size_t size;
};

/*
 * Compare upper, as overlay has left it, with lower, the root file system below it; both are
 * directories. By docker's rules: a file is changed when its kind, mode, owner, size, time,
 * device or capabilities are other ones, a directory for its mode and owner, or when something
 * below it is listed; what is below a deleted directory is not listed. The places that
 * minidock itself makes for its mounts (/proc, /etc/hosts ...) are not. The container may run
 * meanwhile: what vanishes is skipped.
 *
 * Errors: MD_ERR_SYSTEM
 * Source: moby, pkg/archive/changes.go.
 */
MD_MUST_CHECK
int store_diff(int upper, int lower, struct store_changes *changes, struct md_err *err);

void store_changes_clear(struct store_changes *changes);

#endif
