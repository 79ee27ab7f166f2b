/* SPDX-License-Identifier: Apache-2.0 */
/* Containers on disk: opened, listed, removed, and asked for the image they need. */
#include "store/container.h"
#include "store/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

static int no_such_container(const char *what, struct md_err *err)
{
    char shown[256];

    return md_err_set(err, MD_ERR_NOT_FOUND, "No such container: %s",
                      md_text_escape(what, strlen(what), shown, sizeof(shown)));
}

static int open_dir(int folder, const char *id)
{
    return openat(folder, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The id that the symlink of a name holds. Returns 0, or -1. */
static int find_by_name(const struct store *store, const char *name, char id[STORE_ID_SIZE])
{
    char target[STORE_ID_SIZE + 1];
    ssize_t len;

    if (!*name || name[0] == '.' || strchr(name, '/')) {
        return -1;
    }
    len = readlinkat(store->containers, name, target, sizeof(target) - 1);
    if (len < 0) {
        return -1;
    }
    target[len] = '\0';
    if (!md_is_id(target)) {
        return -1;
    }
    memcpy(id, target, STORE_ID_SIZE);
    return 0;
}

struct prefix_search {
    const char *prefix;
    char id[STORE_ID_SIZE];
    size_t found;
};

static int match_prefix(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct prefix_search *search = context;

    (void)err;
    if (type == DT_DIR && md_is_id(name) &&
        strncmp(name, search->prefix, strlen(search->prefix)) == 0) {
        memcpy(search->id, name, STORE_ID_SIZE);
        search->found++;
    }
    return 0;
}

static int find_by_prefix(const struct store *store, const char *prefix, char id[STORE_ID_SIZE],
                          struct md_err *err)
{
    struct prefix_search search = { .prefix = prefix };

    if (!md_is_id_prefix(prefix)) {
        return no_such_container(prefix, err);
    }
    if (store_visit(store->containers, match_prefix, &search, err) < 0) {
        return -1;
    }
    if (search.found > 1) {
        return md_err_set(err, MD_ERR_USAGE, "multiple IDs found with provided prefix: %s",
                          prefix);
    }
    if (search.found == 0) {
        return no_such_container(prefix, err);
    }
    memcpy(id, search.id, STORE_ID_SIZE);
    return 0;
}

/* Find and open its directory. */
static int find(const struct store *store, const char *what, struct store_container *container,
                struct md_err *err)
{
    char id[STORE_ID_SIZE];
    int dir = -1;

    if (md_is_id(what)) {
        memcpy(id, what, STORE_ID_SIZE);
        dir = open_dir(store->containers, id);
    }
    if (dir < 0 && find_by_name(store, what, id) == 0) {
        dir = open_dir(store->containers, id);
    }
    if (dir < 0) {
        if (find_by_prefix(store, what, id, err) < 0) {
            return -1;
        }
        dir = open_dir(store->containers, id);
    }
    if (dir < 0) {
        return errno == ENOENT ? no_such_container(what, err)
                               : md_err_sys(err, "cannot open container %.12s", id);
    }
    memcpy(container->id, id, STORE_ID_SIZE);
    container->dir = dir;
    return 0;
}

/* From container->config. Returns 0, or -1 when it is not what we write. */
static int read_members(struct store_container *container)
{
    const struct json_t *config = container->config;
    const char *id = md_json_get_text(config, "id");
    const char *name = md_json_get_text(config, "name");
    const char *created = md_json_get_text(config, "created");
    const char *image_id = md_json_get_text(config, "image_id");
    const char *image_name = md_json_get_text(config, "image");

    if (!id || strcmp(id, container->id) != 0 || !name ||
        strlen(name) >= sizeof(container->name) || !created ||
        md_text_parse_time(created, &container->created) < 0 || !image_id || !image_name ||
        md_json_get_list(config, "args", &container->args) < 0) {
        return -1;
    }
    snprintf(container->name, sizeof(container->name), "%s", name);
    container->image_id = md_xstrdup(image_id);
    container->image_name = md_xstrdup(image_name);
    return 0;
}

/* What its directory says, once that is open. what names it in errors. */
static int read_config(const char *what, struct store_container *container, struct md_err *err)
{
    struct md_err damage = { 0 };

    container->config = md_json_read(container->dir, "config.json", &damage);
    if (container->config && read_members(container) == 0) {
        return 0;
    }
    /* Being made, or being deleted: to others it is not there. */
    if (!container->config && damage.sys == ENOENT) {
        store_container_clear(container);
        return no_such_container(what, err);
    }
    md_json_free(&container->config);
    if (damage.kind == MD_ERR_SYSTEM) {
        store_container_clear(container);
        *err = damage;
        return md_err_in(err, "container %.12s", what);
    }
    return md_err_set(err, MD_ERR_FORMAT, "container %.12s: its config.json is damaged",
                      container->id);
}

int store_container_open(const struct store *store, const char *what,
                         struct store_container *container, struct md_err *err)
{
    *container = (struct store_container){ .dir = -1 };
    if (find(store, what, container, err) < 0) {
        return -1;
    }
    return read_config(what, container, err);
}

int store_container_open_in(int folder, const char *id, struct store_container *container,
                            struct md_err *err)
{
    *container = (struct store_container){ .dir = -1 };
    container->dir = md_is_id(id) ? open_dir(folder, id) : -1;
    if (container->dir < 0) {
        return no_such_container(id, err);
    }
    memcpy(container->id, id, STORE_ID_SIZE);
    return read_config(id, container, err);
}

/* A file that is replaced is another one: its age has to be handed on. */
static void keep_age(int dir, const struct stat *before)
{
    const struct timespec times[] = { before->st_atim, before->st_mtim };

    (void)utimensat(dir, "config.json", times, AT_SYMLINK_NOFOLLOW);
}

int store_container_change(struct store_container *container, store_config_fn *change,
                           void *context, struct md_err *err)
{
    MD_AUTO_FD lock = store_lock(container->dir, "config.json", STORE_EXCLUSIVE, err);
    MD_AUTO_JSON fresh = NULL;
    struct stat before;

    if (lock < 0 || fstat(lock, &before) < 0) {
        return md_err_in(err, "container %.12s", container->id);
    }
    fresh = md_json_read(container->dir, "config.json", err);
    if (!fresh || change(fresh, context, err) < 0 ||
        md_json_write(container->dir, "config.json", fresh, err) < 0) {
        return -1;
    }
    keep_age(container->dir, &before);
    md_json_free(&container->config);
    container->config = md_ptr_take(&fresh);
    return 0;
}

void store_container_clear(struct store_container *container)
{
    /* Without an id it was never opened, and dir may be the 0 of a zeroed one. */
    if (container->id[0]) {
        md_fd_close(&container->dir);
    }
    container->id[0] = '\0';
    container->name[0] = '\0';
    md_ptr_free(&container->image_id);
    md_ptr_free(&container->image_name);
    md_list_clear(&container->args);
    md_json_free(&container->config);
}

int store_container_upper(const struct store_container *container, int *upper, int *work,
                          struct md_err *err)
{
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    MD_AUTO_FD up = openat(container->dir, "upper", flags | O_CLOEXEC);
    MD_AUTO_FD down = openat(container->dir, "work", flags | O_CLOEXEC);

    if (up < 0 || down < 0) {
        return md_err_sys(err, "container %.12s: upper and work", container->id);
    }
    *upper = md_fd_take(&up);
    *work = md_fd_take(&down);
    return 0;
}

struct aged {
    struct timespec age;
    char id[STORE_ID_SIZE];
};

struct aged_list {
    int containers;
    struct aged *items;
    size_t count;
    size_t size;
};

static int add_aged(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct aged_list *list = context;
    char path[STORE_ID_SIZE + sizeof("/config.json")];
    struct stat st = { 0 };

    (void)err;
    if (type != DT_DIR || !md_is_id(name)) {
        return 0;
    }
    if (list->count == list->size) {
        list->size = list->size ? list->size * 2 : 32;
        list->items = md_xreallocarray(list->items, list->size, sizeof(*list->items));
    }
    snprintf(path, sizeof(path), "%.64s/config.json", name);
    if (fstatat(list->containers, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        return 0;
    }
    list->items[list->count].age = st.st_mtim;
    memcpy(list->items[list->count++].id, name, STORE_ID_SIZE);
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct aged *left = a;
    const struct aged *right = b;

    if (left->age.tv_sec != right->age.tv_sec) {
        return left->age.tv_sec > right->age.tv_sec ? -1 : 1;
    }
    if (left->age.tv_nsec != right->age.tv_nsec) {
        return left->age.tv_nsec > right->age.tv_nsec ? -1 : 1;
    }
    return strcmp(left->id, right->id);
}

int store_container_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                         struct md_err *err)
{
    struct aged_list list = { .containers = store->containers };
    int result = store_visit(store->containers, add_aged, &list, err);

    if (result == 0) {
        if (list.count > 0) {
            qsort(list.items, list.count, sizeof(*list.items), newest_first);
        }
        *ids = md_xcalloc(list.count + 1, sizeof(**ids));
        *count = list.count;
        for (size_t i = 0; i < list.count; i++) {
            memcpy((*ids)[i], list.items[i].id, STORE_ID_SIZE);
        }
    }
    free(list.items);
    return result;
}

/* Does the name lead to this container? */
static bool is_named(const struct store *store, const char *id, const char *name)
{
    char found[STORE_ID_SIZE];

    return find_by_name(store, name, found) == 0 && strcmp(found, id) == 0;
}

void store_container_unname(const struct store *store, const char *id, const char *name)
{
    if (is_named(store, id, name)) {
        unlinkat(store->containers, name, 0);
    }
}

struct names_of {
    const struct store *store;
    const char *id;
};

static int unlink_if_ours(const char *name, unsigned char type, void *context,
                          struct md_err *err)
{
    const struct names_of *ours = context;

    (void)err;
    if (type == DT_LNK) {
        store_container_unname(ours->store, ours->id, name);
    }
    return 0;
}

/* A damaged config.json does not say which it is, and it may have been renamed meanwhile. */
static void remove_name(const struct store *store, const struct store_container *container)
{
    struct names_of ours = { .store = store, .id = container->id };
    struct md_err ignored = { 0 };

    if (container->name[0] && is_named(store, container->id, container->name)) {
        unlinkat(store->containers, container->name, 0);
    } else if (store_visit(store->containers, unlink_if_ours, &ours, &ignored) < 0) {
        md_log("the name of container %.12s: %s", container->id, ignored.text);
    }
}

/* Who removes itself takes its anonymous volumes along. */
static void release_volumes(const struct store *store, const struct store_container *container)
{
    if (md_json_true(md_json_get(container->config, "auto_remove"))) {
        store_volume_release(store, container->config);
    }
}

int store_container_remove(const struct store *store, const struct store_container *container,
                           struct md_err *err)
{
    if (flock(container->dir, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) {
            return md_err_set(err, MD_ERR_CONFLICT, "container %.12s is in use", container->id);
        }
        return md_err_sys(err, "cannot lock container %.12s", container->id);
    }
    /* The name first: it never points at nothing. */
    remove_name(store, container);
    if (store_discard(store, store->containers, container->id, err) < 0) {
        return md_err_in(err, "container %.12s", container->id);
    }
    release_volumes(store, container);
    return 0;
}

int store_container_retire(const struct store *store, const struct store_container *container,
                           struct md_err *err)
{
    remove_name(store, container);
    if (renameat(store->containers, container->id, store->trash, container->id) < 0) {
        return md_err_sys(err, "cannot move container %.12s to the trash", container->id);
    }
    return 0;
}

void store_container_bury(const struct store *store, const struct store_container *container)
{
    if (md_path_remove_tree(store->trash, container->id) < 0) {
        md_log("cannot delete .trash/%s: %m", container->id);
    }
    release_volumes(store, container);
}

int store_container_using(const struct store *store, const char *image_id,
                          char id[STORE_ID_SIZE], struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;
    bool running = false;

    id[0] = '\0';
    if (store_container_list(store, &ids, &count, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count && !running; i++) {
        struct store_container container = { 0 };
        struct store_state state;
        struct md_err gone = { 0 };

        if (store_container_open(store, ids[i], &container, &gone) == 0 &&
            strcmp(container.image_id, image_id) == 0) {
            running = store_container_state(store, &container, &state, &gone) == 0 &&
                      state.status == STORE_RUNNING;
            if (running || !id[0]) {
                memcpy(id, ids[i], STORE_ID_SIZE);
            }
        }
        store_container_clear(&container);
    }
    return 0;
}
