/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes on descriptors, and files that are replaced atomically. */
#include "base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

int md_fd_fill_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        /* not CLOEXEC: it stands in for one of the caller's */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
            return -1;
        }
    }
    return 0;
}

void md_fd_close_others(int first, const int *keep)
{
    for (;;) {
        int next = INT_MAX; /* the lowest from first on that stays */

        for (const int *fd = keep; *fd != -1; fd++) {
            next = *fd >= first && *fd < next ? *fd : next;
        }
        if (next > first) {
            close_range((unsigned)first, (unsigned)next - 1, 0);
        }
        if (next == INT_MAX) {
            return;
        }
        first = next + 1;
    }
}

int md_fd_write_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t md_fd_read_full(int fd, void *bytes, size_t len)
{
    char *p = bytes;
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, p + got, len - got);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* Names in errors come from outside now and then. */
static const char *shown(const char *name, char *out, size_t size)
{
    return md_text_escape(name, strlen(name), out, size);
}

char *md_fd_read_all(int fd, size_t max, size_t *len, const char *what, struct md_err *err)
{
    MD_AUTO_FREE char *bytes = NULL;
    char name[256];
    size_t size = 0;
    size_t got = 0;

    /* Grows as bytes arrive: a size that a file only claims costs nothing. */
    while (got == size) {
        size_t next = size ? size * 2 : 8192;
        ssize_t n;

        /* One byte past the maximum tells "too large" from "just fits". */
        next = next > max ? max + 1 : next;
        bytes = md_xreallocarray(bytes, next + 1, 1);
        n = md_fd_read_full(fd, bytes + got, next - got);
        if (n < 0) {
            md_err_sys(err, "cannot read \"%s\"", shown(what, name, sizeof(name)));
            return NULL;
        }
        size = next;
        got += (size_t)n;
        if (got > max) {
            md_err_set(err, MD_ERR_LIMIT, "\"%s\" holds more than %zu bytes",
                       shown(what, name, sizeof(name)), max);
            return NULL;
        }
    }
    bytes[got] = '\0';
    *len = got;
    return md_ptr_take(&bytes);
}

char *md_file_read(int dirfd, const char *name, size_t max, size_t *len, struct md_err *err)
{
    /* O_NONBLOCK: or opening a fifo would wait for its writer. */
    MD_AUTO_FD fd =
        openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    char shown_name[256];

    if (fd < 0) {
        md_err_sys(err, "cannot open \"%s\"", shown(name, shown_name, sizeof(shown_name)));
        return NULL;
    }
    if (fstat(fd, &st) < 0) {
        md_err_sys(err, "cannot look at \"%s\"", shown(name, shown_name, sizeof(shown_name)));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        md_err_set(err, MD_ERR_FORMAT, "\"%s\" is not a regular file",
                   shown(name, shown_name, sizeof(shown_name)));
        return NULL;
    }
    return md_fd_read_all(fd, max, len, name, err);
}

/*
 * Create a file next to name that no other process uses. No call for random bytes: O_EXCL makes
 * it ours, the clock and the process id only make a second try rare.
 */
static int create_temporary(int dirfd, const char *name, mode_t mode, char *path, size_t size)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;

    for (int tries = 0; tries < 100; tries++) {
        struct timespec now;
        int len;
        int fd;

        clock_gettime(CLOCK_REALTIME, &now);
        /* 200: the name may already be as long as a component can be. */
        len = snprintf(path, size, "%.*s.%.200s.%x%08lx", (int)(base - name), name, base,
                       (unsigned)getpid(), (unsigned long)now.tv_nsec);
        if (len < 0 || (size_t)len >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

/* Write and close; close(2) may be where a full disk shows. */
static int write_and_close(int fd, const void *bytes, size_t len)
{
    int failed = md_fd_write_all(fd, bytes, len);
    int saved = errno;

    if (close(fd) < 0 && failed == 0) {
        return -1;
    }
    errno = saved;
    return failed;
}

int md_file_replace(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode,
                    struct md_err *err)
{
    char temporary[MD_MAX_PATH + 1];
    char shown_name[256];
    int fd = create_temporary(dirfd, name, mode, temporary, sizeof(temporary));

    if (fd < 0) {
        return md_err_sys(err, "cannot write \"%s\"",
                          shown(name, shown_name, sizeof(shown_name)));
    }
    if (write_and_close(fd, bytes, len) < 0 || renameat(dirfd, temporary, dirfd, name) < 0) {
        md_err_sys(err, "cannot write \"%s\"", shown(name, shown_name, sizeof(shown_name)));
        unlinkat(dirfd, temporary, 0);
        return -1;
    }
    return 0;
}
