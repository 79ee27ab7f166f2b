/* SPDX-License-Identifier: Apache-2.0 */
/* Frees a plan. */
#include "run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "run/user.h"

static void clear_mount(struct run_mount *mount)
{
    free(mount->source);
    free(mount->target);
    free(mount->tmpfs_size);
    free(mount->volume);
    free(mount->mode);
    if (mount->kind == RUN_MOUNT_BIND)
        md_fd_close(&mount->source_fd);
}

void run_plan_clear(struct run_plan *plan)
{
    for (size_t i = 0; i < plan->mount_count; i++)
        clear_mount(&plan->mounts[i]);
    free(plan->mounts);
    free(plan->hostname);
    free(plan->hosts);
    free(plan->resolv_conf);
    free(plan->working_dir);
    md_list_clear(&plan->args);
    md_list_clear(&plan->env);
    run_user_clear(&plan->user);
    memset(plan, 0, sizeof(*plan));
    plan->lower = plan->upper = plan->work = plan->mount_point = plan->cgroup = -1;
}
