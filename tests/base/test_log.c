/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/log.c. */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What stderr gets while one message is logged. */
static ssize_t logged(const char *message, char *out, size_t size)
{
    int saved = dup(STDERR_FILENO);
    ssize_t len;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    md_log("%s", message);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    len = read(ends[0], out, size);
    close(ends[0]);
    return len;
}

static void nothing_is_logged_until_it_is_enabled(void **state)
{
    char out[4096];

    (void)state;
    assert_false(md_log_enabled());
    assert_int_equal(logged("hello", out, sizeof(out)), 0);
    md_log_enable();
    assert_true(md_log_enabled());
    assert_int_equal(logged("hello", out, sizeof(out)), 13);
    assert_memory_equal(out, "debug: hello\n", 13);
}

static void a_long_message_is_still_one_line(void **state)
{
    char message[3000];
    char out[4096];
    ssize_t len;

    (void)state;
    memset(message, 'm', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    md_log_enable();
    len = logged(message, out, sizeof(out));
    assert_true(len > 1000 && len <= 1024);
    assert_int_equal(out[len - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_logged_until_it_is_enabled),
        cmocka_unit_test(a_long_message_is_still_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
