/* SPDX-License-Identifier: Apache-2.0 */
/* logs: what a container has written, on the stream it wrote it to. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/when.h"
#include "store/container.h"
#include "store/gone.h"
#include "store/log.h"

/* How long a follower waits before it looks whether the container's runner was killed. */
#define LOOK_MS 1000

/* What is printed, of which container. */
struct printing {
    const struct store *store;
    const struct store_container *container;
    int watch; /* inotify of its directory */
    bool timestamps, follow;
    bool last;                    /* of one that is gone */
    bool past;                    /* a record after until was seen */
    struct timespec since, until; /* tv_sec 0: no bound */
};

static bool earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int print_record(const struct store_log_record *record, void *context,
                        struct md_err *err)
{
    struct printing *printing = context;
    FILE *out = record->stream == STORE_STDERR ? stderr : stdout;
    char when[40];

    if (printing->since.tv_sec && earlier(&record->time, &printing->since))
        return 0;
    if (printing->until.tv_sec && earlier(&printing->until, &record->time)) {
        printing->past = true;
        return 0;
    }
    if (printing->timestamps)
        fprintf(out, "%s ", md_text_time(&record->time, when, sizeof(when)));
    if (fwrite(record->text, 1, record->len, out) != record->len)
        return md_err_sys(err, "cannot write to standard output");
    return 0;
}

/*
 * Will nothing more be written? One that has just died is not over yet: its runner, which
 * writes down the end last of all, may still be writing what was in its pipes.
 */
static bool is_over(const struct printing *printing)
{
    struct store_state state;
    struct md_err ignored = { 0 };
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (printing->past || (printing->until.tv_sec && earlier(&printing->until, &now)))
        return true;
    if (store_container_state(printing->store, printing->container, &state, &ignored) < 0)
        return true;
    if (state.status != STORE_EXITED)
        return state.status == STORE_CREATED;
    MD_AUTO_FD runner = store_process_open(&state.runner);

    return runner < 0 || !earlier(&state.finished, &state.started);
}

static int wait_for_more(void *context, struct md_err *err)
{
    const struct printing *printing = context;
    struct pollfd change = { .fd = printing->watch, .events = POLLIN };
    char events[4096];

    if (fflush(stdout) != 0)
        return md_err_sys(err, "cannot write to standard output");
    if (is_over(printing))
        return 0;
    if (poll(&change, 1, LOOK_MS) < 0 && errno != EINTR)
        return md_err_sys(err, "cannot wait for the container's log");
    /* Only that there was something matters. */
    if (change.revents && read(printing->watch, events, sizeof(events)) < 0 && errno != EAGAIN)
        return md_err_sys(err, "cannot wait for the container's log");
    return 1;
}

/* An inotify descriptor that tells of writes and renames in the container's directory. */
static int watch_directory(const struct store_container *container, struct md_err *err)
{
    MD_AUTO_FD watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char path[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", container->dir);
    if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY | IN_MOVED_TO | IN_MOVE_SELF) < 0)
        return md_err_sys(err, "cannot watch container %.12s", container->id);
    return md_fd_take(&watch);
}

static int follow(struct printing *printing, int64_t tail, struct md_err *err)
{
    const struct store_log_follower follower = { print_record, wait_for_more, printing };
    MD_AUTO_FD watch = watch_directory(printing->container, err);

    printing->watch = watch;
    return watch < 0 ? -1 : store_log_follow(printing->container->dir, tail, &follower, err);
}

/* docker's words where there is none by choice. */
static int check_driver(const struct store_container *container, struct md_err *err)
{
    const struct json_t *host = md_json_get(container->config, "HostConfig");
    const char *type = md_json_get_text(md_json_get(host, "LogConfig"), "Type");

    if (type && strcmp(type, "none") == 0)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "configured logging driver does not support reading");
    return 0;
}

/* One that has not written anything may have no log: docker prints nothing then. */
static int print_log(struct printing *printing, int64_t tail, struct md_err *err)
{
    struct md_err failed = { 0 };

    if (check_driver(printing->container, err) < 0)
        return -1;
    if (printing->follow)
        return follow(printing, tail, err);
    if (store_log_read(printing->container->dir, tail, print_record, printing, &failed) == 0 ||
        failed.kind == MD_ERR_NOT_FOUND)
        return 0;
    *err = failed;
    return -1;
}

static int parse_tail(const char *text, int64_t *tail, struct md_err *err)
{
    uint64_t number = 0;

    *tail = -1;
    if (!text || strcmp(text, "all") == 0 || strcmp(text, "-1") == 0)
        return 0;
    if (md_text_parse_u64(text, INT64_MAX, &number) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid number of lines \"%s\"", text);
    *tail = (int64_t)number;
    return 0;
}

static int parse_bounds(const char *since, const char *until, struct printing *printing,
                        struct md_err *err)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (since && cli_when(since, &now, &printing->since, err) < 0)
        return -1;
    return until ? cli_when(until, &now, &printing->until, err) : 0;
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

static int logs(const struct cli_global *global, const char *what, int64_t tail,
                struct printing *printing, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct store store;
    int status = store_open(global->root, STORE_READ, &store, err);

    if (status < 0)
        return -1;
    printing->store = &store;
    printing->container = &container;
    status = printing->last ? open_last(&store, what, &container, err)
                            : store_container_open(&store, what, &container, err);
    if (status == 0 && printing->last)
        say_end(&store, &container);
    if (status == 0)
        status = print_log(printing, tail, err);
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
        { 'f', "follow", CLI_FLAG, NULL, "Go on until the container ends", &printing.follow },
        { 0, "last", CLI_FLAG, NULL,
          "What one that was removed at its end (--rm) wrote last; the latest without a name",
          &printing.last },
        { 'n', "tail", CLI_TEXT, "N", "Only the last N lines, or \"all\"", &tail_text },
        { 't', "timestamps", CLI_FLAG, NULL, "Show when each line was written",
          &printing.timestamps },
        { 0, "since", CLI_TEXT, "TIME",
          "From then on: a date, RFC 3339, seconds, or \"10m\" for ago", &since },
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
    if (status == 0 && (parse_tail(tail_text, &tail, err) < 0 ||
                        parse_bounds(since, until, &printing, err) < 0))
        status = -1;
    if (status == 0)
        status = logs(global, operands.count ? operands.items[0] : NULL, tail, &printing, err);
    md_list_clear(&operands);
    return status;
}
