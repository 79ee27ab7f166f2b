/* SPDX-License-Identifier: Apache-2.0 */
/* Restart policies, and numbers and signals as options give them. */
#include "cli/policy.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const words[] = { "no", "on-failure", "always", "unless-stopped" };

int cli_policy_parse(const char *text, struct cli_policy *policy, struct md_err *err)
{
    size_t len = text ? strcspn(text, ":") : 0;
    uint64_t most = 0;

    *policy = (struct cli_policy){ .kind = CLI_POLICY_NO };
    if (len == 0 && (!text || !*text))
        return 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i]) != len || strncmp(words[i], text, len) != 0)
            continue;
        policy->kind = (enum cli_policy_kind)i;
        if (text[len] == '\0')
            return 0;
        if (policy->kind != CLI_POLICY_ON_FAILURE)
            return md_err_set(err, MD_ERR_USAGE,
                              "invalid restart policy: maximum retry count can only be used "
                              "with 'on-failure'");
        if (md_text_parse_u64(text + len + 1, INT_MAX, &most) < 0)
            return md_err_set(err, MD_ERR_USAGE,
                              "invalid restart policy format: maximum retry count must be an "
                              "integer");
        policy->most = (unsigned)most;
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "invalid restart policy: unknown policy '%s'; use one of 'no', 'always', "
                      "'on-failure', or 'unless-stopped'",
                      text);
}

const char *cli_policy_word(const struct cli_policy *policy)
{
    return words[policy->kind];
}

bool cli_policy_restarts(const struct cli_policy *policy, const struct store_state *state)
{
    if (state->stopped_by_hand)
        return false;
    switch (policy->kind) {
    case CLI_POLICY_NO:
        return false;
    case CLI_POLICY_ON_FAILURE:
        return state->exit_code != 0 && (policy->most == 0 || state->restarts < policy->most);
    case CLI_POLICY_ALWAYS:
    case CLI_POLICY_UNLESS_STOPPED:
        break;
    }
    return true;
}

bool cli_policy_starts_at_boot(const struct cli_policy *policy, const struct store_state *state)
{
    if (!state->started.tv_sec)
        return false;
    return policy->kind == CLI_POLICY_ALWAYS ||
           (policy->kind == CLI_POLICY_UNLESS_STOPPED && !state->stopped_by_hand);
}

int cli_policy_backoff(int last_ms, int64_t ran_s)
{
    if (last_ms == 0 || ran_s >= CLI_BACKOFF_GOOD_S)
        return CLI_BACKOFF_FIRST_MS;
    return last_ms * 2 > CLI_BACKOFF_MOST_MS ? CLI_BACKOFF_MOST_MS : last_ms * 2;
}

/* "rtmin+3", "rtmax-1" and their bare forms. */
static int parse_realtime(const char *text)
{
    uint64_t number = 0;
    bool from_least = strncasecmp(text, "rtmin", 5) == 0;

    if (!from_least && strncasecmp(text, "rtmax", 5) != 0)
        return -1;
    if (text[5] &&
        (text[5] != (from_least ? '+' : '-') || md_text_parse_u64(text + 6, 30, &number) < 0))
        return -1;
    return from_least ? SIGRTMIN + (int)number : SIGRTMAX - (int)number;
}

static int parse_name(const char *text)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;

    for (int signal = 1; signal < SIGRTMIN; signal++) {
        const char *known = sigabbrev_np(signal);

        if (known && strcasecmp(known, name) == 0)
            return signal;
    }
    return parse_realtime(name);
}

int cli_signal_parse(const char *text, int *signal, struct md_err *err)
{
    uint64_t number = 0;
    int found =
        md_text_parse_u64(text, SIGRTMAX, &number) == 0 ? (int)number : parse_name(text);

    if (found <= 0)
        return md_err_set(err, MD_ERR_USAGE, "Invalid signal: %s", text);
    *signal = found;
    return 0;
}

const char *cli_signal_word(int signal, char *out, size_t size)
{
    const char *name = signal < SIGRTMIN ? sigabbrev_np(signal) : NULL;

    if (name)
        snprintf(out, size, "SIG%s", name);
    else
        snprintf(out, size, "signal %d", signal);
    return out;
}

int cli_seconds_parse(const char *text, const char *option, int *seconds, struct md_err *err)
{
    uint64_t number = 0;

    if (strcmp(text, "-1") == 0) {
        *seconds = -1;
        return 0;
    }
    if (md_text_parse_u64(text, INT_MAX / 1000, &number) < 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid argument \"%s\" for \"--%s\" flag: no "
                          "number of seconds",
                          text, option);
    *seconds = (int)number;
    return 0;
}

static int parse_log_option(const char *text, struct cli_log_choice *choice, struct md_err *err)
{
    uint64_t files = 0;

    if (strncmp(text, "max-size=", 9) == 0) {
        if (md_text_parse_size(text + 9, &choice->limits.file_bytes) < 0 ||
            choice->limits.file_bytes < 1024)
            return md_err_set(err, MD_ERR_USAGE, "invalid value for max-size: \"%s\"",
                              text + 9);
        return 0;
    }
    if (strncmp(text, "max-file=", 9) == 0) {
        if (md_text_parse_u64(text + 9, STORE_LOG_MAX_FILES, &files) < 0 || files == 0)
            return md_err_set(err, MD_ERR_USAGE, "invalid value for max-file: \"%s\" (1 to %d)",
                              text + 9, STORE_LOG_MAX_FILES);
        choice->limits.files = (int)files;
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "unknown log opt '%s' (max-size and max-file are known)", text);
}

int cli_log_parse(const char *driver, const struct md_list *options,
                  struct cli_log_choice *choice, struct md_err *err)
{
    bool none = driver && strcmp(driver, "none") == 0;
    bool local = driver && strcmp(driver, "local") == 0;

    *choice = (struct cli_log_choice){ .kept = !none };
    if (local) /* docker's figures for it */
        choice->limits = (struct store_log_limits){ .file_bytes = 20u << 20, .files = 5 };
    else if (driver && !none && strcmp(driver, "json-file") != 0)
        return md_err_set(
            err, MD_ERR_USAGE,
            "logger: no log driver named '%s' is registered (json-file, local and "
            "none are)",
            driver);
    for (size_t i = 0; i < options->count; i++) {
        if (parse_log_option(options->items[i], choice, err) < 0)
            return -1;
    }
    return 0;
}
