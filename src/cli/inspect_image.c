/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: images with docker's member names. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/inspect.h"

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
    static const char *const never[] = { "AttachStdin", "AttachStdout", "AttachStderr",
                                         "Tty",         "OpenStdin",    "StdinOnce" };
    struct json_t *object = md_json_object();

    md_json_set(object, "Hostname", md_json_string(""));
    md_json_set(object, "Domainname", md_json_string(""));
    md_json_set(object, "User", md_json_string(or_empty(config->user)));
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        md_json_set(object, never[i], md_json_bool(false));
    if (config->exposed_ports)
        md_json_set(object, "ExposedPorts", md_json_copy(config->exposed_ports));
    md_json_set(object, "Env", list_or_null(&config->env));
    md_json_set(object, "Cmd", list_or_null(&config->cmd));
    md_json_set(object, "Image", md_json_string(""));
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

struct json_t *cli_inspect_image(const struct store *store, const struct store_image *image,
                                 struct md_err *err)
{
    MD_AUTO_JSON object = md_json_object();
    MD_AUTO_FREE char *id = md_xasprintf("sha256:%s", image->id);

    md_json_set(object, "Id", md_json_string(id));
    if (add_names(store, image->id, object, err) < 0)
        return NULL;
    md_json_set(object, "Parent", md_json_string(""));
    md_json_set(object, "Comment", md_json_string(or_empty(image->config.comment)));
    md_json_set(object, "Created", md_json_string(image->config.created));
    md_json_set(object, "DockerVersion", md_json_string(""));
    md_json_set(object, "Author", md_json_string(or_empty(image->config.author)));
    md_json_set(object, "Config", image_config(&image->config));
    md_json_set(object, "Architecture", md_json_string(image->config.platform.architecture));
    if (image->config.platform.variant[0])
        md_json_set(object, "Variant", md_json_string(image->config.platform.variant));
    md_json_set(object, "Os", md_json_string(image->config.platform.os));
    md_json_set(object, "Size", md_json_number((int64_t)image->size));
    md_json_set(object, "GraphDriver", storage(image));
    md_json_set(object, "RootFS", layers(&image->config));
    return md_ptr_take(&object);
}
