/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer on top of what is there. The tree is walked directory by directory without recursion
 * and with one pair of open directories: a directory is done, its attributes included, before
 * those below it, which were made while it was read. A first layer finds nothing in its way, so
 * everything is tried first and looked at only when the kernel says EEXIST.
 */
#include "store/merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store/copy.h"
#include "store/entries.h"
#include "store/lower.h"

/* How a directory of the layer meets the rootfs. */
enum meeting {
    TAKE_OVER, /* it is the layer's: attributes too */
    KEEP,      /* only implied, and something is there */
};

/* Directories still to be done: names, each followed by its tail; the last one comes first. */
struct pending {
    char *bytes;
    size_t used;
    size_t size;
};

struct tail {
    uint16_t name_size;  /* with its NUL */
    uint16_t parent_len; /* of the path it is below, which is still in walk->path by then */
    uint8_t meeting;
};

struct walk {
    struct store_merge *merge;
    struct pending pending;
    int from; /* the pair of directories that is being done */
    int to;
    char path[MD_MAX_PATH + 1];
};

static int failed_at(const char *path, const char *doing, struct md_err *err)
{
    char shown[200];

    return md_err_sys(err, "cannot %s \"%s\"", doing,
                      md_text_escape(path, strlen(path), shown, sizeof(shown)));
}

static void push(struct pending *pending, const char *name, size_t parent_len,
                 enum meeting meeting)
{
    size_t name_size = strlen(name) + 1;
    struct tail tail = { (uint16_t)name_size, (uint16_t)parent_len, (uint8_t)meeting };

    if (pending->used + name_size + sizeof(tail) > pending->size) {
        pending->size = 2 * pending->size + name_size + sizeof(tail) + 4096;
        pending->bytes = md_xreallocarray(pending->bytes, pending->size, 1);
    }
    memcpy(pending->bytes + pending->used, name, name_size);
    memcpy(pending->bytes + pending->used + name_size, &tail, sizeof(tail));
    pending->used += name_size + sizeof(tail);
}

/* Append name to path, of which len bytes stay. Returns -1 with errno when it is too long. */
static int append(char *path, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    if (len + 1 + name_len > MD_MAX_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (len > 0)
        path[len++] = '/';
    memcpy(path + len, name, name_len + 1);
    return 0;
}

/* Take the next directory into path. Returns how it meets the rootfs. */
static enum meeting pop(struct walk *walk)
{
    struct pending *pending = &walk->pending;
    struct tail tail;
    const char *name;

    pending->used -= sizeof(tail);
    memcpy(&tail, pending->bytes + pending->used, sizeof(tail));
    pending->used -= tail.name_size;
    name = pending->bytes + pending->used;
    if (*name && append(walk->path, tail.parent_len, name) < 0)
        walk->path[0] = '\0'; /* cannot be: its length was checked before it was pushed */
    return tail.meeting;
}

static int link_file(struct walk *walk, const char *name, struct md_err *err)
{
    int result = linkat(walk->from, name, walk->to, name, 0);

    if (result < 0 && errno == EEXIST) {
        if (md_path_remove_tree(walk->to, name) < 0)
            return failed_at(name, "replace", err);
        result = linkat(walk->from, name, walk->to, name, 0);
    }
    /* EPERM: a file system without hard links, or somebody else's file: proc(5). */
    if (result < 0 && (errno == EMLINK || errno == EXDEV || errno == EPERM))
        result = store_copy(walk->from, name, walk->to, name);
    return result < 0 ? failed_at(name, "link", err) : 0;
}

static bool is_dir(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Make the directory name, replacing anything but a directory. */
static int make_dir(struct walk *walk, const char *name, struct md_err *err)
{
    if (mkdirat(walk->to, name, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return failed_at(name, "make", err);
    if (is_dir(walk->to, name))
        return 0;
    if (md_path_remove_tree(walk->to, name) < 0 || mkdirat(walk->to, name, 0700) < 0)
        return failed_at(name, "replace", err);
    return 0;
}

/* Make the directory name and have it done later. */
static int meet_dir(struct walk *walk, const char *name, struct md_err *err)
{
    size_t len = strlen(walk->path);
    enum meeting meeting = TAKE_OVER;
    bool implied;

    if (append(walk->path, len, name) < 0)
        return failed_at(name, "enter", err);
    implied = store_marks_get(&walk->merge->marks, walk->path) == STORE_IMPLIED;
    walk->path[len] = '\0';
    if (implied && mkdirat(walk->to, name, 0700) < 0) {
        if (errno != EEXIST)
            return failed_at(name, "make", err);
        meeting = KEEP;
    }
    if (!implied && make_dir(walk, name, err) < 0)
        return -1;
    push(&walk->pending, name, len, meeting);
    return 0;
}

static int meet_entry(struct walk *walk, const struct dirent *entry, struct md_err *err)
{
    const char *name = entry->d_name;
    bool dir = entry->d_type == DT_DIR;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (entry->d_type == DT_UNKNOWN)
        dir = is_dir(walk->from, name);
    return dir ? meet_dir(walk, name, err) : link_file(walk, name, err);
}

static int meet_entries(struct walk *walk, struct md_err *err)
{
    /* A descriptor of its own: closedir() closes it. */
    int fd = fcntl(walk->from, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int result = 0;

    if (!dir) {
        md_fd_close(&fd);
        return failed_at(walk->path, "read", err);
    }
    while (result == 0) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            result = errno ? failed_at(walk->path, "read", err) : 0;
            break;
        }
        result = meet_entry(walk, entry, err);
    }
    closedir(dir);
    return result;
}

/* Something that is no directory stands, at the end of links perhaps, where one is implied. */
static int replace_obstacle(struct walk *walk, struct md_err *err)
{
    MD_AUTO_FREE char *parent = md_xstrdup(walk->path);
    char *slash = strrchr(parent, '/');
    const char *name = slash ? slash + 1 : walk->path;
    MD_AUTO_FD dir = -1;

    if (slash)
        *slash = '\0';
    dir = md_path_try_in(walk->merge->rootfs, slash ? parent : "", O_PATH | O_DIRECTORY, 0);
    if (dir < 0 || md_path_remove_tree(dir, name) < 0 || mkdirat(dir, name, 0755) < 0)
        return failed_at(walk->path, "replace", err);
    return 0;
}

/* The directory of the rootfs that path leads to; an implied one may lead through links. */
static int open_target(struct walk *walk, struct md_err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY;
    int rootfs = walk->merge->rootfs;
    int fd = md_path_try_in(rootfs, walk->path, flags, 0);

    if (fd < 0 && errno == ENOENT) {
        MD_AUTO_FD made = md_path_make_dirs_in(rootfs, walk->path, err);

        if (made < 0)
            return -1;
        fd = md_path_try_in(rootfs, walk->path, flags, 0);
    } else if (fd < 0 && errno == ENOTDIR) {
        if (replace_obstacle(walk, err) < 0)
            return -1;
        fd = md_path_try_in(rootfs, walk->path, flags, 0);
    }
    return fd < 0 ? failed_at(walk->path, "open", err) : fd;
}

static int merge_entries(struct walk *walk, enum meeting meeting, struct md_err *err)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
    struct stat from;
    struct stat to;

    if (fstat(walk->from, &from) < 0 || fstat(walk->to, &to) < 0)
        return failed_at(walk->path, "look at", err);
    if (meet_entries(walk, err) < 0)
        return -1;
    times[1] = to.st_mtim; /* a directory that is kept keeps its time, too */
    if (meeting == KEEP ? futimens(walk->to, times) < 0
                        : store_copy_attributes(walk->from, &from, walk->to) < 0)
        return failed_at(walk->path, "set the attributes of", err);
    return 0;
}

static int merge_dir(struct walk *walk, enum meeting meeting, struct md_err *err)
{
    MD_AUTO_FD from =
        md_path_try_in(walk->merge->tree, walk->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    MD_AUTO_FD to = -1;

    if (from < 0)
        return failed_at(walk->path, "open", err);
    to = open_target(walk, err);
    if (to < 0)
        return -1;
    walk->from = from;
    walk->to = to;
    return merge_entries(walk, meeting, err);
}

static int merge_tree(struct store_merge *merge, struct md_err *err)
{
    MD_AUTO_FREE struct walk *walk = md_xcalloc(1, sizeof(*walk));
    bool implied = store_marks_get(&merge->marks, "") == STORE_IMPLIED;
    int result = 0;

    walk->merge = merge;
    push(&walk->pending, "", 0, implied ? KEEP : TAKE_OVER);
    while (result == 0 && walk->pending.used > 0)
        result = merge_dir(walk, pop(walk), err);
    free(walk->pending.bytes);
    return result;
}

struct collecting {
    struct store_merge *merge;
    uint64_t *size;
};

/* The first look at the list: what is implied, what is a lower link, what there is at all. */
static int collect(const struct store_entry *entry, void *context, struct md_err *err)
{
    struct collecting *collecting = context;
    struct store_merge *merge = collecting->merge;

    switch (entry->letter) {
    case 'i':
        return store_marks_set(&merge->marks, entry->path, STORE_IMPLIED, err);
    case 'l':
        return store_marks_set(&merge->marks, entry->path, ++merge->links, err);
    case 'f':
        *collecting->size += entry->size;
        store_marks_drop(&merge->marks, entry->path);
        return 0;
    case 'e':
        store_marks_drop(&merge->marks, entry->path);
        return 0;
    default:
        merge->whiteouts++;
        return 0;
    }
}

static int merge_all(struct store_merge *merge, uint64_t *size, struct md_err *err)
{
    struct collecting collecting = { merge, size };
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
    struct stat st;

    if (fstat(merge->rootfs, &st) < 0)
        return md_err_sys(err, "cannot look at the root file system");
    times[1] = st.st_mtim;
    if (store_entries_read(merge->layer, collect, &collecting, err) < 0)
        return -1;
    if (merge->whiteouts > 0 && store_lower_hide(merge, err) < 0)
        return -1;
    if (merge->links > 0 && store_lower_hold(merge, err) < 0)
        return -1;
    if (merge_tree(merge, err) < 0)
        return -1;
    if (fstat(merge->rootfs, &st) < 0)
        return md_err_sys(err, "cannot look at the root file system");
    if (store_marks_get(&merge->marks, "") != STORE_IMPLIED)
        times[1] = st.st_mtim;
    if (merge->links > 0 && store_lower_link(merge, err) < 0)
        return -1;
    if (futimens(merge->rootfs, times) < 0)
        return md_err_sys(err, "cannot set the time of the root file system");
    return 0;
}

int store_merge(int rootfs, int layer_dir, uint64_t *size, struct md_err *err)
{
    MD_AUTO_FREE struct store_merge *merge = md_xcalloc(1, sizeof(*merge));
    MD_AUTO_FD tree =
        openat(layer_dir, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    mode_t mask;
    int result;

    if (tree < 0)
        return md_err_sys(err, "cannot open a layer's tree");
    merge->rootfs = rootfs;
    merge->layer = layer_dir;
    merge->tree = tree;
    merge->staged = -1;
    merge->place.dir = -1;
    mask = umask(0); /* modes are the image's business */
    result = merge_all(merge, size, err);
    umask(mask);
    store_place_leave(&merge->place);
    md_fd_close(&merge->staged);
    store_marks_clear(&merge->marks);
    return result;
}
