/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a single file with its attributes, sharing data blocks where the kernel offers it. */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define COPY_BYTES (128u << 10)
#define LIST_BYTES (64u << 10) /* XATTR_LIST_MAX */

static int copy_xattr(int from, const char *name, char *value, int to)
{
    ssize_t len = fgetxattr(from, name, value, MD_MAX_XATTR_BYTES);

    if (len < 0)
        return errno == ENODATA ? 0 : -1;
    return fsetxattr(to, name, value, (size_t)len, 0);
}

/* Labels and hashes belong to the host: it gives each file its own. */
static int is_image_xattr(const char *name)
{
    return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0 ||
           strncmp(name, "system.posix_acl_", 17) == 0;
}

static int remove_xattrs(int from, int to, char *names)
{
    ssize_t len = flistxattr(to, names, LIST_BYTES);

    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        if (is_image_xattr(name) && fgetxattr(from, name, NULL, 0) < 0 && errno == ENODATA &&
            fremovexattr(to, name) < 0 && errno != ENODATA)
            return -1;
    }
    return 0;
}

static int copy_xattrs(int from, int to)
{
    MD_AUTO_FREE char *names = NULL;
    MD_AUTO_FREE char *value = NULL;
    ssize_t len = flistxattr(from, NULL, 0);
    ssize_t old = flistxattr(to, NULL, 0);

    /* Nearly always nothing on either side. */
    if (len <= 0 && old <= 0)
        return 0;
    names = md_xmalloc(LIST_BYTES);
    value = md_xmalloc(MD_MAX_XATTR_BYTES);
    if (old > 0 && remove_xattrs(from, to, names) < 0)
        return -1;
    len = flistxattr(from, names, LIST_BYTES);
    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        if (is_image_xattr(name) && copy_xattr(from, name, value, to) < 0)
            return -1;
    }
    return 0;
}

int store_copy_attributes(int from, const struct stat *st, int to)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
    struct stat now;

    if (fstat(to, &now) < 0)
        return -1;
    if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) &&
        fchown(to, st->st_uid, st->st_gid) < 0)
        return -1;
    if (copy_xattrs(from, to) < 0 || fchmod(to, st->st_mode & 07777) < 0)
        return -1;
    return futimens(to, times);
}

static int copy_by_hand(int from, int to)
{
    MD_AUTO_FREE char *buffer = md_xmalloc(COPY_BYTES);

    for (;;) {
        ssize_t len = md_fd_read_full(from, buffer, COPY_BYTES);

        if (len <= 0)
            return (int)len;
        if (md_fd_write_all(to, buffer, (size_t)len) < 0)
            return -1;
    }
}

static int copy_data(int from, int to)
{
    ssize_t len;

    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    /* Both offsets move along, so that what it leaves is copied by hand. */
    do
        len = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
    while (len > 0 || (len < 0 && errno == EINTR));
    return copy_by_hand(from, to);
}

static int copy_file(int from, const char *name, int to, const char *to_name)
{
    MD_AUTO_FD in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    MD_AUTO_FD out = -1;
    struct stat st;

    if (in < 0 || fstat(in, &st) < 0)
        return -1;
    out = openat(to, to_name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    if (out < 0 || copy_data(in, out) < 0)
        return -1;
    return store_copy_attributes(in, &st, out);
}

static int copy_symlink(int from, const char *name, int to, const char *to_name)
{
    char target[MD_MAX_PATH + 2];
    ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);

    if (len < 0)
        return -1;
    target[len] = '\0';
    return symlinkat(target, to, to_name);
}

int store_copy(int from, const char *name, int to, const char *to_name)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
    struct stat st;
    int result;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (S_ISREG(st.st_mode))
        return copy_file(from, name, to, to_name);
    if (S_ISLNK(st.st_mode))
        result = copy_symlink(from, name, to, to_name);
    else
        result = mknodat(to, to_name, st.st_mode & (S_IFMT | 0777), st.st_rdev);
    times[1] = st.st_mtim;
    if (result < 0 || fchownat(to, to_name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return utimensat(to, to_name, times, AT_SYMLINK_NOFOLLOW);
}
