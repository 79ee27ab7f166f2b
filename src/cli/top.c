/* SPDX-License-Identifier: Apache-2.0 */
/* top: the processes of a container, seen from the host. */
#include "cli/top.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/table.h"
#include "store/container.h"

#define LEAST_WIDTH 20 /* docker's */

static int64_t ticks_of(clockid_t clock, long ticks)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * ticks + time.tv_nsec / (1000000000 / ticks);
}

static struct cli_top_clock read_clock(void)
{
    long ticks = sysconf(_SC_CLK_TCK);

    return (struct cli_top_clock){
        .ticks = ticks,
        .now = ticks_of(CLOCK_REALTIME, ticks),
        .uptime = ticks_of(CLOCK_BOOTTIME, ticks),
        .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
        .pages = (uint64_t)sysconf(_SC_PHYS_PAGES),
    };
}

static void add_line(struct md_list *lines, const struct cli_process *process,
                     const struct cli_top_column *columns, int count)
{
    const struct cli_top_clock clock = read_clock();
    struct md_buf line = { 0 };

    for (int i = 0; i < count; i++) {
        MD_AUTO_FREE char *cell =
            process ? columns[i].cell(process, &clock) : md_xstrdup(columns[i].heading);

        md_buf_printf(&line, "%s%s", i ? "\t" : "", cell);
    }
    md_list_take(lines, line.data);
}

static int print_processes(pid_t init, char *const *options, size_t option_count,
                           struct md_err *err)
{
    struct cli_top_column columns[CLI_TOP_COLUMNS];
    struct cli_process *list = NULL;
    struct md_list lines = { 0 };
    size_t count = 0;
    int width = cli_top_columns(options, option_count, columns, err);

    if (width < 0 || cli_proc_list(init, &list, &count, err) < 0)
        return -1;
    add_line(&lines, NULL, columns, width);
    for (size_t i = 0; i < count; i++) {
        add_line(&lines, &list[i], columns, width);
        cli_proc_clear(&list[i]);
    }
    free(list);
    cli_table_align(&lines, LEAST_WIDTH);
    md_list_clear(&lines);
    return 0;
}

static int top(const struct cli_global *global, const struct md_list *operands,
               struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store_state state = { 0 };
    struct store store;

    if (store_open(global->root, STORE_READ, &store, err) < 0)
        return -1;
    int status = store_container_open(&store, operands->items[0], &container, err);

    if (status == 0)
        status = store_container_state(&store, &container, &state, err);
    /* A paused one is not told apart here: its processes are there. */
    if (status == 0 && state.status != STORE_RUNNING)
        status = md_err_set(err, MD_ERR_CONFLICT, "container %s is not running", container.id);
    if (status == 0)
        status = print_processes(state.init.pid, operands->items + 1, operands->count - 1, err);
    store_container_clear(&container);
    store_close(&store);
    return status;
}

int cli_top(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    const struct cli_syntax syntax = {
        "top CONTAINER [ps OPTIONS]",
        "Show the processes of a container",
        "ps options: -ef (the default), aux, and -o with a list of\n"
        "%cpu %mem args c cmd comm etime euid euser gid ni nlwp pgid pid ppid rss s sid start\n"
        "stat stime time tt tty ucmd uid user vsz",
        1,
        -1,
        true,
        NULL
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = top(global, &operands, err);
    md_list_clear(&operands);
    return status;
}
