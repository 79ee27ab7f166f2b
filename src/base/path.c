/* SPDX-License-Identifier: Apache-2.0 */
/* Paths from images, confined by the kernel. Removing trees is in path_tree.c. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/text.h"

#define MAX_LINKS 40 /* as the kernel: path_resolution(7) */

/* EAGAIN: a rename or mount anywhere raced with a "..": openat2(2). */
static int open_patiently(int dirfd, const char *path, const struct open_how *how)
{
    int fd = -1;

    for (int tries = 0; tries < 128; tries++) {
        fd = sys_openat2(dirfd, *path ? path : ".", how);
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return fd;
}

int md_path_try_in(int dirfd, const char *path, int flags, mode_t mode)
{
    const struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode & 07777u : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    return open_patiently(dirfd, path, &how);
}

int md_path_try_below(int dirfd, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return open_patiently(dirfd, path, &how);
}

static int fail(struct md_err *err, const char *doing, const char *path)
{
    char shown[300];

    md_err_sys(err, "cannot %s \"%s\"", doing,
               md_text_escape(path, strlen(path), shown, sizeof(shown)));
    if (err->sys == ENOSYS) {
        md_err_in(err, "openat2(2) is missing, Linux 5.12 or newer is needed");
    }
    return -1;
}

int md_path_open_in(int dirfd, const char *path, int flags, mode_t mode, struct md_err *err)
{
    int fd = md_path_try_in(dirfd, path, flags, mode);

    return fd < 0 ? fail(err, "open", path) : fd;
}

/* A walk that makes directories: what was resolved so far, what is left, links followed. */
struct walk {
    int root;
    int links;
    char done[MD_MAX_PATH + 1];     /* below the root, no symlink and no ".." in it */
    char next[MD_MAX_PATH + 1];     /* done and one component more */
    char rest[2 * MD_MAX_PATH + 3]; /* a link's target and what followed it */
};

/* Take the next component off rest. Returns its length, 0 at the end. */
static size_t next_component(struct walk *walk, char *component)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(start, "/");

    if (len > MD_MAX_NAME) {
        len = MD_MAX_NAME + 1; /* the kernel says ENAMETOOLONG */
    }
    memcpy(component, start, len);
    component[len] = '\0';
    memmove(walk->rest, start + len, strlen(start + len) + 1);
    return len;
}

/* Put a link's target in front of rest. */
static int follow_link(struct walk *walk, int link)
{
    char target[MD_MAX_PATH + 2];
    ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
    size_t rest_len = strlen(walk->rest);

    if (len < 0) {
        return -1;
    }
    walk->links++;
    if (walk->links > MAX_LINKS) {
        errno = ELOOP;
        return -1;
    }
    if ((size_t)len + 1 + rest_len + 1 > sizeof(walk->rest)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(walk->rest + len + 1, walk->rest, rest_len + 1);
    memcpy(walk->rest, target, (size_t)len);
    walk->rest[len] = '/';
    if (target[0] == '/') {
        walk->done[0] = '\0';
    }
    return 0;
}

/* mkdir below what is done; somebody else may have been faster. */
static int make_component(struct walk *walk, const char *component)
{
    MD_AUTO_FD parent = md_path_try_in(walk->root, walk->done, O_PATH | O_DIRECTORY, 0);
    MD_AUTO_FD made = -1;

    if (parent < 0) {
        return -1;
    }
    if (mkdirat(parent, component, 0755) < 0) {
        return errno == EEXIST ? 0 : -1;
    }
    /* The mode is the image's business, not that of our caller's umask. */
    made = openat(parent, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return made < 0 ? -1 : fchmod(made, 0755);
}

static void go_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');

    *(slash ? slash : walk->done) = '\0';
}

/* Open what is next, making it when it is missing. */
static int open_or_make(struct walk *walk, const char *component)
{
    int fd = -1;

    for (int tries = 0; tries < 3; tries++) {
        fd = md_path_try_in(walk->root, walk->next, O_PATH | O_NOFOLLOW, 0);
        if (fd >= 0 || errno != ENOENT || make_component(walk, component) < 0) {
            break;
        }
    }
    return fd;
}

/* Go into the component, or follow it, or find that it is in the way. */
static int enter(struct walk *walk, const char *component)
{
    MD_AUTO_FD fd = -1;
    struct stat st;
    int len = snprintf(walk->next, sizeof(walk->next), "%s%s%s", walk->done,
                       *walk->done ? "/" : "", component);

    if (len < 0 || (size_t)len >= sizeof(walk->next)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open_or_make(walk, component);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return -1;
    }
    if (S_ISLNK(st.st_mode)) {
        return follow_link(walk, fd);
    }
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    memcpy(walk->done, walk->next, (size_t)len + 1);
    return 0;
}

static int walk_and_make(int root, const char *path)
{
    MD_AUTO_FREE struct walk *walk = md_xcalloc(1, sizeof(*walk));
    char component[MD_MAX_NAME + 2];

    if (strlen(path) > MD_MAX_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }
    walk->root = root;
    snprintf(walk->rest, sizeof(walk->rest), "%s", path);
    while (next_component(walk, component) > 0) {
        if (strcmp(component, ".") == 0) {
            continue;
        }
        if (strcmp(component, "..") == 0) {
            go_up(walk);
        } else if (enter(walk, component) < 0) {
            return -1;
        }
    }
    return md_path_try_in(root, walk->done, O_PATH | O_DIRECTORY, 0);
}

int md_path_make_dirs_in(int root, const char *path, struct md_err *err)
{
    int fd = md_path_try_in(root, path, O_PATH | O_DIRECTORY, 0);

    if (fd < 0 && errno == ENOENT) {
        fd = walk_and_make(root, path);
    }
    return fd < 0 ? fail(err, "make the directory", path) : fd;
}

int md_path_clean(const char *name, char *out)
{
    size_t used = 0;

    if (!*name) {
        errno = EINVAL;
        return -1;
    }
    for (const char *p = name + strspn(name, "/"); *p; p += strspn(p, "/")) {
        size_t len = strcspn(p, "/");

        if (len == 2 && p[0] == '.' && p[1] == '.') {
            if (used == 0) {
                errno = EXDEV;
                return -1;
            }
            while (used > 0 && out[used - 1] != '/') {
                used--;
            }
            used -= used > 0; /* the "/" in front of it */
        } else if (len > 1 || p[0] != '.') {
            if (len > MD_MAX_NAME || used + (used > 0) + len > MD_MAX_PATH) {
                errno = ENAMETOOLONG;
                return -1;
            }
            if (used > 0) {
                out[used++] = '/';
            }
            memcpy(out + used, p, len);
            used += len;
        }
        p += len;
    }
    out[used] = '\0';
    return 0;
}

/* mkdir that is content with a directory, or a link to one, that is already there. */
static int make_dir(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0) {
        return 0;
    }
    if (errno != EEXIST || stat(path, &st) < 0) {
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return 0;
}

int md_path_make_dirs(const char *path, mode_t mode, struct md_err *err)
{
    MD_AUTO_FREE char *copy = md_xstrdup(path);

    /* Most of the time all but the last exists, or all. */
    if (make_dir(copy, mode) == 0) {
        return 0;
    }
    if (errno != ENOENT) {
        return fail(err, "make the directory", path);
    }
    for (char *p = copy + strspn(copy, "/"); *p;) {
        char *slash = p + strcspn(p, "/");
        char kept = *slash;

        *slash = '\0';
        if (make_dir(copy, mode) < 0) {
            return fail(err, "make the directory", path);
        }
        *slash = kept;
        p = slash + strspn(slash, "/");
    }
    return *copy ? 0 : fail(err, "make the directory", path);
}
