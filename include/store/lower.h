/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer does to the ones below it: whiteouts, opaque marks, links to their files. */
#ifndef MD_STORE_LOWER_H
#define MD_STORE_LOWER_H

#include <time.h>

#include "base/err.h"
#include "base/limits.h"
#include "store/marks.h"

#define STORE_IMPLIED UINT32_MAX /* a mark: the directory is only implied; others: a link */

/* A directory of the rootfs that is worked in; its time is put back afterwards. */
struct store_place {
    int dir; /* -1: none */
    struct timespec mtime;
    char path[MD_MAX_PATH + 1];
};

/* A merge under way. Descriptors are borrowed. */
struct store_merge {
    int rootfs;
    int layer;
    int tree;
    struct store_marks marks; /* implied directories and lower links by their number, from 1 */
    uint32_t whiteouts;       /* how many records of each kind there are */
    uint32_t links;
    uint32_t link; /* number of the last link seen while reading */
    int staged;    /* directory in the rootfs that holds links to their targets, or -1 */
    char staged_name[32];
    struct store_place place;
};

/* Apply whiteouts and opaque marks to what is there. */
MD_MUST_CHECK
int store_lower_hide(struct store_merge *merge, struct md_err *err);

/* Before the tree comes: hold on to the targets of lower links, which it may replace. */
MD_MUST_CHECK
int store_lower_hold(struct store_merge *merge, struct md_err *err);

/* After the tree: put the links into their places. */
MD_MUST_CHECK
int store_lower_link(struct store_merge *merge, struct md_err *err);

/* Open a directory of the rootfs as merge->place: 1, or 0 where there is none, or -1. */
MD_MUST_CHECK
int store_place_enter(struct store_merge *merge, const char *path, struct md_err *err);
void store_place_leave(struct store_place *place);

#endif
