/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a container's cgroup: what is in it is killed, and it is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/cgroup.h"

#define FOLDER "/minidock"
#define MAX_LIST (4u << 20) /* of processes, bytes */
#define EMPTY_MS 2000       /* until all that was killed is dead */
#define LOOK_MS 1
#define MAX_DEPTH 64

/* <...>/minidock/<id>: what is killed and removed is never anything else. */
static bool is_ours(const char *path)
{
    const char *name = strrchr(path, '/');
    static const char folder[] = FOLDER;
    size_t len = sizeof(folder) - 1;

    return path[0] == '/' && md_is_id(name + 1) && (size_t)(name - path) >= len &&
           strncmp(name - len, folder, len) == 0;
}

/* Without cgroup.kill (before Linux 5.14, and v1). Returns whether there was any. */
static bool kill_listed(int dir)
{
    MD_AUTO_FD fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    struct md_err ignored = { 0 };
    size_t len = 0;
    MD_AUTO_FREE char *text =
        fd < 0 ? NULL : md_fd_read_all(fd, MAX_LIST, &len, "cgroup.procs", &ignored);
    bool any = false;

    for (char *at = text; at && *at;) {
        char *end;
        long pid = strtol(at, &end, 10);

        if (pid > 0 && kill((pid_t)pid, SIGKILL) == 0)
            any = true;
        at = end + (*end == '\n');
        if (end == at)
            break;
    }
    return any;
}

/* Each cgroup below dir and dir itself: kill what is in it, or remove it. */
typedef void cgroup_act(int parent, const char *name, int dir);

static void kill_one(int parent, const char *name, int dir)
{
    (void)parent;
    (void)name;
    kill_listed(dir);
}

static void remove_one(int parent, const char *name, int dir)
{
    (void)dir;
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* The deepest first. Nesting is bounded: a container could make it deeper than our stack. */
static void for_each_below(int parent, const char *name, cgroup_act *act, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        md_fd_close(&fd);
        return;
    }
    while (depth > 0 && (entry = readdir(dir))) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            for_each_below(fd, entry->d_name, act, depth - 1);
    }
    act(parent, name, fd);
    closedir(dir);
}

static void kill_all(const char *path)
{
    MD_AUTO_FREE char *name = md_xasprintf("%s/cgroup.kill", path);
    MD_AUTO_FD file = open(name, O_WRONLY | O_CLOEXEC);

    if (file >= 0 && md_fd_write_all(file, "1", 1) == 0)
        return;
    for_each_below(AT_FDCWD, path, kill_one, MAX_DEPTH);
}

static void remove_folder(const char *path)
{
    char folder[RUN_CGROUP_PATH_SIZE];

    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    (void)rmdir(folder); /* when it was the last */
}

void run_cgroup_end(const char *path)
{
    struct md_err ignored = { 0 };

    if (!is_ours(path))
        return;
    for (int waited = 0; waited < EMPTY_MS; waited += LOOK_MS) {
        if (rmdir(path) == 0 || errno == ENOENT)
            break;
        if (run_cgroup_thaw(path, &ignored) < 0) /* v1: or the kill would wait */
            md_log("%s", ignored.text);
        kill_all(path);
        for_each_below(AT_FDCWD, path, remove_one, MAX_DEPTH);
        poll(NULL, 0, waited > 0 ? LOOK_MS : 0);
    }
    remove_folder(path);
}

void run_cgroup_end_of(const char *id)
{
    char path[RUN_CGROUP_PATH_SIZE];

    if (run_cgroup_locate(id, path))
        run_cgroup_end(path);
}
