/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has changed. Only upper is walked, directory by directory and without
 * recursion; the same directory of lower is open beside it.
 */
#include "store/diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store/overlay.h"
#include "store/store.h"

/* Room for a capability: struct vfs_ns_cap_data. */
#define CAPABILITY_BYTES 64

struct walk {
    int upper;
    int lower;
    struct md_list pending; /* directories still to be read: "/a", or "" for the root */
    struct store_changes *changes;
    bool etc_is_ours; /* /etc was made for the files that are mounted there */
    char path[PATH_MAX];
    int dir;   /* the directory path of upper */
    int below; /* the same one of lower; -1: none */
};

/* An entry of both, or of one. */
struct pair {
    const char *name;
    struct stat now;
    struct stat before;
    bool existed;
};

static void note(struct store_changes *changes, enum store_change_kind kind, char *path)
{
    if (changes->count == changes->size) {
        changes->size = changes->size ? 2 * changes->size : 64;
        changes->items =
            md_xreallocarray(changes->items, changes->size, sizeof(*changes->items));
    }
    changes->items[changes->count++] = (struct store_change){ kind, path };
}

static char *path_of(const struct walk *walk, const char *name)
{
    return md_xasprintf("%s/%s", walk->path, name);
}

static ssize_t capability(int dir, const char *name, char value[CAPABILITY_BYTES])
{
    char path[sizeof("/proc/self/fd/-2147483648/") + NAME_MAX];

    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    return lgetxattr(path, "security.capability", value, CAPABILITY_BYTES);
}

static bool same_capability(const struct walk *walk, const char *name)
{
    char now[CAPABILITY_BYTES];
    char before[CAPABILITY_BYTES];
    ssize_t now_len = capability(walk->dir, name, now);
    ssize_t before_len = capability(walk->below, name, before);

    return now_len == before_len && (now_len <= 0 || memcmp(now, before, (size_t)now_len) == 0);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    /* A tar that came without fractions has none in the image. */
    return a->tv_sec == b->tv_sec &&
           (a->tv_nsec == b->tv_nsec || a->tv_nsec == 0 || b->tv_nsec == 0);
}

static bool differs(const struct walk *walk, const struct pair *pair)
{
    const struct stat *now = &pair->now;
    const struct stat *before = &pair->before;

    if (now->st_mode != before->st_mode || now->st_uid != before->st_uid ||
        now->st_gid != before->st_gid || now->st_rdev != before->st_rdev) {
        return true;
    }
    if (S_ISDIR(now->st_mode)) {
        return false; /* its size and time say nothing about itself */
    }
    if (now->st_size != before->st_size || !same_time(&now->st_mtim, &before->st_mtim)) {
        return true;
    }
    return S_ISREG(now->st_mode) && !same_capability(walk, pair->name);
}

static bool is_empty_dir(int parent, const char *name)
{
    int fd = md_path_try_below(parent, name, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int entries = 0;

    if (!dir) {
        md_fd_close(&fd);
        return false;
    }
    while (readdir(dir)) {
        entries++;
    }
    closedir(dir);
    return entries <= 2;
}

/*
 * A place that minidock made to mount something of its own: docker keeps those in a layer of
 * their own, which it does not show either.
 */
static bool is_ours(struct walk *walk, const struct pair *pair)
{
    static const char *const dirs[] = { "dev", "proc", "sys" };
    static const char *const files[] = { "hostname", "hosts", "resolv.conf" };

    if (strcmp(walk->path, "/etc") == 0 && S_ISREG(pair->now.st_mode) &&
        pair->now.st_size == 0) {
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
            if (strcmp(pair->name, files[i]) == 0) {
                walk->etc_is_ours = true;
                return true;
            }
        }
    }
    if (walk->path[0] || pair->existed || !S_ISDIR(pair->now.st_mode)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        if (strcmp(pair->name, dirs[i]) == 0) {
            return is_empty_dir(walk->dir, pair->name);
        }
    }
    return false;
}

static void compare(struct walk *walk, struct pair *pair)
{
    bool both_dirs = S_ISDIR(pair->now.st_mode) && S_ISDIR(pair->before.st_mode);

    if (store_overlay_is_whiteout(walk->dir, pair->name, &pair->now)) {
        if (pair->existed) {
            note(walk->changes, STORE_DELETED, path_of(walk, pair->name));
        }
        return;
    }
    if (is_ours(walk, pair)) {
        return;
    }
    if (!pair->existed) {
        note(walk->changes, STORE_ADDED, path_of(walk, pair->name));
    } else if (differs(walk, pair)) {
        note(walk->changes, STORE_CHANGED, path_of(walk, pair->name));
    }
    if (S_ISDIR(pair->now.st_mode)) {
        char *path = path_of(walk, pair->name);

        /* The letter tells whether lower has this directory. */
        md_list_take(&walk->pending, md_xasprintf("%c%s", both_dirs ? 'b' : 'n', path));
        free(path);
    }
}

static int compare_entry(const char *name, unsigned char type, void *context,
                         struct md_err *err)
{
    struct walk *walk = context;
    struct pair pair = { .name = name };

    (void)type;
    if (fstatat(walk->dir, name, &pair.now, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : md_err_sys(err, "cannot look at what has changed");
    }
    pair.existed =
        walk->below >= 0 && fstatat(walk->below, name, &pair.before, AT_SYMLINK_NOFOLLOW) == 0;
    compare(walk, &pair);
    return 0;
}

/* Below an opaque directory what lower has is gone, without a whiteout each. */
static int compare_hidden(const char *name, unsigned char type, void *context,
                          struct md_err *err)
{
    struct walk *walk = context;
    struct stat st;

    (void)type;
    (void)err;
    if (fstatat(walk->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        note(walk->changes, STORE_DELETED, path_of(walk, name));
    }
    return 0;
}

/* The pending directory: its path, and both sides of it. 0 when it is gone meanwhile. */
static int enter(struct walk *walk, const char *pending, struct md_err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY;
    bool both = pending[0] == 'b';
    const char *relative = pending + 1 + (pending[1] == '/');

    if ((size_t)snprintf(walk->path, sizeof(walk->path), "%s", pending + 1) >=
        sizeof(walk->path)) {
        errno = ENAMETOOLONG;
        return md_err_sys(err, "cannot look at what has changed");
    }
    walk->dir = md_path_try_below(walk->upper, relative, flags);
    if (walk->dir < 0) {
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? 0
                   : md_err_sys(err, "cannot look at what has changed");
    }
    if (both) {
        walk->below = md_path_try_below(walk->lower, relative, flags);
        if (walk->below < 0) {
            return md_err_sys(err, "cannot look at the image's files");
        }
    }
    return 1;
}

static int compare_dir(struct walk *walk, const char *pending, struct md_err *err)
{
    int result = enter(walk, pending, err);

    if (result > 0) {
        result = store_visit(walk->dir, compare_entry, walk, err);
        if (result == 0 && walk->below >= 0 && store_overlay_is_opaque(walk->dir)) {
            result = store_visit(walk->below, compare_hidden, walk, err);
        }
    }
    md_fd_close(&walk->dir);
    md_fd_close(&walk->below);
    return result;
}

static int by_path(const void *a, const void *b)
{
    const struct store_change *left = a;
    const struct store_change *right = b;

    return strcmp(left->path, right->path);
}

static void sort(struct store_changes *changes)
{
    if (changes->count > 0) {
        qsort(changes->items, changes->count, sizeof(*changes->items), by_path);
    }
}

static bool is_listed(const struct store_changes *changes, size_t count, char *path)
{
    const struct store_change key = { .path = path };

    return bsearch(&key, changes->items, count, sizeof(key), by_path) != NULL;
}

/* Directories in which something has changed are listed too, up to the root. */
static void add_parents(struct store_changes *changes)
{
    size_t count = changes->count;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        MD_AUTO_FREE char *path = md_xstrdup(changes->items[i].path);

        for (char *slash; (slash = strrchr(path, '/')) && slash > path;) {
            *slash = '\0';
            if (is_listed(changes, count, path)) {
                break;
            }
            /* Most siblings come one after the other. */
            if (changes->count > count &&
                strcmp(changes->items[changes->count - 1].path, path) == 0) {
                break;
            }
            note(changes, STORE_CHANGED, md_xstrdup(path));
        }
    }
    sort(changes);
    for (size_t i = 0; i < changes->count; i++) {
        if (kept > 0 && strcmp(changes->items[kept - 1].path, changes->items[i].path) == 0) {
            free(changes->items[i].path);
        } else {
            changes->items[kept++] = changes->items[i];
        }
    }
    changes->count = kept;
}

/* /etc was made for our files only, if nothing else is in it. */
static void hide_etc(struct walk *walk)
{
    struct store_changes *changes = walk->changes;
    struct store_change *etc = NULL;

    for (size_t i = 0; walk->etc_is_ours && i < changes->count; i++) {
        if (strncmp(changes->items[i].path, "/etc/", 5) == 0) {
            return;
        }
        if (strcmp(changes->items[i].path, "/etc") == 0) {
            etc = &changes->items[i];
        }
    }
    if (etc && etc->kind == STORE_ADDED) {
        free(etc->path);
        changes->count--;
        memmove(etc, etc + 1, (size_t)(changes->items + changes->count - etc) * sizeof(*etc));
    }
}

int store_diff(int upper, int lower, struct store_changes *changes, struct md_err *err)
{
    MD_AUTO_FREE struct walk *walk = md_xcalloc(1, sizeof(*walk));
    int result = 0;

    *walk = (struct walk){ .upper = upper, .lower = lower, .changes = changes };
    walk->dir = walk->below = -1;
    md_list_add(&walk->pending, "b");
    while (result == 0 && walk->pending.count > 0) {
        MD_AUTO_FREE char *next = walk->pending.items[--walk->pending.count];

        walk->pending.items[walk->pending.count] = NULL;
        result = compare_dir(walk, next, err);
    }
    md_list_clear(&walk->pending);
    if (result < 0) {
        store_changes_clear(changes);
        return -1;
    }
    sort(changes);
    hide_etc(walk);
    add_parents(changes);
    return 0;
}

void store_changes_clear(struct store_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].path);
    }
    free(changes->items);
    *changes = (struct store_changes){ 0 };
}
