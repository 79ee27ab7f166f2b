/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes containers and layers hold. */
#include "store/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "store/entries.h"

#define MAX_DEPTH 256

struct walk {
    DIR *dirs[MAX_DEPTH]; /* from upper/ down to where we are */
    size_t depth;
    uint64_t bytes;
};

/* Enter the directory fd, which is taken. */
static void enter(struct walk *walk, int fd)
{
    DIR *dir = fd >= 0 && walk->depth < MAX_DEPTH ? fdopendir(fd) : NULL;

    if (dir) {
        walk->dirs[walk->depth++] = dir;
    } else {
        md_fd_close(&fd);
    }
}

static void count(struct walk *walk, const struct dirent *entry)
{
    int dir = dirfd(walk->dirs[walk->depth - 1]);
    struct stat st;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
        fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        enter(walk,
              openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    } else if (S_ISREG(st.st_mode)) {
        /* Each of its names adds its part of the whole. */
        walk->bytes += (uint64_t)st.st_size / (st.st_nlink ? st.st_nlink : 1);
    }
}

int store_container_usage(const struct store_container *container, uint64_t *bytes,
                          struct md_err *err)
{
    MD_AUTO_FREE struct walk *walk = md_xcalloc(1, sizeof(*walk));
    int fd = openat(container->dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        return md_err_sys(err, "cannot look at what container %.12s has written",
                          container->id);
    }
    enter(walk, fd);
    while (walk->depth > 0) {
        const struct dirent *entry = readdir(walk->dirs[walk->depth - 1]);

        if (entry) {
            count(walk, entry);
        } else {
            closedir(walk->dirs[--walk->depth]);
        }
    }
    *bytes = walk->bytes;
    return 0;
}

static int add_entry(const struct store_entry *entry, void *context, struct md_err *err)
{
    uint64_t *bytes = context;

    (void)err;
    *bytes += entry->letter == 'f' ? entry->size : 0;
    return 0;
}

int store_layer_usage(const struct store *store, const struct md_digest *diff_id,
                      uint64_t *bytes, struct md_err *err)
{
    const char *name = md_digest_hex(diff_id);
    MD_AUTO_FD dir =
        openat(store->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *bytes = 0;
    if (dir < 0) {
        return md_err_sys(err, "cannot open layer %.12s", name);
    }
    return store_entries_read(dir, add_entry, bytes, err);
}
