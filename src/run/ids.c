/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the id maps of a user namespace. */
#include "run/ids.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define LINE_SIZE sizeof("4294967295 4294967295 4294967295\n")
#define MAX_RANGES 16

/* The kernel takes a map by one write, or not at all. */
static int write_proc(pid_t pid, const char *name, const char *text, struct md_err *err)
{
    char path[64];
    MD_AUTO_FD fd = -1;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return md_err_sys(err, "cannot write %s", path);
    return 0;
}

static void add_range(char *text, uint32_t inside, uint32_t outside, uint32_t count)
{
    size_t used = strlen(text);

    snprintf(text + used, LINE_SIZE, "%u %u %u\n", inside, outside, count);
}

int run_ids_write(pid_t pid, const struct run_id_map *ids, struct md_err *err)
{
    char uids[MAX_RANGES * LINE_SIZE] = "";
    char gids[MAX_RANGES * LINE_SIZE] = "";

    for (size_t i = 0; i < ids->uid_count; i++)
        add_range(uids, ids->uids[i].inside, ids->uids[i].outside, ids->uids[i].count);
    for (size_t i = 0; i < ids->gid_count; i++)
        add_range(gids, ids->gids[i].inside, ids->gids[i].outside, ids->gids[i].count);
    if (*uids && write_proc(pid, "uid_map", uids, err) < 0)
        return -1;
    /* Without privilege groups are mapped only by who gives up setgroups:
     * user_namespaces(7). */
    if (*gids && geteuid() != 0 && write_proc(pid, "setgroups", "deny", err) < 0)
        return -1;
    return *gids ? write_proc(pid, "gid_map", gids, err) : 0;
}
