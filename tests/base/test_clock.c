/* SPDX-License-Identifier: Apache-2.0 */
/* Milliseconds that never go back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void it_is_the_monotonic_clock_in_milliseconds(void **state)
{
    struct timespec before;
    struct timespec after;
    int64_t now;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &before);
    now = md_now_ms();
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(now >= (int64_t)before.tv_sec * 1000 + before.tv_nsec / 1000000);
    assert_true(now <= (int64_t)after.tv_sec * 1000 + after.tv_nsec / 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_monotonic_clock_in_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
