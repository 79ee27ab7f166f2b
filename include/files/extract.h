/* SPDX-License-Identifier: Apache-2.0 */
/* A tar into a directory that others may change meanwhile, and never outside of it. */
#ifndef MD_FILES_EXTRACT_H
#define MD_FILES_EXTRACT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum files_owner {
    FILES_GIVE, /* all files to one user, without set-user-id bits and capabilities */
    FILES_KEEP, /* as the tar says */
};

struct files_target {
    int dir; /* where entries go; links in it are resolved as if it were "/" */
    enum files_owner owner;
    uid_t uid; /* FILES_GIVE */
    gid_t gid;
    enum { FILES_DEVICES, FILES_NO_DEVICES } devices; /* NO: left out, and counted */
};

/* What came in. */
struct files_extracted {
    uint64_t bytes; /* of the tar */
    uint64_t skipped_devices;
};

/*
 * Unpack the tar (not compressed) that fd gives to its end. Directories that are there take
 * over the entry's attributes, but not the target itself; other files are replaced.
 *
 * Errors: MD_ERR_FORMAT    no tar, or a name that leads outside
 *         MD_ERR_CONFLICT  docker's words: cannot overwrite directory "x" with non-directory,
 *                          and the reverse
 *         MD_ERR_SYSTEM
 * What was unpacked before stays.
 */
MD_MUST_CHECK
int files_extract(int fd, const struct files_target *target, struct files_extracted *extracted,
                  struct md_err *err);

#endif
