/* SPDX-License-Identifier: Apache-2.0 */
/* diff: what a container has changed in its root file system. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "store/diff.h"
#include "store/overlay.h"

static void print(const struct store_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct store_change *change = &changes->items[i];
        MD_AUTO_FREE char *path = md_text_escaped(change->path, strlen(change->path));

        printf("%c %s\n", (char)change->kind, path);
    }
}

static int diff(const struct store *store, const char *what, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store_overlay overlay;
    struct store_changes changes = { 0 };

    if (store_container_open(store, what, &container, err) < 0)
        return -1;
    int status = store_overlay_open(store, &container, &overlay, err);

    if (status == 0) {
        status = store_diff(overlay.upper, overlay.lower, &changes, err);
        store_overlay_close(&overlay);
    }
    if (status == 0)
        print(&changes);
    store_changes_clear(&changes);
    store_container_clear(&container);
    return status;
}

int cli_diff(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    struct store store;
    const struct cli_option options[] = { { 0 } };
    const struct cli_syntax syntax = { "diff CONTAINER",
                                       "Show what a container has changed in its files",
                                       "A: added, C: changed, D: deleted.",
                                       1,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        status = diff(&store, operands.items[0], err);
        store_close(&store);
    }
    md_list_clear(&operands);
    return status;
}
