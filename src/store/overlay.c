/* SPDX-License-Identifier: Apache-2.0 */
/* A container's directories as overlay reads and writes them. */
#include "store/overlay.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/fd.h"

static int open_lower(const struct store *store, const struct store_container *container,
                      struct store_overlay *overlay, struct md_err *err)
{
    const char *path = md_json_get_text(container->config, "rootfs");

    if (container->image_id[0]) {
        if (store_image_open_id(store, container->image_id, &overlay->image, err) < 0) {
            return -1;
        }
        overlay->lower = openat(overlay->image.rootfs, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return overlay->lower < 0 ? md_err_sys(err, "image %.12s", container->image_id) : 0;
    }
    if (!path) {
        return md_err_set(err, MD_ERR_FORMAT, "container %.12s: its config.json is damaged",
                          container->id);
    }
    overlay->lower = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return overlay->lower < 0 ? md_err_sys(err, "cannot use root file system \"%s\"", path) : 0;
}

int store_overlay_open(const struct store *store, const struct store_container *container,
                       struct store_overlay *overlay, struct md_err *err)
{
    *overlay = (struct store_overlay){
        .image = { .dir = -1, .rootfs = -1 }, .lower = -1, .upper = -1, .work = -1
    };
    if (open_lower(store, container, overlay, err) < 0 ||
        store_container_upper(container, &overlay->upper, &overlay->work, err) < 0) {
        store_overlay_close(overlay);
        return -1;
    }
    return 0;
}

void store_overlay_close(struct store_overlay *overlay)
{
    md_fd_close(&overlay->lower);
    md_fd_close(&overlay->upper);
    md_fd_close(&overlay->work);
    store_image_clear(&overlay->image);
}

bool store_overlay_is_whiteout(int dir, const char *name, const struct stat *st)
{
    char path[sizeof("/proc/self/fd/-2147483648/") + NAME_MAX];

    if (S_ISCHR(st->st_mode)) {
        return st->st_rdev == makedev(0, 0);
    }
    if (!S_ISREG(st->st_mode) || st->st_size > 0) {
        return false;
    }
    /* The other form, since Linux 6.7. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    return lgetxattr(path, "trusted.overlay.whiteout", NULL, 0) >= 0;
}

bool store_overlay_is_opaque(int dir)
{
    char value;

    return fgetxattr(dir, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}
