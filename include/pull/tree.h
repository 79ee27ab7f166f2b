/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer's entries into its tree, confined to it, and its list of entries. */
#ifndef MD_PULL_TREE_H
#define MD_PULL_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits.h"
#include "pull/tar.h"
#include "store/entries.h"

/* A tree being written. Zero-initialise; pull_tree_open() fills it, pull_tree_clear() frees. */
struct pull_tree {
    int root;   /* the directory tree/ */
    int parent; /* the directory of the last entry, O_PATH; -1: none is remembered */
    uid_t uid;  /* what new files belong to without chown */
    gid_t gid;
    /* The disk is full: true when it was given room, so that writing is worth another try. May
     * be NULL; set by the owner. */
    bool (*make_room)(void *context);
    void *room_context;
    bool root_seen;   /* the tar has an entry for the root */
    bool rewritten;   /* something was replaced: later entries may make a record wrong */
    bool replaced;    /* by the entry under way */
    bool xattr_noted; /* said once that the file system takes no xattrs */
    FILE *dirs;       /* what is still to be done to directories; see treedirs.c */
    struct store_entries_writer entries;
    uint64_t entry_count;
    uint64_t record_count;
    uint64_t skipped_devices;
    const char *last;               /* last component of path */
    char path[MD_MAX_PATH + 1];     /* of the entry, cleaned */
    char asked[MD_MAX_PATH + 1];    /* parent's path as the tar says it */
    char real[2 * MD_MAX_PATH + 2]; /* parent's path without links, while an entry is being
                                       made with the entry's name behind it */
};

/* layer_dir has an empty tree/ and gets "entries". The caller's umask must be 0. */
MD_MUST_CHECK
int pull_tree_open(struct pull_tree *tree, int layer_dir, struct md_err *err);

/*
 * Make one entry; a file's data is taken from tar.
 *
 * Errors: MD_ERR_FORMAT  hostile or impossible, naming the (escaped) entry
 *         MD_ERR_LIMIT, MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int pull_tree_add(struct pull_tree *tree, struct pull_tar *tar, const struct pull_entry *entry,
                  struct md_err *err);

/* After the last entry: attributes of directories, end of the list. */
MD_MUST_CHECK
int pull_tree_finish(struct pull_tree *tree, struct md_err *err);

void pull_tree_clear(struct pull_tree *tree);

/*
 * The parts of it. treeparent.c: open the directory asked (cleaned, relative to the tree) as
 * tree->parent, making what is missing as implied directories; tree->real becomes its path.
 */
MD_MUST_CHECK
int pull_tree_enter(struct pull_tree *tree, const char *asked, struct md_err *err);
void pull_tree_leave(struct pull_tree *tree); /* forget the remembered directory */
/* Open a path without any link in it below the tree ("" is the tree): -1 with errno. */
MD_MUST_CHECK
int pull_tree_open_below(const struct pull_tree *tree, const char *real, int flags);
/* Fill *err for errno: MD_ERR_FORMAT where the tar is to blame for it. */
int pull_tree_failed(const char *doing, struct md_err *err);
/* Add a record that is not a file's, counting it. */
MD_MUST_CHECK
int pull_tree_mark(struct pull_tree *tree, char letter, const char *path, struct md_err *err);

/* treefile.c: data and attributes of a file that was just created as fd. */
MD_MUST_CHECK
int pull_tree_fill(struct pull_tree *tree, struct pull_tar *tar, const struct pull_entry *entry,
                   int fd, struct md_err *err);
/* True for an extended attribute that an image may set. */
bool pull_tree_wants(const char *name);
/* The next extended attribute that an image may set: 1, or 0 when there is none left. */
MD_MUST_CHECK
int pull_tree_xattr(struct pull_tar *tar, struct pull_xattr *xattr);
/* Set it on a file or directory, unless the file system has none. */
MD_MUST_CHECK
int pull_tree_set_xattr(struct pull_tree *tree, int fd, const struct pull_xattr *xattr,
                        struct md_err *err);

/* A directory that the tar only implies: root's, or the user's own; always the same time. */
struct pull_entry pull_tree_implied(const struct pull_tree *tree);
/*
 * treedirs.c: remember what the directory real is to become. tar is NULL for an implied
 * one.
 */
MD_MUST_CHECK
int pull_tree_note_dir(struct pull_tree *tree, const char *real, const struct pull_entry *entry,
                       struct pull_tar *tar, struct md_err *err);
/* Do it all. */
MD_MUST_CHECK
int pull_tree_finish_dirs(struct pull_tree *tree, struct md_err *err);

#endif
