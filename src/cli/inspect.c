/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: containers and images with docker's field names. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/template.h"
#include "cli/volumes.h"
#include "store/container.h"
#include "store/image.h"

/* Lists are null in docker's answer when the image has none. */
static struct json_t *list_or_null(const struct md_list *list)
{
    return list->count > 0 ? md_json_list(list) : NULL;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static struct json_t *image_config(const struct md_oci_config *config)
{
    struct json_t *object = md_json_object();

    md_json_set(object, "User", md_json_string(or_empty(config->user)));
    if (config->exposed_ports)
        md_json_set(object, "ExposedPorts", md_json_copy(config->exposed_ports));
    md_json_set(object, "Env", list_or_null(&config->env));
    md_json_set(object, "Cmd", list_or_null(&config->cmd));
    md_json_set(object, "Volumes", config->volumes ? md_json_copy(config->volumes) : NULL);
    md_json_set(object, "WorkingDir", md_json_string(or_empty(config->working_dir)));
    md_json_set(object, "Entrypoint", list_or_null(&config->entrypoint));
    md_json_set(object, "Labels", config->labels ? md_json_copy(config->labels) : NULL);
    md_json_set(object, "OnBuild", list_or_null(&config->on_build));
    if (config->healthcheck)
        md_json_set(object, "Healthcheck", md_json_copy(config->healthcheck));
    if (config->stop_signal)
        md_json_set(object, "StopSignal", md_json_string(config->stop_signal));
    return object;
}

/* RepoTags and RepoDigests: every name that leads to this image. */
static int add_names(const struct store *store, const char *id, struct json_t *object,
                     struct md_err *err)
{
    MD_AUTO_FREE struct store_name *names = NULL;
    struct json_t *tags = md_json_array();
    struct json_t *digests = md_json_array();
    size_t count = 0;

    md_json_set(object, "RepoTags", tags);
    md_json_set(object, "RepoDigests", digests);
    if (store_name_list(store, &names, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char text[2 * MD_REF_TEXT_SIZE];
        struct md_ref ref = { 0 };

        if (strcmp(names[i].image_id, id) != 0 ||
            md_ref_from_store_name(names[i].name, &ref) < 0)
            continue;
        if (ref.tag[0]) {
            md_ref_familiar(&ref, text);
            md_json_append(tags, md_json_string(text));
        }
        if (names[i].served.alg) {
            md_ref_familiar_repository(&ref, text);
            size_t len = strlen(text);

            snprintf(text + len, sizeof(text) - len, "@%s", names[i].served.text);
            md_json_append(digests, md_json_string(text));
        }
    }
    return 0;
}

static struct json_t *layers(const struct md_oci_config *config)
{
    struct json_t *rootfs = md_json_object();
    struct json_t *ids = md_json_array();

    for (size_t i = 0; i < config->diff_id_count; i++)
        md_json_append(ids, md_json_string(config->diff_ids[i].text));
    md_json_set(rootfs, "Type", md_json_string("layers"));
    md_json_set(rootfs, "Layers", ids);
    return rootfs;
}

static struct json_t *storage(const struct store_image *image)
{
    struct json_t *driver = md_json_object();
    struct json_t *data = md_json_object();

    md_json_set(data, "RootDir", md_json_string(image->path));
    md_json_set(driver, "Data", data);
    md_json_set(driver, "Name", md_json_string("minidock"));
    return driver;
}

static int inspect_image(const struct store *store, const char *what, struct json_t *found,
                         struct md_err *err)
{
    struct store_image image = { 0 };

    if (store_image_open(store, what, &image, err) < 0)
        return -1;
    struct json_t *object = md_json_object();
    MD_AUTO_FREE char *id = md_xasprintf("sha256:%s", image.id);

    md_json_append(found, object);
    md_json_set(object, "Id", md_json_string(id));
    int status = add_names(store, image.id, object, err);

    md_json_set(object, "Comment", md_json_string(or_empty(image.config.comment)));
    md_json_set(object, "Created", md_json_string(image.config.created));
    md_json_set(object, "Author", md_json_string(or_empty(image.config.author)));
    md_json_set(object, "Config", image_config(&image.config));
    md_json_set(object, "Architecture", md_json_string(image.config.platform.architecture));
    if (image.config.platform.variant[0])
        md_json_set(object, "Variant", md_json_string(image.config.platform.variant));
    md_json_set(object, "Os", md_json_string(image.config.platform.os));
    md_json_set(object, "Size", md_json_number((int64_t)image.size));
    md_json_set(object, "GraphDriver", storage(&image));
    md_json_set(object, "RootFS", layers(&image.config));
    store_image_clear(&image);
    return status;
}

static struct json_t *state_object(const struct store_state *state)
{
    static const struct timespec never = { .tv_sec =
                                               -62135596800 }; /* year 1: Go's zero time */
    struct json_t *object = md_json_object();
    bool paused = state->status == STORE_PAUSED;
    bool restarting = state->status == STORE_RESTARTING;
    bool alive = paused || state->status == STORE_RUNNING;
    char when[40];

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
    md_json_set(object, "StartedAt",
                md_json_string(md_text_time(state->started.tv_sec ? &state->started : &never,
                                            when, sizeof(when))));
    md_json_set(object, "FinishedAt",
                md_json_string(md_text_time(state->finished.tv_sec ? &state->finished : &never,
                                            when, sizeof(when))));
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

static int inspect_container(const struct store *store, const char *what, struct json_t *found,
                             struct md_err *err)
{
    static const char *const members[] = { "Path",       "Args",   "Image",          "Config",
                                           "HostConfig", "Mounts", "NetworkSettings" };
    struct store_container container = { .dir = -1 };
    struct store_state state = { 0 };
    char when[40];

    if (store_container_open(store, what, &container, err) < 0)
        return -1;
    int status = cli_container_state(store, &container, &state, err);
    struct json_t *object = md_json_object();
    MD_AUTO_FREE char *name = md_xasprintf("/%s", container.name);

    md_json_append(found, object);
    md_json_set(object, "Id", md_json_string(container.id));
    md_json_set(object, "Created",
                md_json_string(md_text_time(&container.created, when, sizeof(when))));
    md_json_set(object, "Name", md_json_string(name));
    md_json_set(object, "State", state_object(&state));
    md_json_set(object, "RestartCount", md_json_number(state.restarts));
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct json_t *member = md_json_copy(md_json_get(container.config, members[i]));

        if (strcmp(members[i], "Config") == 0)
            set_hostname(member, container.id);
        md_json_set(object, members[i], member);
    }
    store_container_clear(&container);
    return status;
}

static int inspect_volume(const struct store *store, const char *what, struct json_t *found,
                          struct md_err *err)
{
    struct store_volume volume = { .dir = -1, .data = -1 };

    if (store_volume_open(store, what, &volume, err) < 0)
        return -1;
    md_json_append(found, cli_volume_object(&volume));
    store_volume_clear(&volume);
    return 0;
}

/* docker's order: a container of that name before an image, and that before a volume. */
static int inspect_one(const struct store *store, const char *what, const char *type,
                       struct json_t *found, struct md_err *err)
{
    if (!type || strcmp(type, "container") == 0) {
        if (inspect_container(store, what, found, err) == 0)
            return 0;
        if (type || err->kind != MD_ERR_NOT_FOUND)
            return -1;
        memset(err, 0, sizeof(*err));
    }
    if (!type || strcmp(type, "image") == 0) {
        if (inspect_image(store, what, found, err) == 0)
            return 0;
        if (type || err->kind != MD_ERR_NOT_FOUND)
            return -1;
        memset(err, 0, sizeof(*err));
    }
    if (inspect_volume(store, what, found, err) == 0)
        return 0;
    if (!type && err->kind == MD_ERR_NOT_FOUND)
        return md_err_set(err, MD_ERR_NOT_FOUND, "No such object: %s", what);
    return -1;
}

static int print(const struct json_t *found, const char *format, struct md_err *err)
{
    if (!format || strcmp(format, "json") == 0) {
        MD_AUTO_FREE char *text = format ? md_json_line(found) : md_json_pretty(found);

        puts(text);
        return 0;
    }
    for (size_t i = 0; i < md_json_count(found); i++) {
        struct md_buf out = { 0 };
        int status = cli_template(format, md_json_at(found, i), &out, err);

        if (status == 0)
            printf("%.*s\n", (int)out.len, out.data ? out.data : "");
        md_buf_clear(&out);
        if (status < 0)
            return -1;
    }
    return 0;
}

int cli_inspect(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    MD_AUTO_JSON found = md_json_array();
    struct md_list names = { 0 };
    const char *format = NULL;
    const char *type = NULL;
    struct store store;
    int failed = 0;
    const struct cli_option options[] = {
        { 'f', "format", CLI_TEXT, "FORMAT", "json or '{{.Field}}' (default: indented JSON)",
          &format },
        { 0, "type", CLI_TEXT, "TYPE", "container, image or volume", &type },
        { 0 },
    };
    const struct cli_syntax syntax = { "inspect [OPTIONS] NAME|ID [NAME|ID...]",
                                       "Show all about images and containers as JSON",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);

    if (status == 0 && type && strcmp(type, "container") != 0 && strcmp(type, "image") != 0 &&
        strcmp(type, "volume") != 0)
        status = md_err_set(err, MD_ERR_USAGE, "\"%s\" is not a valid value for --type", type);
    if (status == 0)
        status = store_open(global->root, STORE_READ, &store, err);
    if (status == 0) {
        cli_mend(&store);
        for (size_t i = 0; i < names.count; i++) {
            struct md_err one = { 0 };

            if (inspect_one(&store, names.items[i], type, found, &one) < 0)
                failed = cli_report(&one, CLI_FAILED);
        }
        store_close(&store);
        status = print(found, format, err);
    }
    md_list_clear(&names);
    return status == 0 ? failed : status;
}
