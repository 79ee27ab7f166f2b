/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that act on containers share. */
#include "cli/life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/report.h"
#include "run/leftovers.h"
#include "run/server.h"
#include "run/signals.h"
#include "store/request.h"

#define STOP_S 10 /* docker's, until a container is killed */
#define RUNNER_MS                                                                              \
    2000 /* for a runner to see the end of its container, before it is ended too */
#define DEATH_MS 10000 /* for a killed process to die */
#define LOCK_MS 10000  /* for a container that is just ending */
#define LOOK_MS 5
#define MAX_LIVES 50 /* of a container that starts again and again while it is stopped */

int cli_for_each(const struct cli_global *global, const struct md_list *names,
                 cli_container_fn *act, void *context, struct md_err *err)
{
    struct store store;
    int status = store_open(global->root, STORE_WRITE, &store, err);

    if (status < 0)
        return -1;
    cli_mend(&store);
    for (size_t i = 0; i < names->count; i++) {
        struct store_container container = { .dir = -1 };
        struct md_err one = { 0 };
        int done = store_container_open(&store, names->items[i], &container, &one);

        if (done == 0)
            done = act(&store, &container, context, &one);
        if (done == 0)
            puts(names->items[i]);
        else
            status = cli_report(&one, CLI_FAILED);
        store_container_clear(&container);
    }
    store_close(&store);
    return status;
}

void cli_say_reason(int exit_code, const char *reason)
{
    if (reason[0] && exit_code != 0)
        fprintf(stderr, "minidock: exited %d: %s\n", exit_code, reason);
}

/* An enabled unit is a link in a target's directory: systemd.unit(5). */
static bool unit_is_enabled(void)
{
    DIR *dir = opendir("/etc/systemd/system");
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        char path[sizeof(entry->d_name) + sizeof("/minidock.service")];
        const char *tail = strrchr(entry->d_name, '.');

        if (!tail || strcmp(tail, ".wants") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/minidock.service", entry->d_name);
        found = faccessat(dirfd(dir), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

void cli_note_boot(const struct cli_policy *policy)
{
    if (policy->kind != CLI_POLICY_ALWAYS && policy->kind != CLI_POLICY_UNLESS_STOPPED)
        return;
    if (!unit_is_enabled())
        fprintf(stderr, "minidock: note: it is not started again after a reboot until "
                        "\"systemctl enable minidock\" is run\n");
}

/* --- signals */

int cli_stop_signal(const struct store_container *container)
{
    const struct json_t *config = md_json_get(container->config, "Config");
    const char *text = md_json_get_text(config, "StopSignal");
    struct md_err ignored = { 0 };
    int signal = SIGTERM;

    if (text && cli_signal_parse(text, &signal, &ignored) < 0)
        return SIGTERM;
    return signal;
}

static int stop_timeout(const struct store_container *container, const struct cli_stop *stop)
{
    const struct json_t *own =
        md_json_get(md_json_get(container->config, "Config"), "StopTimeout");

    if (stop->timeout_s != CLI_STOP_DEFAULT)
        return stop->timeout_s;
    return md_json_is_int(own) ? (int)md_json_int(own) : STOP_S;
}

static int ask(const struct store_container *container, int signal, const char *by,
               struct md_err *err)
{
    struct store_request request = { .signal = signal, .stop = true };

    snprintf(request.by, sizeof(request.by), "%s", by);
    return store_request_write(container->dir, &request, err);
}

/* Send it, or kill a process 1 that would not even notice. A frozen one is thawed: only then
 * does it see what was sent. */
static int send_signal(const struct store_state *state, int pidfd, int signal,
                       struct md_err *err)
{
    struct md_err ignored = { 0 };
    int sent = run_signal_ends(signal) && run_signal_is_default(state->init.pid, signal)
                   ? SIGKILL
                   : signal;

    if (pidfd_send_signal(pidfd, sent, NULL, 0) < 0 && errno != ESRCH)
        return md_err_sys(err, "cannot signal process %d", (int)state->init.pid);
    if (state->status == STORE_PAUSED && run_signal_ends(signal) &&
        run_cgroup_thaw(state->cgroup, &ignored) < 0)
        md_log("%s", ignored.text);
    return 0;
}

static int not_running(const struct store_container *container, struct md_err *err)
{
    return md_err_set(err, MD_ERR_CONFLICT, "container %s is not running", container->id);
}

int cli_signal_container(const struct store *store, struct store_container *container,
                         int signal, const char *by, struct md_err *err)
{
    bool by_hand = signal == SIGKILL || signal == cli_stop_signal(container);
    struct store_request request = { .signal = signal, .stop = by_hand };
    struct store_state state;

    if (cli_container_state(store, container, &state, err) < 0)
        return -1;
    MD_AUTO_FD pidfd = store_process_open(&state.init);

    if ((state.status != STORE_RUNNING && state.status != STORE_PAUSED) || pidfd < 0)
        return not_running(container, err);
    snprintf(request.by, sizeof(request.by), "%s", by);
    if (run_signal_ends(signal) && store_request_write(container->dir, &request, err) < 0)
        return -1;
    return send_signal(&state, pidfd, signal, err);
}

/* --- ending */

/* Kill the process that looks after a container: it does not see that that has ended. */
static void end_runner(const struct store *store, const struct store_state *state)
{
    MD_AUTO_FD runner = store_process_open(&state->runner);
    struct pollfd death = { .fd = runner, .events = POLLIN };

    if (runner < 0)
        return;
    (void)pidfd_send_signal(runner, SIGKILL, NULL, 0);
    poll(&death, 1, DEATH_MS);
    cli_mend(store);
}

/* Stopped by a signal, as by ctrl-z: it will not see anything. */
static bool is_stopped(const struct store_process *process)
{
    char path[32];
    char text[512] = "";
    const char *name_end;
    MD_AUTO_FD fd = -1;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || md_fd_read_full(fd, text, sizeof(text) - 1) < 0)
        return false;
    name_end = strrchr(text, ')');
    return name_end && strncmp(name_end, ") T", 3) == 0;
}

/*
 * Wait for the end of a container's process 1, and a moment for its runner to see it: that may
 * still pass on what was written last, to somebody who reads slowly. Returns 1, or 0 when it
 * still lives after timeout_ms. With --rm the container may be gone then.
 */
static int await_end(const struct store *store, struct store_container *container,
                     const struct store_state *state, int timeout_ms, struct md_err *err)
{
    MD_AUTO_FD init = store_process_open(&state->init);
    struct pollfd death = { .fd = init, .events = POLLIN };
    struct store_state after;
    int ended;

    if (init >= 0 && poll(&death, 1, timeout_ms) == 0)
        return 0;
    ended = store_container_await(store, container, &state->init, RUNNER_MS, &after, err);
    if (ended == 0 && is_stopped(&state->runner))
        end_runner(store, state);
    if (ended < 0 && err->kind == MD_ERR_NOT_FOUND) {
        *err = (struct md_err){ 0 };
        return 1;
    }
    return ended < 0 ? -1 : 1;
}

static int kill_hard(const struct store *store, struct store_container *container,
                     struct store_state *state, const char *by, struct md_err *err)
{
    MD_AUTO_FD pidfd = store_process_open(&state->init);
    int ended;

    if (ask(container, SIGKILL, by, err) < 0)
        return -1;
    if (pidfd >= 0 && send_signal(state, pidfd, SIGKILL, err) < 0)
        return -1;
    ended = await_end(store, container, state, DEATH_MS, err);
    if (ended == 0)
        return md_err_set(err, MD_ERR_SYSTEM,
                          "container \"%s\" does not die: process %d hangs in the kernel",
                          container->name, (int)state->init.pid);
    return ended < 0 ? -1 : 0;
}

/* A supervisor that waits before the next start: it is told not to. */
static int stop_restarting(const struct store_state *state, struct md_err *err)
{
    MD_AUTO_FD runner = store_process_open(&state->runner);
    struct pollfd death = { .fd = runner, .events = POLLIN };

    if (runner < 0)
        return 0;
    if (pidfd_send_signal(runner, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
        return md_err_sys(err, "cannot signal the container's supervisor");
    if (poll(&death, 1, RUNNER_MS) == 0)
        (void)pidfd_send_signal(runner, SIGKILL, NULL, 0);
    return 0;
}

static int stop_running(const struct store *store, struct store_container *container,
                        struct store_state *state, const struct cli_stop *stop,
                        struct md_err *err)
{
    int signal = stop->signal ? stop->signal : cli_stop_signal(container);
    int timeout_s = stop_timeout(container, stop);
    MD_AUTO_FD pidfd = store_process_open(&state->init);
    int ended = 0;

    if (pidfd >= 0 && signal != SIGKILL) {
        if (ask(container, signal, stop->by, err) < 0 ||
            send_signal(state, pidfd, signal, err) < 0)
            return -1;
        ended = await_end(store, container, state, timeout_s < 0 ? -1 : timeout_s * 1000, err);
    }
    if (ended != 0)
        return ended < 0 ? -1 : 0;
    return kill_hard(store, container, state, stop->by, err);
}

static bool is_removed(const struct store *store, const struct store_container *container)
{
    return faccessat(store->containers, container->id, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

int cli_stop_container(const struct store *store, struct store_container *container,
                       const struct cli_stop *stop, struct md_err *err)
{
    for (int life = 0; life < MAX_LIVES; life++) {
        struct store_state state;

        if (is_removed(store, container))
            return 0;
        if (cli_container_state(store, container, &state, err) < 0)
            return -1;
        if (state.status == STORE_CREATED || state.status == STORE_EXITED)
            return 0;
        if (ask(container, stop->signal, stop->by, err) < 0)
            return -1;
        if ((state.status == STORE_RESTARTING
                 ? stop_restarting(&state, err)
                 : stop_running(store, container, &state, stop, err)) < 0)
            return -1;
    }
    return md_err_set(err, MD_ERR_CONFLICT, "container \"%s\" starts again and again",
                      container->name);
}

/* --- locks */

static int lock_patiently(const struct store *store, struct store_container *container,
                          struct md_err *err)
{
    for (int64_t until = md_now_ms() + LOCK_MS;; poll(NULL, 0, LOOK_MS)) {
        int lock = store_try_lock(store->containers, container->id, err);

        if (lock >= 0 || err->kind != MD_ERR_CONFLICT || md_now_ms() >= until)
            return lock;
        *err = (struct md_err){ 0 };
    }
}

int cli_lock_for_start(const struct store *store, struct store_container *container,
                       struct md_err *err)
{
    for (int64_t until = md_now_ms() + LOCK_MS;; poll(NULL, 0, LOOK_MS)) {
        int lock = store_try_lock(store->containers, container->id, err);
        struct store_state state;

        if (lock >= 0) {
            md_fd_close(&container->dir);
            container->dir = lock;
            return 1;
        }
        if (err->kind != MD_ERR_CONFLICT || md_now_ms() >= until)
            return -1;
        *err = (struct md_err){ 0 };
        if (cli_container_state(store, container, &state, err) < 0)
            return -1;
        if (state.status == STORE_PAUSED)
            return md_err_set(err, MD_ERR_CONFLICT,
                              "cannot start a paused container, try unpause instead");
        if (state.status == STORE_RUNNING || state.status == STORE_RESTARTING)
            return 0;
    }
}

int cli_remove_container(const struct store *store, struct store_container *container,
                         struct md_err *err)
{
    const struct cli_stop stop = { .signal = SIGKILL, .by = "minidock rm -f" };
    struct md_err damaged = { 0 };
    struct store_state state;

    if (container->config && cli_stop_container(store, container, &stop, &damaged) < 0) {
        if (damaged.kind != MD_ERR_FORMAT) {
            *err = damaged;
            return -1;
        }
        /* A damaged state does not say whether it runs; its cgroup knows. */
        if (ask(container, SIGKILL, stop.by, err) < 0)
            return -1;
        run_leftovers_clear(container->id, "");
    }
    if (is_removed(store, container))
        return 0;
    MD_AUTO_FD lock = lock_patiently(store, container, err);

    if (lock < 0 && err->kind == MD_ERR_CONFLICT &&
        store_container_state(store, container, &state, &damaged) == 0) {
        *err = (struct md_err){ 0 };
        end_runner(store, &state); /* it waits for somebody who does not read */
        lock = lock_patiently(store, container, err);
    }
    if (lock < 0 && err->kind == MD_ERR_NOT_FOUND) { /* --rm: its runner was faster */
        *err = (struct md_err){ 0 };
        return 0;
    }
    if (lock < 0)
        return -1;
    md_fd_close(&container->dir);
    container->dir = md_fd_take(&lock);
    run_leftovers_clear(container->id, "");
    return store_container_remove(store, container, err);
}
