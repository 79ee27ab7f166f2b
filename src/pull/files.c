/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a directory, or of a tar by a list of its names; nothing is unpacked. */
#include "pull/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "pull/tar.h"

#define MAX_LINKS 8 /* from one name to a file */

/* One entry of a tar. */
struct member {
    char *name;   /* cleaned */
    char *target; /* of a link, cleaned and relative to the tar; NULL: a regular file */
    int64_t offset;
    int64_t size;
};

struct pull_files {
    int fd;
    bool is_dir;
    struct member *members; /* of a tar, sorted by name */
    size_t count;
};

static const char *shown(const char *name, char *out, size_t size)
{
    return md_text_escape(name, strlen(name), out, size);
}

/* ---- The list of a tar ---- */

/* Where a symlink leads, from the directory that it lies in; target holds MD_MAX_PATH + 1. */
static int clean_target(const char *name, const struct pull_entry *entry, char *target)
{
    const char *slash = strrchr(name, '/');
    MD_AUTO_FREE char *path = NULL;

    if (entry->kind == PULL_HARD_LINK || !slash || entry->target[0] == '/')
        return md_path_clean(entry->target, target);
    path = md_xasprintf("%.*s/%s", (int)(slash - name), name, entry->target);
    return md_path_clean(path, target);
}

static int outside(const char *name, struct md_err *err)
{
    char safe[200];

    return md_err_set(err, MD_ERR_FORMAT,
                      "the archive's entry \"%s\" leads out of it, or has no name of use",
                      shown(name, safe, sizeof(safe)));
}

static int describe(const struct pull_tar *tar, const struct pull_entry *entry,
                    struct member *member, struct md_err *err)
{
    char name[MD_MAX_PATH + 1];
    char target[MD_MAX_PATH + 1];
    bool link = entry->kind == PULL_SYMLINK || entry->kind == PULL_HARD_LINK;

    *member = (struct member){ .size = entry->size };
    if (!entry->path || md_path_clean(entry->path, name) < 0)
        return outside(entry->path ? entry->path : "", err);
    if (link && (!entry->target || clean_target(name, entry, target) < 0))
        return outside(entry->path, err);
    member->offset = link ? 0 : pull_tar_data_offset(tar);
    if (entry->kind == PULL_FILE && (member->offset < 0 || member->size < 0))
        return md_err_set(err, MD_ERR_FORMAT, "the archive has a file with holes");
    member->name = md_xstrdup(name);
    if (link)
        member->target = md_xstrdup(target);
    return 0;
}

static int add(struct pull_files *files, const struct pull_tar *tar,
               const struct pull_entry *entry, struct md_err *err)
{
    struct member member;

    if (describe(tar, entry, &member, err) < 0)
        return -1;
    if (entry->kind != PULL_FILE && !member.target) { /* of a directory only the name counts */
        free(member.name);
        return 0;
    }
    if (files->count == MD_MAX_ARCHIVE_ENTRIES) {
        free(member.name);
        free(member.target);
        return md_err_set(err, MD_ERR_LIMIT, "the archive has more than %d entries",
                          MD_MAX_ARCHIVE_ENTRIES);
    }
    if ((files->count & (files->count - 1)) == 0)
        files->members = md_xreallocarray(files->members, files->count ? 2 * files->count : 1,
                                          sizeof(*files->members));
    files->members[files->count++] = member;
    return 0;
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* Two files of one name: which is meant is for nobody to guess. */
static int sort(struct pull_files *files, struct md_err *err)
{
    char safe[200];

    if (files->count > 0)
        qsort(files->members, files->count, sizeof(*files->members), compare_members);
    for (size_t i = 1; i < files->count; i++) {
        if (compare_members(&files->members[i - 1], &files->members[i]) == 0)
            return md_err_set(err, MD_ERR_FORMAT, "the archive has \"%s\" twice",
                              shown(files->members[i].name, safe, sizeof(safe)));
    }
    return 0;
}

static int list(struct pull_files *files, struct md_err *err)
{
    struct pull_tar *tar = NULL;
    struct pull_entry entry;
    int more = -1;

    if (lseek(files->fd, 0, SEEK_SET) < 0)
        return md_err_sys(err, "cannot read the archive");
    tar = pull_tar_open_file(files->fd, err);
    if (!tar)
        return -1;
    while ((more = pull_tar_next(tar, &entry, err)) > 0) {
        if (add(files, tar, &entry, err) < 0) {
            more = -1;
            break;
        }
    }
    pull_tar_close(&tar);
    return more < 0 ? -1 : sort(files, err);
}

struct pull_files *pull_files_open_tar(int fd, struct md_err *err)
{
    struct pull_files *files = md_xcalloc(1, sizeof(*files));

    files->fd = fd;
    if (list(files, err) < 0)
        pull_files_close(&files);
    return files;
}

struct pull_files *pull_files_open_dir(int fd)
{
    struct pull_files *files = md_xcalloc(1, sizeof(*files));

    files->fd = fd;
    files->is_dir = true;
    return files;
}

void pull_files_close(struct pull_files **files)
{
    if (!*files)
        return;
    for (size_t i = 0; i < (*files)->count; i++) {
        free((*files)->members[i].name);
        free((*files)->members[i].target);
    }
    free((*files)->members);
    md_fd_close(&(*files)->fd);
    md_ptr_free(files);
}

/* ---- Finding ---- */

static int missing(const char *name, struct md_err *err)
{
    char safe[200];

    return md_err_set(err, MD_ERR_NOT_FOUND, "\"%s\" is missing",
                      shown(name, safe, sizeof(safe)));
}

static int no_file(const char *name, struct md_err *err)
{
    char safe[200];

    return md_err_set(err, MD_ERR_FORMAT, "\"%s\" is no regular file",
                      shown(name, safe, sizeof(safe)));
}

static int find_in_dir(const struct pull_files *files, const char *name,
                       struct pull_extent *extent, struct md_err *err)
{
    MD_AUTO_FD fd = md_path_try_in(files->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    char safe[200];

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return missing(name, err);
    if (fd < 0 || fstat(fd, &st) < 0)
        return md_err_sys(err, "cannot open \"%s\"", shown(name, safe, sizeof(safe)));
    if (!S_ISREG(st.st_mode))
        return no_file(name, err);
    *extent = (struct pull_extent){ .fd = md_fd_take(&fd), .size = st.st_size };
    return 0;
}

static const struct member *member_of(const struct pull_files *files, const char *name)
{
    struct member wanted = { .name = (char *)name };

    return files->count == 0 ? NULL
                             : bsearch(&wanted, files->members, files->count,
                                       sizeof(*files->members), compare_members);
}

static int find_in_tar(const struct pull_files *files, const char *name,
                       struct pull_extent *extent, struct md_err *err)
{
    const struct member *member = member_of(files, name);

    for (int links = 0; member && member->target; links++) {
        if (links == MAX_LINKS)
            return no_file(name, err);
        member = member_of(files, member->target);
    }
    if (!member)
        return missing(name, err);
    *extent = (struct pull_extent){
        .fd = fcntl(files->fd, F_DUPFD_CLOEXEC, 3),
        .offset = member->offset,
        .size = member->size,
    };
    return extent->fd < 0 ? md_err_sys(err, "cannot read the archive") : 0;
}

int pull_files_find(const struct pull_files *files, const char *name,
                    struct pull_extent *extent, struct md_err *err)
{
    char clean[MD_MAX_PATH + 1];

    *extent = (struct pull_extent){ .fd = -1 };
    if (md_path_clean(name, clean) < 0 || clean[0] == '\0')
        return missing(name, err);
    return files->is_dir ? find_in_dir(files, clean, extent, err)
                         : find_in_tar(files, clean, extent, err);
}

bool pull_files_have(const struct pull_files *files, const char *name)
{
    struct pull_extent extent;
    struct md_err ignored = { 0 };
    bool found = pull_files_find(files, name, &extent, &ignored) == 0;

    md_fd_close(&extent.fd);
    return found;
}

static int read_extent(const struct pull_extent *extent, char *bytes)
{
    int64_t done = 0;

    while (done < extent->size) {
        ssize_t len = pread(extent->fd, bytes + done, (size_t)(extent->size - done),
                            extent->offset + done);

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return -1;
        done += len;
    }
    return 0;
}

char *pull_files_read(const struct pull_files *files, const char *name, size_t max, size_t *len,
                      struct md_err *err)
{
    struct pull_extent extent;
    char *bytes = NULL;
    char safe[200];

    if (pull_files_find(files, name, &extent, err) < 0)
        return NULL;
    shown(name, safe, sizeof(safe));
    if (extent.size > (int64_t)max) {
        md_err_set(err, MD_ERR_LIMIT, "\"%s\" has %lld bytes, at most %zu are taken", safe,
                   (long long)extent.size, max);
    } else {
        *len = (size_t)extent.size;
        bytes = md_xcalloc(1, *len + 1);
        errno = EIO; /* for an end that comes too early */
        if (read_extent(&extent, bytes) < 0) {
            md_err_sys(err, "cannot read \"%s\"", safe);
            md_ptr_free(&bytes);
        }
    }
    md_fd_close(&extent.fd);
    return bytes;
}
