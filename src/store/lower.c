/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a layer that speak of lower layers. Every path is resolved by openat2() inside
 * the rootfs; links that lower layers made are followed there, but not where this layer itself
 * has a directory: that one replaces the link, and what the link led to is not meant.
 */
#include "store/lower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "store/copy.h"
#include "store/entries.h"
#include "store/store.h"

#define STAGE_PREFIX ".minidock-"
#define STAGE_DIGITS 16

static int failed_at(const char *path, const char *doing, struct md_err *err)
{
    char shown[200];

    return md_err_sys(err, "cannot %s \"%s\"", doing,
                      md_text_escape(path, strlen(path), shown, sizeof(shown)));
}

void store_place_leave(struct store_place *place)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, place->mtime };

    if (place->dir < 0)
        return;
    /* Fails only where it is gone by now. */
    (void)futimens(place->dir, times);
    md_fd_close(&place->dir);
}

int store_place_enter(struct store_merge *merge, const char *path, struct md_err *err)
{
    struct store_place *place = &merge->place;
    struct stat st;

    if (place->dir >= 0 && strcmp(place->path, path) == 0)
        return 1;
    store_place_leave(place);
    place->dir = md_path_try_in(merge->rootfs, path, O_RDONLY | O_DIRECTORY, 0);
    if (place->dir < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (place->dir < 0 || fstat(place->dir, &st) < 0)
        return failed_at(path, "open", err);
    place->mtime = st.st_mtim;
    memcpy(place->path, path, strlen(path) + 1);
    return 1;
}

/* Cut a copy of path: its directory stays in cut, its last component is returned. */
static const char *split(const char *path, char *cut)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    memcpy(cut, path, len);
    cut[len] = '\0';
    return slash ? slash + 1 : path;
}

/* True where the layer has a directory of its own at path; *there: anything at all. */
static bool is_explicit(const struct store_merge *merge, const char *path, bool *there)
{
    MD_AUTO_FD fd = md_path_try_in(merge->tree, path, O_PATH | O_NOFOLLOW, 0);
    struct stat st;

    *there = fd >= 0 && fstat(fd, &st) == 0;
    return *there && S_ISDIR(st.st_mode) &&
           store_marks_get(&merge->marks, path) != STORE_IMPLIED;
}

static bool is_lower_dir(const struct store_merge *merge, const char *path)
{
    MD_AUTO_FD fd = md_path_try_in(merge->rootfs, path, O_PATH | O_NOFOLLOW, 0);
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* True when on the way to path this layer puts a directory in place of something else. */
static bool is_replaced(const struct store_merge *merge, const char *path)
{
    char prefix[MD_MAX_PATH + 1];

    for (size_t len = strcspn(path, "/"); len > 0; len += strcspn(path + len, "/")) {
        bool there;

        memcpy(prefix, path, len);
        prefix[len] = '\0';
        if (is_explicit(merge, prefix, &there) && !is_lower_dir(merge, prefix))
            return true;
        if (!there || !path[len])
            return false;
        len++;
    }
    return false;
}

/* Enter a directory whose lower content is meant: 1, or 0 where there is none, or -1. */
static int enter_lower(struct store_merge *merge, const char *path, struct md_err *err)
{
    if (merge->place.dir >= 0 && strcmp(merge->place.path, path) == 0)
        return 1;
    return is_replaced(merge, path) ? 0 : store_place_enter(merge, path, err);
}

static int hide(const struct store_entry *entry, void *context, struct md_err *err)
{
    struct store_merge *merge = context;
    char dir[MD_MAX_PATH + 1];
    const char *name;
    int there;

    if (entry->letter == 'q') {
        there = enter_lower(merge, entry->path, err);
        if (there > 0 && md_path_empty_dir(merge->place.dir) < 0)
            return failed_at(entry->path, "empty", err);
        return there < 0 ? -1 : 0;
    }
    if (entry->letter != 'w')
        return 0;
    name = split(entry->path, dir);
    there = enter_lower(merge, dir, err);
    if (there > 0 && md_path_remove_tree(merge->place.dir, name) < 0)
        return failed_at(entry->path, "remove", err);
    return there < 0 ? -1 : 0;
}

int store_lower_hide(struct store_merge *merge, struct md_err *err)
{
    int result = store_entries_read(merge->layer, hide, merge, err);

    store_place_leave(&merge->place);
    return result;
}

static int bad_target(const struct store_entry *entry, const char *what, struct md_err *err)
{
    char path[160];
    char target[160];

    return md_err_set(
        err, MD_ERR_FORMAT, "hard link \"%s\": its target \"%s\" %s",
        md_text_escape(entry->path, strlen(entry->path), path, sizeof(path)),
        md_text_escape(entry->target, strlen(entry->target), target, sizeof(target)), what);
}

/* Link, or copy, the target of entry to name in dir. Returns 1 when there is no such target. */
static int link_target(struct store_merge *merge, const struct store_entry *entry, int dir,
                       const char *name, struct md_err *err)
{
    char path[MD_MAX_PATH + 1];
    const char *last = split(entry->target, path);
    MD_AUTO_FD from = md_path_try_in(merge->rootfs, path, O_PATH | O_DIRECTORY, 0);
    struct stat st;
    int result;

    if (from < 0 || fstatat(from, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 1 : failed_at(entry->target, "find", err);
    if (S_ISDIR(st.st_mode))
        return bad_target(entry, "is a directory", err);
    result = linkat(from, last, dir, name, 0);
    if (result < 0 && (errno == EMLINK || errno == EPERM))
        result = store_copy(from, last, dir, name);
    return result < 0 ? failed_at(entry->path, "link", err) : 0;
}

/* The next record that is a link and was not taken back later in the layer. */
static bool is_link(struct store_merge *merge, const struct store_entry *entry)
{
    return entry->letter == 'l' && store_marks_get(&merge->marks, entry->path) == ++merge->link;
}

static void number_name(uint32_t number, char *out, size_t size)
{
    snprintf(out, size, "%u", number);
}

static int hold(const struct store_entry *entry, void *context, struct md_err *err)
{
    struct store_merge *merge = context;
    char name[16];

    if (!is_link(merge, entry))
        return 0;
    number_name(merge->link, name, sizeof(name));
    /* A missing one may come with the tree: a link on the way to it can be this layer's. */
    return link_target(merge, entry, merge->staged, name, err) < 0 ? -1 : 0;
}

int store_lower_hold(struct store_merge *merge, struct md_err *err)
{
    merge->staged =
        store_make(merge->rootfs, STAGE_PREFIX, STAGE_DIGITS, merge->staged_name, err);
    if (merge->staged < 0)
        return -1;
    merge->link = 0;
    return store_entries_read(merge->layer, hold, merge, err);
}

/* Move what was held to its place, or link the target that came with the tree. */
static int put(struct store_merge *merge, const struct store_entry *entry, const char *name,
               struct md_err *err)
{
    char number[16];
    int missing;

    number_name(merge->link, number, sizeof(number));
    if (renameat(merge->staged, number, merge->place.dir, name) == 0)
        return 0;
    if (errno != ENOENT)
        return failed_at(entry->path, "link", err);
    missing = link_target(merge, entry, merge->place.dir, name, err);
    return missing > 0 ? bad_target(entry, "is missing", err) : missing;
}

static int put_link(const struct store_entry *entry, void *context, struct md_err *err)
{
    struct store_merge *merge = context;
    char dir[MD_MAX_PATH + 1];
    const char *name;
    int there;

    if (!is_link(merge, entry))
        return 0;
    name = split(entry->path, dir);
    there = store_place_enter(merge, dir, err);
    if (there < 0)
        return -1;
    if (there == 0)
        return md_err_set(err, MD_ERR_FORMAT,
                          "a hard link below something that is no directory");
    if (md_path_remove_tree(merge->place.dir, name) < 0)
        return failed_at(entry->path, "replace", err);
    return put(merge, entry, name, err);
}

int store_lower_link(struct store_merge *merge, struct md_err *err)
{
    int result;

    merge->link = 0;
    result = store_entries_read(merge->layer, put_link, merge, err);
    store_place_leave(&merge->place);
    if (result == 0 && md_path_remove_tree(merge->rootfs, merge->staged_name) < 0)
        return md_err_sys(err, "cannot remove what was held");
    return result;
}
