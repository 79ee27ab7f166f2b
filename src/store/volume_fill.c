/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a new volume from the image. The copy is made aside, in fill/; once it is whole it is
 * called filled/, and what it holds moves into _data. So whoever finds fill/ begins again, and
 * whoever finds filled/ goes on moving: no volume ever stays half full.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "store/copy.h"
#include "store/volume.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

static int found_one(const char *name, unsigned char type, void *context, struct md_err *err)
{
    (void)name;
    (void)type;
    (void)context;
    (void)err;
    return -1; /* without an error */
}

static int copy_aside(const struct store_volume *volume, int from)
{
    MD_AUTO_FD to = -1;

    if (md_path_remove_tree(volume->dir, "fill") < 0 ||
        mkdirat(volume->dir, "fill", 0700) < 0) {
        return -1;
    }
    to = openat(volume->dir, "fill", DIRECTORY | O_CLOEXEC);
    if (to < 0 || store_copy_tree(from, to) < 0) {
        return -1;
    }
    return renameat(volume->dir, "fill", volume->dir, "filled");
}

/* The two directories of a move. */
struct move {
    int from;
    int to;
};

static int move_one(const char *name, unsigned char type, void *context, struct md_err *err)
{
    const struct move *move = context;

    (void)type;
    /* What a container has put there meanwhile is not replaced. */
    if (renameat2(move->from, name, move->to, name, RENAME_NOREPLACE) < 0 && errno != EEXIST) {
        return md_err_sys(err, "cannot move a file into the volume");
    }
    return 0;
}

static int move_in(const struct store_volume *volume, struct md_err *err)
{
    MD_AUTO_FD filled = openat(volume->dir, "filled", DIRECTORY | O_CLOEXEC);
    struct move move = { filled, volume->data };
    struct stat st;

    if (filled < 0 && errno == ENOENT) {
        return 0;
    }
    if (filled < 0 || fstat(filled, &st) < 0) {
        return md_err_sys(err, "cannot open the volume's new files");
    }
    if (store_visit(filled, move_one, &move, err) < 0) {
        return -1;
    }
    if (store_copy_attributes(filled, &st, volume->data) < 0 ||
        md_path_remove_tree(volume->dir, "filled") < 0) {
        return md_err_sys(err, "cannot finish the volume");
    }
    return 0;
}

static int fill_locked(const struct store_volume *volume, int from, struct md_err *err)
{
    struct md_err failed = { 0 };
    int found;

    if (move_in(volume, err) < 0) {
        return -1;
    }
    found = store_visit(volume->data, found_one, NULL, &failed);
    if (found < 0) {
        *err = failed;
        return failed.kind == MD_ERR_NONE ? 0 : -1;
    }
    if (copy_aside(volume, from) < 0) {
        return md_err_sys(err, "cannot copy the image's files");
    }
    return move_in(volume, err);
}

int store_volume_fill(const struct store_volume *volume, int from, struct md_err *err)
{
    /* Its own description, or the lock would be shared with other users of volume->data. */
    MD_AUTO_FD lock = openat(volume->dir, "_data", DIRECTORY | O_CLOEXEC);
    mode_t mask;
    int result;

    if (lock < 0 || flock(lock, LOCK_EX) < 0) {
        return md_err_sys(err, "cannot lock volume %s", volume->name);
    }
    mask = umask(0); /* modes are the image's business */
    result = fill_locked(volume, from, err);
    umask(mask);
    return result < 0 ? md_err_in(err, "volume %s", volume->name) : 0;
}
