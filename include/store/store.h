/* SPDX-License-Identifier: Apache-2.0 */
/* The store's root directory: opening it, its folders, its trash, and locks on its objects. */
#ifndef MD_STORE_STORE_H
#define MD_STORE_STORE_H

#include <stddef.h>

#include "base/err.h"

#define STORE_ID_SIZE 65 /* of an image or a container: 64 hex digits and a NUL */

/*
 * An open store. Directories are held as descriptors; a folder that a reader finds missing is
 * -1. Layout: see README, The store. Zero-initialise.
 */
struct store {
    char *path; /* absolute */
    int root;
    int names;      /* .names */
    int images;     /* .images */
    int layers;     /* .layers */
    int partial;    /* .partial */
    int containers; /* .containers */
    int volumes;    /* .volumes */
    int trash;      /* .trash */
    char boot_id[37];
};

/* What the caller is going to do. */
enum store_use {
    STORE_READ,  /* a missing store is an empty one: root and folders are -1 */
    STORE_WRITE, /* make the root (0700) and its folders where they are missing */
};

/*
 * Open the store at path, or where path is NULL at $MINIDOCK_ROOT, else /var/lib/minidock for
 * root, else $XDG_DATA_HOME/minidock (~/.local/share/minidock).
 *
 * Errors: MD_ERR_USAGE   an empty path, or no home directory to derive one from
 *         MD_ERR_SYSTEM  it cannot be made or opened, or belongs to somebody else (EPERM), or
 *                        is writable for others (EPERM)
 */
MD_MUST_CHECK
int store_open(const char *path, enum store_use use, struct store *store, struct md_err *err);

/* Safe on a zeroed and on a closed store. */
void store_close(struct store *store);

/* Called per entry of a folder; type is a DT_ value, never DT_UNKNOWN. -1 with *err stops. */
typedef int store_visit_fn(const char *name, unsigned char type, void *context,
                           struct md_err *err);

/* Visit what a folder holds but "." and "..", in no order; a folder of -1 holds nothing. */
MD_MUST_CHECK
int store_visit(int folder, store_visit_fn *visit, void *context, struct md_err *err);

enum store_lock { STORE_SHARED, STORE_EXCLUSIVE };

/*
 * Open folder/name (a directory or a file, no link) and flock(2) it, waiting; afterwards its
 * name is looked at again, so what is returned was there under that name while locked. The
 * lock goes when the last copy of the descriptor is closed, in whatever process.
 *
 * Errors: MD_ERR_NOT_FOUND  it is not there (any more)
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int store_lock(int folder, const char *name, enum store_lock how, struct md_err *err);

/* As store_lock() with STORE_EXCLUSIVE, without waiting: MD_ERR_CONFLICT when it is in use. */
MD_MUST_CHECK
int store_try_lock(int folder, const char *name, struct md_err *err);

/*
 * Make a directory (0700) under a fresh name, prefix and then so many random digits, locked
 * exclusively; name has room for both and a NUL.
 *
 * This is the rule for everything that is made in .partial and .containers: make it under its
 * name, lock it, look at its name again, and start over when it is gone. Between the first two
 * a sweep may come; whoever gets the exclusive lock without waiting therefore knows that no
 * living process is at work there.
 */
MD_MUST_CHECK
int store_make(int folder, const char *prefix, size_t digits, char *name, struct md_err *err);

/* Random hex digits and a NUL; the first is a letter, as ids become host names. */
MD_MUST_CHECK
int store_random(char *out, size_t digits, struct md_err *err);

/*
 * Move folder/name into .trash under a fresh name and delete it there. Missing is success. On
 * a full disk that has no room for the move it is deleted in place.
 *
 * Errors: MD_ERR_SYSTEM  some of it could not be deleted; it has left its folder all the same
 *                        and store_sweep() tries again, unless the move itself failed
 */
MD_MUST_CHECK
int store_discard(const struct store *store, int folder, const char *name, struct md_err *err);

/* store_discard() what nobody holds a lock on; else it is left for store_sweep(). */
void store_discard_idle(const struct store *store, int folder, const char *name);

/*
 * Clear what crashed commands left: objects in .trash; work in .partial that nobody holds a
 * lock on, but for what an interrupted pull resumes from: for a week finished layers of this
 * boot (<diff id>.<boot id>) and the starts of others (store/prefix.h); records of names that
 * are gone. What is locked is never touched. Failures are only logged: the next command tries
 * again.
 */
void store_sweep(const struct store *store);

#endif
