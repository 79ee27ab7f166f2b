/* SPDX-License-Identifier: Apache-2.0 */
/* What changes about a container: state.json, and mending what killed runners left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/container.h"
#include "store/gone.h"

/* How long a killed PID 1 may take to die before it is left to the next command. */
#define DEATH_MS 2000

/* How long a runner that lives may take to write down how its container ended, before a reader
 * stops waiting for it: it may be stopped, or drain a log to a slow disk. */
#define SETTLE_MS 100

/* Between two looks at a state that is about to be written. */
#define LOOK_MS 2

static const char *const status_names[] = { "created", "running", "exited", "restarting",
                                            "paused" };

const char *store_status_word(enum store_status status)
{
    return status_names[status];
}

static struct json_t *process_json(const struct store_process *process)
{
    struct json_t *json = md_json_object();

    md_json_set(json, "pid", md_json_number(process->pid));
    md_json_set(json, "start_time", md_json_number((int64_t)process->start_time));
    return json;
}

static struct json_t *time_json(const struct timespec *time)
{
    char text[32];

    if (time->tv_sec == 0) {
        return md_json_string("");
    }
    return md_json_string(md_text_time(time, text, sizeof(text)));
}

static struct json_t *state_json(const struct store *store,
                                 const struct store_container *container,
                                 const struct store_state *state)
{
    bool auto_remove = md_json_true(md_json_get(container->config, "auto_remove"));
    struct json_t *json = md_json_object();

    md_json_set(json, "status", md_json_string(status_names[state->status]));
    md_json_set(json, "boot_id",
                md_json_string(state->boot_id[0] ? state->boot_id : store->boot_id));
    md_json_set(json, "runner", process_json(&state->runner));
    md_json_set(json, "init", process_json(&state->init));
    md_json_set(json, "exit_code", md_json_number(state->exit_code));
    md_json_set(json, "error", md_json_string(state->error));
    md_json_set(json, "reason", md_json_string(state->reason));
    md_json_set(json, "cgroup", md_json_string(state->cgroup));
    md_json_set(json, "oom_killed", md_json_bool(state->oom_killed));
    md_json_set(json, "stopped_by_hand", md_json_bool(state->stopped_by_hand));
    md_json_set(json, "restarts", md_json_number(state->restarts));
    md_json_set(json, "started", time_json(&state->started));
    md_json_set(json, "finished", time_json(&state->finished));
    /* Beside config.json, so that mending a thousand containers reads one file of each. */
    if (auto_remove) {
        md_json_set(json, "auto_remove", md_json_bool(true));
    }
    return json;
}

int store_container_set_state(const struct store *store,
                              const struct store_container *container,
                              const struct store_state *state, struct md_err *err)
{
    MD_AUTO_JSON json = state_json(store, container, state);

    if (md_json_write(container->dir, "state.json", json, err) < 0) {
        return md_err_in(err, "container %.12s", container->id);
    }
    return 0;
}

static void read_process(const struct json_t *json, struct store_process *process)
{
    int64_t pid = md_json_get_int(json, "pid");
    int64_t start_time = md_json_get_int(json, "start_time");

    if (pid > 0 && pid <= INT32_MAX && start_time > 0) {
        process->pid = (pid_t)pid;
        process->start_time = (uint64_t)start_time;
    }
}

static void read_time(const struct json_t *json, const char *key, struct timespec *time)
{
    const char *text = md_json_get_text(json, key);

    if (!text || !*text || md_text_parse_time(text, time) < 0) {
        *time = (struct timespec){ 0 };
    }
}

static void read_text(const struct json_t *json, const char *key, char *out, size_t size)
{
    const char *text = md_json_get_text(json, key);

    snprintf(out, size, "%s", text ? text : "");
}

static int read_status(const struct json_t *json, enum store_status *status)
{
    const char *text = md_json_get_text(json, "status");

    for (size_t i = 0; text && i < sizeof(status_names) / sizeof(*status_names); i++) {
        if (strcmp(text, status_names[i]) == 0) {
            *status = (enum store_status)i;
            return 0;
        }
    }
    return -1;
}

/* A state.json as it was found. */
struct found {
    struct store_state state; /* its processes are 0 when they are of another boot */
    bool missing;
    bool auto_remove;
};

static int read_state(const struct store *store, const struct store_container *container,
                      struct found *found, struct md_err *err)
{
    struct store_state *state = &found->state;
    struct md_err failed = { 0 };
    MD_AUTO_JSON json = md_json_read(container->dir, "state.json", &failed);

    *found = (struct found){ .state.status = STORE_CREATED };
    if (!json && failed.sys == ENOENT) {
        found->missing = true;
        return 0;
    }
    if (!json) {
        *err = failed;
        return md_err_in(err, "container %.12s", container->id);
    }
    if (read_status(json, &state->status) < 0) {
        return md_err_set(err, MD_ERR_FORMAT, "container %.12s: its state.json is damaged",
                          container->id);
    }
    found->auto_remove = md_json_true(md_json_get(json, "auto_remove"));
    state->exit_code = (int)md_json_get_int(json, "exit_code");
    state->oom_killed = md_json_true(md_json_get(json, "oom_killed"));
    state->stopped_by_hand = md_json_true(md_json_get(json, "stopped_by_hand"));
    state->restarts = (unsigned)md_json_get_int(json, "restarts");
    read_text(json, "error", state->error, sizeof(state->error));
    read_text(json, "reason", state->reason, sizeof(state->reason));
    read_text(json, "boot_id", state->boot_id, sizeof(state->boot_id));
    read_time(json, "started", &state->started);
    read_time(json, "finished", &state->finished);
    if (strcmp(state->boot_id, store->boot_id) == 0) {
        read_text(json, "cgroup", state->cgroup, sizeof(state->cgroup));
        read_process(md_json_get(json, "runner"), &state->runner);
        read_process(md_json_get(json, "init"), &state->init);
    }
    return 0;
}

static bool is_alive(const struct store_process *process)
{
    MD_AUTO_FD fd = store_process_open(process);

    return fd >= 0;
}

static void set_lost(struct store_state *state)
{
    if (state->status == STORE_RUNNING) {
        state->exit_code = -1;
        snprintf(state->reason, sizeof(state->reason),
                 "the minidock process that looked after it was killed");
    }
    state->status = STORE_EXITED;
}

/* Is what is written down true as far as its processes go? */
static bool holds(const struct store_state *state)
{
    switch (state->status) {
    case STORE_RUNNING:
    case STORE_PAUSED:
        return is_alive(&state->init);
    case STORE_RESTARTING:
        return is_alive(&state->runner);
    case STORE_CREATED:
    case STORE_EXITED:
        break;
    }
    return true;
}

int store_container_state(const struct store *store, const struct store_container *container,
                          struct store_state *state, struct md_err *err)
{
    struct found found;

    for (int waited = 0;; waited += LOOK_MS) {
        if (read_state(store, container, &found, err) < 0) {
            return -1;
        }
        *state = found.state;
        if (holds(state)) {
            return 0;
        }
        /* Twice at least: the runner may have written it and ended between two looks. */
        if (waited > 0 && (waited > SETTLE_MS || !is_alive(&state->runner))) {
            break;
        }
        poll(NULL, 0, waited > 0 ? LOOK_MS : 0);
    }
    set_lost(state);
    return 0;
}

static bool same_process(const struct store_process *a, const struct store_process *b)
{
    return a->pid == b->pid && a->start_time == b->start_time;
}

static bool is_gone(const struct store *store, const struct store_container *container)
{
    struct stat st;

    return fstatat(store->containers, container->id, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           errno == ENOENT;
}

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - md_now_ms();

    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

int store_container_await(const struct store *store, const struct store_container *container,
                          const struct store_process *init, int timeout_ms,
                          struct store_state *state, struct md_err *err)
{
    int64_t deadline = md_now_ms() + timeout_ms;
    MD_AUTO_FD pidfd = store_process_open(init);
    struct pollfd death = { .fd = pidfd, .events = POLLIN };

    while (pidfd >= 0) {
        int died = poll(&death, 1, timeout_ms < 0 ? -1 : left_ms(deadline));

        if (died == 0) {
            return 0;
        }
        if (died > 0) {
            break;
        }
    }
    for (int looks = 0;; looks++) {
        struct found found;

        if (is_gone(store, container)) {
            return md_err_set(err, MD_ERR_NOT_FOUND, "No such container: %.12s", container->id);
        }
        if (read_state(store, container, &found, err) < 0) {
            return -1;
        }
        *state = found.state;
        if (state->status != STORE_RUNNING || !same_process(&state->init, init)) {
            return 1;
        }
        if (looks > 0 && !is_alive(&state->runner)) {
            set_lost(state);
            return 1;
        }
        if (timeout_ms >= 0 && left_ms(deadline) == 0) {
            return 0;
        }
        poll(NULL, 0, LOOK_MS);
    }
}

/* Kill an init whose runner is gone. Returns 0 once it is dead. */
static int end_init(const struct store_process *init, struct md_err *err)
{
    MD_AUTO_FD fd = store_process_open(init);
    struct pollfd death = { .fd = fd, .events = POLLIN };
    int died;

    if (fd < 0) {
        return 0;
    }
    if (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH) {
        return md_err_sys(err, "cannot kill process %d", (int)init->pid);
    }
    do {
        died = poll(&death, 1, DEATH_MS);
    } while (died < 0 && errno == EINTR);
    if (died <= 0) {
        return md_err_set(err, MD_ERR_CONFLICT, "process %d does not die", (int)init->pid);
    }
    return 0;
}

/* What mend_one() is given. */
struct mending {
    const struct store *store;
    store_left_fn *clear_left;
};

/* Its runner died before it wrote a state. */
static int mend_unstarted(const struct mending *mending, struct store_container *container,
                          struct md_err *err)
{
    struct md_err failed = { 0 };

    container->config = md_json_read(container->dir, "config.json", &failed);
    /* Not even made to the end, or made by `run --rm` and never started. */
    if (container->config ? md_json_true(md_json_get(container->config, "auto_remove"))
                          : failed.sys == ENOENT) {
        if (mending->clear_left) {
            mending->clear_left(container->id, "");
        }
        return store_container_remove(mending->store, container, err);
    }
    return 0;
}

/* container has but id and dir, which we have locked: nobody looks after it. */
static int mend_locked(const struct mending *mending, struct store_container *container,
                       struct md_err *err)
{
    const struct store *store = mending->store;
    struct found found;

    if (read_state(store, container, &found, err) < 0) {
        return -1;
    }
    if (found.missing) {
        return mend_unstarted(mending, container, err);
    }
    bool running = found.state.status == STORE_RUNNING;

    if ((running || found.state.status == STORE_RESTARTING) && mending->clear_left) {
        mending->clear_left(container->id, found.state.cgroup);
    }
    if (running && end_init(&found.state.init, err) < 0) {
        return -1;
    }
    if (!running && found.state.status != STORE_RESTARTING &&
        (!found.auto_remove || found.state.status == STORE_CREATED)) {
        return 0;
    }
    set_lost(&found.state);
    if (running) {
        clock_gettime(CLOCK_REALTIME, &found.state.finished);
    }
    if (found.auto_remove) {
        struct md_err damaged = { 0 };

        /* It names the anonymous volumes; the tombstone takes the file away. */
        container->config = md_json_read(container->dir, "config.json", &damaged);
        store_gone_keep(store, container->dir, container->id, &found.state);
        return store_container_remove(store, container, err);
    }
    return store_container_set_state(store, container, &found.state, err);
}

static int mend_one(const char *name, unsigned char type, void *context, struct md_err *err)
{
    const struct mending *mending = context;
    struct store_container container = { 0 };
    struct md_err failed = { 0 };

    (void)err;
    if (type != DT_DIR || !md_is_id(name)) {
        return 0;
    }
    container.dir = store_try_lock(mending->store->containers, name, &failed);
    if (container.dir < 0) {
        return 0;
    }
    memcpy(container.id, name, STORE_ID_SIZE);
    if (mend_locked(mending, &container, &failed) < 0) {
        md_log("mend: %s", failed.text);
    }
    store_container_clear(&container);
    return 0;
}

void store_container_mend(const struct store *store, store_left_fn *clear_left)
{
    struct mending mending = { .store = store, .clear_left = clear_left };
    struct md_err err = { 0 };

    if (store_visit(store->containers, mend_one, &mending, &err) < 0) {
        md_log("mend: %s", err.text);
    }
}
