/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: containers with docker's member names. */
#include "cli/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/usage.h"

/*
 * What docker shows of a container that was created without any options, for members that
 * config.json does not have: scripts ask for them, and minidock's answer is the default too.
 */
static const char host_defaults[] =
    "{\"Binds\": null, \"ContainerIDFile\": \"\","
    " \"LogConfig\": {\"Type\": \"json-file\", \"Config\": {}}, \"NetworkMode\": \"none\","
    " \"PortBindings\": {}, \"RestartPolicy\": {\"Name\": \"no\", \"MaximumRetryCount\": 0},"
    " \"AutoRemove\": false, \"VolumeDriver\": \"\", \"VolumesFrom\": null, \"CapAdd\": null,"
    " \"CapDrop\": null, \"CgroupnsMode\": \"private\", \"Dns\": [], \"DnsOptions\": [],"
    " \"DnsSearch\": [], \"ExtraHosts\": null, \"GroupAdd\": null, \"IpcMode\": \"private\","
    " \"Cgroup\": \"\", \"Links\": null, \"OomScoreAdj\": 0, \"PidMode\": \"\","
    " \"Privileged\": false, \"PublishAllPorts\": false, \"ReadonlyRootfs\": false,"
    " \"SecurityOpt\": null, \"UTSMode\": \"\", \"UsernsMode\": \"\", \"ShmSize\": 67108864,"
    " \"Runtime\": \"minidock\", \"CpuShares\": 0, \"Memory\": 0, \"NanoCpus\": 0,"
    " \"CgroupParent\": \"\", \"CpuPeriod\": 0, \"CpuQuota\": 0, \"CpusetCpus\": \"\","
    " \"CpusetMems\": \"\", \"Devices\": [], \"MemoryReservation\": 0, \"MemorySwap\": 0,"
    " \"OomKillDisable\": false, \"PidsLimit\": null, \"Ulimits\": null}";

static const char config_defaults[] =
    "{\"Hostname\": \"\", \"Domainname\": \"\", \"User\": \"\", \"AttachStdin\": false,"
    " \"AttachStdout\": false, \"AttachStderr\": false, \"Tty\": false, \"OpenStdin\": false,"
    " \"StdinOnce\": false, \"Env\": null, \"Cmd\": null, \"Image\": \"\", \"Volumes\": null,"
    " \"WorkingDir\": \"\", \"Entrypoint\": null, \"OnBuild\": null, \"Labels\": {}}";

static const char network_defaults[] =
    "{\"Bridge\": \"\", \"SandboxID\": \"\", \"SandboxKey\": \"\", \"Ports\": {},"
    " \"HairpinMode\": false, \"EndpointID\": \"\", \"Gateway\": \"\","
    " \"GlobalIPv6Address\": \"\", \"GlobalIPv6PrefixLen\": 0, \"IPAddress\": \"\","
    " \"IPPrefixLen\": 0, \"IPv6Gateway\": \"\", \"MacAddress\": \"\", \"Networks\": {}}";

/* The defaults, with what config.json has over them. */
static struct json_t *merged(const char *defaults, const struct json_t *stored)
{
    struct md_err impossible = { 0 };
    struct json_t *object = md_json_parse(defaults, strlen(defaults), "defaults", &impossible);

    for (const char *key = NULL; (key = md_json_next_key(stored, key));)
        md_json_set(object, key, md_json_copy(md_json_get(stored, key)));
    return object;
}

/* Go's zero time, where it has not happened. */
static void set_time(struct json_t *object, const char *key, const struct timespec *time)
{
    char text[40] = "0001-01-01T00:00:00Z";

    if (time->tv_sec)
        md_text_time(time, text, sizeof(text));
    md_json_set(object, key, md_json_string(text));
}

static struct json_t *state_object(const struct store_state *state)
{
    struct json_t *object = md_json_object();
    bool paused = state->status == STORE_PAUSED;
    bool restarting = state->status == STORE_RESTARTING;
    bool alive = paused || state->status == STORE_RUNNING;

    md_json_set(object, "Status", md_json_string(store_status_word(state->status)));
    md_json_set(object, "Running", md_json_bool(alive || restarting)); /* docker: so it is */
    md_json_set(object, "Paused", md_json_bool(paused));
    md_json_set(object, "Restarting", md_json_bool(restarting));
    md_json_set(object, "OOMKilled", md_json_bool(state->oom_killed));
    md_json_set(object, "Dead", md_json_bool(false));
    md_json_set(object, "Pid", md_json_number(alive ? state->init.pid : 0));
    md_json_set(object, "ExitCode", md_json_number(state->exit_code));
    md_json_set(object, "Error", md_json_string(state->error));
    md_json_set(object, "Reason", md_json_string(state->reason));
    md_json_set(object, "Health", NULL); /* so that {{if .State.Health}} can be asked */
    set_time(object, "StartedAt", &state->started);
    set_time(object, "FinishedAt", &state->finished);
    return object;
}

/* Where no name was asked for, it is the short id. */
static void set_hostname(struct json_t *config, const char *id)
{
    const char *given = md_json_get_text(config, "Hostname");
    char name[13];

    if (given && given[0])
        return;
    snprintf(name, sizeof(name), "%.12s", id);
    md_json_set(config, "Hostname", md_json_string(name));
}

/* Where its log is, if it has one. */
static char *log_path(const struct store *store, const struct store_container *container,
                      const struct json_t *host)
{
    const char *type = md_json_get_text(md_json_get(host, "LogConfig"), "Type");

    if (type && strcmp(type, "none") == 0)
        return md_xstrdup("");
    return md_xasprintf("%s/.containers/%s/log", store->path, container->id);
}

static struct json_t *storage(const struct store *store,
                              const struct store_container *container)
{
    struct json_t *driver = md_json_object();
    struct json_t *data = md_json_object();
    MD_AUTO_FREE char *upper =
        md_xasprintf("%s/.containers/%s/upper", store->path, container->id);

    if (container->image_id[0]) {
        MD_AUTO_FREE char *lower =
            md_xasprintf("%s/.images/%s/rootfs", store->path, container->image_id);

        md_json_set(data, "LowerDir", md_json_string(lower));
    }
    md_json_set(data, "UpperDir", md_json_string(upper));
    md_json_set(driver, "Data", data);
    md_json_set(driver, "Name", md_json_string("minidock"));
    return driver;
}

static void add_sizes(const struct store *store, const struct store_container *container,
                      struct json_t *object)
{
    struct store_image image = { 0 };
    struct md_err ignored = { 0 };
    uint64_t written = 0;

    if (store_container_usage(container, &written, &ignored) < 0)
        written = 0;
    if (container->image_id[0] &&
        store_image_open_id(store, container->image_id, &image, &ignored) < 0)
        image.size = 0;
    md_json_set(object, "SizeRw", md_json_number((int64_t)written));
    md_json_set(object, "SizeRootFs", md_json_number((int64_t)(written + image.size)));
    store_image_clear(&image);
}

static void set_text(struct json_t *object, const char *key, char *text)
{
    md_json_set(object, key, md_json_string(text));
    free(text);
}

/* What says nothing here, but is asked for. */
static void add_empty(struct json_t *object)
{
    static const char *const keys[] = { "ResolvConfPath", "HostnamePath", "HostsPath",
                                        "MountLabel",     "ProcessLabel", "AppArmorProfile" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        md_json_set(object, keys[i], md_json_string(""));
    md_json_set(object, "ExecIDs", NULL);
}

struct json_t *cli_inspect_container(const struct store *store,
                                     const struct store_container *container,
                                     const struct store_state *state, enum cli_sizes sizes)
{
    const struct json_t *stored = container->config;
    struct json_t *object = md_json_object();
    struct json_t *host = merged(host_defaults, md_json_get(stored, "HostConfig"));
    struct json_t *config = merged(config_defaults, md_json_get(stored, "Config"));
    char when[40];

    set_hostname(config, container->id);
    md_json_set(object, "Id", md_json_string(container->id));
    md_json_set(object, "Created",
                md_json_string(md_text_time(&container->created, when, sizeof(when))));
    md_json_set(object, "Path", md_json_copy(md_json_get(stored, "Path")));
    md_json_set(object, "Args", md_json_copy(md_json_get(stored, "Args")));
    md_json_set(object, "State", state_object(state));
    md_json_set(object, "Image", md_json_copy(md_json_get(stored, "Image")));
    add_empty(object);
    set_text(object, "LogPath", log_path(store, container, host));
    set_text(object, "Name", md_xasprintf("/%s", container->name));
    md_json_set(object, "RestartCount", md_json_number(state->restarts));
    md_json_set(object, "Driver", md_json_string("minidock"));
    md_json_set(object, "Platform", md_json_string("linux"));
    md_json_set(object, "HostConfig", host);
    md_json_set(object, "GraphDriver", storage(store, container));
    if (sizes == CLI_SIZES_COUNTED)
        add_sizes(store, container, object);
    md_json_set(object, "Mounts", md_json_copy(md_json_get(stored, "Mounts")));
    md_json_set(object, "Config", config);
    md_json_set(object, "NetworkSettings",
                merged(network_defaults, md_json_get(stored, "NetworkSettings")));
    return object;
}
