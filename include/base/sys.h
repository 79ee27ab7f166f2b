/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that glibc 2.36 lacks, each as libc would offer it: a value, or -1 and errno;
 * no policy, no message, no fallback. The manual page and the first Linux are named.
 */
#ifndef MD_BASE_SYS_H
#define MD_BASE_SYS_H

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/types.h>

/* openat2(2), Linux 5.6 */
int sys_openat2(int dirfd, const char *path, const struct open_how *how);

/*
 * clone3(2), Linux 5.3. Like fork(): the child continues with a copy of the caller's memory, so
 * args->stack must be 0 and CLONE_VM unset.
 */
pid_t sys_clone3(const struct clone_args *args);

/* pivot_root(2), Linux 2.3.41 */
int sys_pivot_root(const char *new_root, const char *put_old);

/* capset(2) of the calling thread, 64-bit sets (_LINUX_CAPABILITY_VERSION_3, Linux 2.6.26). */
int sys_capset(unsigned long long effective, unsigned long long permitted,
               unsigned long long inheritable);

/* setgroups, setresgid, setresuid of the calling thread only, without glibc's thread
 * broadcast: safe in a child that must not take locks. */
int sys_setgroups(size_t count, const gid_t *groups);
int sys_setresgid(gid_t gid);
int sys_setresuid(uid_t uid);

/* keyctl(2), KEYCTL_JOIN_SESSION_KEYRING: a new session keyring without a name. */
int sys_join_session_keyring(void);

#endif
