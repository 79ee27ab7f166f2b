/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: what no program of the container can ever get back. */
#include <errno.h>
#include <sys/prctl.h>

#include "run/child.h"

int run_caps_bound(uint64_t wanted, uint64_t *held, struct md_err *err)
{
    *held = 0;
    for (unsigned cap = 0; cap < 64; cap++) {
        int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

        if (has < 0)
            break; /* EINVAL: past this kernel's last, whatever our headers know */
        if (wanted & (1ull << cap)) {
            *held |= (uint64_t)has << cap;
            continue;
        }
        if (has > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return md_err_sys(err, "cannot drop capability %u", cap);
    }
    return 0;
}
