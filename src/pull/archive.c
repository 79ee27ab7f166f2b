/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of images: told by their names, expanded where they must be. */
#include "pull/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "pull/expand.h"
#include "pull/tar.h"

/* 64 hex digits, and behind them nothing, a directory's entry, ".json" or ".tar". */
static bool is_by_id(const char *name)
{
    char id[64 + 1];
    const char *rest;

    if (strlen(name) < 64)
        return false;
    memcpy(id, name, 64);
    id[64] = '\0';
    rest = name + 64;
    return md_is_id(id) && (*rest == '\0' || *rest == '/' || strcmp(rest, ".json") == 0 ||
                            strcmp(rest, ".tar") == 0);
}

bool pull_archive_may_hold(const char *name)
{
    static const char *const names[] = {
        "", "oci-layout", "index.json", "manifest.json", "repositories", "blobs"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strncmp(name, "blobs/", 6) == 0 || is_by_id(name);
}

/* Has it an entry that leads to images, and none that an image archive never has? */
static bool looks_right(struct pull_tar *tar)
{
    struct md_err ignored = { 0 };
    struct pull_entry entry;
    char name[MD_MAX_PATH + 1];
    bool leads = false;
    int more;

    while ((more = pull_tar_next(tar, &entry, &ignored)) > 0) {
        if (!entry.path || md_path_clean(entry.path, name) < 0 || !pull_archive_may_hold(name))
            return false;
        leads = leads || strcmp(name, "index.json") == 0 || strcmp(name, "manifest.json") == 0;
    }
    return more == 0 && leads;
}

bool pull_archive_probe(int fd)
{
    struct md_err ignored = { 0 };
    struct pull_expand *expand = NULL;
    struct pull_tar *tar = NULL;
    bool right;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return false;
    expand = pull_expand_open(fd, &ignored);
    if (expand && pull_expand_format(expand) == PULL_PLAIN && lseek(fd, 0, SEEK_SET) == 0)
        tar = pull_tar_open_file(fd, &ignored); /* which skips what a plain one holds */
    else if (expand)
        tar = pull_tar_open(pull_expand_read, expand, &ignored);
    right = tar && looks_right(tar);
    pull_tar_close(&tar);
    pull_expand_close(&expand);
    return right;
}

/* Returns 1 when the archive can be read where it lies, 0 when it was expanded, or -1. */
static int expand(int fd, int spool, struct md_err *err)
{
    bool seekable = lseek(fd, 0, SEEK_SET) == 0;
    struct pull_expand *expand = pull_expand_open(fd, err);
    int status = -1;

    if (expand && seekable && pull_expand_format(expand) == PULL_PLAIN)
        status = 1;
    else if (expand)
        status = pull_expand_to(expand, spool, MD_MAX_ARCHIVE_BYTES, err);
    pull_expand_close(&expand);
    return status;
}

struct pull_files *pull_archive_open(int fd, int spool, struct md_err *err)
{
    int plain = expand(fd, spool, err);
    int copy;

    if (plain < 0)
        return NULL;
    copy = fcntl(plain ? fd : spool, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        md_err_sys(err, "cannot read the archive");
        return NULL;
    }
    return pull_files_open_tar(copy, err);
}
