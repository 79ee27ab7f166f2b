/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory an entry goes into. The last one is remembered, as entries come in directory
 * order. A path without links is one openat2(); else it is walked component by component, below
 * the tree, so that its real path is known and what is missing can be made and recorded.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "pull/tree.h"

#define MAX_LINKS 40 /* as the kernel follows: path_resolution(7) */

struct walk {
    struct pull_tree *tree;
    int dir; /* O_PATH, what real names */
    int links;
    char *real;                     /* tree->real */
    char rest[2 * MD_MAX_PATH + 3]; /* a link's target and what came after the link */
    char name[MD_MAX_NAME + 2];
};

int pull_tree_failed(const char *doing, struct md_err *err)
{
    switch (errno) {
    case ELOOP:
        return md_err_set(err, MD_ERR_FORMAT, "cannot %s: too many links", doing);
    case ENAMETOOLONG:
        return md_err_set(err, MD_ERR_FORMAT, "cannot %s: a name is too long", doing);
    case ENOTDIR:
        return md_err_set(err, MD_ERR_FORMAT, "cannot %s: no directory is in the way", doing);
    case ENOENT:
    case EINVAL:
        return md_err_set(err, MD_ERR_FORMAT, "cannot %s: the entry makes no sense", doing);
    case EXDEV:
        return md_err_set(err, MD_ERR_FORMAT, "cannot %s: it leads outside", doing);
    default:
        return md_err_sys(err, "cannot %s", doing);
    }
}

static int open_confined(int dir, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };

    return sys_openat2(dir, *path ? path : ".", &how);
}

int pull_tree_open_below(const struct pull_tree *tree, const char *real, int flags)
{
    return open_confined(tree->root, real, flags);
}

int pull_tree_mark(struct pull_tree *tree, char letter, const char *path, struct md_err *err)
{
    if (tree->record_count++ >= MD_MAX_RECORDS)
        return md_err_set(err, MD_ERR_LIMIT, "more than %u whiteouts and implied directories",
                          MD_MAX_RECORDS);
    return store_entries_mark(&tree->entries, letter, path, err);
}

/* Take the next component off rest into name. Returns 0 at the end, -1 when it is too long. */
static int next_name(struct walk *walk)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(start, "/");

    if (len > MD_MAX_NAME) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->name, start, len);
    walk->name[len] = '\0';
    memmove(walk->rest, start + len, strlen(start + len) + 1);
    return len > 0;
}

static void go_to(struct walk *walk, int *dir)
{
    md_fd_close(&walk->dir);
    walk->dir = md_fd_take(dir);
}

static int go_up(struct walk *walk)
{
    char *slash = strrchr(walk->real, '/');
    int dir;

    *(slash ? slash : walk->real) = '\0';
    dir = pull_tree_open_below(walk->tree, walk->real, O_PATH | O_DIRECTORY);
    if (dir < 0)
        return -1;
    go_to(walk, &dir);
    return 0;
}

/* Put the link's target in front of rest. */
static int follow(struct walk *walk, int link)
{
    char target[MD_MAX_PATH + 2];
    ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
    size_t rest_len = strlen(walk->rest);

    if (len < 0)
        return -1;
    if (++walk->links > MAX_LINKS) {
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
        int root = pull_tree_open_below(walk->tree, "", O_PATH | O_DIRECTORY);

        if (root < 0)
            return -1;
        go_to(walk, &root);
        walk->real[0] = '\0';
    }
    return 0;
}

static int append_name(struct walk *walk)
{
    size_t used = strlen(walk->real);
    size_t len = strlen(walk->name);

    if (used + 1 + len > MD_MAX_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (used > 0)
        walk->real[used++] = '/';
    memcpy(walk->real + used, walk->name, len + 1);
    return 0;
}

/* Go into name, which is a directory or link, or follow it. */
static int enter(struct walk *walk, int *next)
{
    struct stat st;

    if (fstat(*next, &st) < 0)
        return -1;
    if (S_ISLNK(st.st_mode))
        return follow(walk, *next);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    go_to(walk, next);
    return append_name(walk);
}

/* Make name as a directory that the tar only implies: 0755, root, and the same time always. */
static int make_implied(struct walk *walk, struct md_err *err)
{
    const struct pull_entry implied = pull_tree_implied(walk->tree);
    int made;

    if (mkdirat(walk->dir, walk->name, 0755) < 0)
        return md_err_sys(err, "cannot make a directory");
    made = open_confined(walk->dir, walk->name, O_PATH | O_DIRECTORY);
    if (made < 0 || append_name(walk) < 0) {
        md_fd_close(&made);
        return pull_tree_failed("make a directory", err);
    }
    go_to(walk, &made);
    if (pull_tree_note_dir(walk->tree, walk->real, &implied, NULL, err) < 0)
        return -1;
    return pull_tree_mark(walk->tree, 'i', walk->real, err);
}

static int step(struct walk *walk, struct md_err *err)
{
    MD_AUTO_FD next = -1;

    if (strcmp(walk->name, ".") == 0)
        return 0;
    if (strcmp(walk->name, "..") == 0)
        return go_up(walk) < 0 ? pull_tree_failed("go up", err) : 0;
    next = open_confined(walk->dir, walk->name, O_PATH | O_NOFOLLOW);
    if (next < 0 && errno == ENOENT)
        return make_implied(walk, err);
    if (next < 0 || enter(walk, &next) < 0)
        return pull_tree_failed("open its directory", err);
    return 0;
}

static int walk_all(struct walk *walk, struct md_err *err)
{
    int more;

    while ((more = next_name(walk)) > 0) {
        if (step(walk, err) < 0)
            return -1;
    }
    return more < 0 ? pull_tree_failed("open its directory", err) : 0;
}

/* The slow way. Returns the descriptor of the directory. */
static int walk_to(struct pull_tree *tree, const char *asked, struct md_err *err)
{
    MD_AUTO_FREE struct walk *walk = md_xcalloc(1, sizeof(*walk));

    walk->tree = tree;
    walk->real = tree->real;
    walk->real[0] = '\0';
    memcpy(walk->rest, asked, strlen(asked) + 1);
    walk->dir = pull_tree_open_below(tree, "", O_PATH | O_DIRECTORY);
    if (walk->dir < 0)
        return md_err_sys(err, "cannot open the layer's tree");
    if (walk_all(walk, err) < 0) {
        md_fd_close(&walk->dir);
        return -1;
    }
    return walk->dir;
}

void pull_tree_leave(struct pull_tree *tree)
{
    md_fd_close(&tree->parent);
}

int pull_tree_enter(struct pull_tree *tree, const char *asked, struct md_err *err)
{
    if (tree->parent >= 0 && strcmp(tree->asked, asked) == 0)
        return 0;
    pull_tree_leave(tree);
    memcpy(tree->real, asked, strlen(asked) + 1);
    tree->parent = pull_tree_open_below(tree, asked, O_PATH | O_DIRECTORY);
    if (tree->parent < 0)
        tree->parent = walk_to(tree, asked, err);
    if (tree->parent < 0)
        return -1;
    memcpy(tree->asked, asked, strlen(asked) + 1);
    return 0;
}
