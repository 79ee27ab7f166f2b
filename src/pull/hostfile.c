/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of the host. */
#include "pull/hostfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"

#define MAX_NAMES 1024 /* in one directory */

char *pull_host_file(const char *path, size_t *len, struct md_err *err)
{
    struct stat status;
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *len = 0;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return NULL;
    }
    if (fd < 0 || fstat(fd, &status) < 0) {
        md_err_sys(err, "cannot read %s", path);
        return NULL;
    }
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) { /* /dev/null is a fine one */
        md_err_set(err, MD_ERR_FORMAT, "%s is no file", path);
        return NULL;
    }
    return md_fd_read_all(fd, MD_MAX_SETTINGS, len, path, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int pull_host_dir(const char *path, struct md_list *names, struct md_err *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int result = 0;

    if (!dir) {
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : md_err_sys(err, "cannot read %s", path);
    }
    while (result == 0 && (entry = readdir(dir))) {
        if (names->count == MAX_NAMES) {
            result = md_err_set(err, MD_ERR_LIMIT, "%s: more than %d names", path, MAX_NAMES);
        } else if (entry->d_name[0] != '.') {
            md_list_add(names, entry->d_name);
        }
    }
    closedir(dir);
    if (result == 0 && names->count > 0) {
        qsort(names->items, names->count, sizeof(*names->items), compare);
    }
    return result;
}
