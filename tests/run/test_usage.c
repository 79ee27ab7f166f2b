/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, from the kernel's texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "run/usage.h"

static void a_key_is_found_at_the_beginning_of_a_line_only(void **state)
{
    static const char text[] = "usage_usec 12\nuser_usec 7\nnr_user_usec 99\ncache_x 1\n";

    (void)state;
    assert_int_equal(run_usage_key(text, "usage_usec"), 12);
    assert_int_equal(run_usage_key(text, "user_usec"), 7);
    assert_int_equal(run_usage_key(text, "cache"), 0);
    assert_int_equal(run_usage_key(text, "usec"), 0);
    assert_int_equal(run_usage_key("", "usage_usec"), 0);
    assert_int_equal(run_usage_key("Rss:    100 kB\nPss:\t  42 kB\n", "Rss:"), 100);
    assert_int_equal(run_usage_key("Rss:    100 kB\nPss:\t  42 kB\n", "Pss:"), 42);
}

static void words_of_all_devices_are_added(void **state)
{
    static const char text[] = "8:0 rbytes=100 wbytes=7 rios=1 wios=2 dbytes=0 dios=0\n"
                               "8:16 rbytes=11 wbytes=0 rios=9 wios=0 dbytes=0 dios=0\n";

    (void)state;
    assert_int_equal(run_usage_words(text, "rbytes"), 111);
    assert_int_equal(run_usage_words(text, "wbytes"), 7);
    assert_int_equal(run_usage_words(text, "bytes"), 0);
    assert_int_equal(run_usage_words("", "rbytes"), 0);
}

static void times_and_threads_are_found_whatever_the_name_holds(void **state)
{
    uint64_t ticks;
    uint64_t threads;

    (void)state;
    run_usage_stat("7 (a) b (c) S 1 7 7 0 -1 4194560 100 200 0 0 30 4 200 1000 20 0 5 0 99 1",
                   &ticks, &threads);
    assert_int_equal(ticks, 1234);
    assert_int_equal(threads, 5);
    run_usage_stat("7 (cut", &ticks, &threads);
    assert_int_equal(ticks, 0);
    run_usage_stat("7 (cut) S 1 2", &ticks, &threads);
    assert_int_equal(ticks + threads, 0);
}

static void the_loopback_interface_does_not_count(void **state)
{
    static const char text[] =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
        "    lo: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n"
        "  eth0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n"
        "  eth1:70 1 0 0 0 0 0 0 80 1 0 0 0 0 0 0\n";
    uint64_t received;
    uint64_t sent;

    (void)state;
    run_usage_net(text, &received, &sent);
    assert_int_equal(received, 75);
    assert_int_equal(sent, 86);
}

static void a_process_without_cgroup_is_found_by_its_namespace(void **state)
{
    struct run_usage usage;

    (void)state;
    run_usage_read(getpid(), "", &usage);
    assert_true(usage.pids > 0);
    assert_true(usage.memory > 0);
    assert_true(usage.memory_limit > usage.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_at_the_beginning_of_a_line_only),
        cmocka_unit_test(words_of_all_devices_are_added),
        cmocka_unit_test(times_and_threads_are_found_whatever_the_name_holds),
        cmocka_unit_test(the_loopback_interface_does_not_count),
        cmocka_unit_test(a_process_without_cgroup_is_found_by_its_namespace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
