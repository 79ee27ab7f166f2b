/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as /proc shows them. */
#ifndef MD_CLI_PROC_H
#define MD_CLI_PROC_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/* One process. Zero-initialise; cli_proc_clear(). */
struct cli_process {
    pid_t pid, parent, group, session;
    uid_t uid;
    gid_t gid;
    char state;        /* 'R', 'S' ... */
    unsigned terminal; /* device number, 0: none */
    pid_t foreground;  /* group of the terminal */
    uint64_t cpu;      /* clock ticks, user and system */
    uint64_t start;    /* clock ticks after boot */
    uint64_t size;     /* bytes */
    int64_t resident;  /* pages */
    int64_t priority, nice, threads;
    uint64_t namespace_id; /* inode number of its PID namespace */
    char name[64];
    char *args; /* separated by blanks; [name] where there are none */
};

/* Parse the text of /proc/<pid>/stat. Returns 0, or -1. Source: proc_pid_stat(5). */
MD_MUST_CHECK
int cli_proc_parse(const char *stat, struct cli_process *process);

/*
 * The processes of the PID namespace that init is the first of, and all their children, by
 * number; the caller clears each and frees *list. A process may be gone by now.
 *
 * Errors: MD_ERR_NOT_FOUND  init is gone
 *         MD_ERR_SYSTEM     /proc cannot be read
 */
MD_MUST_CHECK
int cli_proc_list(pid_t init, struct cli_process **list, size_t *count, struct md_err *err);
void cli_proc_clear(struct cli_process *process);

#endif
