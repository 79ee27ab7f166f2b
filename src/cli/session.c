/* SPDX-License-Identifier: Apache-2.0 */
/* A container under way: made, or found; its state and log kept until its end. */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/leftovers.h"
#include "store/gone.h"
#include "store/request.h"

void cli_session_init(struct cli_session *session, const struct cli_global *global)
{
    *session = (struct cli_session){
        .global = global,
        .options = { .sig_proxy = true },
        .rootfs = -1,
        .image = { .dir = -1, .rootfs = -1 },
        .container = { .dir = -1 },
        .plan = { .lower = -1, .upper = -1, .work = -1, .mount_point = -1, .cgroup = -1 },
        .cgroup = { .dir = -1, .home = -1 },
        .status_fd = -1,
    };
}

void cli_session_clear(struct cli_session *session)
{
    if (!session->container.id[0])
        cli_mounts_undo(&session->store, &session->mounts);
    cli_mounts_clear(&session->mounts);
    if (session->rootfs_path)
        md_fd_close(&session->rootfs);
    md_ptr_free(&session->rootfs_path);
    md_fd_close(&session->plan.upper);
    md_fd_close(&session->plan.work);
    run_plan_clear(&session->plan);
    run_cgroup_close(&session->cgroup);
    store_container_clear(&session->container);
    store_image_clear(&session->image);
    store_close(&session->store);
    cli_run_options_clear(&session->options);
}

/* --- making it */

static int write_cidfile(const struct cli_session *session, struct md_err *err)
{
    const char *path = session->options.cidfile;
    MD_AUTO_FD fd = -1;

    if (!path)
        return 0;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return md_err_set(
            err, MD_ERR_CONFLICT,
            "container ID file found, make sure the other container isn't running "
            "or delete %s",
            path);
    if (fd < 0 || md_fd_write_all(fd, session->container.id, STORE_ID_SIZE - 1) < 0)
        return md_err_sys(err, "cannot write the container's id to \"%s\"", path);
    return 0;
}

static int check_cidfile(const struct cli_session *session, struct md_err *err)
{
    const char *path = session->options.cidfile;

    if (path && access(path, F_OK) == 0)
        return md_err_set(
            err, MD_ERR_CONFLICT,
            "container ID file found, make sure the other container isn't running "
            "or delete %s",
            path);
    return 0;
}

static int make_container(struct cli_session *session, struct md_err *err)
{
    struct store_container *container = &session->container;
    const char *name =
        session->options.rootfs ? session->options.rootfs : session->options.operands.items[0];

    if (session->options.name && strlen(session->options.name) >= sizeof(container->name))
        return md_err_set(err, MD_ERR_USAGE, "the container name is longer than %zu bytes",
                          sizeof(container->name) - 1);
    if (session->options.name)
        snprintf(container->name, sizeof(container->name), "%s", session->options.name);
    container->image_id = md_xstrdup(session->image.id);
    container->image_name = md_xstrdup(name);
    md_list_copy(&container->args, &session->plan.args);
    container->config = cli_run_config(&session->options, &session->image.config,
                                       session->image.id, &session->plan);
    md_json_set(container->config, "mounts", cli_mounts_save(&session->mounts));
    if (store_container_create(&session->store, container, err) < 0)
        return -1;
    cli_mounts_clear(&session->mounts);
    if (write_cidfile(session, err) < 0) {
        cli_session_settle_unstarted(session, err);
        return -1;
    }
    return 0;
}

/* saved: the mounts of a container that was made before, or NULL. */
static int make_plan(struct cli_session *session, const struct json_t *saved,
                     struct md_err *err)
{
    const struct cli_mounts_from from = { &session->store, &session->options,
                                          &session->image.config, session->rootfs, saved };

    if (cli_run_plan(&session->options, &session->image.config, session->rootfs, &session->plan,
                     err) < 0)
        return -1;
    return cli_mounts_plan(&from, &session->mounts, &session->plan, err);
}

int cli_session_create(struct cli_session *session, struct md_err *err)
{
    if (cli_run_settle(&session->options, err) < 0 || check_cidfile(session, err) < 0 ||
        store_open(session->global->root, STORE_WRITE, &session->store, err) < 0 ||
        cli_session_open_root(session, err) < 0 || make_plan(session, NULL, err) < 0 ||
        make_container(session, err) < 0)
        return -1;
    cli_session_report(session, "created");
    return 0;
}

int cli_session_load(struct cli_session *session, struct md_err *err)
{
    struct store_container *container = &session->container;

    if (cli_run_load(md_json_get(container->config, "options"), &session->options, err) < 0)
        return md_err_in(err, "container %.12s", container->id);
    if (container->image_id[0]) {
        if (store_image_open_id(&session->store, container->image_id, &session->image, err) < 0)
            return -1;
        session->rootfs = session->image.rootfs;
    } else if (cli_session_open_root(session, err) < 0) {
        return -1;
    }
    if (make_plan(session, md_json_get(container->config, "mounts"), err) < 0)
        return -1;
    cli_mounts_clear(&session->mounts);
    return 0;
}

/* --- while it runs */

static int set_state(struct cli_session *session, enum store_status status, struct md_err *err)
{
    session->state.status = status;
    return store_container_set_state(&session->store, &session->container, &session->state,
                                     err);
}

static int write_pidfile(const struct cli_session *session, pid_t pid, struct md_err *err)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d\n", (int)pid);

    if (!session->options.pidfile)
        return 0;
    return md_file_replace(AT_FDCWD, session->options.pidfile, text, (size_t)len, 0644, err);
}

static int on_started(void *context, pid_t pid, struct md_err *err)
{
    struct cli_session *session = context;
    struct store_state *state = &session->state;

    clock_gettime(CLOCK_REALTIME, &state->started);
    state->boot_id[0] = '\0';
    state->error[0] = state->reason[0] = '\0';
    state->exit_code = 0;
    state->stopped_by_hand = state->oom_killed = false;
    snprintf(state->cgroup, sizeof(state->cgroup), "%s", session->cgroup.path);
    if (store_process_stamp(getpid(), &state->runner) < 0 ||
        store_process_stamp(pid, &state->init) < 0)
        return md_err_sys(err, "cannot read the start time of process %d", (int)pid);
    if (run_cgroup_return(&session->cgroup, err) < 0 || write_pidfile(session, pid, err) < 0)
        return -1;
    return set_state(session, STORE_RUNNING, err);
}

static void on_running(void *context)
{
    struct cli_session *session = context;

    cli_session_report(session, "started");
    if (session->runs)
        session->runs(session->context);
}

static void on_output(void *context, int stream, const void *bytes, size_t len)
{
    struct cli_session *session = context;

    if (session->log)
        store_log_add(session->log, stream == 2 ? STORE_STDERR : STORE_STDOUT, bytes, len);
}

/* --- its end */

static void close_log(struct cli_session *session)
{
    uint64_t dropped = store_log_close(session->log);

    session->log = NULL;
    if (dropped > 0)
        md_log("container %.12s: %llu records of its log could not be written",
               session->container.id, (unsigned long long)dropped);
}

static void settle(struct cli_session *session, const struct run_result *result)
{
    struct md_err ignored = { 0 };
    int status;

    clock_gettime(CLOCK_REALTIME, &session->state.finished);
    cli_reason(result, &session->options, session->container.dir, &session->state);
    session->state.status = STORE_EXITED;
    if (session->decide)
        session->decide(session->context, result);
    status = session->options.remove
                 ? store_container_retire(&session->store, &session->container, &ignored)
                 : set_state(session, session->state.status, &ignored);
    if (status < 0)
        md_log("cannot settle container %s: %s", session->container.id, ignored.text);
}

static void on_ended(void *context, const struct run_result *result)
{
    struct cli_session *session = context;

    close_log(session);
    settle(session, result);
    cli_session_report(session, "exited");
    if (session->over)
        session->over(session->context);
}

/* In the watching process, where there is one: deleting takes longer than ending, and nobody
 * waits for it. */
static void on_aftermath(void *context, const struct run_result *result)
{
    struct cli_session *session = context;

    if (session->options.remove && session->state.status == STORE_RUNNING) {
        /* The watching process's copy is from before the end. */
        clock_gettime(CLOCK_REALTIME, &session->state.finished);
        cli_reason(result, &session->options, session->container.dir, &session->state);
        session->state.status = STORE_EXITED;
    }
    run_cgroup_end(session->cgroup.path);
    if (!session->options.remove)
        return;
    store_gone_keep(&session->store, session->container.dir, session->container.id,
                    &session->state);
    store_container_bury(&session->store, &session->container);
}

/* In the watching process: the container was killed with its runner. */
static void on_orphaned(void *context)
{
    const struct run_result result = { .exit_code = 128 + SIGKILL,
                                       .signal = SIGKILL,
                                       .orphaned = true };

    settle(context, &result); /* the log's last, unfinished line is lost */
    on_aftermath(context, &result);
}

void cli_session_settle_unstarted(struct cli_session *session, const struct md_err *err)
{
    struct md_err ignored = { 0 };
    int status;

    store_log_close(session->log);
    session->log = NULL;
    run_cgroup_end(session->cgroup.path);
    snprintf(session->state.error, sizeof(session->state.error), "%s", err->text);
    session->state.exit_code = err->kind != MD_ERR_EXEC ? 125 : err->sys == ENOENT ? 127 : 126;
    session->state.started = session->started_before;
    status =
        session->options.remove
            ? store_container_remove(&session->store, &session->container, &ignored)
            : set_state(session, session->started_before.tv_sec ? STORE_EXITED : STORE_CREATED,
                        &ignored);
    if (status < 0)
        md_log("cannot settle container %s: %s", session->container.id, ignored.text);
}

/* --- before it */

static int open_log(struct cli_session *session, struct md_err *err)
{
    struct cli_log_choice choice;

    if (cli_log_parse(session->options.log_driver, &session->options.log_options, &choice,
                      err) < 0)
        return -1;
    if (!choice.kept)
        return 0;
    session->log = store_log_create(session->container.dir, &choice.limits, err);
    return session->log ? 0 : -1;
}

/* Without a cgroup it runs all the same: pause says then why it cannot. A v1 freezer is only
 * for what is supervised: to be moved into it takes longer than a start. */
static void make_cgroup(struct cli_session *session)
{
    enum run_cgroup_kind wanted = session->runs ? RUN_CGROUP_FREEZER : RUN_CGROUP_V2;
    struct md_err why = { 0 };

    if (run_cgroup_make(session->container.id, wanted, &session->cgroup, &why) < 0 ||
        run_cgroup_enter(&session->cgroup, &why) < 0) {
        md_log("no cgroup: %s", why.text);
        run_cgroup_end(session->cgroup.path);
        session->cgroup.path[0] = '\0';
        session->cgroup.kind = RUN_CGROUP_NONE;
    }
    if (session->cgroup.kind == RUN_CGROUP_V2)
        session->plan.cgroup = session->cgroup.dir;
}

int cli_session_prepare(struct cli_session *session, struct run_hooks *hooks,
                        struct md_err *err)
{
    struct run_plan *plan = &session->plan;

    cli_run_identity(session->container.id, plan);
    plan->lower = plan->mount_point = session->rootfs;
    if (store_container_upper(&session->container, &plan->upper, &plan->work, err) < 0 ||
        open_log(session, err) < 0)
        return -1;
    make_cgroup(session);
    session->keep[0] = session->store.containers;
    session->keep[1] = session->store.trash;
    session->keep[2] = session->container.dir;
    session->keep[3] = session->store.volumes; /* --rm takes the anonymous ones along */
    session->keep[4] = -1;
    *hooks = (struct run_hooks){
        .context = session,
        .keep = session->keep,
        .started = on_started,
        .running = on_running,
        .output = on_output,
        .ended = on_ended,
        .aftermath = on_aftermath,
        .orphaned = on_orphaned,
    };
    return 0;
}

/* --- what others want to know */

void cli_session_report(const struct cli_session *session, const char *event)
{
    MD_AUTO_JSON json = NULL;
    MD_AUTO_FREE char *line = NULL;
    MD_AUTO_FREE char *text = NULL;

    if (session->status_fd < 0)
        return;
    json = md_json_object();
    md_json_set(json, "event", md_json_string(event));
    md_json_set(json, "id", md_json_string(session->container.id));
    md_json_set(json, "name", md_json_string(session->container.name));
    if (strcmp(event, "started") == 0)
        md_json_set(json, "pid", md_json_number(session->state.init.pid));
    if (strcmp(event, "exited") == 0) {
        md_json_set(json, "exit_code", md_json_number(session->state.exit_code));
        md_json_set(json, "reason", md_json_string(session->state.reason));
    }
    line = md_json_line(json);
    text = md_xasprintf("%s\n", line);
    if (md_fd_write_all(session->status_fd, text, strlen(text)) < 0)
        md_log("cannot write to --status-fd: %m");
}

int cli_container_state(const struct store *store, const struct store_container *container,
                        struct store_state *state, struct md_err *err)
{
    if (store_container_state(store, container, state, err) < 0)
        return -1;
    if (state->status == STORE_RUNNING && run_cgroup_is_frozen(state->cgroup))
        state->status = STORE_PAUSED;
    return 0;
}

void cli_mend(const struct store *store)
{
    store_container_mend(store, run_leftovers_clear);
}
