/* SPDX-License-Identifier: Apache-2.0 */
/* Paths from images, confined by the kernel; trees that are removed without being followed. */
#ifndef MD_BASE_PATH_H
#define MD_BASE_PATH_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Open path ("" is dirfd itself) as if dirfd were "/" (absolute links and ".." stay inside),
 * never through a magic link. O_CLOEXEC is added. The only way to open a name that an image
 * chose. Callers that expect ENOENT use md_path_try_in().
 *
 * Errors: MD_ERR_SYSTEM  with errno; ENOSYS names the kernel that is needed
 * Source: openat2(2), RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS.
 */
MD_MUST_CHECK
int md_path_open_in(int dirfd, const char *path, int flags, mode_t mode, struct md_err *err);

/* As md_path_open_in(), -1 with errno only. */
MD_MUST_CHECK
int md_path_try_in(int dirfd, const char *path, int flags, mode_t mode);

/*
 * Open path ("" is dirfd itself) below dirfd without following any link on the way, the last
 * one included: what was found there by its name, or nothing. O_CLOEXEC is added. -1 with errno
 * (ELOOP: a link; EXDEV: it leads outside).
 *
 * Source: openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.
 */
MD_MUST_CHECK
int md_path_try_below(int dirfd, const char *path, int flags);

/*
 * Open the directory path inside root, making what is missing (0755, root); links are followed
 * inside the root. Returns an O_PATH descriptor.
 */
MD_MUST_CHECK
int md_path_make_dirs_in(int root, const char *path, struct md_err *err);

/*
 * Clean a name as tars write it: no leading "/" or "./", no "//", no "/." and no trailing "/";
 * "a/../b" becomes "b". The root itself becomes "". out holds MD_MAX_PATH + 1 bytes.
 *
 * Returns 0, or -1 with errno: EXDEV (leads outside), ENAMETOOLONG (path or component),
 * EINVAL (empty name).
 */
MD_MUST_CHECK
int md_path_clean(const char *name, char *out);

/*
 * Remove name below dirfd, whatever it is, with all below it: no recursion, no link followed,
 * no mount entered (EXDEV), not even a bind mount. A missing name is success. dirfd must be of
 * the caller's own mount namespace, or mounts cannot be told. name must not end in "/", "." or
 * ".." (EINVAL). Without privilege, directories in the tree that are in the way become 0700.
 * Returns 0, or -1 with errno of the first failure; the rest is still removed.
 */
MD_MUST_CHECK
int md_path_remove_tree(int dirfd, const char *name);

/* Remove all below the directory dirfd, not itself. As md_path_remove_tree(). */
MD_MUST_CHECK
int md_path_empty_dir(int dirfd);

/* mkdir -p for a path of our own (not an image's), each new directory with mode. */
MD_MUST_CHECK
int md_path_make_dirs(const char *path, mode_t mode, struct md_err *err);

#endif
