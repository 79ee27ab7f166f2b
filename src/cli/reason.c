/* SPDX-License-Identifier: Apache-2.0 */
/* Why a container ended, in one line, where that was not its program's own doing. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/session.h"
#include "store/request.h"

/* A command ended it, and has left its name. */
static bool by_request(const struct run_result *result, const struct store_request *request,
                       struct store_state *state)
{
    char word[32];

    /* It may have ended by itself, or handled the signal and gone on. */
    if (request->signal == 0 || (!result->signal && !request->stop))
        return false;
    if (result->signal == SIGKILL && request->signal != SIGKILL)
        state->exit_code = 128 + request->signal; /* process 1 did nothing about it: killed */
    else if (result->signal && result->signal != request->signal)
        return false;
    snprintf(state->reason, sizeof(state->reason), "%s by %s",
             cli_signal_word(request->signal, word, sizeof(word)), request->by);
    return true;
}

void cli_reason(const struct run_result *result, const struct cli_run_options *options,
                int container_dir, struct store_state *state)
{
    struct store_request request = { 0 };
    bool asked = store_request_read(container_dir, &request);
    char word[32];

    state->reason[0] = '\0';
    state->exit_code = result->exit_code;
    state->oom_killed = run_cgroup_ran_out_of_memory(state->cgroup);
    state->stopped_by_hand = asked && request.stop;
    if (asked && !options->remove) /* the watching process may have to read it too */
        store_request_clear(container_dir);
    if (result->timed_out)
        snprintf(state->reason, sizeof(state->reason), "timeout of %s s reached",
                 options->timeout);
    else if (state->oom_killed && result->signal == SIGKILL)
        snprintf(state->reason, sizeof(state->reason), "out of memory");
    else if (result->orphaned)
        snprintf(state->reason, sizeof(state->reason),
                 "the command that it was in the foreground of was killed");
    else if (asked && by_request(result, &request, state))
        return;
    else if (result->dismissed)
        snprintf(state->reason, sizeof(state->reason),
                 "its supervisor was asked to end by a signal");
    else if (result->signal && !result->expected)
        snprintf(state->reason, sizeof(state->reason), "%s%s",
                 cli_signal_word(result->signal, word, sizeof(word)),
                 result->signal == SIGKILL ? " from outside" : "");
}
