/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of a copy. Every name is resolved by the kernel, below the place's root. */
#include "files/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define MAX_LINKS 10 /* docker's */

/* As Go's path.Clean with a "/" in front: ".." of the root is the root. */
static int clean(const char *given, char *out)
{
    size_t used = 0;

    for (const char *p = given + strspn(given, "/"); *p; p += strspn(p, "/")) {
        size_t len = strcspn(p, "/");

        if (len == 2 && p[0] == '.' && p[1] == '.') {
            while (used > 0 && out[used - 1] != '/')
                used--;
            used -= used > 0;
        } else if (len != 1 || p[0] != '.') {
            if (len > MD_MAX_NAME || used + 1 + len > MD_MAX_PATH) {
                errno = ENAMETOOLONG;
                return -1;
            }
            if (used > 0)
                out[used++] = '/';
            memcpy(out + used, p, len);
            used += len;
        }
        p += len;
    }
    out[used] = '\0';
    return 0;
}

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

int files_place_set(struct files_place *place, const char *given, struct md_err *err)
{
    MD_AUTO_FREE char *here = NULL;
    MD_AUTO_FREE char *whole = NULL;
    char shown[300];

    if (!place->container && given[0] != '/') {
        here = getcwd(NULL, 0);
        if (!here)
            return md_err_sys(err, "the current directory");
    }
    whole = md_xasprintf("%s/%s", here ? here : "", given);
    place->given = given;
    place->contents = strcmp(given, ".") == 0 || ends_in(given, "/.");
    place->directory = place->contents || ends_in(given, "/");
    if (clean(whole, place->path) < 0)
        return md_err_sys(err, "\"%s\"",
                          md_text_escape(given, strlen(given), shown, sizeof(shown)));
    return 0;
}

const char *files_place_base(const struct files_place *place)
{
    const char *slash = strrchr(place->path, '/');

    return slash ? slash + 1 : place->path;
}

/* The sentence for a name that cannot be used, in docker's words where it is missing. */
static int fail(const struct files_place *place, const char *path, struct md_err *err)
{
    MD_AUTO_FREE char *shown = md_text_escaped(path, strlen(path));

    if (errno == ENOENT && place->container)
        return md_err_set(err, MD_ERR_NOT_FOUND, "Could not find the file %s in container %s",
                          shown, place->container);
    if (place->container)
        return md_err_sys(err, "cannot use \"%s:%s\"", place->container, shown);
    return md_err_sys(err, "cannot use \"%s\"", shown);
}

int files_place_open(const struct files_place *place, enum files_link link, struct md_err *err)
{
    bool follow = link == FILES_LINK_TARGET || place->directory;
    MD_AUTO_FD fd =
        md_path_try_in(place->root, place->path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(place, place->given, err);
    if (place->directory && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return fail(place, place->given, err);
    }
    return md_fd_take(&fd);
}

/* Put the link's target in the place of its name. */
static int follow(struct files_place *place, int link)
{
    char target[MD_MAX_PATH + 2];
    MD_AUTO_FREE char *whole = NULL;
    const char *base = files_place_base(place);
    ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);

    if (len < 0)
        return -1;
    target[len] = '\0';
    whole = target[0] == '/'
                ? md_xstrdup(target)
                : md_xasprintf("%.*s%s", (int)(base - place->path), place->path, target);
    return clean(whole, place->path);
}

/* It is no directory: the one that it is in. */
static int open_parent(const struct files_place *place, struct files_destination *found,
                       struct md_err *err)
{
    const char *base = files_place_base(place);
    MD_AUTO_FREE char *parent = md_xasprintf("/%.*s", (int)(base - place->path), place->path);

    if (strlen(parent) > 1)
        parent[strlen(parent) - 1] = '\0';
    found->parent = md_path_try_in(place->root, parent, O_PATH | O_DIRECTORY, 0);
    if (found->parent < 0 && errno == ENOENT && !place->container) {
        MD_AUTO_FREE char *shown = md_text_escaped(parent, strlen(parent));

        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "invalid output path: directory \"%s\" does not exist", shown);
    }
    if (found->parent < 0)
        return fail(place, parent, err);
    snprintf(found->name, sizeof(found->name), "%s", base);
    return 0;
}

static int take_found(const struct files_place *place, int *fd, const struct stat *st,
                      struct files_destination *found, struct md_err *err)
{
    MD_AUTO_FREE char *shown = md_text_escaped(place->given, strlen(place->given));

    found->exists = true;
    if (S_ISDIR(st->st_mode)) {
        found->dir = md_fd_take(fd);
        return 0;
    }
    if (!S_ISREG(st->st_mode))
        return md_err_set(err, MD_ERR_CONFLICT,
                          "destination \"%s%s%s\" must be a directory or a regular file",
                          place->container ? place->container : "", place->container ? ":" : "",
                          shown);
    if (place->directory) {
        errno = ENOTDIR;
        return fail(place, place->given, err);
    }
    return open_parent(place, found, err);
}

int files_place_find(const struct files_place *place, struct files_destination *found,
                     struct md_err *err)
{
    MD_AUTO_FREE struct files_place *at = md_xmalloc(sizeof(*at));

    *at = *place;
    for (int links = 0; links <= MAX_LINKS; links++) {
        MD_AUTO_FD fd = md_path_try_in(at->root, at->path, O_PATH | O_NOFOLLOW, 0);
        struct stat st;

        if (fd < 0 && errno == ENOENT)
            return open_parent(at, found, err);
        if (fd < 0 || fstat(fd, &st) < 0)
            return fail(at, at->given, err);
        if (!S_ISLNK(st.st_mode))
            return take_found(at, &fd, &st, found, err);
        if (follow(at, fd) < 0)
            return fail(at, at->given, err);
    }
    errno = ELOOP;
    return fail(place, place->given, err);
}

void files_destination_close(struct files_destination *found)
{
    md_fd_close(&found->dir);
    md_fd_close(&found->parent);
}
