/* SPDX-License-Identifier: Apache-2.0 */
/* port: which ports of a container are published. Without networks there are none. */
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "store/container.h"

static int port(const struct cli_global *global, const struct md_list *operands,
                struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store store;

    if (store_open(global->root, STORE_READ, &store, err) < 0)
        return -1;
    int status = store_container_open(&store, operands->items[0], &container, err);

    if (status == 0 && operands->count > 1)
        status = md_err_set(err, MD_ERR_NOT_FOUND, "no public port '%s%s' published for %s",
                            operands->items[1], strchr(operands->items[1], '/') ? "" : "/tcp",
                            operands->items[0]);
    store_container_clear(&container);
    store_close(&store);
    return status;
}

int cli_port(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    const struct cli_syntax syntax = { "port CONTAINER [PRIVATE_PORT[/PROTO]]",
                                       "Show which ports are published (none yet)",
                                       NULL,
                                       1,
                                       2,
                                       false,
                                       NULL };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = port(global, &operands, err);
    md_list_clear(&operands);
    return status;
}
