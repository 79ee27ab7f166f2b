/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a container in its config.json: what a later start makes its plan of, exactly
 * as the first one did. They are kept by their long names, so a new option is kept too.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/policy.h"
#include "cli/run_options.h"
#include "run/keys.h"

/* Those of the command, not of the container. */
static const char *const of_the_command[] = {
    "attach",     "cidfile", "detach",       "detach-keys", "env-file",
    "label-file", "name",    "preserve-fds", "pull",        "platform",
    "quiet",      "replace", "sig-proxy",    "status-fd",   "net",
};

static bool is_kept(const struct cli_option *row)
{
    for (size_t i = 0; i < sizeof(of_the_command) / sizeof(*of_the_command); i++) {
        if (strcmp(row->name, of_the_command[i]) == 0)
            return false;
    }
    return true;
}

struct json_t *cli_run_save(struct cli_run_options *options)
{
    struct json_t *json = md_json_object();
    struct cli_option table[CLI_RUN_TABLE_SIZE];

    cli_run_table(options, table);
    for (const struct cli_option *row = table; row->name; row++) {
        const char *text = row->kind == CLI_TEXT ? *(const char **)row->value : NULL;

        if (!is_kept(row))
            continue;
        if (row->kind == CLI_FLAG && *(bool *)row->value)
            md_json_set(json, row->name, md_json_bool(true));
        if (text)
            md_json_set(json, row->name, md_json_string(text));
        if (row->kind == CLI_LIST && ((struct md_list *)row->value)->count > 0)
            md_json_set(json, row->name, md_json_list(row->value));
    }
    md_json_set(json, "operands", md_json_list(&options->operands));
    return json;
}

int cli_run_load(const struct json_t *json, struct cli_run_options *options, struct md_err *err)
{
    struct cli_option table[CLI_RUN_TABLE_SIZE];

    *options = (struct cli_run_options){ .saved = true, .sig_proxy = true };
    if (!md_json_is_object(json))
        return md_err_set(err, MD_ERR_FORMAT,
                          "its config.json does not say how to start it: an earlier version of "
                          "minidock made it");
    cli_run_table(options, table);
    for (const struct cli_option *row = table; row->name; row++) {
        const struct json_t *value = is_kept(row) ? md_json_get(json, row->name) : NULL;

        if (row->kind == CLI_FLAG && is_kept(row))
            *(bool *)row->value = md_json_true(value);
        if (row->kind == CLI_TEXT && value)
            *(const char **)row->value = md_json_text(value);
        if (row->kind == CLI_LIST && value && md_json_get_list(json, row->name, row->value) < 0)
            return md_err_set(err, MD_ERR_FORMAT, "its config.json is damaged at \"%s\"",
                              row->name);
    }
    if (md_json_get_list(json, "operands", &options->operands) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "its config.json is damaged at \"operands\"");
    return 0;
}

/* --- labels */

struct json_t *cli_run_labels(const struct cli_run_options *options,
                              const struct md_oci_config *image)
{
    struct json_t *labels = image->labels ? md_json_copy(image->labels) : md_json_object();

    for (size_t i = 0; i < options->labels.count; i++) {
        const char *text = options->labels.items[i];
        size_t len = strcspn(text, "=");
        MD_AUTO_FREE char *key = md_xstrndup(text, len);

        md_json_set(labels, key, md_json_string(text[len] ? text + len + 1 : ""));
    }
    return labels;
}

static int read_label_file(struct md_list *labels, const char *path, struct md_err *err)
{
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return md_err_sys(err, "cannot open label file \"%s\"", path);
    MD_AUTO_FREE char *text = md_fd_read_all(fd, MD_MAX_STATE, &(size_t){ 0 }, path, err);

    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        line += strspn(line, " \t");
        if (*line && *line != '#')
            md_list_add(labels, line);
    }
    return text ? 0 : -1;
}

/* Those of files first: what is said on the command line wins. */
static int settle_labels(struct cli_run_options *options, struct md_err *err)
{
    struct md_list labels = { 0 };

    for (size_t i = 0; i < options->label_files.count; i++) {
        if (read_label_file(&labels, options->label_files.items[i], err) < 0) {
            md_list_clear(&labels);
            return -1;
        }
    }
    for (size_t i = 0; i < options->labels.count; i++)
        md_list_add(&labels, options->labels.items[i]);
    md_list_clear(&options->labels);
    md_list_clear(&options->label_files);
    options->labels = labels;
    for (size_t i = 0; i < labels.count; i++) {
        if (labels.items[i][0] == '=' || !labels.items[i][0])
            return md_err_set(err, MD_ERR_USAGE, "invalid label '%s': empty name",
                              labels.items[i]);
    }
    return 0;
}

/* --- what the caller's surroundings mean */

static void settle_sources(struct cli_run_options *options)
{
    char here[PATH_MAX];
    struct md_list volumes = { 0 };

    if (!getcwd(here, sizeof(here)))
        return;
    for (size_t i = 0; i < options->volumes.count; i++) {
        const char *text = options->volumes.items[i];

        if (text[0] == '.')
            md_list_take(&volumes, md_xasprintf("%s/%s", here, text));
        else
            md_list_add(&volumes, text);
    }
    md_list_clear(&options->volumes);
    options->volumes = volumes;
}

static int check_attach(const struct md_list *streams, struct md_err *err)
{
    for (size_t i = 0; i < streams->count; i++) {
        if (strcasecmp(streams->items[i], "stdin") != 0 &&
            strcasecmp(streams->items[i], "stdout") != 0 &&
            strcasecmp(streams->items[i], "stderr") != 0)
            return md_err_set(
                err, MD_ERR_USAGE,
                "invalid argument \"%s\" for \"-a, --attach\" flag: valid streams "
                "are STDIN, STDOUT and STDERR",
                streams->items[i]);
    }
    return 0;
}

static int check_conflicts(const struct cli_run_options *options,
                           const struct cli_policy *policy, struct md_err *err)
{
    if (options->remove && policy->kind != CLI_POLICY_NO)
        return md_err_set(err, MD_ERR_USAGE,
                          "conflicting options: cannot specify both --restart and --rm");
    if (options->detach && options->attach.count > 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "conflicting options: cannot specify both --attach and --detach");
    if (options->replace && !options->name)
        return md_err_set(err, MD_ERR_USAGE, "--replace needs a --name");
    return 0;
}

static int check_life(const struct cli_run_options *options, struct md_err *err)
{
    struct cli_policy policy;
    struct cli_log_choice log;
    struct run_keys keys;
    int number = 0;

    if (cli_policy_parse(options->restart, &policy, err) < 0 ||
        cli_log_parse(options->log_driver, &options->log_options, &log, err) < 0 ||
        check_attach(&options->attach, err) < 0 || check_conflicts(options, &policy, err) < 0 ||
        (options->detach_keys && run_keys_parse(options->detach_keys, &keys, err) < 0) ||
        (options->stop_signal && cli_signal_parse(options->stop_signal, &number, err) < 0) ||
        (options->stop_timeout &&
         cli_seconds_parse(options->stop_timeout, "stop-timeout", &number, err) < 0))
        return -1;
    if (options->timeout && cli_seconds_parse(options->timeout, "timeout", &number, err) < 0)
        return -1;
    if (options->timeout && number < 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid argument \"%s\" for \"--timeout\" flag: it is negative",
                          options->timeout);
    return 0;
}

int cli_run_settle(struct cli_run_options *options, struct md_err *err)
{
    if (check_life(options, err) < 0 || settle_labels(options, err) < 0 ||
        cli_run_settle_env(options, err) < 0)
        return -1;
    settle_sources(options);
    return 0;
}
