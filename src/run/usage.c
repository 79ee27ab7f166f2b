/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses. */
#include "run/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "base/mem.h"

#define MAX_TEXT (1u << 20)
#define MICROSECONDS 1000000u
#define NAME_SIZE 64

/* --- texts */

uint64_t run_usage_key(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && (line[len] == ' ' || line[len] == '\t'))
            return strtoull(line + len, NULL, 10);
    }
    return 0;
}

uint64_t run_usage_words(const char *text, const char *name)
{
    size_t len = strlen(name);
    uint64_t sum = 0;

    for (const char *at = strstr(text, name); at; at = strstr(at + len, name)) {
        if (at[len] == '=' && at > text && at[-1] == ' ')
            sum += strtoull(at + len + 1, NULL, 10);
    }
    return sum;
}

/* Fields 14 to 17 are times of its own and of the children it has waited for, 20 its threads:
 * proc_pid_stat(5). The name, field 2, may hold anything. */
void run_usage_stat(const char *stat, uint64_t *ticks, uint64_t *threads)
{
    const char *at = strrchr(stat, ')');

    *ticks = *threads = 0;
    for (int field = 3; at && field <= 20; field++) {
        at = strchr(at + 1, ' ');
        if (at && field >= 14 && field <= 17)
            *ticks += strtoull(at + 1, NULL, 10);
        if (at && field == 20)
            *threads = strtoull(at + 1, NULL, 10);
    }
}

/* "  eth0: 1 2 3 4 5 6 7 8 9 ...": of the numbers, the first is received bytes, the ninth
 * sent. */
void run_usage_net(const char *text, uint64_t *received, uint64_t *sent)
{
    *received = *sent = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        unsigned long long in;
        unsigned long long out;
        char name[NAME_SIZE];

        line += *line == '\n';
        if (sscanf(line, " %63[^: ]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &in, &out) !=
                3 ||
            strcmp(name, "lo") == 0)
            continue;
        *received += in;
        *sent += out;
    }
}

/* --- files */

/* The text of a file, or NULL. */
static char *read_text(int dir, const char *name)
{
    MD_AUTO_FD fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct md_err ignored = { 0 };
    size_t len = 0;

    return fd < 0 ? NULL : md_fd_read_all(fd, MAX_TEXT, &len, name, &ignored);
}

static char *read_proc(pid_t pid, const char *name)
{
    char path[NAME_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return read_text(AT_FDCWD, path);
}

/* --- its processes */

static void add_process(pid_t pid, struct run_usage *usage)
{
    MD_AUTO_FREE char *stat = read_proc(pid, "stat");
    MD_AUTO_FREE char *memory = read_proc(pid, "smaps_rollup");
    MD_AUTO_FREE char *io = read_proc(pid, "io");
    uint64_t ticks = 0;
    uint64_t threads = 0;

    if (!stat)
        return;
    run_usage_stat(stat, &ticks, &threads);
    usage->cpu_us += ticks * (MICROSECONDS / (uint64_t)sysconf(_SC_CLK_TCK));
    usage->pids += threads;
    usage->memory += memory ? run_usage_key(memory, "Pss:") * 1024 : 0;
    usage->block_read += io ? run_usage_key(io, "read_bytes:") : 0;
    usage->block_written += io ? run_usage_key(io, "write_bytes:") : 0;
}

/* Those of a list of pids, one in a line. Returns whether there are any. */
static bool add_listed(const char *list, struct run_usage *usage)
{
    bool any = false;
    char *end;

    for (const char *at = list; *at; at = end + (*end == '\n')) {
        long pid = strtol(at, &end, 10);

        if (end == at)
            break;
        if (pid > 0) {
            add_process((pid_t)pid, usage);
            any = true;
        }
    }
    return any;
}

/* Where no cgroup lists them: all that are in the PID namespace of process 1. */
static void add_namespace(pid_t init, struct run_usage *usage)
{
    char path[NAME_SIZE];
    struct stat wanted;
    struct dirent *entry;
    DIR *proc;

    snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)init);
    if (stat(path, &wanted) < 0)
        return;
    proc = opendir("/proc");
    while (proc && (entry = readdir(proc))) {
        long pid = strtol(entry->d_name, NULL, 10);
        struct stat found;

        snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
        if (pid > 0 && stat(path, &found) == 0 && found.st_ino == wanted.st_ino &&
            found.st_dev == wanted.st_dev)
            add_process((pid_t)pid, usage);
    }
    if (proc)
        closedir(proc);
}

static void sum_processes(pid_t init, int dir, struct run_usage *usage)
{
    MD_AUTO_FREE char *list = dir < 0 ? NULL : read_text(dir, "cgroup.procs");

    if (!list || !add_listed(list, usage))
        add_namespace(init, usage);
}

/* --- its cgroup: what is there counts, and replaces the sums */

static void read_cpu(int dir, struct run_usage *usage)
{
    MD_AUTO_FREE char *text = read_text(dir, "cpu.stat");

    if (text && strstr(text, "usage_usec "))
        usage->cpu_us = run_usage_key(text, "usage_usec");
}

/* As docker counts: without the part of the page cache that would be dropped first. */
static void read_memory(int dir, struct run_usage *usage)
{
    MD_AUTO_FREE char *current = read_text(dir, "memory.current");
    MD_AUTO_FREE char *stat = read_text(dir, "memory.stat");
    MD_AUTO_FREE char *most = read_text(dir, "memory.max");
    uint64_t limit = most ? strtoull(most, NULL, 10) : 0; /* "max" is 0 */
    uint64_t cache = stat ? run_usage_key(stat, "inactive_file") : 0;

    if (limit > 0 && limit < usage->memory_limit)
        usage->memory_limit = limit;
    if (!current)
        return;
    usage->memory = strtoull(current, NULL, 10);
    if (cache < usage->memory)
        usage->memory -= cache;
}

static void read_io(int dir, struct run_usage *usage)
{
    MD_AUTO_FREE char *text = read_text(dir, "io.stat");

    if (!text)
        return;
    usage->block_read = run_usage_words(text, "rbytes");
    usage->block_written = run_usage_words(text, "wbytes");
}

static void read_pids(int dir, struct run_usage *usage)
{
    MD_AUTO_FREE char *text = read_text(dir, "pids.current");

    if (text)
        usage->pids = strtoull(text, NULL, 10);
}

void run_usage_read(pid_t pid, const char *cgroup, struct run_usage *usage)
{
    MD_AUTO_FD dir = cgroup[0] ? open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    MD_AUTO_FREE char *machine = read_text(AT_FDCWD, "/proc/meminfo");
    MD_AUTO_FREE char *net = read_proc(pid, "net/dev");

    *usage = (struct run_usage){ 0 };
    usage->memory_limit = machine ? run_usage_key(machine, "MemTotal:") * 1024 : 0;
    if (net)
        run_usage_net(net, &usage->net_received, &usage->net_sent);
    sum_processes(pid, dir, usage);
    if (dir < 0)
        return;
    read_cpu(dir, usage);
    read_memory(dir, usage);
    read_io(dir, usage);
    read_pids(dir, usage);
}
