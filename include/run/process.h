/* SPDX-License-Identifier: Apache-2.0 */
/* Children of the runner that do not outlive the function that started them. */
#ifndef MD_RUN_PROCESS_H
#define MD_RUN_PROCESS_H

#include <errno.h>
#include <signal.h>
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

#define RUN_AUTO_CHILD __attribute__((cleanup(run_process_end))) pid_t

#endif
