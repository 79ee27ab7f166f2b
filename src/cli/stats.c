/* SPDX-License-Identifier: Apache-2.0 */
/* stats: what containers use, once or again and again. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "run/server.h"
#include "run/usage.h"

#define INTERVAL_MS 1000

/* What a container had used at a time. */
struct sample {
    char id[STORE_ID_SIZE];
    char name[STORE_CONTAINER_NAME_SIZE];
    char asked[STORE_CONTAINER_NAME_SIZE]; /* as it was named on the command line, or its id */
    bool runs;
    int64_t when_ms;
    struct run_usage usage;
};

struct samples {
    struct sample *items;
    size_t count;
};

struct stats {
    struct md_list names;
    const char *format;
    bool all, once, full;
};

static const struct cli_column columns[] = {
    { "CONTAINER ID", "ID" },
    { "NAME", "Name" },
    { "CPU %", "CPUPerc" },
    { "MEM USAGE / LIMIT", "MemUsage" },
    { "MEM %", "MemPerc" },
    { "NET I/O", "NetIO" },
    { "BLOCK I/O", "BlockIO" },
    { "PIDS", "PIDs" },
    { 0 },
};

/* --- measuring */

static int measure(const struct store *store, const char *what, struct sample *sample,
                   struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store_state state;
    int status = store_container_open(store, what, &container, err);

    if (status == 0)
        status = cli_container_state(store, &container, &state, err);
    if (status == 0) {
        *sample = (struct sample){ .when_ms = md_now_ms() };
        snprintf(sample->asked, sizeof(sample->asked), "%s", what);
        snprintf(sample->id, sizeof(sample->id), "%s", container.id);
        snprintf(sample->name, sizeof(sample->name), "%s", container.name);
        sample->runs = state.status == STORE_RUNNING || state.status == STORE_PAUSED;
        if (sample->runs)
            run_usage_read(state.init.pid, state.cgroup, &sample->usage);
    }
    store_container_clear(&container);
    return status;
}

static struct sample *add(struct samples *samples)
{
    samples->items =
        md_xreallocarray(samples->items, samples->count + 1, sizeof(*samples->items));
    return &samples->items[samples->count];
}

static int measure_named(const struct store *store, const struct stats *stats,
                         struct samples *samples, struct md_err *err)
{
    for (size_t i = 0; i < stats->names.count; i++) {
        if (measure(store, stats->names.items[i], add(samples), err) < 0)
            return -1;
        samples->count++;
    }
    return 0;
}

/* One that goes meanwhile, or is damaged, is left out. */
static int measure_listed(const struct store *store, const struct stats *stats,
                          struct samples *samples, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;

    if (store_container_list(store, &ids, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct md_err ignored = { 0 };

        if (measure(store, ids[i], add(samples), &ignored) == 0 &&
            (stats->all || samples->items[samples->count].runs))
            samples->count++;
    }
    return 0;
}

static int measure_all(const struct store *store, const struct stats *stats,
                       struct samples *samples, struct md_err *err)
{
    free(samples->items);
    *samples = (struct samples){ 0 };
    return stats->names.count > 0 ? measure_named(store, stats, samples, err)
                                  : measure_listed(store, stats, samples, err);
}

/* --- showing */

/* "1.5MiB", docker's way with sizes of memory: powers of 1024, four digits. */
static char *binary_size(uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1024;
        unit++;
    }
    return md_xasprintf("%.4g%s", value, units[unit]);
}

static void set_pair(struct json_t *row, const char *field, uint64_t first, uint64_t second)
{
    char one[32];
    char other[32];
    MD_AUTO_FREE char *text = md_xasprintf("%s / %s", md_text_size(first, one, sizeof(one)),
                                           md_text_size(second, other, sizeof(other)));

    md_json_set(row, field, md_json_string(text));
}

static void set_percent(struct json_t *row, const char *field, double percent)
{
    MD_AUTO_FREE char *text = md_xasprintf("%.2f%%", percent);

    md_json_set(row, field, md_json_string(text));
}

/* Of one processor: two that are busy make 200 %. */
static double cpu_percent(const struct sample *before, const struct sample *now)
{
    if (!before || now->when_ms <= before->when_ms || now->usage.cpu_us < before->usage.cpu_us)
        return 0;
    return (double)(now->usage.cpu_us - before->usage.cpu_us) /
           (double)(now->when_ms - before->when_ms) / 10;
}

static void set_memory(struct json_t *row, const struct sample *sample)
{
    const struct run_usage *usage = &sample->usage;
    MD_AUTO_FREE char *used = binary_size(usage->memory);
    MD_AUTO_FREE char *limit = binary_size(usage->memory_limit);
    MD_AUTO_FREE char *text = md_xasprintf("%s / %s", used, limit);

    md_json_set(row, "MemUsage", md_json_string(text));
    set_percent(row, "MemPerc",
                usage->memory_limit ? (double)usage->memory * 100 / (double)usage->memory_limit
                                    : 0);
}

static struct json_t *make_row(const struct stats *stats, const struct sample *before,
                               const struct sample *now)
{
    const struct run_usage *usage = &now->usage;
    struct json_t *row = md_json_object();
    char id[STORE_ID_SIZE];
    char pids[24];

    snprintf(id, sizeof(id), "%.*s", stats->full ? 64 : 12, now->id);
    snprintf(pids, sizeof(pids), "%llu", (unsigned long long)usage->pids);
    set_pair(row, "BlockIO", usage->block_read, usage->block_written);
    set_percent(row, "CPUPerc", cpu_percent(before, now));
    md_json_set(row, "Container", md_json_string(now->asked));
    md_json_set(row, "ID", md_json_string(id));
    set_memory(row, now);
    md_json_set(row, "Name", md_json_string(now->name));
    set_pair(row, "NetIO", usage->net_received, usage->net_sent);
    md_json_set(row, "PIDs", md_json_string(pids));
    return row;
}

static const struct sample *find(const struct samples *samples, const char *id)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (strcmp(samples->items[i].id, id) == 0)
            return &samples->items[i];
    }
    return NULL;
}

static int show(const struct stats *stats, const struct samples *before,
                const struct samples *now, struct md_err *err)
{
    MD_AUTO_JSON rows = md_json_array();

    for (size_t i = 0; i < now->count; i++)
        md_json_append(rows, make_row(stats, find(before, now->items[i].id), &now->items[i]));
    if (!stats->once && isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout); /* to the top, and clear what is below */
    if (cli_table_print(rows, columns, stats->format, err) < 0)
        return -1;
    return fflush(stdout) == 0 ? 0 : md_err_sys(err, "cannot write to standard output");
}

/* Processor time is that between two looks. */
static int watch(const struct store *store, const struct stats *stats, struct md_err *err)
{
    struct samples before = { 0 };
    struct samples now = { 0 };
    int status = measure_all(store, stats, &before, err);

    while (status == 0) {
        poll(NULL, 0, INTERVAL_MS);
        status = measure_all(store, stats, &now, err);
        if (status == 0)
            status = show(stats, &before, &now, err);
        if (stats->once)
            break;
        free(before.items);
        before = now;
        now = (struct samples){ 0 };
    }
    free(before.items);
    free(now.items);
    return status;
}

int cli_stats(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct stats stats = { 0 };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Show those that do not run too", &stats.all },
        { 0, "format", CLI_TEXT, "FORMAT", "table, json or '{{.Field}}'", &stats.format },
        { 0, "no-stream", CLI_FLAG, NULL, "Only once", &stats.once },
        { 0, "no-trunc", CLI_FLAG, NULL, "Show whole ids", &stats.full },
        { 0 },
    };
    const struct cli_syntax syntax = { "stats [OPTIONS] [CONTAINER...]",
                                       "Show what containers use, every second",
                                       NULL,
                                       0,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &stats.names, err);

    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        cli_mend(&store);
        status = watch(&store, &stats, err);
        store_close(&store);
    }
    md_list_clear(&stats.names);
    return status;
}
