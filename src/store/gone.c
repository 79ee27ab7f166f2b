/* SPDX-License-Identifier: Apache-2.0 */
/* Tombstones: what stays, for a while, of containers that were made with --rm. */
#include "store/gone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

/* Beside .trash, which every process that buries a container has open. */
#define FOLDER "../.gone"

static int open_folder(const struct store *store)
{
    return openat(store->trash, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_folder(const struct store *store)
{
    if (mkdirat(store->trash, FOLDER, 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    return open_folder(store);
}

/* --- making one */

/* The last bytes of a file, at most size; returns how many. */
static size_t read_end(int dir, const char *name, char *bytes, size_t size)
{
    MD_AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    ssize_t got;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return 0;
    }
    if (st.st_size > (off_t)size && lseek(fd, st.st_size - (off_t)size, SEEK_SET) < 0) {
        return 0;
    }
    got = md_fd_read_full(fd, bytes, size);
    return got > 0 ? (size_t)got : 0;
}

/* The end of the log and, where that is short, of the file before it; from a whole line on. One
 * byte more is read of each: it tells whether a line begins behind it. */
static int keep_log(int from, int to, struct md_err *err)
{
    const size_t most = STORE_GONE_LOG_BYTES + 1;
    MD_AUTO_FREE char *bytes = md_xmalloc(2 * most);
    size_t len = read_end(from, "log.1", bytes, most);
    size_t start = 0;

    len += read_end(from, "log", bytes + len, most);
    if (len >= most) {
        const char *newline;

        start = len - most;
        newline = memchr(bytes + start, '\n', len - start);
        start = newline ? (size_t)(newline - bytes) + 1 : len;
    }
    return md_file_replace(to, "log", bytes + start, len - start, 0600, err);
}

/* config.json comes last: without it a tombstone is not there. */
static int fill(int from, int to, const struct store *store, const char *id,
                const struct store_state *state)
{
    struct store_container container = { .dir = to };
    struct md_err err = { 0 };

    memcpy(container.id, id, STORE_ID_SIZE);
    if (store_container_set_state(store, &container, state, &err) < 0 ||
        (faccessat(from, "log", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
         keep_log(from, to, &err) < 0)) {
        md_log("the tombstone of %.12s: %s", id, err.text);
        return -1;
    }
    return renameat(from, "config.json", to, "config.json");
}

/* --- listing them */

struct tomb {
    struct timespec age;
    char id[STORE_ID_SIZE];
};

struct tombs {
    int folder;
    struct tomb *items;
    size_t count, size;
};

static int add_tomb(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct tombs *tombs = context;
    struct stat st;

    (void)err;
    if (type != DT_DIR || !md_is_id(name) ||
        fstatat(tombs->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return 0;
    }
    if (tombs->count == tombs->size) {
        tombs->size = tombs->size ? tombs->size * 2 : 32;
        tombs->items = md_xreallocarray(tombs->items, tombs->size, sizeof(*tombs->items));
    }
    tombs->items[tombs->count].age = st.st_mtim;
    memcpy(tombs->items[tombs->count++].id, name, STORE_ID_SIZE);
    return 0;
}

static int latest_first(const void *a, const void *b)
{
    const struct tomb *left = a;
    const struct tomb *right = b;

    if (left->age.tv_sec != right->age.tv_sec) {
        return left->age.tv_sec > right->age.tv_sec ? -1 : 1;
    }
    if (left->age.tv_nsec != right->age.tv_nsec) {
        return left->age.tv_nsec > right->age.tv_nsec ? -1 : 1;
    }
    return strcmp(left->id, right->id);
}

/* The caller frees tombs->items, also after a failure. */
static int list_tombs(struct tombs *tombs, struct md_err *err)
{
    if (store_visit(tombs->folder, add_tomb, tombs, err) < 0) {
        return -1;
    }
    if (tombs->count > 0) {
        qsort(tombs->items, tombs->count, sizeof(*tombs->items), latest_first);
    }
    return 0;
}

static void prune(int folder)
{
    struct tombs tombs = { .folder = folder };
    struct md_err err = { 0 };

    if (list_tombs(&tombs, &err) < 0) {
        md_log("tombstones: %s", err.text);
    }
    for (size_t i = STORE_GONE_COUNT; i < tombs.count; i++) {
        if (md_path_remove_tree(folder, tombs.items[i].id) < 0) {
            md_log("cannot delete .gone/%s: %m", tombs.items[i].id);
        }
    }
    free(tombs.items);
}

void store_gone_keep(const struct store *store, int dir, const char *id,
                     const struct store_state *state)
{
    MD_AUTO_FD folder = make_folder(store);
    MD_AUTO_FD tomb = -1;

    if (folder < 0 || mkdirat(folder, id, 0700) < 0) {
        md_log("cannot make the tombstone of %.12s: %m", id);
        return;
    }
    tomb = openat(folder, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tomb < 0 || fill(dir, tomb, store, id, state) < 0) {
        md_log("cannot fill the tombstone of %.12s: %m", id);
        if (md_path_remove_tree(folder, id) < 0) {
            md_log("cannot delete .gone/%s: %m", id);
        }
        return;
    }
    prune(folder);
}

struct burials {
    const struct store *store;
};

/* A container in .trash that is locked still is being buried: its tombstone comes first. */
static int await_burial(const char *name, unsigned char type, void *context, struct md_err *err)
{
    const struct burials *burials = context;
    struct md_err over = { 0 };

    (void)err;
    if (type == DT_DIR && md_is_id(name)) {
        int lock = store_lock(burials->store->trash, name, STORE_SHARED, &over);

        md_fd_close(&lock);
    }
    return 0;
}

int store_gone_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                    struct md_err *err)
{
    struct burials burials = { .store = store };
    MD_AUTO_FD folder = -1;
    struct tombs tombs = { 0 };
    int result;

    if (store_visit(store->trash, await_burial, &burials, err) < 0) {
        return -1;
    }
    folder = store->trash < 0 ? -1 : open_folder(store);
    tombs.folder = folder;
    result = list_tombs(&tombs, err);
    if (result == 0) {
        *ids = md_xcalloc(tombs.count + 1, sizeof(**ids));
        *count = tombs.count;
        for (size_t i = 0; i < tombs.count; i++) {
            memcpy((*ids)[i], tombs.items[i].id, STORE_ID_SIZE);
        }
    }
    free(tombs.items);
    return result;
}

int store_gone_open(const struct store *store, const char *id,
                    struct store_container *container, struct md_err *err)
{
    MD_AUTO_FD folder = store->trash < 0 ? -1 : open_folder(store);

    return store_container_open_in(folder, id, container, err);
}
