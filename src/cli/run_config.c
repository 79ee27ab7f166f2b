/* SPDX-License-Identifier: Apache-2.0 */
/* A container's config.json, with docker's member names, for inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "cli/policy.h"
#include "cli/run_options.h"

/* ENTRYPOINT and CMD apart, as docker has them; null where there is none. */
static void add_command(const struct cli_run_options *options,
                        const struct md_oci_config *image, struct json_t *object)
{
    size_t first = options->rootfs ? 0 : 1;
    const struct md_list *entrypoint = options->entrypoint ? NULL : &image->entrypoint;
    struct md_list given = { 0 };
    struct md_list words = { 0 };

    if (options->entrypoint && options->entrypoint[0])
        md_list_add(&given, options->entrypoint);
    for (size_t i = first; i < options->operands.count; i++)
        md_list_add(&words, options->operands.items[i]);
    if (words.count == 0 && !options->entrypoint)
        md_list_copy(&words, &image->cmd);
    entrypoint = entrypoint ? entrypoint : &given;
    md_json_set(object, "Cmd", words.count ? md_json_list(&words) : NULL);
    md_json_set(object, "Entrypoint", entrypoint->count ? md_json_list(entrypoint) : NULL);
    md_list_clear(&given);
    md_list_clear(&words);
}

static void add_streams(const struct cli_run_options *options, struct json_t *object)
{
    bool attached = !options->detach;

    md_json_set(object, "AttachStdin", md_json_bool(attached && options->open_stdin));
    md_json_set(object, "AttachStdout", md_json_bool(attached));
    md_json_set(object, "AttachStderr", md_json_bool(attached));
    md_json_set(object, "Tty", md_json_bool(options->terminal));
    md_json_set(object, "OpenStdin", md_json_bool(options->open_stdin));
    md_json_set(object, "StdinOnce", md_json_bool(attached && options->open_stdin));
}

static struct json_t *config_object(const struct cli_run_options *options,
                                    const struct md_oci_config *image,
                                    const struct run_plan *plan)
{
    struct json_t *object = md_json_object();
    const char *user = options->user ? options->user : image->user;
    struct md_err ignored = { 0 };
    int timeout_s = 0;

    md_json_set(object, "Hostname", md_json_string(plan->hostname ? plan->hostname : ""));
    md_json_set(object, "User", md_json_string(user ? user : ""));
    add_streams(options, object);
    md_json_set(object, "Env", md_json_list(&plan->env));
    add_command(options, image, object);
    md_json_set(object, "Volumes", image->volumes ? md_json_copy(image->volumes) : NULL);
    md_json_set(object, "Image",
                md_json_string(options->rootfs ? options->rootfs : options->operands.items[0]));
    md_json_set(object, "WorkingDir", md_json_string(plan->working_dir));
    md_json_set(object, "Labels", cli_run_labels(options, image));
    if (options->stop_signal || image->stop_signal)
        md_json_set(
            object, "StopSignal",
            md_json_string(options->stop_signal ? options->stop_signal : image->stop_signal));
    if (options->stop_timeout &&
        cli_seconds_parse(options->stop_timeout, "stop-timeout", &timeout_s, &ignored) == 0)
        md_json_set(object, "StopTimeout", md_json_number(timeout_s));
    return object;
}

struct json_t *cli_run_policy(const struct cli_policy *policy)
{
    struct json_t *object = md_json_object();

    md_json_set(object, "Name", md_json_string(cli_policy_word(policy)));
    md_json_set(object, "MaximumRetryCount", md_json_number(policy->most));
    return object;
}

static struct json_t *log_object(const struct cli_run_options *options)
{
    struct json_t *object = md_json_object();
    struct json_t *config = md_json_object();

    for (size_t i = 0; i < options->log_options.count; i++) {
        const char *text = options->log_options.items[i];
        size_t len = strcspn(text, "=");
        MD_AUTO_FREE char *key = md_xstrndup(text, len);

        md_json_set(config, key, md_json_string(text[len] ? text + len + 1 : ""));
    }
    md_json_set(object, "Type",
                md_json_string(options->log_driver ? options->log_driver : "json-file"));
    md_json_set(object, "Config", config);
    return object;
}

/* docker lists what has a source; a volume without a name is one of the config. */
static struct json_t *binds(const struct md_list *volumes)
{
    struct json_t *array = md_json_array();

    for (size_t i = 0; i < volumes->count; i++) {
        if (strchr(volumes->items[i], ':'))
            md_json_append(array, md_json_string(volumes->items[i]));
    }
    return array;
}

static struct json_t *host_object(const struct cli_run_options *options)
{
    struct json_t *object = md_json_object();
    struct md_err ignored = { 0 };
    struct cli_policy policy;

    if (cli_policy_parse(options->restart, &policy, &ignored) < 0)
        policy = (struct cli_policy){ .kind = CLI_POLICY_NO };
    md_json_set(object, "Binds", binds(&options->volumes));
    md_json_set(object, "VolumesFrom",
                options->volumes_from.count ? md_json_list(&options->volumes_from) : NULL);
    md_json_set(object, "NetworkMode",
                md_json_string(options->network ? options->network : "none"));
    md_json_set(object, "LogConfig", log_object(options));
    md_json_set(object, "RestartPolicy", cli_run_policy(&policy));
    md_json_set(object, "Init", md_json_bool(options->init));
    md_json_set(object, "AutoRemove", md_json_bool(options->remove));
    md_json_set(object, "ReadonlyRootfs", md_json_bool(options->read_only));
    return object;
}

static struct json_t *mount_object(const struct run_mount *mount)
{
    struct json_t *object = md_json_object();
    bool tmpfs = mount->kind == RUN_MOUNT_TMPFS;
    bool writable = !(mount->attributes & MOUNT_ATTR_RDONLY);
    const char *type = tmpfs ? "tmpfs" : mount->volume ? "volume" : "bind";
    const char *propagation = tmpfs || mount->volume ? "" : "rprivate";

    md_json_set(object, "Type", md_json_string(type));
    if (mount->volume)
        md_json_set(object, "Name", md_json_string(mount->volume));
    md_json_set(object, "Source", md_json_string(mount->source ? mount->source : ""));
    md_json_set(object, "Destination", md_json_string(mount->target));
    if (mount->volume)
        md_json_set(object, "Driver", md_json_string("local"));
    md_json_set(object, "Mode", md_json_string(mount->mode ? mount->mode : ""));
    md_json_set(object, "RW", md_json_bool(writable));
    md_json_set(object, "Propagation", md_json_string(propagation));
    return object;
}

static struct json_t *mounts_array(const struct run_plan *plan)
{
    struct json_t *array = md_json_array();

    for (size_t i = 0; i < plan->mount_count; i++)
        md_json_append(array, mount_object(&plan->mounts[i]));
    return array;
}

/* Those that go with the container, for store_volume_release(). */
static struct json_t *anonymous_volumes(const struct run_plan *plan)
{
    struct json_t *array = md_json_array();

    for (size_t i = 0; i < plan->mount_count; i++) {
        if (plan->mounts[i].volume && plan->mounts[i].anonymous)
            md_json_append(array, md_json_string(plan->mounts[i].volume));
    }
    return array;
}

struct json_t *cli_run_config(struct cli_run_options *options,
                              const struct md_oci_config *image, const char *image_id,
                              const struct run_plan *plan)
{
    struct json_t *object = md_json_object();
    struct json_t *rest = md_json_array();
    struct json_t *network = md_json_object();
    MD_AUTO_FREE char *id = md_xasprintf("%s%s", image_id[0] ? "sha256:" : "", image_id);

    for (size_t i = 1; i < plan->args.count; i++)
        md_json_append(rest, md_json_string(plan->args.items[i]));
    md_json_set(object, "Path", md_json_string(plan->args.items[0]));
    md_json_set(object, "Args", rest);
    md_json_set(object, "Image", md_json_string(id));
    md_json_set(object, "Config", config_object(options, image, plan));
    md_json_set(object, "HostConfig", host_object(options));
    md_json_set(object, "Mounts", mounts_array(plan));
    md_json_set(object, "anonymous_volumes", anonymous_volumes(plan));
    md_json_set(network, "Networks", md_json_object());
    md_json_set(object, "NetworkSettings", network);
    md_json_set(object, "auto_remove", md_json_bool(options->remove));
    md_json_set(object, "options", cli_run_save(options));
    if (options->rootfs)
        md_json_set(object, "rootfs", md_json_string(options->rootfs));
    return object;
}
