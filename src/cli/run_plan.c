/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of run merged with the image's config: a plan. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/policy.h"
#include "cli/run_options.h"
#include "run/user.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* KEY=value, or KEY for what the caller's environment has: a container that was saved has no
 * caller any more, and what it had was put in then. */
static void set_env(const struct cli_run_options *options, struct md_list *env,
                    const char *text)
{
    const char *value = strchr(text, '=') || options->saved ? NULL : getenv(text);

    if (strchr(text, '=')) {
        md_list_set_env(env, text);
    } else if (value) {
        MD_AUTO_FREE char *pair = md_xasprintf("%s=%s", text, value);

        md_list_set_env(env, pair);
    } else {
        md_list_unset_env(env, text);
    }
}

/* Lines KEY=value or KEY; blank ones and those that start with # are skipped. */
static int read_env_file(const struct cli_run_options *options, struct md_list *env,
                         const char *path, struct md_err *err)
{
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return md_err_sys(err, "cannot open env file \"%s\"", path);
    MD_AUTO_FREE char *text = md_fd_read_all(fd, MD_MAX_STATE, &(size_t){ 0 }, path, err);

    if (!text)
        return -1;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#')
            continue;
        size_t key = strcspn(line, "=");

        if (key == 0 || strcspn(line, " \t") < key)
            return md_err_set(err, MD_ERR_USAGE,
                              "env file \"%s\": invalid variable name in \"%.100s\"", path,
                              line);
        if (line[key] == '=' || getenv(line)) /* a bare one that is unset changes nothing */
            set_env(options, env, line);
    }
    return 0;
}

/* What files and the command line say. */
static int add_given_env(const struct cli_run_options *options, struct md_list *env,
                         struct md_err *err)
{
    for (size_t i = 0; i < options->env_files.count; i++) {
        if (read_env_file(options, env, options->env_files.items[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < options->env.count; i++) {
        if (options->env.items[i][0] == '=' || options->env.items[i][0] == '\0')
            return md_err_set(err, MD_ERR_USAGE, "invalid environment variable: \"%s\"",
                              options->env.items[i]);
        set_env(options, env, options->env.items[i]);
    }
    return 0;
}

static int plan_env(const struct cli_run_options *options, const struct md_oci_config *image,
                    struct md_list *env, struct md_err *err)
{
    md_list_add(env, DEFAULT_PATH);
    if (options->terminal)
        md_list_add(env, "TERM=xterm");
    for (size_t i = 0; i < image->env.count; i++)
        md_list_set_env(env, image->env.items[i]);
    return add_given_env(options, env, err);
}

/* With the caller's values; a variable to be unset stays as its bare name. */
int cli_run_settle_env(struct cli_run_options *options, struct md_err *err)
{
    struct md_list env = { 0 };
    int status = add_given_env(options, &env, err);

    for (size_t i = 0; i < options->env.count; i++) {
        if (!strchr(options->env.items[i], '=') && !getenv(options->env.items[i]))
            md_list_add(&env, options->env.items[i]);
    }
    md_list_clear(&options->env);
    md_list_clear(&options->env_files);
    options->env = env;
    return status;
}

static void append(struct md_list *to, const struct md_list *from, size_t first)
{
    for (size_t i = first; i < from->count; i++)
        md_list_add(to, from->items[i]);
}

/* ENTRYPOINT and CMD by docker's rules: --entrypoint drops the image's CMD too. */
static int plan_args(const struct cli_run_options *options, const struct md_oci_config *image,
                     struct md_list *args, struct md_err *err)
{
    size_t first = options->rootfs ? 0 : 1;

    if (options->entrypoint && options->entrypoint[0])
        md_list_add(args, options->entrypoint);
    else if (!options->entrypoint)
        append(args, &image->entrypoint, 0);
    if (options->operands.count > first)
        append(args, &options->operands, first);
    else if (!options->entrypoint)
        append(args, &image->cmd, 0);
    if (args->count == 0)
        return md_err_set(err, MD_ERR_USAGE, "no command specified");
    return 0;
}

static int plan_working_dir(const struct cli_run_options *options,
                            const struct md_oci_config *image, char **working_dir,
                            struct md_err *err)
{
    bool given = options->working_dir && options->working_dir[0];
    const char *dir = given ? options->working_dir : image->working_dir;

    if (given && dir[0] != '/')
        return md_err_set(
            err, MD_ERR_USAGE,
            "the working directory '%s' is invalid, it needs to be an absolute path", dir);
    if (dir && strlen(dir) > MD_MAX_PATH)
        return md_err_set(err, MD_ERR_USAGE, "the working directory is too long");
    *working_dir =
        dir && dir[0] ? md_xasprintf("%s%s", dir[0] == '/' ? "" : "/", dir) : md_xstrdup("/");
    return 0;
}

/* A file of the host, or nothing where it has none. */
static char *host_file(const char *path)
{
    struct md_err ignored = { 0 };
    size_t len = 0;
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : md_fd_read_all(fd, MD_MAX_STATE, &len, path, &ignored);

    return text ? text : md_xstrdup("");
}

static int plan_network(const struct cli_run_options *options, struct run_plan *plan,
                        struct md_err *err)
{
    plan->namespaces =
        CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP;
    plan->resolv_conf = host_file("/etc/resolv.conf");
    if (!options->network || strcmp(options->network, "none") == 0) {
        plan->network = RUN_NETWORK_NONE;
        plan->namespaces |= CLONE_NEWNET;
    } else if (strcmp(options->network, "host") == 0) {
        char name[65] = "localhost";

        gethostname(name, sizeof(name) - 1);
        plan->network = RUN_NETWORK_HOST;
        plan->hosts = host_file("/etc/hosts");
        plan->hostname = md_xstrdup(name);
    } else {
        return md_err_set(err, MD_ERR_USAGE,
                          "network \"%s\" is not known: this version has none and host",
                          options->network);
    }
    return 0;
}

static int plan_hostname(const char *hostname, struct run_plan *plan, struct md_err *err)
{
    if (!hostname)
        return 0;
    size_t len = strlen(hostname);

    if (len == 0 || len > 63 || hostname[0] == '-' ||
        strspn(hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") !=
            len)
        return md_err_set(err, MD_ERR_USAGE, "invalid hostname \"%s\"", hostname);
    free(plan->hostname);
    plan->hostname = md_xstrdup(hostname);
    return 0;
}

/* How it lives; all was checked by cli_run_settle(). */
static void plan_life(const struct cli_run_options *options, struct run_plan *plan)
{
    struct md_err ignored = { 0 };
    int timeout_s = 0;

    plan->open_stdin = options->open_stdin;
    plan->terminal = options->terminal;
    plan->init = options->init;
    if (options->timeout &&
        cli_seconds_parse(options->timeout, "timeout", &timeout_s, &ignored) == 0)
        plan->timeout_s = (unsigned)timeout_s;
}

static int plan_user(const struct cli_run_options *options, const struct md_oci_config *image,
                     int rootfs, struct run_plan *plan, struct md_err *err)
{
    const char *user = options->user ? options->user : image->user;
    char *home = NULL;

    if (run_user_resolve(rootfs, user ? user : "", &plan->user, &home, err) < 0)
        return -1;
    if (!md_list_env(&plan->env, "HOME"))
        md_list_take(&plan->env, md_xasprintf("HOME=%s", home));
    free(home);
    return 0;
}

int cli_run_plan(const struct cli_run_options *options, const struct md_oci_config *image,
                 int rootfs, struct run_plan *plan, struct md_err *err)
{
    plan->capabilities = RUN_DEFAULT_CAPABILITIES;
    plan->read_only = options->read_only;
    plan->upper_is_temporary = options->remove;
    plan->umask = 0022;
    plan->cgroup = -1;
    if (plan_args(options, image, &plan->args, err) < 0 ||
        plan_env(options, image, &plan->env, err) < 0 ||
        plan_working_dir(options, image, &plan->working_dir, err) < 0 ||
        plan_network(options, plan, err) < 0 ||
        plan_hostname(options->hostname, plan, err) < 0 ||
        plan_user(options, image, rootfs, plan, err) < 0)
        return -1;
    plan_life(options, plan);
    return 0;
}

void cli_run_identity(const char *id, struct run_plan *plan)
{
    if (!plan->hostname)
        plan->hostname = md_xasprintf("%.12s", id);
    if (!md_list_env(&plan->env, "HOSTNAME"))
        md_list_take(&plan->env, md_xasprintf("HOSTNAME=%s", plan->hostname));
    if (!plan->hosts)
        plan->hosts = md_xasprintf("127.0.0.1\tlocalhost\n"
                                   "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                   "fe00::\tip6-localnet\n"
                                   "ff00::\tip6-mcastprefix\n"
                                   "ff02::1\tip6-allnodes\n"
                                   "ff02::2\tip6-allrouters\n"
                                   "127.0.1.1\t%s\n",
                                   plan->hostname);
}
