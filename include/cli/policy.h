/* SPDX-License-Identifier: Apache-2.0 */
/* Restart policies, and numbers and signals as options give them. Pure. */
#ifndef MD_CLI_POLICY_H
#define MD_CLI_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "run/run.h"
#include "store/container.h"
#include "store/log.h"

enum cli_policy_kind {
    CLI_POLICY_NO,
    CLI_POLICY_ON_FAILURE,
    CLI_POLICY_ALWAYS,
    CLI_POLICY_UNLESS_STOPPED
};

struct cli_policy {
    enum cli_policy_kind kind;
    unsigned most; /* ON_FAILURE: so many times, 0: no limit */
};

/* "no", "on-failure[:n]", "always", "unless-stopped"; NULL or "" is no. docker's words. */
MD_MUST_CHECK
int cli_policy_parse(const char *text, struct cli_policy *policy, struct md_err *err);
const char *cli_policy_word(const struct cli_policy *policy);

/* Is a container that has ended so to be started again? */
bool cli_policy_restarts(const struct cli_policy *policy, const struct store_state *state);

/* Is one that ran in an earlier boot to be started in this one? */
bool cli_policy_starts_at_boot(const struct cli_policy *policy,
                               const struct store_state *state);

/* How long to wait before the next start: 100 ms, twice as much each time, up to a minute;
 * from the beginning again for one that has run for ten seconds. */
#define CLI_BACKOFF_FIRST_MS 100
#define CLI_BACKOFF_MOST_MS 60000
#define CLI_BACKOFF_GOOD_S 10
int cli_policy_backoff(int last_ms, int64_t ran_s);

/* "TERM", "SIGTERM", "15", "rtmin+3". Errors: MD_ERR_USAGE  docker's words */
MD_MUST_CHECK
int cli_signal_parse(const char *text, int *signal, struct md_err *err);

/* "SIGTERM", or "signal 40". */
const char *cli_signal_word(int signal, char *out, size_t size);

/* A number of seconds, or -1 for ever. */
MD_MUST_CHECK
int cli_seconds_parse(const char *text, const char *option, int *seconds, struct md_err *err);

/* --log-driver and --log-opt. kept: is there a log at all? */
struct cli_log_choice {
    bool kept;
    struct store_log_limits limits;
};
MD_MUST_CHECK
int cli_log_parse(const char *driver, const struct md_list *options,
                  struct cli_log_choice *choice, struct md_err *err);

#endif
