/* SPDX-License-Identifier: Apache-2.0 */
/* export: a container's root file system as a tar. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "files/files.h"
#include "files/pack.h"
#include "files/root.h"

static int write_tar(int root, int output, struct md_err *err)
{
    const struct files_tree tree = { root, "", -1 };
    struct files_tar *tar = files_tar_open(output);
    int status = files_pack(tar, &tree, err);

    if (status == 0)
        status = files_tar_finish(tar, err);
    files_tar_close(&tar);
    return status;
}

/* Beside the file that it becomes: there is never half a tar under its name. */
static int write_file(int root, const char *path, struct md_err *err)
{
    MD_AUTO_FREE char *temporary = md_xasprintf("%s.%d.part", path, (int)getpid());
    MD_AUTO_FD fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return md_err_sys(err, "cannot make \"%s\"", path);
    if (write_tar(root, fd, err) == 0) {
        if (rename(temporary, path) == 0)
            return 0;
        md_err_sys(err, "cannot make \"%s\"", path);
    }
    unlink(temporary);
    return -1;
}

/* A pipe or a device is written to as it is. */
static int write_output(int root, const char *path, struct md_err *err)
{
    struct stat st;

    if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
        return write_file(root, path, err);
    MD_AUTO_FD fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? md_err_sys(err, "cannot open \"%s\"", path) : write_tar(root, fd, err);
}

int files_export(const struct store *store, const char *what, const char *output,
                 struct md_err *err)
{
    struct files_root root;
    int status;

    if (!output && isatty(STDOUT_FILENO))
        return md_err_set(
            err, MD_ERR_CONFLICT,
            "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    if (files_root_open(store, what, FILES_BARE, &root, err) < 0)
        return -1;
    status =
        output ? write_output(root.fd, output, err) : write_tar(root.fd, STDOUT_FILENO, err);
    files_root_close(&root);
    return status;
}
