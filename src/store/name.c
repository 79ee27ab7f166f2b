/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: symlinks in the store's root and their records in .names. */
#include "store/name.h"

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
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define IMAGES ".images/"
#define IMAGES_LEN (sizeof(IMAGES) - 1)
#define TARGET_SIZE (IMAGES_LEN + STORE_ID_SIZE)
#define ENTRY_SIZE (MD_MAX_STORE_NAME + sizeof(".json"))

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= MD_MAX_STORE_NAME && name[0] != '.' && !strchr(name, '/');
}

static int check_name(const char *name, struct md_err *err)
{
    char shown[160];

    if (is_name(name)) {
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE, "\"%s\" is no name for an image",
                      md_text_escape(name, strlen(name), shown, sizeof(shown)));
}

/* The file of .names that belongs to name; out holds ENTRY_SIZE bytes. */
static const char *entry_of(const char *name, const char *suffix, char *out)
{
    snprintf(out, ENTRY_SIZE, "%.*s%s", MD_MAX_STORE_NAME, name, suffix);
    return out;
}

/* The image a symlink stands for, or -1 with errno. */
static int read_target(int root, const char *name, char id[STORE_ID_SIZE])
{
    char target[TARGET_SIZE + 1];
    ssize_t len = readlinkat(root, name, target, sizeof(target) - 1);

    if (len < 0) {
        return -1;
    }
    target[len] = '\0';
    if (strncmp(target, IMAGES, IMAGES_LEN) != 0 || !md_is_id(target + IMAGES_LEN)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(id, target + IMAGES_LEN, STORE_ID_SIZE);
    return 0;
}

int store_name_target(const struct store *store, const char *name, char id[STORE_ID_SIZE],
                      struct md_err *err)
{
    if (is_name(name) && store->root >= 0) {
        if (read_target(store->root, name, id) == 0) {
            return 0;
        }
        /* EINVAL: it is there, but no name of ours. */
        if (errno != ENOENT && errno != EINVAL) {
            return md_err_sys(err, "cannot read the name \"%s\"", name);
        }
    }
    return md_err_set(err, MD_ERR_NOT_FOUND, "No such image: %s", name);
}

static void digest_from(const struct json_t *json, const char *key, struct md_digest *digest)
{
    const char *text = md_json_get_text(json, key);
    struct md_err ignored = { 0 };

    if (!text || md_digest_parse(text, digest, &ignored) < 0) {
        *digest = (struct md_digest){ 0 };
    }
}

/* Fill what the record knows; a damaged or outdated one knows nothing. */
static void read_record(const struct store *store, struct store_name *record)
{
    char entry[ENTRY_SIZE];
    struct md_err ignored = { 0 };
    MD_AUTO_JSON json =
        md_json_read(store->names, entry_of(record->name, ".json", entry), &ignored);
    const char *id = json ? md_json_get_text(json, "image_id") : NULL;
    const char *text;
    struct timespec time;

    if (!id || strcmp(id, record->image_id) != 0) {
        return;
    }
    digest_from(json, "served", &record->served);
    digest_from(json, "manifest", &record->manifest);
    text = md_json_get_text(json, "platform");
    if (text && md_platform_parse(text, &record->platform, &ignored) < 0) {
        record->platform = (struct md_platform){ 0 };
    }
    text = md_json_get_text(json, "time");
    if (text && md_text_parse_time(text, &time) == 0) {
        record->time = time.tv_sec;
    }
}

int store_name_read(const struct store *store, const char *name, struct store_name *record,
                    struct md_err *err)
{
    *record = (struct store_name){ 0 };
    if (store_name_target(store, name, record->image_id, err) < 0) {
        return -1;
    }
    snprintf(record->name, sizeof(record->name), "%s", name);
    read_record(store, record);
    return 0;
}

/* What collects names from the root. */
struct listing {
    const struct store *store;
    const char *image_id; /* only its names, or NULL */
    struct md_list names;
};

static int add_name(const char *name, unsigned char type, void *context, struct md_err *err)
{
    struct listing *listing = context;
    char id[STORE_ID_SIZE];

    (void)err;
    if (type != DT_LNK || !is_name(name) || read_target(listing->store->root, name, id) < 0) {
        return 0;
    }
    if (!listing->image_id || strcmp(listing->image_id, id) == 0) {
        md_list_add(&listing->names, name);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of image_id, or of all where it is NULL. */
static int list_names(const struct store *store, const char *image_id, struct md_list *names,
                      struct md_err *err)
{
    struct listing listing = { .store = store, .image_id = image_id };

    if (store_visit(store->root, add_name, &listing, err) < 0) {
        md_list_clear(&listing.names);
        return -1;
    }
    if (listing.names.count > 0) {
        qsort(listing.names.items, listing.names.count, sizeof(char *), compare_names);
    }
    md_list_clear(names);
    *names = listing.names;
    return 0;
}

int store_name_of(const struct store *store, const char *image_id, struct md_list *names,
                  struct md_err *err)
{
    return list_names(store, image_id, names, err);
}

int store_name_list(const struct store *store, struct store_name **list, size_t *count,
                    struct md_err *err)
{
    struct md_list names = { 0 };
    struct store_name *records;
    size_t found = 0;

    if (list_names(store, NULL, &names, err) < 0) {
        return -1;
    }
    records = md_xcalloc(names.count + 1, sizeof(*records));
    for (size_t i = 0; i < names.count; i++) {
        struct md_err gone = { 0 };

        if (store_name_read(store, names.items[i], &records[found], &gone) == 0) {
            found++;
        }
    }
    md_list_clear(&names);
    *list = records;
    *count = found;
    return 0;
}

static struct json_t *record_json(const struct store_name *record)
{
    struct json_t *json = md_json_object();
    struct timespec time = { .tv_sec = record->time };
    char reference[MD_REF_TEXT_SIZE];
    char text[128];
    struct md_ref ref;

    if (md_ref_from_store_name(record->name, &ref) == 0) {
        md_ref_full(&ref, reference);
        md_json_set(json, "reference", md_json_string(reference));
    }
    md_json_set(json, "image_id", md_json_string(record->image_id));
    if (record->served.alg) {
        md_json_set(json, "served", md_json_string(record->served.text));
    }
    if (record->manifest.alg) {
        md_json_set(json, "manifest", md_json_string(record->manifest.text));
    }
    if (record->platform.os[0]) {
        md_platform_text(&record->platform, text, sizeof(text));
        md_json_set(json, "platform", md_json_string(text));
    }
    md_text_time(&time, text, sizeof(text));
    md_json_set(json, "time", md_json_string(text));
    return json;
}

/* The file that is going to be the record, under a name that store_sweep() knows. */
static int create_record(const struct store *store, const char *fresh)
{
    unlinkat(store->names, fresh, 0);
    return openat(store->names, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
}

/* The record is the lock of its name, so the new one is locked before it takes its place. */
static int write_record(const struct store *store, const struct store_name *record, int *lock,
                        struct md_err *err)
{
    MD_AUTO_JSON json = record_json(record);
    MD_AUTO_FREE char *text = md_json_pretty(json);
    char fresh[ENTRY_SIZE];
    char final[ENTRY_SIZE];
    MD_AUTO_FD fd = create_record(store, entry_of(record->name, ".new", fresh));

    entry_of(record->name, ".json", final);
    if (fd < 0 || flock(fd, LOCK_EX) < 0 || md_fd_write_all(fd, text, strlen(text)) < 0 ||
        renameat(store->names, fresh, store->names, final) < 0) {
        md_err_sys(err, "cannot write the record of \"%s\"", record->name);
        unlinkat(store->names, fresh, 0);
        return -1;
    }
    md_fd_close(lock);
    *lock = md_fd_take(&fd);
    return 0;
}

static int switch_symlink(const struct store *store, const struct store_name *record,
                          struct md_err *err)
{
    char target[TARGET_SIZE];
    char link[ENTRY_SIZE];

    snprintf(target, sizeof(target), IMAGES "%s", record->image_id);
    entry_of(record->name, ".link", link);
    unlinkat(store->names, link, 0);
    if (symlinkat(target, store->names, link) < 0 ||
        renameat(store->names, link, store->root, record->name) < 0) {
        md_err_sys(err, "cannot set the name \"%s\"", record->name);
        unlinkat(store->names, link, 0);
        return -1;
    }
    /* Durable from here on; the image has been since it was published. */
    if (fsync(store->root) < 0) {
        return md_err_sys(err, "cannot make the name \"%s\" durable", record->name);
    }
    return 0;
}

static int set_locked(const struct store *store, const struct store_name *record, int *lock,
                      struct md_err *err)
{
    /* Or the image could go between our look at it and the name. */
    MD_AUTO_FD image = store_lock(store->images, record->image_id, STORE_SHARED, err);

    if (image < 0) {
        return md_err_in(err, "cannot set the name \"%s\"", record->name);
    }
    if (write_record(store, record, lock, err) < 0) {
        return -1;
    }
    return switch_symlink(store, record, err);
}

int store_name_set(const struct store *store, const struct store_name *record,
                   struct md_err *err)
{
    int lock;
    int result;

    if (check_name(record->name, err) < 0) {
        return -1;
    }
    if (!md_is_id(record->image_id)) {
        return md_err_set(err, MD_ERR_USAGE, "\"%s\" is no image id", record->image_id);
    }
    lock = store_name_lock(store, record->name, err);
    if (lock < 0) {
        return -1;
    }
    result = set_locked(store, record, &lock, err);
    store_name_unlock(store, record->name, &lock);
    return result;
}

/* An empty record, which says nothing, for a name that has none. */
static int create_empty(const struct store *store, const char *entry)
{
    MD_AUTO_FD fd =
        openat(store->names, entry, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd < 0 && errno != EEXIST ? -1 : 0;
}

typedef int lock_fn(int folder, const char *name, struct md_err *err);

static int wait_for_lock(int folder, const char *name, struct md_err *err)
{
    return store_lock(folder, name, STORE_EXCLUSIVE, err);
}

static int lock_record(const struct store *store, const char *name, lock_fn *lock,
                       struct md_err *err)
{
    char entry[ENTRY_SIZE];

    if (check_name(name, err) < 0) {
        return -1;
    }
    entry_of(name, ".json", entry);
    for (;;) {
        struct md_err gone = { 0 };
        int fd = lock(store->names, entry, &gone);

        if (fd >= 0) {
            return fd;
        }
        if (gone.kind != MD_ERR_NOT_FOUND) {
            *err = gone;
            return -1;
        }
        if (create_empty(store, entry) < 0) {
            return md_err_sys(err, "cannot lock the name \"%s\"", name);
        }
    }
}

int store_name_lock(const struct store *store, const char *name, struct md_err *err)
{
    return lock_record(store, name, wait_for_lock, err);
}

int store_name_try_lock(const struct store *store, const char *name)
{
    struct md_err ignored = { 0 };

    return lock_record(store, name, store_try_lock, &ignored);
}

/* The record, and what a crash left of one, of a locked name. The lock goes last: from then on
 * all of this may be another's. */
static void remove_record(const struct store *store, const char *name)
{
    char entry[ENTRY_SIZE];

    unlinkat(store->names, entry_of(name, ".new", entry), 0);
    unlinkat(store->names, entry_of(name, ".link", entry), 0);
    unlinkat(store->names, entry_of(name, ".json", entry), 0);
}

void store_name_unlock(const struct store *store, const char *name, int *lock)
{
    struct stat st;

    if (*lock < 0) {
        return;
    }
    if (fstatat(store->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        remove_record(store, name);
    }
    md_fd_close(lock);
}

int store_name_remove(const struct store *store, const char *name, struct md_err *err)
{
    if (unlinkat(store->root, name, 0) < 0 && errno != ENOENT) {
        return md_err_sys(err, "cannot remove the name \"%s\"", name);
    }
    return 0;
}
