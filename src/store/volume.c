/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes on disk: making, opening, listing and removing them. */
#include "store/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define PREFIX "volume-"
#define DIGITS 32
#define ANONYMOUS_DIGITS 64 /* as docker's */

static int no_such_volume(const char *name, struct md_err *err)
{
    char shown[300];

    return md_err_set(err, MD_ERR_NOT_FOUND, "get %s: no such volume",
                      md_text_escape(name, strlen(name), shown, sizeof(shown)));
}

static bool is_name(const char *name)
{
    static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    return name[0] && strchr(alphanumeric, name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               strlen(name) &&
           strlen(name) <= MD_MAX_NAME;
}

static int check_name(const char *name, struct md_err *err)
{
    char shown[300];

    if (strlen(name) == 1) {
        return md_err_set(err, MD_ERR_USAGE,
                          "volume name is too short, names should be at least two "
                          "alphanumeric characters");
    }
    if (is_name(name)) {
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "\"%s\" includes invalid characters for a local volume name, only "
                      "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a "
                      "host directory, use absolute path",
                      md_text_escape(name, strlen(name), shown, sizeof(shown)));
}

int store_volume_open(const struct store *store, const char *name, struct store_volume *volume,
                      struct md_err *err)
{
    struct md_err failed = { 0 };

    *volume = (struct store_volume){ .dir = -1, .data = -1 };
    if (!is_name(name)) {
        return no_such_volume(name, err);
    }
    volume->dir = store_lock(store->volumes, name, STORE_SHARED, &failed);
    if (volume->dir < 0 && failed.kind == MD_ERR_NOT_FOUND) {
        return no_such_volume(name, err);
    }
    if (volume->dir < 0) {
        *err = failed;
        return -1;
    }
    snprintf(volume->name, sizeof(volume->name), "%s", name);
    volume->path = md_xasprintf("%s/.volumes/%s/_data", store->path, name);
    volume->config = md_json_read(volume->dir, "volume.json", &failed);
    volume->data =
        openat(volume->dir, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (!volume->config || volume->data < 0) {
        store_volume_clear(volume);
        return md_err_set(err, MD_ERR_FORMAT, "volume %s is damaged", name);
    }
    volume->anonymous = md_json_true(md_json_get(volume->config, "anonymous"));
    return 0;
}

void store_volume_clear(struct store_volume *volume)
{
    if (!volume->path) {
        return;
    }
    md_fd_close(&volume->dir);
    md_fd_close(&volume->data);
    md_ptr_free(&volume->path);
    md_json_free(&volume->config);
}

static int write_config(int dir, const struct store_volume *volume, const struct json_t *labels,
                        struct md_err *err)
{
    MD_AUTO_JSON json = md_json_object();
    struct timespec now;
    char created[32];

    clock_gettime(CLOCK_REALTIME, &now);
    md_text_time(&now, created, sizeof(created));
    md_json_set(json, "CreatedAt", md_json_string(created));
    md_json_set(json, "Driver", md_json_string("local"));
    md_json_set(json, "Labels", labels ? md_json_copy(labels) : NULL);
    md_json_set(json, "Name", md_json_string(volume->name));
    md_json_set(json, "Options", NULL);
    md_json_set(json, "Scope", md_json_string("local"));
    md_json_set(json, "anonymous", md_json_bool(volume->anonymous));
    return md_json_write(dir, "volume.json", json, err);
}

static int make_data(int dir)
{
    if (mkdirat(dir, "_data", 0755) < 0) {
        return -1;
    }
    return fchmodat(dir, "_data", 0755, 0); /* whatever the umask is */
}

/* Make the volume aside and put it into its place, whole; another's of that name is fine. */
static int make(const struct store *store, const struct store_volume *volume,
                const struct json_t *labels, struct md_err *err)
{
    char temporary[sizeof(PREFIX) + DIGITS];
    struct md_err failed = { 0 };
    MD_AUTO_FD dir = store_make(store->partial, PREFIX, DIGITS, temporary, err);
    int result;

    if (dir < 0) {
        return -1;
    }
    result = make_data(dir) < 0 ? md_err_sys(err, "cannot make volume %s", volume->name)
                                : write_config(dir, volume, labels, err);
    if (result == 0 && renameat2(store->partial, temporary, store->volumes, volume->name,
                                 RENAME_NOREPLACE) == 0) {
        return 1;
    }
    if (result == 0 && errno != EEXIST) {
        result = md_err_sys(err, "cannot make volume %s", volume->name);
    }
    if (store_discard(store, store->partial, temporary, &failed) < 0) {
        md_log("discard a volume: %s", failed.text);
    }
    return result;
}

int store_volume_get(const struct store *store, const char *name, const struct json_t *labels,
                     struct store_volume *volume, struct md_err *err)
{
    struct store_volume wanted = { .dir = -1, .data = -1, .anonymous = !name[0] };

    if (name[0] ? check_name(name, err) < 0
                : store_random(wanted.name, ANONYMOUS_DIGITS, err) < 0) {
        return -1;
    }
    if (name[0]) {
        snprintf(wanted.name, sizeof(wanted.name), "%s", name);
    }
    for (;;) {
        struct md_err missing = { 0 };
        int made;

        if (store_volume_open(store, wanted.name, volume, &missing) == 0) {
            return 0;
        }
        if (missing.kind != MD_ERR_NOT_FOUND) {
            *err = missing;
            return -1;
        }
        made = make(store, &wanted, labels, err);
        if (made < 0) {
            return -1;
        }
        /* It may be removed again by now: then once more. */
        if (made > 0 && store_volume_open(store, wanted.name, volume, &missing) == 0) {
            volume->made = true;
            return 0;
        }
    }
}

static int add_volume(const char *name, unsigned char type, void *context, struct md_err *err)
{
    (void)err;
    if (type == DT_DIR && is_name(name)) {
        md_list_add(context, name);
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_volume_list(const struct store *store, struct md_list *names, struct md_err *err)
{
    md_list_clear(names);
    if (store_visit(store->volumes, add_volume, names, err) < 0) {
        return -1;
    }
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(*names->items), by_text);
    }
    return 0;
}
