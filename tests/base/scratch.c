/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for one test, removed afterwards. */
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/path.h"

static int make_in(const char *folder, void **state)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    assert_non_null(scratch);
    snprintf(scratch->path, sizeof(scratch->path), "%s/md-test-XXXXXX", folder);
    assert_non_null(mkdtemp(scratch->path));
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scratch->fd >= 0);
    *state = scratch;
    return 0;
}

int scratch_make(void **state)
{
    return make_in("/tmp", state);
}

int scratch_make_in_memory(void **state)
{
    return make_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", state);
}

int scratch_remove(void **state)
{
    struct scratch *scratch = *state;

    close(scratch->fd);
    assert_int_equal(md_path_remove_tree(AT_FDCWD, scratch->path), 0);
    free(scratch);
    return 0;
}

void scratch_file(const struct scratch *scratch, const char *name, const char *text)
{
    int fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}
