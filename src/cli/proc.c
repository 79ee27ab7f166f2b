/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as /proc shows them. */
#include "cli/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"

#define MAX_ARGS 65536 /* bytes of a command line that are shown */

int cli_proc_parse(const char *stat, struct cli_process *process)
{
    const char *open = strchr(stat, '(');
    const char *close = strrchr(stat, ')');
    uint64_t user = 0;
    uint64_t system = 0;

    /* The name may hold anything, blanks and parentheses included. */
    if (!open || !close || close < open || close[1] != ' ')
        return -1;
    snprintf(process->name, sizeof(process->name), "%.*s", (int)(close - open) - 1, open + 1);
    if (sscanf(close + 2,
               "%c %d %d %d %u %d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %" SCNd64
               " %" SCNd64 " %" SCNd64 " %*d %" SCNu64 " %" SCNu64 " %" SCNd64,
               &process->state, &process->parent, &process->group, &process->session,
               &process->terminal, &process->foreground, &user, &system, &process->priority,
               &process->nice, &process->threads, &process->start, &process->size,
               &process->resident) != 14)
        return -1;
    process->pid = (pid_t)strtol(stat, NULL, 10);
    process->cpu = user + system;
    return process->pid > 0 ? 0 : -1;
}

/* The command line with blanks between its words, safe to print; or the name in brackets. */
static char *read_args(int dir, const struct cli_process *process)
{
    MD_AUTO_FD fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
    MD_AUTO_FREE char *bytes = md_xmalloc(MAX_ARGS);
    ssize_t len = fd < 0 ? 0 : md_fd_read_full(fd, bytes, MAX_ARGS);

    while (len > 0 && bytes[len - 1] == '\0')
        len--;
    for (ssize_t i = 0; i < len; i++)
        bytes[i] = bytes[i] ? bytes[i] : ' ';
    if (len > 0)
        return md_text_escaped(bytes, (size_t)len);
    MD_AUTO_FREE char *name = md_text_escaped(process->name, strlen(process->name));

    return md_xasprintf("[%s]", name);
}

/* Fill *process from the directory of its pid. Returns 0, or -1 when it is gone. */
static int read_process(int proc, const char *pid, struct cli_process *process)
{
    MD_AUTO_FD dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MD_AUTO_FD fd = dir < 0 ? -1 : openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    char text[1024];
    struct stat st;
    ssize_t len = fd < 0 ? -1 : md_fd_read_full(fd, text, sizeof(text) - 1);

    if (len < 0)
        return -1;
    text[len] = '\0';
    if (cli_proc_parse(text, process) < 0 || fstat(dir, &st) < 0)
        return -1;
    process->uid = st.st_uid;
    process->gid = st.st_gid;
    if (fstatat(dir, "ns/pid", &st, 0) < 0)
        return -1;
    process->namespace_id = st.st_ino;
    process->args = read_args(dir, process);
    return 0;
}

void cli_proc_clear(struct cli_process *process)
{
    md_ptr_free(&process->args);
}

static int by_number(const void *a, const void *b)
{
    pid_t left = ((const struct cli_process *)a)->pid;
    pid_t right = ((const struct cli_process *)b)->pid;

    return (left > right) - (left < right);
}

/* All processes there are, by number. */
static int read_all(int proc, struct cli_process **list, size_t *count, struct md_err *err)
{
    DIR *dir = fdopendir(proc);
    size_t room = 0;

    if (!dir)
        return md_err_sys(err, "cannot read /proc");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            *list = md_xreallocarray(*list, room, sizeof(**list));
        }
        (*list)[*count] = (struct cli_process){ 0 };
        if (read_process(proc, entry->d_name, &(*list)[*count]) == 0)
            ++*count;
        else
            cli_proc_clear(&(*list)[*count]);
    }
    closedir(dir);
    if (*count > 0)
        qsort(*list, *count, sizeof(**list), by_number);
    return 0;
}

static const struct cli_process *find(const struct cli_process *list, size_t count, pid_t pid)
{
    const struct cli_process wanted = { .pid = pid };

    return count ? bsearch(&wanted, list, count, sizeof(*list), by_number) : NULL;
}

/* Of the namespace, or a descendant of one that is: it may have a namespace of its own. */
static bool belongs(const struct cli_process *list, size_t count,
                    const struct cli_process *process, uint64_t namespace_id)
{
    for (size_t steps = 0; process && steps <= count; steps++) {
        if (process->namespace_id == namespace_id)
            return true;
        process = find(list, count, process->parent);
    }
    return false;
}

int cli_proc_list(pid_t init, struct cli_process **list, size_t *count, struct md_err *err)
{
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct cli_process *all = NULL;
    size_t total = 0;

    *list = NULL;
    *count = 0;
    if (proc < 0)
        return md_err_sys(err, "cannot open /proc");
    if (read_all(proc, &all, &total, err) < 0) {
        md_fd_close(&proc);
        return -1;
    }
    const struct cli_process *first = find(all, total, init);

    *list = md_xcalloc(total + 1, sizeof(**list));
    for (size_t i = 0; i < total; i++) {
        if (first && belongs(all, total, &all[i], first->namespace_id)) {
            (*list)[*count] = all[i];
            (*list)[(*count)++].args = md_xstrdup(all[i].args);
        }
    }
    for (size_t i = 0; i < total; i++)
        cli_proc_clear(&all[i]);
    free(all);
    if (*count > 0)
        return 0;
    md_ptr_free(list);
    return md_err_set(err, MD_ERR_NOT_FOUND, "process %d is gone", (int)init);
}
