/* SPDX-License-Identifier: Apache-2.0 */
/* Dockerfile-like changes of an image config, as `docker import -c` takes them. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/health.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/oci.h"
#include "base/text.h"
#include "base/words.h"

#define BLANKS " \t"

/* One instruction under way: what it is called, its arguments, what it changes. */
struct change {
    const char *name;
    const char *rest; /* no blanks at either end */
    struct md_oci_config *config;
};

static int refuse(const struct change *change, const char *why, struct md_err *err)
{
    char shown[300];

    md_text_escape(change->rest, strlen(change->rest), shown, sizeof(shown));
    return md_err_set(err, MD_ERR_USAGE, "change \"%s %s\": %s", change->name, shown, why);
}

/* An array of strings in JSON; -1 when the arguments are none. */
static int parse_json_list(const char *text, struct md_list *list)
{
    struct md_err ignored;
    MD_AUTO_JSON value = NULL;
    MD_AUTO_JSON holder = NULL;

    if (*text != '[') {
        return -1;
    }
    value = md_json_parse(text, strlen(text), "", &ignored);
    if (!value) {
        return -1;
    }
    holder = md_json_object();
    md_json_set(holder, "list", value);
    value = NULL; /* holder owns it */
    return md_json_get_list(holder, "list", list);
}

/* The arguments as words: a JSON array, or words with quotes and variables. */
static int parse_words(const struct change *change, struct md_list *list, struct md_err *err)
{
    struct md_list words = { 0 };
    int result = 0;

    if (parse_json_list(change->rest, list) == 0) {
        return 0;
    }
    md_words_split(change->rest, &words);
    for (size_t i = 0; i < words.count && result == 0; i++) {
        char *word = md_words_expand(words.items[i], &change->config->env);

        if (word) {
            md_list_take(list, word);
        } else {
            result = refuse(change, "a quote or brace is not closed", err);
        }
    }
    md_list_clear(&words);
    return result;
}

static int change_command(const struct change *change, struct md_list *list)
{
    struct md_list words = { 0 };

    if (parse_json_list(change->rest, &words) < 0) {
        md_list_add(&words, "/bin/sh");
        md_list_add(&words, "-c");
        md_list_add(&words, change->rest);
    }
    md_list_clear(list);
    *list = words;
    return 0;
}

static int change_cmd(const struct change *change, struct md_err *err)
{
    (void)err;
    return change_command(change, &change->config->cmd);
}

static int change_entrypoint(const struct change *change, struct md_err *err)
{
    (void)err;
    return change_command(change, &change->config->entrypoint);
}

/* Expand both halves of a pair and add them as "key=value". */
static int add_pair(const struct change *change, const char *raw_key, const char *raw_value,
                    struct md_list *pairs, struct md_err *err)
{
    MD_AUTO_FREE char *key = md_words_expand(raw_key, &change->config->env);
    MD_AUTO_FREE char *value = md_words_expand(raw_value, &change->config->env);

    if (!key || !value) {
        return refuse(change, "a quote or brace is not closed", err);
    }
    if (!*key || strchr(key, '=')) {
        return refuse(change, "a name is empty or holds \"=\"", err);
    }
    md_list_take(pairs, md_xasprintf("%s=%s", key, value));
    return 0;
}

/* "k v w" is one pair, "k=v l=w" are several. */
static int parse_pairs(const struct change *change, struct md_list *pairs, struct md_err *err)
{
    struct md_list words = { 0 };
    int result = 0;

    md_words_split(change->rest, &words);
    if (!strchr(words.items[0], '=')) {
        const char *value = change->rest + strlen(words.items[0]);

        result = words.count < 2 ? refuse(change, "it needs a name and a value", err)
                                 : add_pair(change, words.items[0],
                                            value + strspn(value, BLANKS), pairs, err);
        md_list_clear(&words);
        return result;
    }
    for (size_t i = 0; i < words.count && result == 0; i++) {
        char *equals = strchr(words.items[i], '=');

        if (!equals) {
            result = refuse(change, "a word has no \"=\"", err);
            break;
        }
        *equals = '\0';
        result = add_pair(change, words.items[i], equals + 1, pairs, err);
    }
    md_list_clear(&words);
    return result;
}

static int change_env(const struct change *change, struct md_err *err)
{
    struct md_list pairs = { 0 };
    int result = parse_pairs(change, &pairs, err);

    for (size_t i = 0; i < pairs.count && result == 0; i++) {
        md_list_set_env(&change->config->env, pairs.items[i]);
    }
    md_list_clear(&pairs);
    return result;
}

static int change_label(const struct change *change, struct md_err *err)
{
    struct md_list pairs = { 0 };
    int result = parse_pairs(change, &pairs, err);

    if (!change->config->labels) {
        change->config->labels = md_json_object();
    }
    for (size_t i = 0; i < pairs.count && result == 0; i++) {
        char *equals = strchr(pairs.items[i], '=');

        *equals = '\0';
        md_json_set(change->config->labels, pairs.items[i], md_json_string(equals + 1));
    }
    md_list_clear(&pairs);
    return result;
}

/* "80", "53/udp", "8000-8010/tcp" into the set; -1 when it is none of these. */
static int add_ports(const char *word, struct json_t *set)
{
    static const char *const protocols[] = { "tcp", "udp", "sctp" };
    MD_AUTO_FREE char *ports = md_xstrdup(word);
    const char *protocol = "tcp";
    char *slash = strchr(ports, '/');
    char *dash = strchr(ports, '-');
    uint64_t first;
    uint64_t last;

    if (slash) {
        *slash = '\0';
        protocol = NULL;
        for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
            protocol = strcasecmp(slash + 1, protocols[i]) == 0 ? protocols[i] : protocol;
        }
    }
    if (dash) {
        *dash = '\0';
    }
    if (!protocol || md_text_parse_u64(ports, 65535, &first) < 0 ||
        md_text_parse_u64(dash ? dash + 1 : ports, 65535, &last) < 0 || first == 0 ||
        last < first) {
        return -1;
    }
    for (; first <= last; first++) {
        char key[32];

        snprintf(key, sizeof(key), "%u/%s", (unsigned)first, protocol);
        md_json_set(set, key, md_json_object());
    }
    return 0;
}

static int change_expose(const struct change *change, struct md_err *err)
{
    struct md_list words = { 0 };
    int result = parse_words(change, &words, err);

    if (!change->config->exposed_ports) {
        change->config->exposed_ports = md_json_object();
    }
    for (size_t i = 0; i < words.count && result == 0; i++) {
        if (add_ports(words.items[i], change->config->exposed_ports) < 0) {
            result = refuse(change, "a port looks like 80 or 53/udp", err);
        }
    }
    md_list_clear(&words);
    return result;
}

static int change_volume(const struct change *change, struct md_err *err)
{
    struct md_list words = { 0 };
    int result = parse_words(change, &words, err);

    if (!change->config->volumes) {
        change->config->volumes = md_json_object();
    }
    for (size_t i = 0; i < words.count && result == 0; i++) {
        if (!*words.items[i]) {
            result = refuse(change, "a path is empty", err);
        } else {
            md_json_set(change->config->volumes, words.items[i], md_json_object());
        }
    }
    md_list_clear(&words);
    return result;
}

/* The whole rest as one value, or NULL. The caller frees it. */
static char *one_value(const struct change *change, struct md_err *err)
{
    char *value = md_words_expand(change->rest, &change->config->env);

    if (!value || !*value) {
        free(value);
        refuse(change, "it needs one value, with its quotes closed", err);
        return NULL;
    }
    return value;
}

static int change_user(const struct change *change, struct md_err *err)
{
    char *value = one_value(change, err);

    if (!value) {
        return -1;
    }
    free(change->config->user);
    change->config->user = value;
    return 0;
}

/* Whether this names a signal: "9", "KILL", "SIGKILL", "SIGRTMIN+3". */
static bool is_signal(const char *text)
{
    uint64_t number;

    if (md_text_parse_u64(text, 64, &number) == 0) {
        return number > 0;
    }
    text += strncasecmp(text, "SIG", 3) == 0 ? 3 : 0;
    if (strncasecmp(text, "RTMIN", 5) == 0 || strncasecmp(text, "RTMAX", 5) == 0) {
        char sign = toupper((unsigned char)text[4]) == 'N' ? '+' : '-';

        return text[5] == '\0' ||
               (text[5] == sign && md_text_parse_u64(text + 6, 30, &number) == 0);
    }
    for (int signal = 1; signal < 32; signal++) {
        const char *name = sigabbrev_np(signal);

        if (name && strcasecmp(text, name) == 0) {
            return true;
        }
    }
    return false;
}

static int change_stop_signal(const struct change *change, struct md_err *err)
{
    char *value = one_value(change, err);

    if (!value) {
        return -1;
    }
    if (!is_signal(value)) {
        free(value);
        return refuse(change, "no such signal", err);
    }
    free(change->config->stop_signal);
    change->config->stop_signal = value;
    return 0;
}

/* Add the components of path to out, which is "" for the root; ".." stops at the root. */
static void join_path(char *out, const char *path)
{
    size_t used = strlen(out);

    for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
        size_t len = strcspn(p, "/");

        if (len == 2 && p[0] == '.' && p[1] == '.') {
            const char *slash = memrchr(out, '/', used);

            used = slash ? (size_t)(slash - out) : 0;
        } else if (len > 1 || p[0] != '.') {
            out[used++] = '/';
            memcpy(out + used, p, len);
            used += len;
        }
        p += len;
    }
    out[used] = '\0';
}

static int change_working_dir(const struct change *change, struct md_err *err)
{
    MD_AUTO_FREE char *value = one_value(change, err);
    const char *former = change->config->working_dir;
    char *path;

    if (!value) {
        return -1;
    }
    former = former && *value != '/' ? former : "";
    /* Each may need a "/" in front that it does not have. */
    path = md_xcalloc(strlen(former) + strlen(value) + 3, 1);
    join_path(path, former);
    join_path(path, value);
    if (!*path) {
        memcpy(path, "/", 2);
    }
    free(change->config->working_dir);
    change->config->working_dir = path;
    return 0;
}

static int change_healthcheck(const struct change *change, struct md_err *err)
{
    if (md_health_change(change->rest, &change->config->healthcheck) < 0) {
        return refuse(change, "it is NONE, or flags and CMD with a command", err);
    }
    return 0;
}

/* An instruction for those who build on the image; the two that docker forbids are refused. */
static int change_on_build(const struct change *change, struct md_err *err)
{
    if (strncasecmp(change->rest, "ONBUILD", 7) == 0 ||
        strncasecmp(change->rest, "FROM", 4) == 0 ||
        strncasecmp(change->rest, "MAINTAINER", 10) == 0) {
        return refuse(change, "this instruction is not allowed as a trigger", err);
    }
    md_list_add(&change->config->on_build, change->rest);
    return 0;
}

static const struct {
    const char *name;
    int (*apply)(const struct change *change, struct md_err *err);
} instructions[] = {
    { "CMD", change_cmd },
    { "ENTRYPOINT", change_entrypoint },
    { "ENV", change_env },
    { "EXPOSE", change_expose },
    { "HEALTHCHECK", change_healthcheck },
    { "LABEL", change_label },
    { "ONBUILD", change_on_build },
    { "STOPSIGNAL", change_stop_signal },
    { "USER", change_user },
    { "VOLUME", change_volume },
    { "WORKDIR", change_working_dir },
};

static int apply(struct change *change, struct md_err *err)
{
    char shown[100];

    for (size_t i = 0; i < sizeof(instructions) / sizeof(*instructions); i++) {
        if (strcasecmp(change->name, instructions[i].name) == 0) {
            change->name = instructions[i].name;
            if (!*change->rest || strpbrk(change->rest, "\r\n")) {
                return refuse(change, "it needs arguments, on one line", err);
            }
            return instructions[i].apply(change, err);
        }
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "\"%s\" is not a change; known are CMD, ENTRYPOINT, ENV, EXPOSE, "
                      "HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR",
                      md_text_escape(change->name, strlen(change->name), shown, sizeof(shown)));
}

int md_oci_config_change(struct md_oci_config *config, const char *instruction,
                         struct md_err *err)
{
    MD_AUTO_FREE char *line = md_xstrdup(instruction + strspn(instruction, BLANKS));
    struct change change = { .name = line, .config = config };
    size_t len = strlen(line);
    char *rest;

    while (len > 0 && strchr(BLANKS, line[len - 1])) {
        line[--len] = '\0';
    }
    rest = line + strcspn(line, BLANKS);
    change.rest = rest + strspn(rest, BLANKS);
    *rest = '\0';
    return apply(&change, err);
}
