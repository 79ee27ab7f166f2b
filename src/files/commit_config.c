/* SPDX-License-Identifier: Apache-2.0 */
/* The config of an image that is made of a container. */
#include "files/commit_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static void replace(char **text, const char *by)
{
    free(*text);
    *text = by && by[0] ? md_xstrdup(by) : NULL;
}

/* What minidock itself has set, unless the image has it too. */
static bool is_given(const struct md_oci_config *config, const char *pair)
{
    static const char *const ours[] = { "HOME", "HOSTNAME", "TERM" };

    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        size_t len = strlen(ours[i]);

        if (strncmp(pair, ours[i], len) == 0 && pair[len] == '=' &&
            !md_list_env(&config->env, ours[i]))
            return false;
    }
    return true;
}

static bool starts_with(const struct md_list *list, const struct md_list *start)
{
    for (size_t i = 0; i < start->count; i++) {
        if (i >= list->count || strcmp(list->items[i], start->items[i]) != 0)
            return false;
    }
    return true;
}

/* What ran is entrypoint and command in one; it is cut where the image's entrypoint ends. */
static void take_command(const struct md_list *args, struct md_oci_config *config)
{
    struct md_list rest = { 0 };

    if (!starts_with(args, &config->entrypoint))
        md_list_clear(&config->entrypoint);
    for (size_t i = config->entrypoint.count; i < args->count; i++)
        md_list_add(&rest, args->items[i]);
    md_list_clear(&config->cmd);
    config->cmd = rest;
}

static int take_config(const struct store_container *container, struct md_oci_config *config,
                       struct md_err *err)
{
    const struct json_t *from = md_json_get(container->config, "Config");
    const char *dir = md_json_get_text(from, "WorkingDir");
    const struct json_t *labels = md_json_get(from, "Labels");
    struct md_list env = { 0 };

    if (md_json_get_list(from, "Env", &env) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "container %.12s: its config.json is damaged",
                          container->id);
    for (size_t i = 0; i < env.count; i++) {
        if (is_given(config, env.items[i]))
            md_list_set_env(&config->env, env.items[i]);
    }
    md_list_clear(&env);
    take_command(&container->args, config);
    replace(&config->user, md_json_get_text(from, "User"));
    if (dir && (strcmp(dir, "/") != 0 || config->working_dir))
        replace(&config->working_dir, dir);
    if (md_json_count(labels) > 0) {
        md_json_free(&config->labels);
        config->labels = md_json_copy(labels);
    }
    return 0;
}

static void add_history(const struct files_commit *commit,
                        const struct store_container *container, struct md_oci_config *config)
{
    struct json_t *step = md_json_object();
    struct md_buf command = { 0 };

    for (size_t i = 0; i < container->args.count; i++)
        md_buf_printf(&command, "%s%s", i ? " " : "", container->args.items[i]);
    md_json_set(step, "created", md_json_string(config->created));
    if (commit->author)
        md_json_set(step, "author", md_json_string(commit->author));
    md_json_set(step, "created_by", md_json_string(command.data ? command.data : ""));
    if (commit->message)
        md_json_set(step, "comment", md_json_string(commit->message));
    if (!config->history)
        config->history = md_json_array();
    md_json_append(config->history, step);
    md_buf_clear(&command);
}

/* A copy, by way of its document. */
static int copy_base(const struct md_oci_config *base, struct md_oci_config *config,
                     struct md_err *err)
{
    MD_AUTO_JSON document = NULL;

    if (base->diff_id_count == 0) {
        md_platform_host(&config->platform);
        return 0;
    }
    document = md_oci_config_json(base);
    return md_oci_config_parse(document, config, err);
}

int files_commit_config(const struct files_commit *commit,
                        const struct store_container *container,
                        const struct md_oci_config *base, struct md_oci_config *config,
                        struct md_err *err)
{
    struct timespec now;

    if (copy_base(base, config, err) < 0 || take_config(container, config, err) < 0)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    md_text_time(&now, config->created, sizeof(config->created));
    replace(&config->author, commit->author);
    replace(&config->comment, commit->message);
    for (size_t i = 0; i < commit->changes.count; i++) {
        if (md_oci_config_change(config, commit->changes.items[i], err) < 0)
            return -1;
    }
    add_history(commit, container, config);
    return 0;
}
