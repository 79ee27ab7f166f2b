/* SPDX-License-Identifier: Apache-2.0 */
/* The store's root directory and its folders. */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum spread { TOGETHER, SPREAD };

static char *default_path(struct md_err *err)
{
    const char *root = getenv("MINIDOCK_ROOT");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (root && *root) {
        return md_xstrdup(root);
    }
    if (geteuid() == 0) {
        return md_xstrdup("/var/lib/minidock");
    }
    /* A relative one is to be ignored: XDG Base Directory Specification. */
    if (data && data[0] == '/') {
        return md_xasprintf("%s/minidock", data);
    }
    if (home && home[0] == '/') {
        return md_xasprintf("%s/.local/share/minidock", home);
    }
    md_err_set(err, MD_ERR_USAGE, "HOME is not set: say with --root where the store is");
    return NULL;
}

static char *absolute_path(const char *path, struct md_err *err)
{
    MD_AUTO_FREE char *here = NULL;

    if (!*path) {
        md_err_set(err, MD_ERR_USAGE, "the store's path is empty");
        return NULL;
    }
    if (path[0] == '/') {
        return md_xstrdup(path);
    }
    here = getcwd(NULL, 0);
    if (!here) {
        md_err_sys(err, "the store \"%s\": the current directory", path);
        return NULL;
    }
    return md_xasprintf("%s/%s", here, path);
}

static char *find_path(const char *path, struct md_err *err)
{
    MD_AUTO_FREE char *given = path ? md_xstrdup(path) : default_path(err);

    return given ? absolute_path(given, err) : NULL;
}

/* Nobody else may plant anything here, or own what we are going to run. */
static int check_root(const struct store *store, struct md_err *err)
{
    struct stat st;

    if (fstat(store->root, &st) < 0) {
        return md_err_sys(err, "the store \"%s\"", store->path);
    }
    errno = EPERM;
    if (st.st_uid != geteuid()) {
        return md_err_sys(err, "the store \"%s\" belongs to user %u, not to %u", store->path,
                          (unsigned)st.st_uid, (unsigned)geteuid());
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        return md_err_sys(err, "the store \"%s\" is writable for others (mode %04o)",
                          store->path, (unsigned)st.st_mode & 07777);
    }
    return 0;
}

static int open_root(struct store *store, enum store_use use, struct md_err *err)
{
    store->root = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->root < 0 && errno == ENOENT && use == STORE_READ) {
        return 0;
    }
    if (store->root < 0 && errno == ENOENT) {
        if (md_path_make_dirs(store->path, 0700, err) < 0) {
            return md_err_in(err, "the store");
        }
        store->root = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (store->root < 0 && errno == EACCES && geteuid() != 0) {
        return md_err_set(err, MD_ERR_SYSTEM,
                          "the store \"%s\" needs root: try \"sudo minidock ...\"",
                          store->path);
    }
    if (store->root < 0) {
        return md_err_sys(err, "cannot open the store \"%s\"", store->path);
    }
    return check_root(store, err);
}

/* ext4 spreads the children of such a directory over its block groups; others ignore it. */
static void spread_children(int dir)
{
    int flags = 0;

    if (ioctl(dir, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_TOPDIR_FL;
        (void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
    }
}

static int make_folder(int root, const char *name, enum spread spread)
{
    int dir;

    if (mkdirat(root, name, 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir >= 0 && spread == SPREAD) {
        spread_children(dir);
    }
    return dir;
}

static int open_folders(struct store *store, enum store_use use, struct md_err *err)
{
    const struct {
        const char *name;
        int *dir;
        enum spread spread;
    } folders[] = {
        { ".names", &store->names, TOGETHER },
        { ".images", &store->images, TOGETHER },
        { ".layers", &store->layers, SPREAD },
        { ".partial", &store->partial, SPREAD }, /* where layers are unpacked */
        { ".containers", &store->containers, TOGETHER },
        { ".volumes", &store->volumes, TOGETHER },
        { ".trash", &store->trash, TOGETHER },
    };

    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        int dir = openat(store->root, folders[i].name,
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir < 0 && errno == ENOENT && use == STORE_READ) {
            continue;
        }
        if (dir < 0 && errno == ENOENT) {
            dir = make_folder(store->root, folders[i].name, folders[i].spread);
        }
        if (dir < 0) {
            return md_err_sys(err, "the store's folder \"%s/%s\"", store->path,
                              folders[i].name);
        }
        *folders[i].dir = dir;
    }
    return 0;
}

static int read_boot_id(char *boot_id, size_t size, struct md_err *err)
{
    MD_AUTO_FD fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : md_fd_read_full(fd, boot_id, size - 1);

    if (len < 0) {
        return md_err_sys(err, "cannot read \"%s\"", BOOT_ID);
    }
    boot_id[len] = '\0';
    if (strspn(boot_id, "0123456789abcdef-") != size - 1) {
        return md_err_set(err, MD_ERR_FORMAT, "\"%s\" is no boot id", BOOT_ID);
    }
    return 0;
}

int store_open(const char *path, enum store_use use, struct store *store, struct md_err *err)
{
    *store = (struct store){ .root = -1,
                             .names = -1,
                             .images = -1,
                             .layers = -1,
                             .partial = -1,
                             .containers = -1,
                             .volumes = -1,
                             .trash = -1 };
    store->path = find_path(path, err);
    if (!store->path) {
        return -1;
    }
    if (read_boot_id(store->boot_id, sizeof(store->boot_id), err) < 0 ||
        open_root(store, use, err) < 0 ||
        (store->root >= 0 && open_folders(store, use, err) < 0)) {
        store_close(store);
        return -1;
    }
    return 0;
}

void store_close(struct store *store)
{
    if (!store->path) {
        return;
    }
    md_fd_close(&store->root);
    md_fd_close(&store->names);
    md_fd_close(&store->images);
    md_fd_close(&store->layers);
    md_fd_close(&store->partial);
    md_fd_close(&store->containers);
    md_fd_close(&store->volumes);
    md_fd_close(&store->trash);
    md_ptr_free(&store->path);
}

/* What d_type would say, for file systems that do not fill it. */
static unsigned char type_of(int folder, const char *name)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return DT_UNKNOWN;
    }
    return IFTODT(st.st_mode);
}

static int visit_all(DIR *dir, store_visit_fn *visit, void *context, struct md_err *err)
{
    struct dirent *entry;

    while (errno = 0, (entry = readdir(dir))) {
        unsigned char type = entry->d_type;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (type == DT_UNKNOWN) {
            type = type_of(dirfd(dir), entry->d_name);
        }
        if (type != DT_UNKNOWN && visit(entry->d_name, type, context, err) < 0) {
            return -1;
        }
    }
    return errno ? md_err_sys(err, "cannot list a folder of the store") : 0;
}

int store_visit(int folder, store_visit_fn *visit, void *context, struct md_err *err)
{
    DIR *dir = NULL;
    int result;
    int fd;

    if (folder < 0) {
        return 0;
    }
    /* Of its own: copies of a descriptor share their place in the listing. */
    fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        md_err_sys(err, "cannot list a folder of the store");
        md_fd_close(&fd);
        return -1;
    }
    result = visit_all(dir, visit, context, err);
    closedir(dir);
    return result;
}
