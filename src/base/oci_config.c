/* SPDX-License-Identifier: Apache-2.0 */
/* Image configs: read into a bounded struct, and written as documents of our own. */
#include <stdio.h>
#include <string.h>

#include "base/health.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/oci.h"
#include "base/text.h"

static int wrong(const char *member, struct md_err *err)
{
    return md_err_set(err, MD_ERR_FORMAT, "the image config's \"%s\" is malformed", member);
}

static int too_long(const char *member, struct md_err *err)
{
    return md_err_set(err, MD_ERR_LIMIT, "the image config's \"%s\" has more than %d entries",
                      member, MD_MAX_LIST);
}

/* A string; "", null and absent are all NULL. */
static int parse_text(const struct json_t *object, const char *key, char **out,
                      struct md_err *err)
{
    const struct json_t *value = md_json_get(object, key);
    const char *text = md_json_text(value);

    if (!text && !md_json_is_null(value)) {
        return wrong(key, err);
    }
    *out = text && *text ? md_xstrdup(text) : NULL;
    return 0;
}

/* A string of a fixed maximum. */
static int parse_short(const struct json_t *object, const char *key, char *out, size_t size,
                       struct md_err *err)
{
    MD_AUTO_FREE char *text = NULL;

    if (parse_text(object, key, &text, err) < 0) {
        return -1;
    }
    if (text && strlen(text) >= size) {
        return wrong(key, err);
    }
    snprintf(out, size, "%s", text ? text : "");
    return 0;
}

/* An array of strings; docker also reads one string, as an array of that one. */
static int parse_list(const struct json_t *object, const char *key, struct md_list *list,
                      struct md_err *err)
{
    const struct json_t *value = md_json_get(object, key);

    if (md_json_is_string(value)) {
        md_list_clear(list);
        md_list_add(list, md_json_text(value));
        return 0;
    }
    if (md_json_count(value) > MD_MAX_LIST) {
        return too_long(key, err);
    }
    return md_json_get_list(object, key, list) < 0 ? wrong(key, err) : 0;
}

/* An object of strings. Values of another kind are refused. */
static int parse_labels(const struct json_t *object, struct json_t **out, struct md_err *err)
{
    const struct json_t *labels = md_json_get(object, "Labels");

    if (md_json_is_null(labels)) {
        return 0;
    }
    if (!md_json_is_object(labels)) {
        return wrong("Labels", err);
    }
    if (md_json_count(labels) > MD_MAX_LIST) {
        return too_long("Labels", err);
    }
    *out = md_json_object();
    for (const char *key = NULL; (key = md_json_next_key(labels, key));) {
        const char *text = md_json_get_text(labels, key);

        if (!text) {
            return wrong("Labels", err);
        }
        md_json_set(*out, key, md_json_string(text));
    }
    return 0;
}

/* An object of which only the keys mean something ("80/tcp": {}). */
static int parse_set(const struct json_t *object, const char *key, struct json_t **out,
                     struct md_err *err)
{
    const struct json_t *set = md_json_get(object, key);

    if (md_json_is_null(set)) {
        return 0;
    }
    if (!md_json_is_object(set)) {
        return wrong(key, err);
    }
    if (md_json_count(set) > MD_MAX_LIST) {
        return too_long(key, err);
    }
    *out = md_json_object();
    for (const char *member = NULL; (member = md_json_next_key(set, member));) {
        md_json_set(*out, member, md_json_object());
    }
    return 0;
}

static int parse_container(const struct json_t *object, struct md_oci_config *config,
                           struct md_err *err)
{
    if (!md_json_is_null(object) && !md_json_is_object(object)) {
        return wrong("config", err);
    }
    if (parse_list(object, "Env", &config->env, err) < 0 ||
        parse_list(object, "Entrypoint", &config->entrypoint, err) < 0 ||
        parse_list(object, "Cmd", &config->cmd, err) < 0 ||
        parse_text(object, "User", &config->user, err) < 0 ||
        parse_text(object, "WorkingDir", &config->working_dir, err) < 0 ||
        parse_text(object, "StopSignal", &config->stop_signal, err) < 0 ||
        parse_list(object, "OnBuild", &config->on_build, err) < 0 ||
        md_health_parse(md_json_get(object, "Healthcheck"), &config->healthcheck, err) < 0 ||
        parse_labels(object, &config->labels, err) < 0 ||
        parse_set(object, "ExposedPorts", &config->exposed_ports, err) < 0) {
        return -1;
    }
    return parse_set(object, "Volumes", &config->volumes, err);
}

static int parse_rootfs(const struct json_t *rootfs, struct md_oci_config *config,
                        struct md_err *err)
{
    const char *type = md_json_get_text(rootfs, "type");
    const struct json_t *ids = md_json_get(rootfs, "diff_ids");
    size_t count = md_json_count(ids);

    /* image-spec config.md: an unknown type must be an error. */
    if (!type || strcmp(type, "layers") != 0) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "the image config's rootfs is not made of layers");
    }
    if (!md_json_is_array(ids) && !md_json_is_null(ids)) {
        return wrong("diff_ids", err);
    }
    if (count > MD_MAX_LAYERS) {
        return md_err_set(err, MD_ERR_LIMIT,
                          "the image config has %zu diff_ids, at most %d are accepted", count,
                          MD_MAX_LAYERS);
    }
    config->diff_ids = md_xcalloc(count, sizeof(*config->diff_ids));
    config->diff_id_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = md_json_text(md_json_at(ids, i));

        if (!text) {
            return wrong("diff_ids", err);
        }
        if (md_digest_parse(text, &config->diff_ids[i], err) < 0) {
            return md_err_in(err, "the image config's diff_ids");
        }
    }
    return 0;
}

/* One step of the history: the members that docker shows, and only those. */
static int parse_step(const struct json_t *step, struct json_t *list, struct md_err *err)
{
    static const char *const texts[] = { "created", "created_by", "author", "comment" };
    struct json_t *kept;

    if (!md_json_is_object(step)) {
        return wrong("history", err);
    }
    kept = md_json_object();
    md_json_append(list, kept);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct json_t *value = md_json_get(step, texts[i]);

        if (md_json_is_string(value)) {
            md_json_set(kept, texts[i], md_json_copy(value));
        } else if (!md_json_is_null(value)) {
            return wrong("history", err);
        }
    }
    if (md_json_true(md_json_get(step, "empty_layer"))) {
        md_json_set(kept, "empty_layer", md_json_bool(true));
    }
    return 0;
}

static int parse_history(const struct json_t *history, struct json_t **out, struct md_err *err)
{
    if (md_json_is_null(history)) {
        return 0;
    }
    if (!md_json_is_array(history)) {
        return wrong("history", err);
    }
    if (md_json_count(history) > MD_MAX_LIST) {
        return too_long("history", err);
    }
    *out = md_json_array();
    for (size_t i = 0; i < md_json_count(history); i++) {
        if (parse_step(md_json_at(history, i), *out, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int parse_platform(const struct json_t *document, struct md_platform *platform,
                          struct md_err *err)
{
    if (parse_short(document, "os", platform->os, sizeof(platform->os), err) < 0 ||
        parse_short(document, "architecture", platform->architecture,
                    sizeof(platform->architecture), err) < 0 ||
        parse_short(document, "variant", platform->variant, sizeof(platform->variant), err) <
            0) {
        return -1;
    }
    if (!platform->os[0] || !platform->architecture[0]) {
        return md_err_set(err, MD_ERR_FORMAT,
                          "the image config does not name its os and architecture");
    }
    md_platform_normalize(platform);
    return 0;
}

static int parse_created(const struct json_t *document, char *out, size_t size,
                         struct md_err *err)
{
    struct timespec ignored;

    if (parse_short(document, "created", out, size, err) < 0) {
        return -1;
    }
    return *out && md_text_parse_time(out, &ignored) < 0 ? wrong("created", err) : 0;
}

int md_oci_config_parse(const struct json_t *document, struct md_oci_config *config,
                        struct md_err *err)
{
    memset(config, 0, sizeof(*config));
    if (!md_json_is_object(document)) {
        return md_err_set(err, MD_ERR_FORMAT, "the image config is not a JSON object");
    }
    if (parse_platform(document, &config->platform, err) < 0 ||
        parse_created(document, config->created, sizeof(config->created), err) < 0 ||
        parse_text(document, "author", &config->author, err) < 0 ||
        parse_text(document, "comment", &config->comment, err) < 0 ||
        parse_container(md_json_get(document, "config"), config, err) < 0 ||
        parse_rootfs(md_json_get(document, "rootfs"), config, err) < 0 ||
        parse_history(md_json_get(document, "history"), &config->history, err) < 0) {
        md_oci_config_clear(config);
        return -1;
    }
    return 0;
}

static void put_text(struct json_t *object, const char *key, const char *text)
{
    if (text && *text) {
        md_json_set(object, key, md_json_string(text));
    }
}

static void put_list(struct json_t *object, const char *key, const struct md_list *list)
{
    if (list->count > 0) {
        md_json_set(object, key, md_json_list(list));
    }
}

static void put_copy(struct json_t *object, const char *key, const struct json_t *value)
{
    if (value) {
        md_json_set(object, key, md_json_copy(value));
    }
}

static struct json_t *container_json(const struct md_oci_config *config)
{
    struct json_t *object = md_json_object();

    put_text(object, "User", config->user);
    put_copy(object, "ExposedPorts", config->exposed_ports);
    put_list(object, "Env", &config->env);
    put_list(object, "Entrypoint", &config->entrypoint);
    put_list(object, "Cmd", &config->cmd);
    put_copy(object, "Volumes", config->volumes);
    put_text(object, "WorkingDir", config->working_dir);
    put_copy(object, "Labels", config->labels);
    put_text(object, "StopSignal", config->stop_signal);
    put_copy(object, "Healthcheck", config->healthcheck);
    put_list(object, "OnBuild", &config->on_build);
    return object;
}

static struct json_t *rootfs_json(const struct md_oci_config *config)
{
    struct json_t *object = md_json_object();
    struct json_t *ids = md_json_array();

    for (size_t i = 0; i < config->diff_id_count; i++) {
        md_json_append(ids, md_json_string(config->diff_ids[i].text));
    }
    md_json_set(object, "type", md_json_string("layers"));
    md_json_set(object, "diff_ids", ids);
    return object;
}

struct json_t *md_oci_config_json(const struct md_oci_config *config)
{
    struct json_t *object = md_json_object();

    put_text(object, "created", config->created);
    put_text(object, "author", config->author);
    put_text(object, "comment", config->comment);
    put_text(object, "architecture", config->platform.architecture);
    put_text(object, "variant", config->platform.variant);
    put_text(object, "os", config->platform.os);
    md_json_set(object, "config", container_json(config));
    md_json_set(object, "rootfs", rootfs_json(config));
    put_copy(object, "history", config->history);
    return object;
}

void md_oci_config_clear(struct md_oci_config *config)
{
    free(config->author);
    free(config->comment);
    free(config->diff_ids);
    md_list_clear(&config->env);
    md_list_clear(&config->entrypoint);
    md_list_clear(&config->cmd);
    free(config->user);
    free(config->working_dir);
    free(config->stop_signal);
    md_list_clear(&config->on_build);
    md_json_free(&config->healthcheck);
    md_json_free(&config->labels);
    md_json_free(&config->exposed_ports);
    md_json_free(&config->volumes);
    md_json_free(&config->history);
    memset(config, 0, sizeof(*config));
}
