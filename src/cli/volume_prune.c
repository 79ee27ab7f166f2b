/* SPDX-License-Identifier: Apache-2.0 */
/* volume prune: removing the volumes that no container uses. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/volumes.h"
#include "store/container.h"

/* What goes, and what went. */
struct pruning {
    struct cli_filters filters;
    struct md_list used;
    struct md_list gone;
    bool all;
    uint64_t bytes;
};

static int prune_one(const struct store *store, struct pruning *pruning, const char *name,
                     struct md_err *err)
{
    struct store_volume volume = { .dir = -1, .data = -1 };
    struct md_err kept = { 0 };
    uint64_t bytes = 0;
    int wanted;

    if (store_volume_open(store, name, &volume, &kept) < 0)
        return 0;
    wanted = cli_volume_passes(&volume, &pruning->filters, &pruning->used, err);
    if (!pruning->all && !volume.anonymous)
        wanted = wanted > 0 ? 0 : wanted;
    for (size_t i = 0; wanted > 0 && i < pruning->used.count; i++) {
        if (strcmp(pruning->used.items[i], name) == 0)
            wanted = 0;
    }
    if (wanted > 0)
        bytes = store_volume_size(&volume);
    store_volume_clear(&volume);
    if (wanted <= 0)
        return wanted;
    if (store_volume_remove(store, name, &kept) == 0) {
        md_list_add(&pruning->gone, name);
        pruning->bytes += bytes;
    } else if (kept.kind != MD_ERR_NOT_FOUND && kept.kind != MD_ERR_CONFLICT) {
        *err = kept; /* else it is gone, or somebody has begun to use it */
        return -1;
    }
    return 0;
}

static int prune(const struct store *store, struct pruning *pruning, struct md_err *err)
{
    struct md_list names = { 0 };
    int status = store_volume_list(store, &names, err);

    if (status == 0)
        status = store_volume_used(store, &pruning->used, NULL, err);
    for (size_t i = 0; status == 0 && i < names.count; i++)
        status = prune_one(store, pruning, names.items[i], err);
    md_list_clear(&names);
    return status;
}

static void report(const struct pruning *pruning)
{
    char size[32];

    if (pruning->gone.count > 0) {
        puts("Deleted Volumes:");
        for (size_t i = 0; i < pruning->gone.count; i++)
            puts(pruning->gone.items[i]);
        putchar('\n');
    }
    printf("Total reclaimed space: %s\n", md_text_size(pruning->bytes, size, sizeof(size)));
}

/* docker's question; anything but a yes is a no. */
static bool is_confirmed(const struct pruning *pruning)
{
    char answer[16] = "";

    printf("WARNING! This will remove %slocal volumes not used by at least one container.\n"
           "Are you sure you want to continue? [y/N] ",
           pruning->all ? "all " : "anonymous ");
    fflush(stdout);
    if (!fgets(answer, sizeof(answer), stdin))
        answer[0] = '\0';
    return answer[0] == 'y' || answer[0] == 'Y';
}

static int open_and_prune(const struct cli_global *global, struct pruning *pruning,
                          struct md_err *err)
{
    struct store store;

    if (store_open(global->root, STORE_WRITE, &store, err) < 0)
        return -1;
    cli_mend(&store);
    store_sweep(&store);
    int status = prune(&store, pruning, err);

    store_close(&store);
    report(pruning); /* what went before a failure, too */
    return status;
}

int cli_volume_prune(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct pruning pruning = { 0 };
    struct md_list operands = { 0 };
    struct md_list typed = { 0 };
    bool force = false;
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Those with a name too", &pruning.all },
        { 0, "filter", CLI_LIST, "FILTER", "label=, label!= or name=", &typed },
        { 'f', "force", CLI_FLAG, NULL, "Do not ask", &force },
        { 0 },
    };
    const struct cli_syntax syntax = { "volume prune [OPTIONS]",
                                       "Remove anonymous volumes that no container uses",
                                       NULL,
                                       0,
                                       0,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = cli_filters_read(&typed, cli_volume_filters, &pruning.filters, err);
    if (status == 0 && (force || is_confirmed(&pruning)))
        status = open_and_prune(global, &pruning, err);
    md_list_clear(&operands);
    md_list_clear(&typed);
    cli_filters_clear(&pruning.filters);
    md_list_clear(&pruning.used);
    md_list_clear(&pruning.gone);
    return status;
}
