/* SPDX-License-Identifier: Apache-2.0 */
/* The lock file of a pull: names and the digests that they stood for. */
#include "pull/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"

#define VERSION 1

/* The directory of path, and what the file is called in it: borrowed from path. */
static int open_folder(const char *path, const char **name, struct md_err *err)
{
    const char *slash = strrchr(path, '/');
    MD_AUTO_FREE char *folder = NULL;
    int fd;

    *name = slash ? slash + 1 : path;
    folder = slash == path ? md_xstrdup("/")
             : slash       ? md_xstrndup(path, (size_t)(slash - path))
                           : md_xstrdup(".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? md_err_sys(err, "lock file \"%s\"", path) : fd;
}

static struct json_t *read_file(int folder, const char *name, const char *path,
                                struct md_err *err)
{
    struct json_t *file = md_json_read(folder, name, err);

    if (!file) {
        md_err_in(err, "lock file \"%s\"", path);
        return NULL;
    }
    if (md_json_get_int(file, "version") != VERSION ||
        !md_json_is_object(md_json_get(file, "images"))) {
        md_json_free(&file);
        md_err_set(err, MD_ERR_FORMAT, "\"%s\" is no lock file of version %d", path, VERSION);
    }
    return file;
}

int pull_lock_find(const char *path, const struct md_ref *ref, struct md_digest *digest,
                   struct md_err *err)
{
    const char *name;
    char full[MD_REF_TEXT_SIZE];
    MD_AUTO_FD folder = open_folder(path, &name, err);
    MD_AUTO_JSON file = folder < 0 ? NULL : read_file(folder, name, path, err);
    const char *text;

    if (!file)
        return -1;
    md_ref_full(ref, full);
    text = md_json_get_text(md_json_get(md_json_get(file, "images"), full), "digest");
    if (!text)
        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "the lock file \"%s\" has no \"%s\": record it with pull --lock",
                          path, full);
    return md_digest_parse(text, digest, err) < 0
               ? md_err_in(err, "lock file \"%s\": \"%s\"", path, full)
               : 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A sorted copy of object (or of nothing) in which key has value, which is taken. */
static struct json_t *with(const struct json_t *object, const char *key, struct json_t *value)
{
    struct json_t *sorted = md_json_object();
    struct md_list keys = { 0 };

    md_list_add(&keys, key);
    for (const char *other = md_json_next_key(object, NULL); other;
         other = md_json_next_key(object, other)) {
        if (strcmp(other, key) != 0)
            md_list_add(&keys, other);
    }
    qsort(keys.items, keys.count, sizeof(char *), compare_texts);
    for (size_t i = 0; i < keys.count; i++) {
        md_json_set(sorted, keys.items[i],
                    strcmp(keys.items[i], key) == 0
                        ? value
                        : md_json_copy(md_json_get(object, keys.items[i])));
    }
    md_list_clear(&keys);
    return sorted;
}

/* The value of one name; before is what it was, or NULL. */
static struct json_t *describe(const struct pull_lock_entry *entry, const struct json_t *before)
{
    const char *digest = md_json_get_text(before, "digest");
    bool same = digest && strcmp(digest, entry->digest.text) == 0;
    const struct json_t *platforms = same ? md_json_get(before, "platforms") : NULL;
    struct json_t *value = md_json_object();
    char platform[97];

    md_json_set(value, "digest", md_json_string(entry->digest.text));
    if (entry->manifest.alg && entry->platform.os[0]) {
        md_platform_text(&entry->platform, platform, sizeof(platform));
        md_json_set(value, "platforms",
                    with(platforms, platform, md_json_string(entry->manifest.text)));
    } else if (platforms) {
        md_json_set(value, "platforms", md_json_copy(platforms));
    }
    return value;
}

static int write_file(int folder, const char *name, const struct json_t *images,
                      struct md_err *err)
{
    MD_AUTO_JSON file = md_json_object();
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    md_json_set(file, "version", md_json_number(VERSION));
    md_json_set(file, "images", md_json_copy(images));
    text = md_json_pretty(file);
    len = strlen(text);
    text[len] = '\n'; /* in the place of its NUL */
    return md_file_replace(folder, name, text, len + 1, 0644, err);
}

int pull_lock_record(const char *path, const struct md_ref *ref,
                     const struct pull_lock_entry *entry, struct md_err *err)
{
    const char *name;
    char full[MD_REF_TEXT_SIZE];
    struct md_err failed = { 0 };
    MD_AUTO_FD folder = open_folder(path, &name, err);
    MD_AUTO_JSON file = NULL;
    MD_AUTO_JSON images = NULL;
    const struct json_t *before;

    if (folder < 0)
        return -1;
    if (flock(folder, LOCK_EX) < 0)
        return md_err_sys(err, "lock file \"%s\"", path);
    file = read_file(folder, name, path, &failed);
    if (!file && failed.sys != ENOENT) {
        *err = failed;
        return -1;
    }
    md_ref_full(ref, full);
    before = md_json_get(file, "images");
    images = with(before, full, describe(entry, md_json_get(before, full)));
    return write_file(folder, name, images, err) < 0 ? md_err_in(err, "lock file") : 0;
}
