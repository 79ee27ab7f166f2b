/* SPDX-License-Identifier: Apache-2.0 */
/* logs: what a container has written, on the stream it wrote it to. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "store/container.h"
#include "store/gone.h"
#include "store/log.h"

/* Which records, and how. */
struct printing {
    bool timestamps;
    bool last;                    /* of one that is gone */
    struct timespec since, until; /* tv_sec 0: no bound */
};

static bool earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int print_record(const struct store_log_record *record, void *context,
                        struct md_err *err)
{
    const struct printing *printing = context;
    FILE *out = record->stream == STORE_STDERR ? stderr : stdout;
    char when[40];

    if (printing->since.tv_sec && earlier(&record->time, &printing->since))
        return 0;
    if (printing->until.tv_sec && earlier(&printing->until, &record->time))
        return 0;
    if (printing->timestamps)
        fprintf(out, "%s ", md_text_time(&record->time, when, sizeof(when)));
    if (fwrite(record->text, 1, record->len, out) != record->len)
        return md_err_sys(err, "cannot write to standard output");
    return 0;
}

/* "2026-01-02T03:04:05Z", seconds since the epoch, or how long ago: "10m", "1h30m". */
static int parse_when(const char *text, struct timespec *when, struct md_err *err)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
    int64_t ago = 0;
    uint64_t number = 0;

    if (!text || md_text_parse_time(text, when) == 0)
        return 0;
    if (md_text_parse_u64(text, INT64_MAX / 2, &number) == 0) {
        when->tv_sec = (time_t)number;
        return 0;
    }
    for (const char *at = text; *at;) {
        size_t digits = strspn(at, "0123456789");
        char part[16];
        bool known = false;

        if (digits == 0 || digits >= sizeof(part))
            return md_err_set(err, MD_ERR_USAGE, "invalid time \"%s\"", text);
        snprintf(part, sizeof(part), "%.*s", (int)digits, at);
        if (md_text_parse_u64(part, INT32_MAX, &number) < 0)
            return md_err_set(err, MD_ERR_USAGE, "invalid time \"%s\"", text);
        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
            if (at[digits] == units[i].unit) {
                ago += (int64_t)number * units[i].seconds;
                known = true;
            }
        }
        if (!known)
            return md_err_set(err, MD_ERR_USAGE, "invalid time \"%s\"", text);
        at += digits + 1;
    }
    when->tv_sec = time(NULL) - ago;
    return 0;
}

static int parse_tail(const char *text, int64_t *tail, struct md_err *err)
{
    uint64_t number = 0;

    *tail = -1;
    if (!text || strcmp(text, "all") == 0)
        return 0;
    if (md_text_parse_u64(text, INT64_MAX, &number) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid number of lines \"%s\"", text);
    *tail = (int64_t)number;
    return 0;
}

/* A tombstone by name or the beginning of its id, or the latest for NULL; and how it ended. */
static int open_last(const struct store *store, const char *what,
                     struct store_container *container, struct md_err *err)
{
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    size_t count = 0;

    if (store_gone_list(store, &ids, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct md_err damage = { 0 };

        if (store_gone_open(store, ids[i], container, &damage) == 0 &&
            (!what || strcmp(what, container->name) == 0 ||
             strncmp(what, container->id, strlen(what)) == 0))
            return 0;
        store_container_clear(container);
    }
    return md_err_set(err, MD_ERR_NOT_FOUND, "%s%s", what ? "No such container: " : "",
                      what ? what : "no container that was removed at its end is remembered");
}

static void say_end(const struct store *store, const struct store_container *container)
{
    struct md_err ignored = { 0 };
    struct store_state state;

    if (store_container_state(store, container, &state, &ignored) == 0)
        fprintf(stderr, "minidock: %s (%.12s) exited %d%s%s\n", container->name, container->id,
                state.exit_code, state.reason[0] ? ": " : "", state.reason);
}

/* docker's words where there is none by choice. */
static int check_driver(const struct store_container *container, struct md_err *err)
{
    const struct json_t *log =
        md_json_get(md_json_get(container->config, "HostConfig"), "LogConfig");
    const char *type = md_json_get_text(log, "Type");

    if (type && strcmp(type, "none") == 0)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "configured logging driver does not support reading");
    return 0;
}

static int print_log(const struct cli_global *global, const char *what, int64_t tail,
                     struct printing *printing, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store store;
    int status = store_open(global->root, STORE_READ, &store, err);

    if (status < 0)
        return -1;
    status = printing->last ? open_last(&store, what, &container, err)
                            : store_container_open(&store, what, &container, err);
    if (status == 0 && printing->last)
        say_end(&store, &container);
    if (status == 0)
        status = check_driver(&container, err);
    if (status == 0)
        status = store_log_read(container.dir, tail, print_record, printing, err);
    store_container_clear(&container);
    store_close(&store);
    return status;
}

int cli_logs(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct md_list operands = { 0 };
    struct printing printing = { 0 };
    const char *tail_text = NULL;
    const char *since = NULL;
    const char *until = NULL;
    int64_t tail = -1;
    const struct cli_option options[] = {
        { 'n', "tail", CLI_TEXT, "N", "Only the last N lines", &tail_text },
        { 0, "last", CLI_FLAG, NULL,
          "What one that was removed at its end (--rm) wrote last; the latest without a name",
          &printing.last },
        { 't', "timestamps", CLI_FLAG, NULL, "Show when each line was written",
          &printing.timestamps },
        { 0, "since", CLI_TEXT, "TIME", "From then on: RFC 3339, seconds, or \"10m\" for ago",
          &since },
        { 0, "until", CLI_TEXT, "TIME", "Up to then", &until },
        { 0 },
    };
    const struct cli_syntax syntax = { "logs [OPTIONS] CONTAINER",
                                       "Print what a container has written",
                                       NULL,
                                       0,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0 && operands.count == 0 && !printing.last)
        status = md_err_set(err, MD_ERR_USAGE,
                            "requires 1 argument, got 0. Run 'minidock logs --help' for more "
                            "information");
    if (status == 0 &&
        (parse_tail(tail_text, &tail, err) < 0 || parse_when(since, &printing.since, err) < 0 ||
         parse_when(until, &printing.until, err) < 0))
        status = -1;
    if (status == 0)
        status =
            print_log(global, operands.count ? operands.items[0] : NULL, tail, &printing, err);
    md_list_clear(&operands);
    return status;
}
