/* SPDX-License-Identifier: Apache-2.0 */
/* A container's config.json, with docker's member names, for inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "cli/run_options.h"

static struct json_t *config_object(const struct cli_run_options *options,
                                    const struct md_oci_config *image,
                                    const struct run_plan *plan)
{
    struct json_t *object = md_json_object();
    const char *user = options->user ? options->user : image->user;

    md_json_set(object, "Hostname", md_json_string(plan->hostname ? plan->hostname : ""));
    md_json_set(object, "User", md_json_string(user ? user : ""));
    md_json_set(object, "Tty", md_json_bool(options->terminal));
    md_json_set(object, "OpenStdin", md_json_bool(options->open_stdin));
    md_json_set(object, "Env", md_json_list(&plan->env));
    md_json_set(object, "Cmd", md_json_list(&plan->args));
    md_json_set(object, "Image",
                md_json_string(options->rootfs ? options->rootfs : options->operands.items[0]));
    md_json_set(object, "WorkingDir", md_json_string(plan->working_dir));
    md_json_set(object, "Labels",
                image->labels ? md_json_copy(image->labels) : md_json_object());
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

    md_json_set(object, "Binds", binds(&options->volumes));
    md_json_set(object, "VolumesFrom",
                options->volumes_from.count ? md_json_list(&options->volumes_from) : NULL);
    md_json_set(object, "NetworkMode",
                md_json_string(options->network ? options->network : "none"));
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

struct json_t *cli_run_config(const struct cli_run_options *options,
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
    if (options->rootfs) {
        MD_AUTO_FREE char *rootfs = realpath(options->rootfs, NULL);

        md_json_set(object, "rootfs", md_json_string(rootfs ? rootfs : options->rootfs));
    }
    return object;
}
