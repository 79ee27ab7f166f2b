/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses. Its cgroup tells what its controllers count; the rest is the sum over
 * its processes: of memory what they share is divided among those that share it, and of
 * processor time and bytes what those that have ended used is counted as far as a parent in the
 * container has waited for them.
 */
#ifndef MD_RUN_USAGE_H
#define MD_RUN_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct run_usage {
    uint64_t cpu_us;                 /* processor time since its start */
    uint64_t memory, memory_limit;   /* bytes; the limit is the machine's where it has none */
    uint64_t net_received, net_sent; /* bytes, but for the loopback interface */
    uint64_t block_read, block_written; /* bytes */
    uint64_t pids;                      /* processes and threads */
};

/*
 * Read it. pid is the container's process 1, cgroup its directory, or "". What cannot be read
 * (any more) is 0.
 */
void run_usage_read(pid_t pid, const char *cgroup, struct run_usage *usage);

/* Parts of it, from the texts of files; absent is 0. Pure. */

/* "key value" at the beginning of a line. */
uint64_t run_usage_key(const char *text, const char *key);

/* Sum of "name=number" words over all lines: io.stat. */
uint64_t run_usage_words(const char *text, const char *name);

/* /proc/<pid>/stat: processor time in clock ticks, and threads. */
void run_usage_stat(const char *stat, uint64_t *ticks, uint64_t *threads);

/* /proc/<pid>/net/dev. */
void run_usage_net(const char *text, uint64_t *received, uint64_t *sent);

#endif
