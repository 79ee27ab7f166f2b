/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a layer: whatever they are, nothing outside the layer's directory changes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "pull/unpack.h"

/* A directory of this process, with a file in it that must stay as it is. */
static int open_work(void)
{
    char path[] = "/tmp/minidock-fuzz-XXXXXX";
    int dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    MD_AUTO_FD canary = openat(dir, "canary", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (canary < 0)
        abort();
    return dir;
}

static void check_canary(int dir)
{
    struct stat st;

    if (fstatat(dir, "canary", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != 0 ||
        st.st_nlink != 1 || (st.st_mode & 07777) != 0600)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int work = -1; /* kept between inputs: making it anew costs more than a layer */
    const struct pull_promise promise = { .size = (int64_t)size };
    struct pull_unpacked unpacked;
    struct md_err err = { 0 };
    MD_AUTO_FD memory = memfd_create("layer", MFD_CLOEXEC);
    struct pull_source source = { .fd = memory };
    MD_AUTO_FD layer = -1;

    if (work < 0)
        work = open_work();
    if (md_fd_write_all(memory, data, size) < 0 || lseek(memory, 0, SEEK_SET) < 0 ||
        mkdirat(work, "layer", 0700) < 0)
        abort();
    layer = openat(work, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layer < 0 || mkdirat(layer, "tree", 0755) < 0)
        abort();
    if (pull_unpack(&source, &promise, layer, &unpacked, &err) < 0 && err.kind == MD_ERR_NONE)
        abort();
    if (md_path_remove_tree(work, "layer") < 0)
        abort();
    check_canary(work);
    return 0;
}
