/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/health.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/health.h"

static void instructions_become_what_docker_writes(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "NONE", "{\"Test\":[\"NONE\"]}" },
        { "CMD true", "{\"Test\":[\"CMD-SHELL\",\"true\"]}" },
        { "CMD [\"a\",\"b c\"]", "{\"Test\":[\"CMD\",\"a\",\"b c\"]}" },
        { "--interval=1m30s --retries=3 cmd curl -f x || exit 1",
          "{\"Interval\":90000000000,\"Retries\":3,\"Test\":[\"CMD-SHELL\",\"curl -f x || exit "
          "1\"]}" },
        { "--timeout=500ms --start-period=1h CMD x",
          "{\"Timeout\":500000000,\"StartPeriod\":3600000000000,\"Test\":[\"CMD-SHELL\",\"x\"]"
          "}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        MD_AUTO_JSON check = NULL;

        assert_int_equal(md_health_change(rows[i].in, &check), 0);
        char *text = md_json_line(check);

        assert_string_equal(text, rows[i].out);
        free(text);
    }
}

static void malformed_instructions_are_refused_and_change_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "CMD",
        "true",
        "NONE x",
        "--interval=5 CMD x",
        "--x=1 CMD x",
        "--retries=-1 CMD x",
        "CMD [1]",
        "--interval= CMD x",
        "--interval=3s NONE",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        MD_AUTO_JSON check = NULL;

        if (md_health_change(wrong[i], &check) == 0)
            fail_msg("accepted: %s", wrong[i]);
        assert_null(check);
    }
}

static void only_known_members_of_a_config_are_taken(void **state)
{
    static const char good[] = "{\"Test\":[\"CMD\",\"x\"],\"Interval\":5,\"Evil\":1}";
    static const char bad[] = "{\"Test\":\"CMD\"}";
    struct md_err err = { 0 };
    MD_AUTO_JSON value = md_json_parse(good, strlen(good), "", &err);
    MD_AUTO_JSON wrong = md_json_parse(bad, strlen(bad), "", &err);
    MD_AUTO_JSON out = NULL;
    MD_AUTO_JSON none = NULL;

    (void)state;
    assert_int_equal(md_health_parse(value, &out, &err), 0);
    char *text = md_json_line(out);

    assert_string_equal(text, "{\"Test\":[\"CMD\",\"x\"],\"Interval\":5}");
    free(text);
    assert_int_equal(md_health_parse(wrong, &none, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_int_equal(md_health_parse(NULL, &none, &err), 0);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_become_what_docker_writes),
        cmocka_unit_test(malformed_instructions_are_refused_and_change_nothing),
        cmocka_unit_test(only_known_members_of_a_config_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
