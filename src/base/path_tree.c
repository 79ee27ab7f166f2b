/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing trees that nobody vouches for: any depth, any modes, mounts and links in them.
 *
 * At most MAX_DEPTH directories are open at a time. A directory below that is first moved up
 * into the topmost one, so memory, descriptors and stack stay the same for 100,000 levels.
 */
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
#include "base/sys.h"

#define MAX_DEPTH 24
#define NAME_SIZE 256

/* A directory that is being emptied; name is its own in the frame above. */
struct frame {
    DIR *dir;
    char name[NAME_SIZE];
};

struct removal {
    struct frame frames[MAX_DEPTH];
    size_t depth;
    int error;           /* errno of the first failure */
    unsigned long moved; /* directories moved into frames[0] so far ... */
    unsigned long taken; /* ... and how many of them were looked at again */
};

static void note_failure(struct removal *removal)
{
    if (!removal->error) {
        removal->error = errno;
    }
}

/* Open a directory to empty it; never through a link, never across a mount. */
static int open_below(int dirfd, const char *name, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        /* NO_XDEV also stops at a bind mount of the same file system, which st_dev cannot. */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int fd = -1;

    for (int tries = 0; tries < 128; tries++) {
        fd = sys_openat2(dirfd, name, &how);
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return fd;
}

/* Make a directory of mode 000 usable; only needed without CAP_DAC_OVERRIDE. */
static int unlock(int dirfd, const char *name)
{
    MD_AUTO_FD fd = open_below(dirfd, name, O_PATH);
    char link[64];

    if (fd < 0) {
        return -1;
    }
    /* fchmod() refuses O_PATH and fchmodat() would follow a link that was swapped in. */
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return chmod(link, 0700);
}

static int open_to_empty(int dirfd, const char *name)
{
    int fd = open_below(dirfd, name, O_RDONLY);

    if (fd < 0 && errno == EACCES && unlock(dirfd, name) == 0) {
        fd = open_below(dirfd, name, O_RDONLY);
    }
    return fd;
}

/* unlinkat(); when the directory's own mode forbids it, change that and try again. */
static int unlink_in(int dirfd, const char *name, int flags)
{
    if (unlinkat(dirfd, name, flags) == 0) {
        return 0;
    }
    if (errno != EACCES) {
        return -1;
    }
    if (fchmod(dirfd, 0700) < 0) {
        errno = EACCES;
        return -1;
    }
    return unlinkat(dirfd, name, flags);
}

/* Remove what is no directory, or an empty one. Returns 0, or 1 when it has to be emptied. */
static int remove_simple(int dirfd, const char *name, unsigned char type)
{
    if (type != DT_DIR && (unlink_in(dirfd, name, 0) == 0 || errno == ENOENT)) {
        return 0;
    }
    if (type != DT_DIR && errno != EISDIR) {
        return -1;
    }
    if (unlink_in(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return 0;
    }
    /* Whatever the reason (not empty, busy: a mount), opening it finds the best errno. */
    return 1;
}

static int push(struct removal *removal, int fd, const char *name)
{
    struct frame *frame = &removal->frames[removal->depth];

    frame->dir = fdopendir(fd);
    if (!frame->dir) {
        md_fd_close(&fd);
        return -1;
    }
    snprintf(frame->name, sizeof(frame->name), "%s", name);
    removal->depth++;
    return 0;
}

static int top_fd(const struct removal *removal)
{
    return dirfd(removal->frames[removal->depth - 1].dir);
}

static void moved_name(unsigned long number, char *out)
{
    snprintf(out, NAME_SIZE, ".removing-%x-%lx", (unsigned)getpid(), number);
}

/* Moving a directory writes its "..", so without privilege all three must be writable. */
static int unlock_move(int from, const char *name, int to)
{
    if (unlock(from, name) < 0 || fchmod(from, 0700) < 0 || fchmod(to, 0700) < 0) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

/* Move a directory that lies too deep into the topmost one. */
static int move_up(struct removal *removal, const char *name)
{
    int from = top_fd(removal);
    int to = dirfd(removal->frames[0].dir);
    int unlocked = -1;

    for (;; removal->moved++) {
        char moved[NAME_SIZE];
        int failed;

        moved_name(removal->moved, moved);
        failed = renameat2(from, name, to, moved, RENAME_NOREPLACE);
        if (failed < 0 && errno == EACCES && unlocked < 0) {
            unlocked = unlock_move(from, name, to);
            failed = unlocked < 0 ? -1 : renameat2(from, name, to, moved, RENAME_NOREPLACE);
        }
        if (failed == 0) {
            removal->moved++;
            return 0;
        }
        if (errno != EEXIST) {
            return -1;
        }
    }
}

/* Deal with one entry of the top directory: remove it, enter it, or move it up. */
static void remove_entry(struct removal *removal, const char *name, unsigned char type)
{
    int dirfd = top_fd(removal);
    int left = remove_simple(dirfd, name, type);
    int fd = -1;

    if (left == 0) {
        return;
    }
    if (left > 0 && removal->depth == MAX_DEPTH) {
        left = move_up(removal, name);
    } else if (left > 0) {
        fd = open_to_empty(dirfd, name);
        left = fd < 0 ? -1 : push(removal, fd, name);
    }
    if (left < 0 && errno != ENOENT) {
        note_failure(removal);
    }
}

/* The top directory is done: close it, and remove it if it is not the one we started with. */
static void pop(struct removal *removal)
{
    struct frame *frame = &removal->frames[removal->depth - 1];

    closedir(frame->dir);
    removal->depth--;
    if (removal->depth > 0 && unlink_in(top_fd(removal), frame->name, AT_REMOVEDIR) < 0 &&
        errno != ENOENT) {
        note_failure(removal);
    }
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Empty the directory fd, which is taken. */
static int empty(int fd)
{
    MD_AUTO_FREE struct removal *removal = md_xcalloc(1, sizeof(*removal));

    if (push(removal, fd, "") < 0) {
        return -1;
    }
    while (removal->depth > 0) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(removal->frames[removal->depth - 1].dir);
        if (entry) {
            if (!is_dot(entry->d_name)) {
                remove_entry(removal, entry->d_name, entry->d_type);
            }
            continue;
        }
        if (errno) {
            note_failure(removal);
        }
        if (removal->depth == 1 && removal->taken < removal->moved) {
            char moved[NAME_SIZE];

            moved_name(removal->taken, moved);
            removal->taken++;
            remove_entry(removal, moved, DT_DIR);
        } else {
            pop(removal);
        }
    }
    if (removal->error) {
        errno = removal->error;
        return -1;
    }
    return 0;
}

int md_path_empty_dir(int dirfd)
{
    /* Of its own: dirfd may be O_PATH, or be read by somebody else. */
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : empty(fd);
}

/* Remove base, one component, below dirfd, whose own mode is not ours to change. */
static int remove_below(int dirfd, const char *base)
{
    int failed;
    int saved;
    int fd;

    if (unlinkat(dirfd, base, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR) {
        return -1;
    }
    fd = open_to_empty(dirfd, base);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    failed = empty(fd);
    saved = errno;
    if (unlinkat(dirfd, base, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return 0;
    }
    if (failed < 0) {
        errno = saved; /* what is in the way says more than ENOTEMPTY */
    }
    return -1;
}

int md_path_remove_tree(int dirfd, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    MD_AUTO_FREE char *folder = NULL;
    MD_AUTO_FD parent = -1;

    if (!*base || is_dot(base)) {
        errno = EINVAL;
        return -1;
    }
    if (!slash) {
        return remove_below(dirfd, base);
    }
    folder = md_xstrndup(name, (size_t)(slash - name) + 1);
    parent = openat(dirfd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    return remove_below(parent, base);
}
