/* SPDX-License-Identifier: Apache-2.0 */
/* rm. */
#include <stdio.h>

#include "base/log.h"
#include "cli/life.h"
#include "cli/options.h"
#include "cli/report.h"
#include "store/image.h"
#include "store/volume.h"

/* What rm was asked for. */
struct removing {
    bool force;
    bool volumes;
};

/* An image that lost its name while this container used it has no reason to stay. */
static void collect_image(const struct store *store, const struct store_container *container)
{
    struct md_err later = { 0 };

    if (container->image_id[0] && store_image_collect(store, container->image_id, &later) < 0)
        md_log("cannot remove image %s: %s", container->image_id, later.text);
}

/* docker's words for one that runs. One that is just ending is waited for. */
static int remove_ended(const struct store *store, struct store_container *container,
                        struct md_err *err)
{
    struct store_state state = { 0 };
    struct md_err damaged = { 0 };

    if (cli_container_state(store, container, &state, &damaged) == 0 &&
        state.status != STORE_CREATED && state.status != STORE_EXITED)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "cannot remove container \"/%s\": container is %s: %s",
                          container->name, store_status_word(state.status),
                          state.status == STORE_PAUSED
                              ? "unpause and then stop the container before removing or force "
                                "remove"
                              : "stop the container before removing or force remove");
    return cli_remove_container(store, container, err);
}

static int remove_one(const struct store *store, const char *what,
                      const struct removing *removing, struct md_err *err)
{
    struct store_container container = { .dir = -1 };

    if (store_container_open(store, what, &container, err) < 0 && err->kind != MD_ERR_FORMAT)
        return -1;
    *err = (struct md_err){ 0 };
    int status = removing->force ? cli_remove_container(store, &container, err)
                                 : remove_ended(store, &container, err);

    if (status == 0 && removing->volumes)
        store_volume_release(store, container.config);
    if (status == 0)
        collect_image(store, &container);
    store_container_clear(&container);
    return status;
}

int cli_rm(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list names = { 0 };
    struct store store;
    struct removing removing = { 0 };
    const struct cli_option options[] = {
        { 'f', "force", CLI_FLAG, NULL, "End a running container first", &removing.force },
        { 'v', "volumes", CLI_FLAG, NULL, "Remove its anonymous volumes too",
          &removing.volumes },
        { 0 },
    };
    const struct cli_syntax syntax = { "rm [OPTIONS] CONTAINER [CONTAINER...]",
                                       "Remove containers",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0)
        status = store_open(global->root, STORE_WRITE, &store, err);
    if (status == 0) {
        cli_mend(&store);
        store_sweep(&store);
        for (size_t i = 0; i < names.count; i++) {
            struct md_err one = { 0 };

            if (remove_one(&store, names.items[i], &removing, &one) == 0)
                puts(names.items[i]);
            else if (!removing.force ||
                     one.kind != MD_ERR_NOT_FOUND) /* docker: rm -f of nothing is 0 */
                status = cli_report(&one, CLI_FAILED);
        }
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}
