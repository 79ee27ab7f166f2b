/* SPDX-License-Identifier: Apache-2.0 */
/* Restart policies, signals and numbers as options give them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/policy.h"

static void policies_are_dockers(void **state)
{
    static const struct {
        const char *text;
        enum cli_policy_kind kind;
        unsigned most;
    } rows[] = {
        { NULL, CLI_POLICY_NO, 0 },
        { "", CLI_POLICY_NO, 0 },
        { "no", CLI_POLICY_NO, 0 },
        { "on-failure", CLI_POLICY_ON_FAILURE, 0 },
        { "on-failure:5", CLI_POLICY_ON_FAILURE, 5 },
        { "always", CLI_POLICY_ALWAYS, 0 },
        { "unless-stopped", CLI_POLICY_UNLESS_STOPPED, 0 },
    };
    static const char *const bad[] = { "never", "always:3",      "on-failure:x", "on-failure:",
                                       ":",     "on-failure:-1", "alway",        "Always" };
    struct cli_policy policy;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };

        assert_int_equal(cli_policy_parse(rows[i].text, &policy, &err), 0);
        assert_int_equal(policy.kind, rows[i].kind);
        assert_int_equal(policy.most, rows[i].most);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_err err = { 0 };

        assert_int_equal(cli_policy_parse(bad[i], &policy, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
}

static void they_decide_by_how_it_ended(void **state)
{
    const struct cli_policy on_failure = { CLI_POLICY_ON_FAILURE, 2 };
    const struct cli_policy always = { CLI_POLICY_ALWAYS, 0 };
    const struct cli_policy unless = { CLI_POLICY_UNLESS_STOPPED, 0 };
    const struct cli_policy no = { CLI_POLICY_NO, 0 };

    (void)state;
    assert_false(cli_policy_restarts(&no, &(struct store_state){ .exit_code = 1 }));
    assert_true(cli_policy_restarts(&on_failure, &(struct store_state){ .exit_code = 1 }));
    assert_false(cli_policy_restarts(&on_failure, &(struct store_state){ .exit_code = 0 }));
    assert_false(cli_policy_restarts(&on_failure,
                                     &(struct store_state){ .exit_code = 1, .restarts = 2 }));
    assert_true(cli_policy_restarts(&always, &(struct store_state){ .exit_code = 0 }));
    assert_false(
        cli_policy_restarts(&always, &(struct store_state){ .stopped_by_hand = true }));
    assert_false(cli_policy_starts_at_boot(&always, &(struct store_state){ 0 }));

    struct store_state ran = { .started = { .tv_sec = 1 }, .stopped_by_hand = true };

    assert_true(cli_policy_starts_at_boot(&always, &ran));
    assert_false(cli_policy_starts_at_boot(&unless, &ran));
    assert_false(cli_policy_starts_at_boot(&on_failure, &ran));
    ran.stopped_by_hand = false;
    assert_true(cli_policy_starts_at_boot(&unless, &ran));
}

static void the_wait_doubles_up_to_a_minute_and_begins_anew_after_a_good_run(void **state)
{
    int ms = 0;

    (void)state;
    assert_int_equal(ms = cli_policy_backoff(ms, 0), 100);
    assert_int_equal(ms = cli_policy_backoff(ms, 0), 200);
    for (int i = 0; i < 20; i++)
        ms = cli_policy_backoff(ms, 0);
    assert_int_equal(ms, 60000);
    assert_int_equal(cli_policy_backoff(ms, 10), 100);
}

static void signals_have_names_and_numbers(void **state)
{
    static const struct {
        const char *text;
        int signal;
    } rows[] = { { "TERM", SIGTERM }, { "SIGTERM", SIGTERM }, { "sigterm", SIGTERM },
                 { "usr1", SIGUSR1 }, { "9", SIGKILL },       { "15", SIGTERM } };
    static const char *const bad[] = { "", "0", "NOSUCH", "SIG", "-9", "1000", "rtmin+99" };
    char word[32];
    int signal;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };

        assert_int_equal(cli_signal_parse(rows[i].text, &signal, &err), 0);
        assert_int_equal(signal, rows[i].signal);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_err err = { 0 };

        assert_int_equal(cli_signal_parse(bad[i], &signal, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
    assert_int_equal(cli_signal_parse("RTMIN+3", &signal, &(struct md_err){ 0 }), 0);
    assert_int_equal(signal, SIGRTMIN + 3);
    assert_string_equal(cli_signal_word(SIGHUP, word, sizeof(word)), "SIGHUP");
}

static void seconds_are_whole_and_minus_one_is_for_ever(void **state)
{
    struct md_err err = { 0 };
    int seconds = 0;

    (void)state;
    assert_int_equal(cli_seconds_parse("30", "time", &seconds, &err), 0);
    assert_int_equal(seconds, 30);
    assert_int_equal(cli_seconds_parse("-1", "time", &seconds, &err), 0);
    assert_int_equal(seconds, -1);
    assert_int_equal(cli_seconds_parse("-2", "time", &seconds, &err), -1);
    assert_int_equal(cli_seconds_parse("1.5", "time", &seconds, &err), -1);
    assert_int_equal(cli_seconds_parse("99999999999", "time", &seconds, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_dockers),
        cmocka_unit_test(they_decide_by_how_it_ended),
        cmocka_unit_test(the_wait_doubles_up_to_a_minute_and_begins_anew_after_a_good_run),
        cmocka_unit_test(signals_have_names_and_numbers),
        cmocka_unit_test(seconds_are_whole_and_minus_one_is_for_ever),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
