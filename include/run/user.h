/* SPDX-License-Identifier: Apache-2.0 */
/* USER of an image or -u: names looked up in the image's own passwd and group, never NSS. */
#ifndef MD_RUN_USER_H
#define MD_RUN_USER_H

#include "run/plan.h"

/*
 * Resolve "", "name", "uid", "name:group", "uid:gid" ... inside rootfs. All digits is a number,
 * range-checked, never a name; an unknown name is an error. The primary group and the
 * supplementary groups come from the files where no group is given. home is set to the user's
 * home directory, or "/"; the caller frees it. The files are opened inside rootfs, must be
 * regular and at most MD_MAX_PASSWD bytes; absent ones are empty.
 *
 * Errors: MD_ERR_USAGE   malformed or out of range MD_ERR_NOT_FOUND  docker's words: unable to
 * find user x: no matching entries in passwd file
 */
MD_MUST_CHECK
int run_user_resolve(int rootfs, const char *spec, struct run_user *user, char **home,
                     struct md_err *err);
void run_user_clear(struct run_user *user);

#endif
