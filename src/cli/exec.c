/* SPDX-License-Identifier: Apache-2.0 */
/* exec: one more program in a container that runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/session.h"
#include "run/exec.h"
#include "run/user.h"

#define ALL_CAPABILITIES UINT64_MAX

/* One `minidock exec`. */
struct exec {
    struct cli_run_options options; /* those that run has too; operands: CONTAINER COMMAND... */
    bool privileged;
    struct store_container container;
    struct store_state state;
    int pidfd; /* of the container's process 1 */
    struct run_exec target;
    struct run_plan plan;
};

/* --- the container */

/* docker's words. */
static int check_state(const struct exec *exec, struct md_err *err)
{
    const char *id = exec->container.id;

    if (exec->state.status == STORE_PAUSED)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "Container %s is paused, unpause the container before exec", id);
    if (exec->state.status == STORE_RESTARTING)
        return md_err_set(err, MD_ERR_CONFLICT,
                          "Container %s is restarting, wait until the container is running",
                          id);
    if (exec->state.status != STORE_RUNNING || exec->pidfd < 0)
        return md_err_set(err, MD_ERR_CONFLICT, "container %s is not running", id);
    return 0;
}

static int find_container(const struct cli_global *global, struct exec *exec,
                          struct md_err *err)
{
    struct store store;
    int status = store_open(global->root, STORE_READ, &store, err);

    if (status < 0)
        return -1;
    status =
        store_container_open(&store, exec->options.operands.items[0], &exec->container, err);
    if (status == 0)
        status = cli_container_state(&store, &exec->container, &exec->state, err);
    if (status == 0) {
        exec->pidfd = store_process_open(&exec->state.init);
        status = check_state(exec, err);
    }
    store_close(&store);
    return status;
}

/* What went wrong because the container has ended meanwhile is told so. */
static int blame(const struct exec *exec, struct md_err *err)
{
    if (err->kind == MD_ERR_EXEC || err->kind == MD_ERR_USAGE || !run_exec_is_over(exec->pidfd))
        return -1;
    *err = (struct md_err){ 0 };
    md_err_set(err, MD_ERR_CONFLICT, "container %s is not running", exec->container.id);
    return cli_report(err, CLI_FAILED);
}

/* --- the plan */

static const struct json_t *config_of(const struct exec *exec)
{
    return md_json_get(exec->container.config, "Config");
}

/* The home of the container's own user belongs to that one only. */
static void forget_home(const struct exec *exec, struct md_list *env)
{
    const char *user = md_json_get_text(config_of(exec), "User");
    const char *home = md_list_env(env, "HOME");
    struct run_user own = { 0 };
    struct md_err ignored = { 0 };
    MD_AUTO_FREE char *own_home = NULL;

    if (home &&
        run_user_resolve(exec->target.root, user ? user : "", &own, &own_home, &ignored) == 0 &&
        strcmp(home, own_home) == 0)
        md_list_unset_env(env, "HOME");
    run_user_clear(&own);
}

static int plan_env(struct exec *exec, struct md_err *err)
{
    struct cli_run_options *options = &exec->options;
    struct md_list *env = &exec->plan.env;
    const char *term;

    if (md_json_get_list(config_of(exec), "Env", env) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "its config.json is damaged at \"Env\"");
    if (options->user)
        forget_home(exec, env);
    term = md_list_env(env, "TERM");
    if (options->terminal && !term)
        md_list_add(env, "TERM=xterm");
    /* The container's terminal is not this one's. */
    if (!options->terminal && term && strcmp(term, "xterm") == 0 &&
        md_json_true(md_json_get(config_of(exec), "Tty")))
        md_list_unset_env(env, "TERM");
    if (cli_run_settle_env(options, err) < 0)
        return -1;
    for (size_t i = 0; i < options->env.count; i++) {
        if (strchr(options->env.items[i], '='))
            md_list_set_env(env, options->env.items[i]);
        else
            md_list_unset_env(env, options->env.items[i]);
    }
    return 0;
}

/* HOME and HOSTNAME, where nobody has given them. */
static int plan_user(struct exec *exec, struct md_err *err)
{
    const char *configured = md_json_get_text(config_of(exec), "User");
    const char *hostname = md_json_get_text(config_of(exec), "Hostname");
    const char *user = exec->options.user ? exec->options.user : configured;
    struct run_plan *plan = &exec->plan;
    MD_AUTO_FREE char *home = NULL;

    if (run_user_resolve(exec->target.root, user ? user : "", &plan->user, &home, err) < 0)
        return -1;
    if (!md_list_env(&plan->env, "HOME"))
        md_list_take(&plan->env, md_xasprintf("HOME=%s", home));
    if (hostname && hostname[0])
        plan->hostname = md_xstrdup(hostname);
    cli_run_identity(exec->container.id, plan);
    return 0;
}

static int plan_working_dir(struct exec *exec, struct md_err *err)
{
    const char *given = exec->options.working_dir;
    const char *dir =
        given && given[0] ? given : md_json_get_text(config_of(exec), "WorkingDir");

    if (!dir || !dir[0])
        dir = "/";
    if (dir[0] != '/')
        return md_err_set(
            err, MD_ERR_USAGE,
            "the working directory '%s' is invalid, it needs to be an absolute path", dir);
    if (strlen(dir) > MD_MAX_PATH)
        return md_err_set(err, MD_ERR_USAGE, "the working directory is too long");
    exec->plan.working_dir = md_xstrdup(dir);
    return 0;
}

static void plan_terminal(struct exec *exec)
{
    struct winsize size = { 0 };

    exec->plan.terminal = exec->options.terminal;
    exec->plan.open_stdin = exec->options.open_stdin && !exec->options.detach;
    if (exec->plan.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        exec->plan.rows = size.ws_row;
        exec->plan.columns = size.ws_col;
    }
}

static int make_plan(struct exec *exec, struct md_err *err)
{
    const struct md_list *operands = &exec->options.operands;
    struct run_plan *plan = &exec->plan;

    for (size_t i = 1; i < operands->count; i++)
        md_list_add(&plan->args, operands->items[i]);
    plan->capabilities = exec->privileged ? ALL_CAPABILITIES : RUN_DEFAULT_CAPABILITIES;
    plan->umask = 0022;
    plan_terminal(exec);
    if (plan_env(exec, err) < 0 || plan_user(exec, err) < 0)
        return -1;
    return plan_working_dir(exec, err);
}

/* --- running it */

/* Without a terminal -t becomes pipes, as with run. */
static void check_terminal(struct cli_run_options *options)
{
    if (!options->terminal || options->detach)
        return;
    if (!isatty(STDOUT_FILENO) || (options->open_stdin && !isatty(STDIN_FILENO))) {
        fprintf(stderr, "minidock: note: no terminal here, so -t is left out\n");
        options->terminal = false;
    }
}

static int exit_status(const struct exec *exec, const struct run_result *result,
                       struct md_err *err)
{
    if (result->left) {
        if (!exec->target.detach)
            fprintf(stderr, "\r\n");
        return CLI_OK;
    }
    if (result->write_errno == 0)
        return result->exit_code;
    errno = result->write_errno;
    md_err_sys(err, "cannot write the program's output");
    if (result->exit_code == 0)
        return -1;
    cli_report(err, CLI_RUNTIME_FAILED);
    return result->exit_code; /* the program's own says more */
}

static int enter(struct exec *exec, struct md_err *err)
{
    const char *keys = exec->options.detach_keys;
    struct run_result result = { 0 };

    if (run_exec_open(exec->state.init.pid, exec->pidfd, exec->state.cgroup, &exec->target,
                      err) < 0 ||
        make_plan(exec, err) < 0)
        return -1;
    exec->target.detach = exec->options.detach;
    if (exec->plan.open_stdin && exec->plan.terminal &&
        run_keys_parse(keys ? keys : RUN_KEYS_DEFAULT, &exec->target.keys, err) < 0)
        return -1;
    if (run_exec(&exec->plan, &exec->target, &result, err) < 0)
        return -1;
    return exit_status(exec, &result, err);
}

static int run(const struct cli_global *global, struct exec *exec, struct md_err *err)
{
    struct run_keys keys;
    int status;

    if (exec->options.detach_keys && run_keys_parse(exec->options.detach_keys, &keys, err) < 0)
        return -1;
    if (exec->options.user && !exec->options.user[0])
        exec->options.user = NULL;
    check_terminal(&exec->options);
    if (find_container(global, exec, err) < 0)
        return cli_report(err, CLI_FAILED);
    status = enter(exec, err);
    return status < 0 ? blame(exec, err) : status;
}

static void clear(struct exec *exec)
{
    run_exec_close(&exec->target);
    run_plan_clear(&exec->plan);
    store_container_clear(&exec->container);
    cli_run_options_clear(&exec->options);
    md_fd_close(&exec->pidfd);
}

int cli_exec(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct exec exec = {
        .container = { .dir = -1 },
        .pidfd = -1,
        .target = { .root = -1, .cgroup = -1, .freezer = -1 },
        .plan = { .lower = -1, .upper = -1, .work = -1, .mount_point = -1, .cgroup = -1 }
    };
    struct cli_run_options *to = &exec.options;
    const struct cli_option options[] = {
        { 'd', "detach", CLI_FLAG, NULL, "Return when it runs", &to->detach },
        { 0, "detach-keys", CLI_TEXT, "KEYS",
          "Keys that leave it running (default: ctrl-p,ctrl-q)", &to->detach_keys },
        { 'e', "env", CLI_LIST, "KEY[=VALUE]", "Set a variable", &to->env },
        { 0, "env-file", CLI_LIST, "FILE", "Read variables from a file", &to->env_files },
        { 'i', "interactive", CLI_FLAG, NULL, "Connect stdin", &to->open_stdin },
        { 0, "privileged", CLI_FLAG, NULL, "With all capabilities", &exec.privileged },
        { 't', "tty", CLI_FLAG, NULL, "Give it a terminal", &to->terminal },
        { 'u', "user", CLI_TEXT, "USER[:GROUP]", "Run as this user", &to->user },
        { 'w', "workdir", CLI_TEXT, "DIR", "Run in this directory", &to->working_dir },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
        "Run one more command in a container that runs",
        "Exit status: the command's own; 128+n when signal n ended it; 125 when minidock "
        "failed,\n"
        "126 when the command cannot be executed, 127 when it is not found; 1 when the "
        "container\n"
        "does not run. Signals are passed on to the command.",
        2,
        -1,
        true,
        options
    };
    int status = cli_parse(&syntax, argc, argv, &to->operands, err);

    if (status == 0 && geteuid() != 0)
        status = md_err_set(err, MD_ERR_USAGE,
                            "exec needs root in this version: try \"sudo minidock exec ...\"");
    if (status == 0)
        status = run(global, &exec, err);
    clear(&exec);
    return status;
}
