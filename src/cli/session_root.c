/* SPDX-License-Identifier: Apache-2.0 */
/* A container's root file system: the image, pulled where it must be, or --rootfs DIR. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "cli/session.h"

/* Does the image that is here serve --platform? */
static bool platform_fits(const struct cli_session *session, struct md_err *err)
{
    struct md_platform wanted = { 0 };

    if (!session->options.platform)
        return true;
    if (md_platform_parse(session->options.platform, &wanted, err) < 0)
        return false;
    return md_platform_rank(&wanted, &session->image.config.platform) > 0;
}

static int pull(struct cli_session *session, const char *name, struct md_err *err)
{
    const struct cli_pull order = {
        .image = name,
        .platform = session->options.platform,
        .quiet = session->options.quiet,
    };
    int status = cli_pull(session->global, &order, err);

    if (status < 0)
        return -1;
    if (status != 0)
        return -1; /* without an error: pull has said why */
    return store_image_open(&session->store, name, &session->image, err);
}

/* The image by --pull's policy: always, missing (the default) or never. */
static int open_image(struct cli_session *session, struct md_err *err)
{
    const char *name = session->options.operands.items[0];
    const char *policy = session->options.pull ? session->options.pull : "missing";
    struct md_ref ref = { 0 };
    char shown[MD_REF_TEXT_SIZE];

    if (strcmp(policy, "always") == 0)
        return pull(session, name, err);
    if (strcmp(policy, "missing") != 0 && strcmp(policy, "never") != 0)
        return md_err_set(
            err, MD_ERR_USAGE,
            "invalid pull option: '%s': must be one of \"always\", \"missing\" or "
            "\"never\"",
            policy);
    if (store_image_open(&session->store, name, &session->image, err) == 0) {
        if (platform_fits(session, err))
            return 0;
        store_image_clear(&session->image);
        if (err->kind == MD_ERR_NONE)
            md_err_set(err, MD_ERR_NOT_FOUND, "image \"%s\" is not here for platform %s", name,
                       session->options.platform);
    }
    if (err->kind != MD_ERR_NOT_FOUND || strcmp(policy, "never") == 0)
        return -1;
    memset(err, 0, sizeof(*err));
    if (md_ref_parse(name, &ref, err) < 0)
        return -1;
    md_ref_familiar(&ref, shown);
    if (!session->options.quiet)
        fprintf(stderr, "Unable to find image '%s' locally\n", shown);
    return pull(session, name, err);
}

static void warn_of_platform(const struct cli_session *session)
{
    const struct md_platform *platform = &session->image.config.platform;
    struct md_platform host;
    char theirs[100];
    char ours[100];

    md_platform_host(&host);
    if (session->options.platform || md_platform_rank(&host, platform) > 0)
        return;
    fprintf(stderr,
            "WARNING: The requested image's platform (%s) does not match the detected host "
            "platform (%s) and no specific platform was requested\n",
            md_platform_text(platform, theirs, sizeof(theirs)),
            md_platform_text(&host, ours, sizeof(ours)));
}

/* Is the store inside dir? Then an overlay of dir would hold its own upper directory. */
static int refuse_store_inside(const struct store *store, int dir, const char *path,
                               struct md_err *err)
{
    struct stat forbidden;
    struct stat here;
    struct stat above;
    MD_AUTO_FD at = openat(store->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (at < 0 || fstat(dir, &forbidden) < 0 || fstat(at, &here) < 0)
        return md_err_sys(err, "cannot examine \"%s\"", path);
    for (;;) {
        if (here.st_dev == forbidden.st_dev && here.st_ino == forbidden.st_ino)
            return md_err_set(
                err, MD_ERR_USAGE,
                "--rootfs \"%s\" contains the store \"%s\": choose another --root", path,
                store->path);
        int parent = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (parent < 0 || fstat(parent, &above) < 0) {
            md_fd_close(&parent);
            return md_err_sys(err, "cannot examine \"%s\"", store->path);
        }
        md_fd_close(&at);
        at = parent;
        if (above.st_dev == here.st_dev && above.st_ino == here.st_ino)
            return 0;
        here = above;
    }
}

int cli_session_open_root(struct cli_session *session, struct md_err *err)
{
    const char *path = session->options.rootfs;

    if (!path) {
        if (open_image(session, err) < 0)
            return -1;
        session->rootfs = session->image.rootfs;
        warn_of_platform(session);
        return 0;
    }
    session->rootfs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (session->rootfs < 0)
        return md_err_sys(err, "cannot use root file system \"%s\"", path);
    session->rootfs_path = realpath(path, NULL);
    if (!session->rootfs_path)
        return md_err_sys(err, "cannot use root file system \"%s\"", path);
    session->options.rootfs = session->rootfs_path;
    return refuse_store_inside(&session->store, session->rootfs, path, err);
}
