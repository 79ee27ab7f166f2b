/* SPDX-License-Identifier: Apache-2.0 */
/* Locks on the store's objects, and making an object that is locked from its birth. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "store/store.h"

static int flock_restarted(int fd, int operation)
{
    int result;

    do {
        result = flock(fd, operation);
    } while (result < 0 && errno == EINTR);
    return result;
}

/* True while folder/name is what fd has open. */
static bool still_named(int folder, const char *name, int fd)
{
    struct stat named;
    struct stat ours;

    return fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 &&
           named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

static int lock_object(int folder, const char *name, int operation, struct md_err *err)
{
    char shown[160];

    md_text_escape(name, strlen(name), shown, sizeof(shown));
    for (;;) {
        /* O_NONBLOCK: or a fifo in the way would make us wait. */
        MD_AUTO_FD fd =
            openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0 && (errno == ENOENT || folder < 0)) {
            return md_err_set(err, MD_ERR_NOT_FOUND, "\"%s\" is not in the store", shown);
        }
        if (fd < 0) {
            return md_err_sys(err, "cannot open \"%s\" in the store", shown);
        }
        if (flock_restarted(fd, operation) < 0) {
            if (errno == EWOULDBLOCK) {
                return md_err_set(err, MD_ERR_CONFLICT, "\"%s\" is in use", shown);
            }
            return md_err_sys(err, "cannot lock \"%s\" in the store", shown);
        }
        /* While we waited it may have been deleted, or replaced by another. */
        if (still_named(folder, name, fd)) {
            return md_fd_take(&fd);
        }
    }
}

int store_lock(int folder, const char *name, enum store_lock how, struct md_err *err)
{
    return lock_object(folder, name, how == STORE_SHARED ? LOCK_SH : LOCK_EX, err);
}

int store_try_lock(int folder, const char *name, struct md_err *err)
{
    return lock_object(folder, name, LOCK_EX | LOCK_NB, err);
}

int store_random(char *out, size_t digits, struct md_err *err)
{
    unsigned char bytes[64];

    if (digits > sizeof(bytes) || getrandom(bytes, digits, 0) != (ssize_t)digits) {
        return md_err_sys(err, "cannot get random bytes");
    }
    for (size_t i = 0; i < digits; i++) {
        out[i] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[0] = "abcdef"[bytes[0] % 6];
    out[digits] = '\0';
    return 0;
}

int store_make(int folder, const char *prefix, size_t digits, char *name, struct md_err *err)
{
    size_t start = strlen(prefix);

    memcpy(name, prefix, start);
    for (;;) {
        struct md_err gone = { 0 };
        int dir;

        if (store_random(name + start, digits, err) < 0) {
            return -1;
        }
        if (mkdirat(folder, name, 0700) < 0) {
            if (errno == EEXIST) {
                continue;
            }
            return md_err_sys(err, "cannot make a directory in the store");
        }
        dir = store_lock(folder, name, STORE_EXCLUSIVE, &gone);
        if (dir >= 0) {
            return dir;
        }
        if (gone.kind != MD_ERR_NOT_FOUND) {
            *err = gone;
            unlinkat(folder, name, AT_REMOVEDIR);
            return -1;
        }
    }
}
