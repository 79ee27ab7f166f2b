/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts that were gathered become the plan's: sources opened, volumes made and filled. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/run_mounts.h"

/* docker makes a missing source as root; a typo should not: name how far the path goes. */
static int missing_source(const char *source, struct md_err *err)
{
    MD_AUTO_FREE char *parent = md_xstrdup(source);

    for (;;) {
        char *slash = strrchr(parent, '/');

        if (!slash)
            break;
        *slash = '\0';
        if (access(parent[0] ? parent : "/", F_OK) == 0)
            break;
    }
    return md_err_set(
        err, MD_ERR_NOT_FOUND,
        "bind source path does not exist: \"%s\" (there is \"%s\"; \":create\" at "
        "the end of -v makes the rest)",
        source, parent[0] ? parent : "/");
}

/* Take a clone of the source's mount now: whatever happens to the path later, this is it. */
static int open_bind(const struct cli_mount *wanted, struct run_mount *mount,
                     struct md_err *err)
{
    const unsigned depth = wanted->not_recursive ? 0 : AT_RECURSIVE;
    struct stat info;

    if (stat(wanted->source, &info) < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return md_err_sys(err, "cannot use volume \"%s\"", wanted->source);
        if (!wanted->create)
            return missing_source(wanted->source, err);
        if (md_path_make_dirs(wanted->source, 0755, err) < 0)
            return -1;
        if (stat(wanted->source, &info) < 0)
            return md_err_sys(err, "cannot use volume \"%s\"", wanted->source);
    }
    mount->source = md_xstrdup(wanted->source);
    mount->is_directory = S_ISDIR(info.st_mode);
    mount->source_fd =
        open_tree(AT_FDCWD, wanted->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth);
    if (mount->source_fd < 0)
        return md_err_sys(err, "cannot use volume \"%s\"", wanted->source);
    return 0;
}

/* What the image has at the target goes into an empty volume. */
static int fill_volume(const struct cli_mount *wanted, int rootfs,
                       const struct store_volume *volume, struct md_err *err)
{
    MD_AUTO_FD from = -1;

    if (wanted->no_copy)
        return 0;
    from = md_path_try_in(rootfs, wanted->target, O_RDONLY | O_DIRECTORY, 0);
    return from < 0 ? 0 : store_volume_fill(volume, from, err);
}

/* The directory that is mounted: the volume's, or one in it. */
static int open_data(const struct cli_mount *wanted, const struct store_volume *volume,
                     struct md_err *err)
{
    int fd;

    if (!wanted->subpath)
        return openat(volume->data, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = md_path_open_in(volume->data, wanted->subpath, O_PATH, 0, err);
    return fd < 0 ? md_err_in(err, "volume %s", volume->name) : fd;
}

static int open_volume(const struct cli_mounts_from *from, struct cli_mount *wanted,
                       struct cli_mounts *mounts, struct run_mount *mount, struct md_err *err)
{
    struct store_volume *volume = &mounts->volumes[mounts->volume_count];
    MD_AUTO_FD data = -1;
    struct stat info;

    if (store_volume_get(from->store, wanted->source ? wanted->source : "", wanted->labels,
                         volume, err) < 0)
        return -1;
    mounts->volume_count++;
    if (!wanted->source)
        wanted->source = md_xstrdup(volume->name);
    if (fill_volume(wanted, from->rootfs, volume, err) < 0)
        return -1;
    data = open_data(wanted, volume, err);
    if (data < 0)
        return -1;
    mount->volume = md_xstrdup(volume->name);
    mount->anonymous = wanted->anonymous;
    mount->source = wanted->subpath ? md_xasprintf("%s/%s", volume->path, wanted->subpath)
                                    : md_xstrdup(volume->path);
    mount->source_fd =
        open_tree(data, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    if (mount->source_fd < 0 || fstat(data, &info) < 0)
        return md_err_sys(err, "cannot use volume %s", volume->name);
    mount->is_directory = S_ISDIR(info.st_mode);
    return 0;
}

static int open_one(const struct cli_mounts_from *from, struct cli_mount *wanted,
                    struct cli_mounts *mounts, struct run_mount *mount, struct md_err *err)
{
    *mount = (struct run_mount){
        .kind = wanted->kind == CLI_MOUNT_TMPFS ? RUN_MOUNT_TMPFS : RUN_MOUNT_BIND,
        .source_fd = -1,
        .target = md_xstrdup(wanted->target),
        .attributes = wanted->attributes,
        .mode = wanted->mode ? md_xstrdup(wanted->mode) : NULL,
    };
    if (wanted->kind == CLI_MOUNT_BIND)
        return open_bind(wanted, mount, err);
    if (wanted->kind == CLI_MOUNT_VOLUME)
        return open_volume(from, wanted, mounts, mount, err);
    mount->is_directory = true;
    mount->tmpfs_size = wanted->tmpfs_size ? md_xstrdup(wanted->tmpfs_size) : NULL;
    mount->tmpfs_mode = wanted->tmpfs_mode;
    return 0;
}

int cli_mounts_plan(const struct cli_mounts_from *from, struct cli_mounts *mounts,
                    struct run_plan *plan, struct md_err *err)
{
    if (cli_mounts_gather(from, mounts, err) < 0)
        return -1;
    plan->mounts = md_xcalloc(mounts->count + 1, sizeof(*plan->mounts));
    mounts->volumes = md_xcalloc(mounts->count + 1, sizeof(*mounts->volumes));
    for (size_t i = 0; i < mounts->count; i++) {
        plan->mount_count++;
        if (open_one(from, &mounts->items[i], mounts, &plan->mounts[i], err) < 0)
            return -1;
    }
    return 0;
}

void cli_mounts_undo(const struct store *store, struct cli_mounts *mounts)
{
    for (size_t i = 0; i < mounts->volume_count; i++) {
        struct store_volume *volume = &mounts->volumes[i];
        bool wanted = !volume->made || !volume->anonymous;
        MD_AUTO_FREE char *name = md_xstrdup(volume->name);
        struct md_err failed = { 0 };

        store_volume_clear(volume);
        if (!wanted && store_volume_remove(store, name, &failed) < 0)
            md_log("%s", failed.text);
    }
    cli_mounts_clear(mounts);
}

void cli_mounts_clear(struct cli_mounts *mounts)
{
    for (size_t i = 0; i < mounts->volume_count; i++)
        store_volume_clear(&mounts->volumes[i]);
    for (size_t i = 0; i < mounts->count; i++)
        cli_mount_clear(&mounts->items[i]);
    free(mounts->volumes);
    free(mounts->items);
    *mounts = (struct cli_mounts){ 0 };
}
