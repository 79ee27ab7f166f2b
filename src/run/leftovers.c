/* SPDX-License-Identifier: Apache-2.0 */
/* What the dead runner of a container has left outside of the store. */
#include "run/leftovers.h"

#include "run/cgroup.h"
#include "run/link.h"

void run_leftovers_clear(const char *id, const char *cgroup)
{
    if (*cgroup)
        run_cgroup_end(cgroup);
    else
        run_cgroup_end_of(id);
    run_link_remove(id);
}
