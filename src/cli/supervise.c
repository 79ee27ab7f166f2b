/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor of a detached container. */
#include "cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "run/server.h"
#include "store/request.h"

#define MAX_PRESERVED 1024

struct supervisor {
    const struct cli_order *order;
    const char *root; /* of the store */
    char id[STORE_ID_SIZE];
    int lock;                    /* the container's directory */
    struct cli_session *session; /* of the present start */
    struct store_state state;    /* from one start to the next */
    struct run_server server;
    struct run_terminal leader;
    int backoff_ms;
    bool started; /* at least once: the starter has been told */
    bool again;   /* the policy wants another start */
};

/* --- the container's end */

/* The policy of now: it may have been updated since the start. */
static void read_policy(const struct cli_session *session, struct cli_policy *policy)
{
    struct md_err ignored = { 0 };
    MD_AUTO_JSON config = md_json_read(session->container.dir, "config.json", &ignored);
    const char *text = md_json_get_text(md_json_get(config, "options"), "restart");

    if (cli_policy_parse(text, policy, &ignored) < 0)
        *policy = (struct cli_policy){ .kind = CLI_POLICY_NO };
}

static void decide(void *context, const struct run_result *result)
{
    struct supervisor *supervisor = context;
    struct store_state *state = &supervisor->session->state;
    struct cli_policy policy;

    read_policy(supervisor->session, &policy);
    supervisor->again =
        !result->dismissed && !result->orphaned && cli_policy_restarts(&policy, state);
    if (!supervisor->again)
        return;
    supervisor->backoff_ms = cli_policy_backoff(supervisor->backoff_ms,
                                                state->finished.tv_sec - state->started.tv_sec);
    state->restarts++;
    state->status = STORE_RESTARTING;
}

static void tell_end(void *context)
{
    struct supervisor *supervisor = context;
    const struct store_state *state = &supervisor->session->state;
    struct run_link_end end = { .exit_code = state->exit_code };

    snprintf(end.reason, sizeof(end.reason), "%s", state->reason);
    run_server_ended(&supervisor->server, &end);
    md_fd_close(&supervisor->leader.fd);
}

/* Of the program's code and constants only what is used from now on needs to be in memory. */
static int drop_pages(struct dl_phdr_info *info, size_t size, void *context)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_LOAD && !(part->p_flags & PF_W))
            madvise((void *)(start & ~(page - 1)), part->p_memsz, MADV_DONTNEED);
    }
    return 0;
}

/* What starting took goes back: this process lives long, and there may be many of it. */
static void shrink(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_pages, NULL);
}

static void tell_start(void *context)
{
    struct supervisor *supervisor = context;

    if (!supervisor->started)
        run_server_started(&supervisor->server);
    supervisor->started = true;
    shrink();
}

/* --- one start */

static int open_container(struct supervisor *supervisor, struct md_err *err)
{
    struct cli_session *session = supervisor->session;
    int lock = fcntl(supervisor->lock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (lock < 0)
        return md_err_sys(err, "cannot keep the container's lock");
    if (store_open(supervisor->root, STORE_WRITE, &session->store, err) < 0 ||
        store_container_open(&session->store, supervisor->id, &session->container, err) < 0) {
        md_fd_close(&lock);
        return -1;
    }
    md_fd_close(&session->container.dir);
    session->container.dir = lock;
    return cli_session_load(session, err);
}

static int start_once(struct supervisor *supervisor, struct run_result *result,
                      struct md_err *err)
{
    struct cli_session *session = supervisor->session;
    struct run_plan *plan = &session->plan;
    struct run_hooks hooks;

    session->status_fd = supervisor->order->status_fd;
    session->context = supervisor;
    session->runs = tell_start;
    session->decide = decide;
    session->over = tell_end;
    plan->dies_with_runner = true;
    plan->preserve_fds = supervisor->order->preserve_fds;
    plan->rows = supervisor->order->rows;
    plan->columns = supervisor->order->columns;
    if (cli_session_prepare(session, &hooks, err) < 0)
        return -1;
    return run_detached(plan, &hooks, &supervisor->server, &supervisor->leader, result, err);
}

/* Start it and stay until it has ended. Returns 0, or -1 when it did not start. */
static int live(struct supervisor *supervisor)
{
    const struct cli_global global = { .root = supervisor->root };
    MD_AUTO_FREE struct cli_session *session = md_xcalloc(1, sizeof(*session));
    struct run_result result = { 0 };
    struct md_err err = { 0 };
    int status;

    cli_session_init(session, &global);
    session->state = supervisor->state;
    session->started_before = supervisor->state.started;
    supervisor->session = session;
    supervisor->again = false;
    status = open_container(supervisor, &err);
    if (status == 0)
        status = start_once(supervisor, &result, &err);
    if (status < 0) {
        if (session->container.config)
            cli_session_settle_unstarted(session, &err);
        run_server_failed(&supervisor->server, &err);
    }
    supervisor->state = session->state;
    cli_session_clear(session);
    supervisor->session = NULL;
    shrink();
    return status;
}

/* --- between two starts */

static bool told_to_stop(const struct supervisor *supervisor)
{
    struct store_request request;

    return store_request_read(supervisor->lock, &request) && request.stop;
}

/* The state after waiting in vain: what the container has ended with stands. */
static void give_up(struct supervisor *supervisor)
{
    struct store_container container = { .dir = supervisor->lock };
    struct md_err err = { 0 };
    struct store store;

    memcpy(container.id, supervisor->id, STORE_ID_SIZE);
    supervisor->state.status = STORE_EXITED;
    supervisor->state.stopped_by_hand = told_to_stop(supervisor);
    if (supervisor->state.restarts > 0)
        supervisor->state.restarts--;
    if (store_open(supervisor->root, STORE_WRITE, &store, &err) == 0) {
        if (store_container_set_state(&store, &container, &supervisor->state, &err) < 0)
            md_log("container %.12s: %s", supervisor->id, err.text);
        store_close(&store);
    }
    store_request_clear(supervisor->lock);
}

/* Wait before the next start. False: somebody wants it to stay ended. */
static bool wait_for_turn(struct supervisor *supervisor)
{
    int64_t until = md_now_ms() + supervisor->backoff_ms;
    sigset_t ends;
    bool stopped = told_to_stop(supervisor);

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGQUIT);
    while (!stopped) {
        int64_t left = until - md_now_ms();
        struct timespec patience = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };

        if (left <= 0)
            return true;
        stopped = sigtimedwait(&ends, NULL, &patience) > 0 || told_to_stop(supervisor);
    }
    give_up(supervisor);
    return false;
}

/* --- becoming it */

static void open_listener(struct supervisor *supervisor)
{
    struct md_err err = { 0 };

    supervisor->server.listener = run_link_listen(supervisor->id, &err);
    if (supervisor->server.listener < 0)
        md_log("nobody can attach to container %.12s: %s", supervisor->id, err.text);
}

/* Nothing of the caller's stays open here, so that `id=$(minidock run -d ...)` returns. */
static void let_go(struct supervisor *supervisor, int link)
{
    int keep[MAX_PRESERVED + 5];
    size_t count = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (supervisor->leader.fd >= 0)
        supervisor->leader.fd = fcntl(supervisor->leader.fd, F_DUPFD_CLOEXEC, 3);
    for (int i = 0; i < 3; i++)
        dup3(null, i, O_CLOEXEC);
    md_fd_close(&null);
    for (unsigned i = 0; i < supervisor->order->preserve_fds && i < MAX_PRESERVED; i++)
        keep[count++] = STDERR_FILENO + 1 + (int)i;
    keep[count++] = link;
    keep[count++] = supervisor->lock;
    if (supervisor->leader.fd >= 0)
        keep[count++] = supervisor->leader.fd;
    if (supervisor->order->status_fd >= 0)
        keep[count++] = supervisor->order->status_fd;
    keep[count] = -1;
    md_fd_close_others(STDERR_FILENO + 1, keep);
}

static void leave_caller(struct supervisor *supervisor, int link)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    setsid();
    prctl(PR_SET_NAME, "minidock-super", 0, 0, 0);
    let_go(supervisor, link);
    if (chdir("/") < 0)
        _exit(1);
    run_cgroup_leave_unit();
}

static void add_starter(struct supervisor *supervisor, int link)
{
    int index = run_server_add(&supervisor->server, link, supervisor->order->streams);

    supervisor->server.clients[index].starter = true;
    if (supervisor->order->leads)
        supervisor->server.leader = index;
}

static _Noreturn void be_supervisor(struct supervisor *supervisor, int link)
{
    bool first = true;

    leave_caller(supervisor, link);
    run_server_init(&supervisor->server);
    supervisor->server.idle = shrink;
    add_starter(supervisor, link);
    open_listener(supervisor);
    store_request_clear(supervisor->lock);
    do {
        if (live(supervisor) < 0)
            break;
        first = false;
    } while (supervisor->again && wait_for_turn(supervisor));
    run_link_remove(supervisor->id);
    run_server_clear(&supervisor->server);
    _exit(first);
}

/* A fork, born in a cgroup that nobody ends with the caller's session or unit. */
static pid_t fork_away(void)
{
    MD_AUTO_FD refuge = run_cgroup_refuge();
    struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
    pid_t pid = -1;

    if (refuge >= 0) {
        args.cgroup = (uint64_t)refuge;
        pid = sys_clone3(&args);
    }
    return pid < 0 ? fork() : pid;
}

/* --- the caller's side */

/* Until the program runs. */
static int await_start(int link, struct md_err *err)
{
    MD_AUTO_FREE struct run_link_message *message = md_xmalloc(sizeof(*message));

    for (;;) {
        int got = run_link_receive(link, message);

        if (got <= 0)
            return md_err_set(err, MD_ERR_SYSTEM,
                              "the container's supervisor was killed before it could start it");
        if (message->tag == RUN_LINK_STARTED)
            return 0;
        if (message->tag == RUN_LINK_FAILED) {
            *err = message->failure;
            err->text[sizeof(err->text) - 1] = '\0';
            return -1;
        }
    }
}

/* The lock is the supervisor's now: the directory is opened anew, without it. */
static int unlock(struct store_container *container, struct md_err *err)
{
    int dir = openat(container->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    md_fd_close(&container->dir);
    container->dir = dir;
    return dir < 0 ? md_err_sys(err, "container %.12s", container->id) : 0;
}

int cli_supervise(const struct store *store, struct store_container *container,
                  const struct cli_order *order, struct md_err *err)
{
    struct supervisor supervisor = {
        .order = order, .root = store->path, .lock = container->dir, .leader = { .fd = -1 }
    };
    const struct run_plan terminal = { .terminal = order->leads, .open_stdin = order->leads };
    MD_AUTO_FD ours = -1;
    MD_AUTO_FD theirs = -1;
    pid_t pid;

    memcpy(supervisor.id, container->id, STORE_ID_SIZE);
    if (store_container_state(store, container, &supervisor.state, err) < 0 ||
        run_link_pair(&ours, &theirs, err) < 0)
        return -1;
    if (order->new_life)
        supervisor.state.restarts = 0;
    run_terminal_open(&terminal, &supervisor.leader);
    pid = fork_away();
    if (pid < 0)
        return md_err_sys(err, "cannot start the container's supervisor");
    if (pid == 0)
        be_supervisor(&supervisor, theirs);
    md_fd_close(&theirs);
    if (unlock(container, err) < 0)
        return -1;
    return await_start(ours, err) < 0 ? -1 : md_fd_take(&ours);
}
