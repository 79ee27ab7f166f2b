/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container, decided: everything that can be decided before clone, as plain data. The command
 * line merged with the image's config makes it (and later an OCI bundle's config.json); nothing
 * below knows which it was.
 */
#ifndef MD_RUN_PLAN_H
#define MD_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/list.h"

/* The network that the container sees. */
enum run_network { RUN_NETWORK_NONE, RUN_NETWORK_HOST };

/* One -v or --mount of a host path, or one --tmpfs. Strings are owned by the plan. */
enum run_mount_kind { RUN_MOUNT_BIND, RUN_MOUNT_TMPFS };
struct run_mount {
    enum run_mount_kind kind;
    char *source;      /* BIND: as the user gave it, for messages */
    char *target;      /* absolute path in the container */
    int source_fd;     /* BIND: open_tree(2) clone made by the parent; -1 otherwise */
    bool is_directory; /* BIND: what source is, so the target is made alike */
    unsigned long long attributes; /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC */
    char *tmpfs_size;              /* "64m", or NULL for the kernel's default */
    mode_t tmpfs_mode;             /* 01777 by default */
    /* For whoever describes the mount; starting it needs none of these. */
    char *volume;   /* BIND: the name of the volume that source is, or NULL */
    bool anonymous; /* BIND: that volume goes with the container */
    char *mode;     /* options as the user typed them, or NULL */
};

/* Who the program runs as: numbers; names were looked up before. */
struct run_user {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* supplementary; owned */
    size_t group_count;
};

/* Ids of a user namespace: none (count 0, the host's ids), or maps of one or many ranges. The
 * maps are written by the parent between clone and GO. */
struct run_id_map {
    struct {
        uint32_t inside, outside, count;
    } uids[16], gids[16];
    size_t uid_count, gid_count;
};

struct run_plan {
    /* Root: an overlay over lower, mounted on mount_point; descriptors are borrowed. */
    int lower;               /* image rootfs or --rootfs DIR, opened by the parent */
    int upper, work;         /* O_PATH; -1: a tmpfs made by the child holds them */
    bool upper_is_temporary; /* nobody reads upper afterwards: it need not reach the disk */
    int mount_point; /* the directory that the overlay is mounted on: the lower itself */
    bool read_only;  /* --read-only */

    struct run_mount *mounts; /* in the order given */
    size_t mount_count;

    unsigned long long namespaces; /* CLONE_NEW* for clone3 */
    enum run_network network;
    struct run_id_map ids;

    char *hostname;
    char *hosts;       /* content of /etc/hosts */
    char *resolv_conf; /* content of /etc/resolv.conf */

    struct md_list args; /* argv; args.items[0] is looked up in PATH of env */
    struct md_list env;
    char *working_dir; /* absolute; made when missing */
    struct run_user user;
    uint64_t capabilities; /* bit set: bounding, and permitted+effective for uid 0 */

    bool terminal; /* a pty of the container's own devpts is the program's 0, 1, 2 */
    unsigned short rows, columns; /* of the pty from the start */
    bool open_stdin;              /* without terminal: a pipe for stdin, else /dev/null */
    mode_t umask;                 /* 0022 */

    const void *seccomp;   /* ready-made filter: struct sock_fprog *; NULL: none */
    bool init;             /* the first process is ours, and the program its child */
    bool dies_with_runner; /* PR_SET_PDEATHSIG: there is no watching process */
    unsigned preserve_fds; /* so many from 3 on are the program's too */
    unsigned timeout_s;    /* killed after that; 0: never */
    unsigned withheld;     /* RUN_STREAM() bits of stdout and stderr that only the log gets */
    int cgroup; /* v2 directory to be born in (CLONE_INTO_CGROUP); -1: the caller's */
};

/* podman's default eleven, as a bit set: CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE
 * SETFCAP SETGID SETPCAP SETUID SYS_CHROOT. */
#define RUN_DEFAULT_CAPABILITIES 0x00000000800405fbULL

/* Free what the plan owns; borrowed descriptors stay open, source_fds are closed. */
void run_plan_clear(struct run_plan *plan);

#endif
