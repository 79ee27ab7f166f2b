/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a container that does not run: its overlay, and what is mounted in it. */
#include "files/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/mount.h"
#include "store/volume.h"

#define FD_PATH_SIZE sizeof("/proc/self/fd/-2147483648")
#define QUIET_MOUNT (MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

static const char *type_of(const struct json_t *mount)
{
    const char *type = md_json_get_text(mount, "Type");

    return type ? type : "";
}

bool files_offline_has_mounts(const struct store_container *container)
{
    const struct json_t *mounts = md_json_get(container->config, "Mounts");

    for (size_t i = 0; i < md_json_count(mounts); i++) {
        if (strcmp(type_of(md_json_at(mounts, i)), "tmpfs") != 0)
            return true;
    }
    return false;
}

/* Directories as descriptors, never as names: a comma or colon would be an option. */
static int new_overlay(const struct run_mount_option *places, unsigned attributes,
                       struct md_err *err)
{
    struct run_mount_option options[8] = {
        { "redirect_dir", "nofollow" },
        { "metacopy", "off" },
        { "index", "off" },
        { "xino", "off" },
    };

    for (size_t i = 0; places[i].key; i++)
        options[4 + i] = places[i];
    return run_mount_new("overlay", options, attributes | QUIET_MOUNT, err);
}

int files_offline_read(const struct files_root *root, struct md_err *err)
{
    char lower[2 * FD_PATH_SIZE];
    const struct run_mount_option places[] = { { "lowerdir", lower }, { 0 } };

    /* Two lower directories: nothing is written, not even to work. */
    snprintf(lower, sizeof(lower), "/proc/self/fd/%d:/proc/self/fd/%d", root->overlay.upper,
             root->overlay.lower);
    return new_overlay(places, MOUNT_ATTR_RDONLY, err);
}

static int mount_overlay(const struct store_overlay *overlay, struct md_err *err)
{
    char paths[3][FD_PATH_SIZE];
    const struct run_mount_option places[] = {
        { "lowerdir", paths[0] }, { "upperdir", paths[1] }, { "workdir", paths[2] }, { 0 }
    };
    MD_AUTO_FD mount = -1;

    snprintf(paths[0], FD_PATH_SIZE, "/proc/self/fd/%d", overlay->lower);
    snprintf(paths[1], FD_PATH_SIZE, "/proc/self/fd/%d", overlay->upper);
    snprintf(paths[2], FD_PATH_SIZE, "/proc/self/fd/%d", overlay->work);
    mount = new_overlay(places, 0, err);
    /* On a place that only this process sees; what is mounted in it needs it attached. */
    if (mount < 0 || run_mount_attach(mount, overlay->work, "", err) < 0)
        return -1;
    return md_fd_take(&mount);
}

/* What is in a volume is a container's doing: a link in it leads nowhere outside. */
static int clone_volume(const struct store *store, const char *name, const char *source,
                        struct md_err *err)
{
    struct store_volume volume = { .dir = -1, .data = -1 };
    MD_AUTO_FD dir = -1;
    size_t len;
    int clone;

    if (store_volume_open(store, name, &volume, err) < 0)
        return -1;
    len = strlen(volume.path);
    dir =
        md_path_open_in(volume.data, strncmp(source, volume.path, len) == 0 ? source + len : "",
                        O_PATH, 0, err);
    clone = dir < 0 ? -1 : run_mount_clone(dir, "");
    if (dir >= 0 && clone < 0)
        md_err_sys(err, "cannot use volume %s", name);
    store_volume_clear(&volume);
    return clone;
}

static int clone_source(const struct store *store, const struct json_t *mount,
                        struct md_err *err)
{
    const char *name = md_json_get_text(mount, "Name");
    const char *source = md_json_get_text(mount, "Source");
    int clone;

    if (strcmp(type_of(mount), "volume") == 0 && name)
        return clone_volume(store, name, source ? source : "", err);
    clone = open_tree(AT_FDCWD, source ? source : "",
                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    return clone < 0 ? md_err_sys(err, "cannot use volume \"%s\"", source ? source : "")
                     : clone;
}

/* The place for a mount: there since the container has run, else made. */
static int open_target(int root, const char *target, int source, struct md_err *err)
{
    int fd = md_path_try_in(root, target, O_PATH, 0);
    struct stat info;

    if (fd >= 0 || errno != ENOENT)
        return fd < 0 ? md_err_sys(err, "cannot use the target \"%s\"", target) : fd;
    if (fstat(source, &info) < 0 || !S_ISDIR(info.st_mode))
        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "the target \"%s\" is not there before the container has run",
                          target);
    return md_path_make_dirs_in(root, target, err);
}

static int mount_one(const struct store *store, const struct json_t *mount, int root,
                     struct md_err *err)
{
    const char *target = md_json_get_text(mount, "Destination");
    MD_AUTO_FD source = -1;
    MD_AUTO_FD place = -1;

    if (!target || strcmp(type_of(mount), "tmpfs") == 0)
        return 0;
    source = clone_source(store, mount, err);
    if (source < 0)
        return -1;
    place = open_target(root, target, source, err);
    if (place < 0 || run_mount_attach(source, place, "", err) < 0)
        return -1;
    return md_json_true(md_json_get(mount, "RW"))
               ? 0
               : run_mount_set(source, MOUNT_ATTR_RDONLY, err);
}

static int mount_all(const struct store *store, const struct store_container *container,
                     int root, struct md_err *err)
{
    const struct json_t *mounts = md_json_get(container->config, "Mounts");
    const struct json_t *host = md_json_get(container->config, "HostConfig");

    for (size_t i = 0; i < md_json_count(mounts); i++) {
        if (mount_one(store, md_json_at(mounts, i), root, err) < 0)
            return -1;
    }
    return md_json_true(md_json_get(host, "ReadonlyRootfs"))
               ? run_mount_set(root, MOUNT_ATTR_RDONLY, err)
               : 0;
}

/* overlay and move_mount take only what was opened in the own mount namespace. */
static int mount_again(const struct store *store, const char *id, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store_overlay overlay;
    MD_AUTO_FD root = -1;

    if (store_container_open(store, id, &container, err) < 0) {
        store_container_clear(&container);
        return -1;
    }
    if (store_overlay_open(store, &container, &overlay, err) == 0) {
        root = mount_overlay(&overlay, err);
        store_overlay_close(&overlay);
    }
    if (root >= 0 && mount_all(store, &container, root, err) < 0)
        md_fd_close(&root);
    store_container_clear(&container);
    return md_fd_take(&root);
}

int files_offline_write(const struct store *store, const struct files_root *root,
                        struct md_err *err)
{
    struct store ours;
    int fd;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return md_err_sys(err, "cannot get a mount namespace");
    if (store_open(store->path, STORE_READ, &ours, err) < 0)
        return -1;
    fd = mount_again(&ours, root->container.id, err);
    store_close(&ours);
    return fd;
}
