/* SPDX-License-Identifier: Apache-2.0 */
/* Processes known by pid and start time. */
#include "store/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/fd.h"

#define START_TIME 22 /* proc_pid_stat(5) counts fields from 1 */

/* The start time in the text of /proc/<pid>/stat. Returns 0, or -1. */
static int parse_start_time(const char *stat, uint64_t *start_time)
{
    /* The program's name, field 2, may hold anything, blanks and parentheses included. */
    const char *p = strrchr(stat, ')');
    char *end;

    for (int field = 2; p && field < START_TIME; field++) {
        p = strchr(p + 1, ' ');
    }
    if (!p || p[1] < '0' || p[1] > '9') {
        return -1;
    }
    *start_time = strtoull(p + 1, &end, 10);
    return *end == ' ' ? 0 : -1;
}

int store_process_stamp(pid_t pid, struct store_process *process)
{
    char path[32];
    char stat[1024];
    MD_AUTO_FD fd = -1;
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : md_fd_read_full(fd, stat, sizeof(stat) - 1);
    if (pid <= 0 || len < 0) {
        errno = ESRCH;
        return -1;
    }
    stat[len] = '\0';
    if (parse_start_time(stat, &process->start_time) < 0) {
        errno = ESRCH;
        return -1;
    }
    process->pid = pid;
    return 0;
}

int store_process_open(const struct store_process *process)
{
    struct store_process now;
    MD_AUTO_FD fd = -1;

    if (process->pid > 0) {
        /* Opened first: what is looked at next cannot be somebody else's by then. */
        fd = pidfd_open(process->pid, 0);
    }
    if (fd < 0 || store_process_stamp(process->pid, &now) < 0 ||
        now.start_time != process->start_time) {
        errno = ESRCH;
        return -1;
    }
    return md_fd_take(&fd);
}
