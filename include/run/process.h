/* SPDX-License-Identifier: Apache-2.0 */
/* Children of the runner that do not outlive the function that started them. */
#ifndef MD_RUN_PROCESS_H
#define MD_RUN_PROCESS_H

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/types.h>
#include <sys/wait.h>

/* Kill and reap *pid if there is one; errno survives. A child that was not reaped keeps its
 * pid, so this never hits a stranger. */
static inline void run_process_end(pid_t *pid)
{
    int saved = errno;

    if (*pid > 0) {
        kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *pid = -1;
    errno = saved;
}

#define RUN_PROCESS_GROUP (1u << 2) /* PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 */

/* Kill a process and the group that it leads, if it does: never that of others. Of the first
 * process of a container all others die with it. */
static inline void run_process_kill(int pidfd)
{
    (void)pidfd_send_signal(pidfd, SIGKILL, NULL, RUN_PROCESS_GROUP);
    (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

#define RUN_AUTO_CHILD __attribute__((cleanup(run_process_end))) pid_t

#endif
