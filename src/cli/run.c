/* SPDX-License-Identifier: Apache-2.0 */
/* run: from a command line to a container's exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/run_mounts.h"
#include "cli/run_options.h"
#include "run/run.h"
#include "store/log.h"

/* A run under way: what its hooks work on. */
struct session {
    const struct cli_global *global;
    struct cli_run_options options;
    struct store store;
    struct store_image image;
    int rootfs; /* the image's, borrowed, or --rootfs DIR, ours */
    struct store_container container;
    struct store_state state;
    struct store_log *log;
    struct run_plan plan;
    struct cli_mounts mounts;
    int keep[5]; /* what the watching process works on */
};

/* Does the image that is here serve --platform? */
static bool platform_fits(const struct session *session, struct md_err *err)
{
    struct md_platform wanted = { 0 };

    if (!session->options.platform)
        return true;
    if (md_platform_parse(session->options.platform, &wanted, err) < 0)
        return false;
    return md_platform_rank(&wanted, &session->image.config.platform) > 0;
}

static int pull(struct session *session, const char *name, struct md_err *err)
{
    const struct cli_pull order = {
        .image = name,
        .platform = session->options.platform,
        .quiet = session->options.quiet,
    };
    int status = cli_pull(session->global, &order, err);

    if (status < 0)
        return -1;
    if (status != 0)
        return -1; /* without an error: pull has said why */
    return store_image_open(&session->store, name, &session->image, err);
}

/* The image by --pull's policy: always, missing (the default) or never. */
static int open_image(struct session *session, struct md_err *err)
{
    const char *name = session->options.operands.items[0];
    const char *policy = session->options.pull ? session->options.pull : "missing";
    struct md_ref ref = { 0 };
    char shown[MD_REF_TEXT_SIZE];

    if (strcmp(policy, "always") == 0)
        return pull(session, name, err);
    if (strcmp(policy, "missing") != 0 && strcmp(policy, "never") != 0)
        return md_err_set(
            err, MD_ERR_USAGE,
            "invalid pull option: '%s': must be one of \"always\", \"missing\" or "
            "\"never\"",
            policy);
    if (store_image_open(&session->store, name, &session->image, err) == 0) {
        if (platform_fits(session, err))
            return 0;
        store_image_clear(&session->image);
        if (err->kind == MD_ERR_NONE)
            md_err_set(err, MD_ERR_NOT_FOUND, "image \"%s\" is not here for platform %s", name,
                       session->options.platform);
    }
    if (err->kind != MD_ERR_NOT_FOUND || strcmp(policy, "never") == 0)
        return -1;
    memset(err, 0, sizeof(*err));
    if (md_ref_parse(name, &ref, err) < 0)
        return -1;
    md_ref_familiar(&ref, shown);
    if (!session->options.quiet)
        fprintf(stderr, "Unable to find image '%s' locally\n", shown);
    return pull(session, name, err);
}

static void warn_of_platform(const struct session *session)
{
    const struct md_platform *platform = &session->image.config.platform;
    struct md_platform host;
    char theirs[100];
    char ours[100];

    md_platform_host(&host);
    if (session->options.platform || md_platform_rank(&host, platform) > 0)
        return;
    fprintf(stderr,
            "WARNING: The requested image's platform (%s) does not match the detected host "
            "platform (%s) and no specific platform was requested\n",
            md_platform_text(platform, theirs, sizeof(theirs)),
            md_platform_text(&host, ours, sizeof(ours)));
}

/* Is the store inside dir? Then an overlay of dir would hold its own upper directory. */
static int refuse_store_inside(const struct store *store, int dir, const char *path,
                               struct md_err *err)
{
    struct stat forbidden;
    struct stat here;
    struct stat above;
    MD_AUTO_FD at = openat(store->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (at < 0 || fstat(dir, &forbidden) < 0 || fstat(at, &here) < 0)
        return md_err_sys(err, "cannot examine \"%s\"", path);
    for (;;) {
        if (here.st_dev == forbidden.st_dev && here.st_ino == forbidden.st_ino)
            return md_err_set(
                err, MD_ERR_USAGE,
                "--rootfs \"%s\" contains the store \"%s\": choose another --root", path,
                store->path);
        int parent = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (parent < 0 || fstat(parent, &above) < 0) {
            md_fd_close(&parent);
            return md_err_sys(err, "cannot examine \"%s\"", store->path);
        }
        md_fd_close(&at);
        at = parent;
        if (above.st_dev == here.st_dev && above.st_ino == here.st_ino)
            return 0;
        here = above;
    }
}

static int open_root(struct session *session, struct md_err *err)
{
    const char *path = session->options.rootfs;

    if (!path) {
        if (open_image(session, err) < 0)
            return -1;
        session->rootfs = session->image.rootfs;
        warn_of_platform(session);
        return 0;
    }
    session->rootfs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (session->rootfs < 0)
        return md_err_sys(err, "cannot use root file system \"%s\"", path);
    return refuse_store_inside(&session->store, session->rootfs, path, err);
}

/* The container's directory, its log and the last of the plan, which need its id. */
static int create(struct session *session, struct md_err *err)
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
    cli_mounts_clear(&session->mounts); /* its volumes are named in its config.json now */
    cli_run_identity(container->id, &session->plan);
    session->plan.lower = session->rootfs;
    session->plan.mount_point = session->rootfs;
    if (store_container_upper(container, &session->plan.upper, &session->plan.work, err) < 0)
        return -1;
    session->keep[0] = session->store.containers;
    session->keep[1] = session->store.trash;
    session->keep[2] = container->dir;
    session->keep[3] = session->store.volumes;
    session->keep[4] = -1;
    if (!session->options.remove)
        session->log = store_log_create(container->dir, err);
    return session->options.remove || session->log ? 0 : -1;
}

static int set_state(struct session *session, enum store_status status, struct md_err *err)
{
    session->state.status = status;
    return store_container_set_state(&session->store, &session->container, &session->state,
                                     err);
}

static int on_started(void *context, pid_t pid, struct md_err *err)
{
    struct session *session = context;

    clock_gettime(CLOCK_REALTIME, &session->state.started);
    if (store_process_stamp(getpid(), &session->state.runner) < 0 ||
        store_process_stamp(pid, &session->state.init) < 0)
        return md_err_sys(err, "cannot read the start time of process %d", (int)pid);
    return set_state(session, STORE_RUNNING, err);
}

static void on_output(void *context, int stream, const void *bytes, size_t len)
{
    struct session *session = context;

    if (session->log)
        store_log_add(session->log, stream == 2 ? STORE_STDERR : STORE_STDOUT, bytes, len);
}

/* The state on disk after the end, whichever process sees to it. */
static void record_end(struct session *session, int exit_code)
{
    struct md_err ignored = { 0 };

    clock_gettime(CLOCK_REALTIME, &session->state.finished);
    session->state.exit_code = exit_code;
    if (set_state(session, STORE_EXITED, &ignored) < 0)
        md_log("cannot record the end of container %s: %s", session->container.id,
               ignored.text);
}

static void settle(struct session *session, int exit_code)
{
    struct md_err ignored = { 0 };

    if (!session->options.remove)
        record_end(session, exit_code);
    else if (store_container_retire(&session->store, &session->container, &ignored) < 0)
        md_log("cannot remove container %s: %s", session->container.id, ignored.text);
}

static void on_ended(void *context, const struct run_result *result)
{
    struct session *session = context;

    store_log_close(session->log);
    session->log = NULL;
    settle(session, result->exit_code);
}

/* In the watching process: deleting takes longer than ending, and nobody waits for it. */
static void on_aftermath(void *context)
{
    struct session *session = context;

    if (session->options.remove)
        store_container_bury(&session->store, &session->container);
}

/* In the watching process: the container was killed with its runner. */
static void on_orphaned(void *context)
{
    settle(context, 128 + SIGKILL); /* the log's last, unfinished line is lost */
    on_aftermath(context);
}

/* It could not start: docker keeps such a container as created, with the error. */
static void settle_unstarted(struct session *session, const struct md_err *err)
{
    struct md_err ignored = { 0 };

    store_log_close(session->log);
    session->log = NULL;
    snprintf(session->state.error, sizeof(session->state.error), "%s", err->text);
    session->state.exit_code = err->kind != MD_ERR_EXEC ? 125 : err->sys == ENOENT ? 127 : 126;
    session->state.started = (struct timespec){ 0 };
    int status = session->options.remove
                     ? store_container_remove(&session->store, &session->container, &ignored)
                     : set_state(session, STORE_CREATED, &ignored);

    if (status < 0)
        md_log("cannot settle container %s: %s", session->container.id, ignored.text);
}

static int plan_mounts(struct session *session, struct md_err *err)
{
    const struct cli_mounts_from from = { &session->store, &session->options,
                                          &session->image.config, session->rootfs, NULL };

    return cli_mounts_plan(&from, &session->mounts, &session->plan, err);
}

static int run_session(struct session *session, struct md_err *err)
{
    struct run_result result = { 0 };
    const struct run_hooks hooks = {
        .context = session,
        .keep = session->keep,
        .started = on_started,
        .output = session->options.remove ? NULL : on_output,
        .ended = on_ended,
        .aftermath = session->options.remove ? on_aftermath : NULL,
        .orphaned = on_orphaned,
    };

    if (store_open(session->global->root, STORE_WRITE, &session->store, err) < 0 ||
        open_root(session, err) < 0 ||
        cli_run_plan(&session->options, &session->image.config, session->rootfs, &session->plan,
                     err) < 0 ||
        plan_mounts(session, err) < 0)
        return -1;
    if (create(session, err) < 0 || run_container(&session->plan, &hooks, &result, err) < 0) {
        if (session->container.dir >= 0)
            settle_unstarted(session, err);
        return -1;
    }
    if (result.write_errno == 0)
        return result.exit_code;
    errno = result.write_errno;
    md_err_sys(err, "cannot write the container's output");
    if (result.exit_code == 0)
        return -1;
    cli_report(err, CLI_RUNTIME_FAILED);
    return result.exit_code; /* the program's own says more */
}

static void clear_session(struct session *session)
{
    if (!session->container.id[0])
        cli_mounts_undo(&session->store, &session->mounts);
    cli_mounts_clear(&session->mounts);
    if (session->options.rootfs)
        md_fd_close(&session->rootfs);
    md_fd_close(&session->plan.upper);
    md_fd_close(&session->plan.work);
    run_plan_clear(&session->plan);
    store_container_clear(&session->container);
    store_image_clear(&session->image);
    store_close(&session->store);
    md_list_clear(&session->options.env);
    md_list_clear(&session->options.env_files);
    md_list_clear(&session->options.volumes);
    md_list_clear(&session->options.mounts);
    md_list_clear(&session->options.volumes_from);
    md_list_clear(&session->options.tmpfs);
    md_list_clear(&session->options.operands);
}

static const char more[] =
    "Exit status: the command's own; 128+n when signal n ended it; 125 when minidock failed,\n"
    "126 when the command cannot be executed, 127 when it is not found.\n"
    "Not there yet: a filter of system calls, and limits on memory, processors and processes.";

static int parse(struct cli_run_options *run, int argc, char **argv, struct md_err *err)
{
    const struct cli_option options[] = {
        { 'e', "env", CLI_LIST, "KEY[=VALUE]", "Set a variable, or pass the caller's on",
          &run->env },
        { 0, "env-file", CLI_LIST, "FILE", "Set the variables in FILE", &run->env_files },
        { 0, "entrypoint", CLI_TEXT, "PROGRAM", "Instead of the image's entrypoint",
          &run->entrypoint },
        { 'h', "hostname", CLI_TEXT, "NAME", "Host name (default: the short id)",
          &run->hostname },
        { 'i', "interactive", CLI_FLAG, NULL, "Connect stdin", &run->open_stdin },
        { 0, "mount", CLI_LIST, "KEY=VALUE[,...]",
          "Mount: type=bind, volume or tmpfs, source, target, readonly ...", &run->mounts },
        { 0, "name", CLI_TEXT, "NAME", "Name of the container (default: a made-up one)",
          &run->name },
        { 0, "network", CLI_TEXT, "NETWORK", "none (the default: loopback only) or host",
          &run->network },
        { 0, "net", CLI_TEXT, "NETWORK", "The same as --network", &run->network },
        { 0, "platform", CLI_TEXT, "OS/ARCH", "Platform of the image", &run->platform },
        { 0, "pull", CLI_TEXT, "WHEN", "missing (the default), always or never", &run->pull },
        { 'q', "quiet", CLI_FLAG, NULL, "Pull without saying so", &run->quiet },
        { 0, "read-only", CLI_FLAG, NULL, "Make the root file system read-only",
          &run->read_only },
        { 0, "rm", CLI_FLAG, NULL, "Remove the container when it ends", &run->remove },
        { 0, "rootfs", CLI_TEXT, "DIR", "Use DIR, which is not written to, instead of an image",
          &run->rootfs },
        { 0, "tmpfs", CLI_LIST, "PATH[:OPTIONS]", "Mount an empty file system in memory",
          &run->tmpfs },
        { 't', "tty", CLI_FLAG, NULL, "Give it a terminal of its own", &run->terminal },
        { 'u', "user", CLI_TEXT, "USER[:GROUP]", "Names or numbers (default: the image's user)",
          &run->user },
        { 'v', "volume", CLI_LIST, "[SOURCE:]PATH[:ro]",
          "Mount a volume, or a directory or file of the host (\":create\" makes it)",
          &run->volumes },
        { 0, "volumes-from", CLI_LIST, "CONTAINER[:ro]", "Mount what another container has",
          &run->volumes_from },
        { 'w', "workdir", CLI_TEXT, "PATH", "Working directory, made when missing",
          &run->working_dir },
        { 0 },
    };
    const struct cli_syntax syntax = { "run [OPTIONS] IMAGE [COMMAND [ARG...]]",
                                       "Create a container and run a command in it",
                                       more,
                                       0,
                                       -1,
                                       true,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &run->operands, err);

    if (status == 0 && !run->rootfs && run->operands.count == 0)
        status =
            md_err_set(err, MD_ERR_USAGE,
                       "requires at least 1 argument, got 0. Run 'minidock run --help' for "
                       "more information");
    return status;
}

int cli_run(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct session session = {
        .global = global,
        .rootfs = -1,
        .image = { .dir = -1, .rootfs = -1 },
        .store = { .root = -1,
                   .names = -1,
                   .images = -1,
                   .layers = -1,
                   .partial = -1,
                   .containers = -1,
                   .trash = -1 },
        .container = { .dir = -1 },
        .plan = { .lower = -1, .upper = -1, .work = -1, .mount_point = -1, .cgroup = -1 },
    };
    int status = parse(&session.options, argc, argv, err);

    if (status == 0 && geteuid() != 0)
        status = md_err_set(err, MD_ERR_USAGE,
                            "run needs root in this version: try \"sudo minidock run ...\"");
    if (status == 0)
        status = run_session(&session, err);
    if (status == -1 && err->kind == MD_ERR_NONE)
        status = CLI_RUNTIME_FAILED;
    clear_session(&session);
    return status;
}
