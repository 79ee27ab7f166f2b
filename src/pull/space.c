/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the store's disk. */
#include "pull/space.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/text.h"

/* Where the store is, escaped, and what is free there. */
struct space {
    char path[200];
    uint64_t bytes;
    bool has_inodes; /* btrfs makes them as needed, and says 0 of 0 */
};

static int measure(const struct store *store, struct space *space)
{
    struct statvfs disk;

    if (fstatvfs(store->root, &disk) < 0)
        return -1;
    md_text_escape(store->path, strlen(store->path), space->path, sizeof(space->path));
    space->bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    space->has_inodes = disk.f_files == 0 || disk.f_favail > 0;
    return 0;
}

int pull_space_check(const struct store *store, uint64_t bytes, struct md_err *err)
{
    struct space space;
    char needed[32];
    char left[32];

    if (bytes == 0)
        return 0;
    if (measure(store, &space) < 0)
        return md_err_sys(err, "cannot ask for the free space of \"%s\"", store->path);
    if (!space.has_inodes)
        return md_err_set(err, MD_ERR_SYSTEM, "the disk of \"%s\" has no free inodes",
                          space.path);
    if (space.bytes >= bytes)
        return 0;
    return md_err_set(err, MD_ERR_SYSTEM,
                      "the disk of \"%s\" is too full: %s free, at least %s needed; nothing "
                      "was fetched",
                      space.path, md_text_size(space.bytes, left, sizeof(left)),
                      md_text_size(bytes, needed, sizeof(needed)));
}

void pull_space_explain(const struct store *store, uint64_t bytes, struct md_err *err)
{
    struct space space;
    char needed[32];
    char left[32];

    if ((err->sys != ENOSPC && err->sys != EDQUOT) || measure(store, &space) < 0)
        return;
    md_text_size(space.bytes, left, sizeof(left));
    /* What is free was not enough, whatever the compressed size is. */
    md_text_size(bytes > space.bytes ? bytes : space.bytes, needed, sizeof(needed));
    md_err_in(err,
              "the disk of \"%s\" is full: %s%s free, more than %s needed; what there was "
              "room for is kept, pull again when there is more",
              space.path, left, space.has_inodes ? "" : " but no inodes", needed);
}
