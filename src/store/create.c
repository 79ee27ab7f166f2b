/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container: its id, its unique name, its directories and config.json. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/container.h"
#include "store/words.h"

/* After so many generated names that are taken, a number is added. */
#define PLAIN_TRIES 8
#define MAX_TRIES 1000

static bool is_name(const char *name)
{
    static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(name);

    if (len < 2 || len >= STORE_CONTAINER_NAME_SIZE || !strchr(alphanumeric, name[0])) {
        return false;
    }
    for (const char *p = name + 1; *p; p++) {
        if (!strchr(alphanumeric, *p) && !strchr("_.-", *p)) {
            return false;
        }
    }
    return true;
}

static int check_name(const char *name, struct md_err *err)
{
    char shown[256];

    if (!*name || is_name(name)) {
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                      md_text_escape(name, strlen(name), shown, sizeof(shown)));
}

/*
 * Clear away a name whose container is gone. It is moved aside first and looked at there: in
 * between it may have become a living container's.
 */
static void clear_stale_name(const struct store *store, const char *name, const char *id)
{
    char aside[33];
    char target[STORE_ID_SIZE] = "";
    struct md_err ignored = { 0 };
    ssize_t len;

    if (store_random(aside, sizeof(aside) - 1, &ignored) < 0 ||
        renameat(store->containers, name, store->trash, aside) < 0) {
        return;
    }
    len = readlinkat(store->trash, aside, target, sizeof(target) - 1);
    if (len == STORE_ID_SIZE - 1 && strcmp(target, id) != 0 &&
        renameat2(store->trash, aside, store->containers, name, RENAME_NOREPLACE) == 0) {
        return;
    }
    unlinkat(store->trash, aside, 0);
}

/* The name is taken: by whom? Returns 0 when by nobody any more, else -1. */
static int name_conflict(const struct store *store, const char *name, struct md_err *err)
{
    char id[STORE_ID_SIZE] = "";
    struct stat st;
    ssize_t len = readlinkat(store->containers, name, id, sizeof(id) - 1);

    if (len < 0 && errno == ENOENT) {
        return 0;
    }
    if (len == STORE_ID_SIZE - 1 &&
        fstatat(store->containers, id, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        clear_stale_name(store, name, id);
        return 0;
    }
    return md_err_set(
        err, MD_ERR_CONFLICT,
        "Conflict. The container name \"/%s\" is already in use by container "
        "\"%s\". You have to remove (or rename) that container to be able to reuse "
        "that name.",
        name, id);
}

static int claim_name(const struct store *store, const struct store_container *container,
                      struct md_err *err)
{
    for (;;) {
        if (symlinkat(container->id, store->containers, container->name) == 0) {
            return 0;
        }
        if (errno != EEXIST) {
            return md_err_sys(err, "cannot name the container \"%s\"", container->name);
        }
        if (name_conflict(store, container->name, err) < 0) {
            return -1;
        }
    }
}

static int generate_name(const struct store *store, struct store_container *container,
                         struct md_err *err)
{
    struct md_err failed = { 0 };
    char words[32];
    uint32_t number;

    for (int tries = 0; tries < MAX_TRIES; tries++) {
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
            return md_err_sys(err, "cannot get random bytes");
        }
        store_words_pick(number, words, sizeof(words));
        if (tries < PLAIN_TRIES) {
            snprintf(container->name, sizeof(container->name), "%s", words);
        } else {
            snprintf(container->name, sizeof(container->name), "%s%u", words, number >> 12);
        }
        if (claim_name(store, container, &failed) == 0) {
            return 0;
        }
        if (failed.kind != MD_ERR_CONFLICT) {
            break;
        }
    }
    container->name[0] = '\0';
    *err = failed;
    return -1;
}

/* The root directory of a container is upper/, so it must look like the image's. */
static int make_dirs(const struct store *store, const struct store_container *container,
                     struct md_err *err)
{
    char rootfs[STORE_ID_SIZE + sizeof("/rootfs")];
    struct stat st = { .st_mode = 0755, .st_uid = geteuid(), .st_gid = getegid() };

    if (container->image_id && *container->image_id) {
        snprintf(rootfs, sizeof(rootfs), "%.64s/rootfs", container->image_id);
        if (fstatat(store->images, rootfs, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            return md_err_sys(err, "image %.12s", container->image_id);
        }
    }
    if (mkdirat(container->dir, "work", 0700) < 0 ||
        mkdirat(container->dir, "upper", 0700) < 0) {
        return md_err_sys(err, "cannot make the container's directories");
    }
    if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
        fchownat(container->dir, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
        return md_err_sys(err, "cannot give the container's root its owner");
    }
    /* Not by mkdir: the umask is not ours. */
    if (fchmodat(container->dir, "upper", st.st_mode & 07777, 0) < 0) {
        return md_err_sys(err, "cannot give the container's root its mode");
    }
    return 0;
}

static int write_config(struct store_container *container, struct md_err *err)
{
    char created[32];

    if (!container->config) {
        container->config = md_json_object();
    }
    if (!container->image_id) {
        container->image_id = md_xstrdup("");
    }
    if (!container->image_name) {
        container->image_name = md_xstrdup("");
    }
    clock_gettime(CLOCK_REALTIME, &container->created);
    md_text_time(&container->created, created, sizeof(created));
    md_json_set(container->config, "id", md_json_string(container->id));
    md_json_set(container->config, "name", md_json_string(container->name));
    md_json_set(container->config, "created", md_json_string(created));
    md_json_set(container->config, "image_id", md_json_string(container->image_id));
    md_json_set(container->config, "image", md_json_string(container->image_name));
    md_json_set(container->config, "args", md_json_list(&container->args));
    return md_json_write(container->dir, "config.json", container->config, err);
}

/* Take back what was made; the name only if it became ours. */
static void undo(const struct store *store, struct store_container *container)
{
    struct md_err failed = { 0 };

    if (store_container_remove(store, container, &failed) < 0) {
        md_log("take back a container: %s", failed.text);
    }
    md_fd_close(&container->dir);
    container->id[0] = '\0';
}

int store_container_create(const struct store *store, struct store_container *container,
                           struct md_err *err)
{
    int named;

    if (check_name(container->name, err) < 0) {
        return -1;
    }
    container->dir = store_make(store->containers, "", STORE_ID_SIZE - 1, container->id, err);
    if (container->dir < 0) {
        container->id[0] = '\0';
        return md_err_in(err, "cannot make a container");
    }
    named = container->name[0] ? claim_name(store, container, err)
                               : generate_name(store, container, err);
    if (named < 0 || make_dirs(store, container, err) < 0 || write_config(container, err) < 0) {
        undo(store, container);
        return -1;
    }
    return 0;
}

/* What a renaming works on, and the name that it replaced. */
struct renaming {
    const struct store *store;
    const struct store_container *claim; /* the new name, of the container's id */
    char old[STORE_CONTAINER_NAME_SIZE];
};

static int take_name(struct json_t *config, void *context, struct md_err *err)
{
    struct renaming *renaming = context;
    const char *old = md_json_get_text(config, "name");

    snprintf(renaming->old, sizeof(renaming->old), "%s", old ? old : "");
    if (strcmp(renaming->old, renaming->claim->name) == 0) {
        return md_err_set(err, MD_ERR_USAGE,
                          "Renaming a container with the same name as its current name");
    }
    if (claim_name(renaming->store, renaming->claim, err) < 0) {
        return -1;
    }
    md_json_set(config, "name", md_json_string(renaming->claim->name));
    return 0;
}

int store_container_rename(const struct store *store, struct store_container *container,
                           const char *name, struct md_err *err)
{
    struct store_container claim = { .dir = -1 };
    struct renaming renaming = { .store = store, .claim = &claim };

    if (!*name) {
        return md_err_set(err, MD_ERR_USAGE, "New name cannot be empty");
    }
    if (check_name(name, err) < 0) {
        return -1;
    }
    snprintf(claim.name, sizeof(claim.name), "%s", name);
    memcpy(claim.id, container->id, sizeof(claim.id));
    if (store_container_change(container, take_name, &renaming, err) < 0) {
        return -1;
    }
    store_container_unname(store, container->id, renaming.old);
    snprintf(container->name, sizeof(container->name), "%s", name);
    return 0;
}
