/* SPDX-License-Identifier: Apache-2.0 */
/* Who the container is: host name, loopback, keyring, filter of system calls, user. */
#include <errno.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/child.h"

int run_step_become_root(struct run_child *child, struct md_err *err)
{
    if (child->plan->ids.uid_count + child->plan->ids.gid_count == 0)
        return 0;
    if (sys_setresgid(0) < 0 || sys_setresuid(0) < 0)
        return md_err_sys(err, "cannot take id 0");
    return 0;
}

int run_step_name_host(struct run_child *child, struct md_err *err)
{
    static const char none[] = "(none)"; /* the kernel's own default */

    if (!(child->plan->namespaces & CLONE_NEWUTS) || !child->plan->hostname)
        return 0;
    if (sethostname(child->plan->hostname, strlen(child->plan->hostname)) < 0)
        return md_err_sys(err, "\"%.100s\"", child->plan->hostname);
    if (setdomainname(none, sizeof(none) - 1) < 0)
        return md_err_sys(err, "setdomainname");
    return 0;
}

int run_step_raise_loopback(struct run_child *child, struct md_err *err)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    MD_AUTO_FD fd = -1;

    if (!(child->plan->namespaces & CLONE_NEWNET))
        return 0;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return md_err_sys(err, "cannot make a socket");
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return md_err_sys(err, "cannot set the interface's flags");
    return 0;
}

int run_step_leave_keyring(struct run_child *child, struct md_err *err)
{
    (void)child;
    (void)err;
    /* Best effort: kernels without keyrings have nothing to leak, and a user's quota of keys
     * (200) must not be the limit of containers. */
    (void)sys_join_session_keyring();
    return 0;
}

int run_step_load_seccomp(struct run_child *child, struct md_err *err)
{
    if (!child->plan->seccomp)
        return 0;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, child->plan->seccomp, 0, 0) < 0)
        return md_err_sys(err, "prctl");
    return 0;
}

/* A securebits(7) flag of the caller's would change what user 0 means. */
static int clear_securebits(struct md_err *err)
{
    if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != 0 && prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0)
        return md_err_sys(err, "cannot clear the secure bits");
    return 0;
}

int run_step_become_user(struct run_child *child, struct md_err *err)
{
    const struct run_user *user = &child->plan->user;
    uint64_t held = 0;

    if (clear_securebits(err) < 0)
        return -1;
    /* Also when there are none: the caller's groups are not the program's (CVE-2022-2989). */
    if (sys_setgroups(user->group_count, user->groups) < 0)
        return md_err_sys(err, "cannot set the groups");
    if (sys_setresgid(user->gid) < 0)
        return md_err_sys(err, "cannot take the group id %u", user->gid);
    if (run_caps_bound(child->plan->capabilities, &held, err) < 0)
        return -1;
    if (sys_setresuid(user->uid) < 0)
        return md_err_sys(err, "cannot take the user id %u", user->uid);
    if (user->uid != 0)
        held = 0;
    if (sys_capset(held, held, 0) < 0)
        return md_err_sys(err, "cannot set the capabilities");
    return 0;
}
