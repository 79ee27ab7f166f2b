/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a container's log back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"
#include "store/log.h"

#define LINE(text)                                                                             \
    "{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.5Z\"}\n"

static int log_dir(void **state)
{
    return ((struct fresh *)*state)->store.partial;
}

static int collect(const struct store_log_record *record, void *context, struct md_err *err)
{
    struct md_buf *all = context;

    (void)err;
    assert_int_equal(md_buf_add(all, record->stream == STORE_STDOUT ? "1" : "2", 1), 0);
    return md_buf_add(all, record->text, record->len);
}

static void assert_log(void **state, int64_t tail, const char *expected)
{
    struct md_buf all = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_log_read(log_dir(state), tail, collect, &all, &err), 0);
    assert_string_equal(all.data ? all.data : "", expected);
    md_buf_clear(&all);
}

static void what_was_written_is_read_back(void **state)
{
    struct md_err err = { 0 };
    struct store_log *log = store_log_create(log_dir(state), NULL, &err);
    const char text[] = "a\"\\\t\xc3\xa9\x01 \xff\n";

    assert_non_null(log);
    store_log_add(log, STORE_STDOUT, text, sizeof(text) - 1);
    store_log_add(log, STORE_STDERR, "no end", 6);
    assert_int_equal(store_log_close(log), 0);
    assert_log(state, -1, "1a\"\\\t\xc3\xa9\x01 \xef\xbf\xbd\n2no end");
}

static int check_time(const struct store_log_record *record, void *context, struct md_err *err)
{
    const struct timespec *before = context;
    struct timespec now;

    (void)err;
    clock_gettime(CLOCK_REALTIME, &now);
    assert_true(record->time.tv_sec >= before->tv_sec && record->time.tv_sec <= now.tv_sec);
    assert_true(record->time.tv_sec > before->tv_sec ||
                record->time.tv_nsec >= before->tv_nsec);
    return 0;
}

static void a_record_has_the_time_it_came(void **state)
{
    struct md_err err = { 0 };
    struct store_log *log = store_log_create(log_dir(state), NULL, &err);
    struct timespec before;

    clock_gettime(CLOCK_REALTIME, &before);
    store_log_add(log, STORE_STDOUT, "x\n", 2);
    assert_int_equal(store_log_close(log), 0);
    assert_int_equal(store_log_read(log_dir(state), -1, check_time, &before, &err), 0);
}

static void the_last_records_come_from_as_many_files_as_they_need(void **state)
{
    fresh_file(log_dir(state), "log.2", LINE("a") LINE("b"));
    fresh_file(log_dir(state), "log.1", LINE("c") LINE("d"));
    fresh_file(log_dir(state), "log", LINE("e"));
    assert_log(state, -1, "1a1b1c1d1e");
    assert_log(state, 0, "");
    assert_log(state, 1, "1e");
    assert_log(state, 2, "1d1e");
    assert_log(state, 3, "1c1d1e");
    assert_log(state, 4, "1b1c1d1e");
    assert_log(state, 5, "1a1b1c1d1e");
    assert_log(state, 100, "1a1b1c1d1e");
}

static void the_last_records_of_a_large_file_are_found(void **state)
{
    struct md_err err = { 0 };
    struct store_log *log = store_log_create(log_dir(state), NULL, &err);

    for (int i = 0; i < 5000; i++) {
        char line[64];

        store_log_add(log, STORE_STDOUT, line, (size_t)snprintf(line, sizeof(line), "%d\n", i));
    }
    assert_int_equal(store_log_close(log), 0);
    assert_log(state, 2, "14998\n14999\n");
    for (int tail = 1; tail < 5000; tail += 619) {
        struct md_buf all = { 0 };
        char first[64];

        assert_int_equal(store_log_read(log_dir(state), tail, collect, &all, &err), 0);
        snprintf(first, sizeof(first), "1%d\n", 5000 - tail);
        assert_int_equal(strncmp(all.data, first, strlen(first)), 0);
        md_buf_clear(&all);
    }
}

static void damaged_lines_are_skipped_D8(void **state)
{
    const char *const damages[] = {
        "\n",
        "garbage\n",
        "{\"log\":\"x\n",
        "{\"log\":\"\\q\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}\n",
        "{\"log\":\"x\",\"stream\":\"stdin\",\"time\":\"2026-01-02T03:04:05Z\"}\n",
        "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"yesterday\"}\n",
        "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"}\n",
        "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\n",
        "{\"log\":\"x\\\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}\n",
    };

    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        MD_AUTO_FREE char *text =
            md_xasprintf("%s%s%s", LINE("before"), damages[i], LINE("after"));

        fresh_file(log_dir(state), "log", text);
        assert_log(state, -1, "1before1after");
    }
}

static void a_line_without_its_end_is_skipped(void **state)
{
    fresh_file(log_dir(state), "log", LINE("whole") "{\"log\":\"x\",\"stream\":\"stdout\",");
    assert_log(state, -1, "1whole");
}

static void a_line_over_one_mebibyte_is_skipped(void **state)
{
    MD_AUTO_FREE char *text = md_xmalloc((3u << 20) + 1);

    memset(text, 'x', 3u << 20);
    text[3u << 20] = '\0';
    memcpy(text, LINE("before"), sizeof(LINE("before")) - 1);
    text[(3u << 20) - sizeof(LINE("after"))] = '\n';
    memcpy(text + (3u << 20) - sizeof(LINE("after")) + 1, LINE("after"),
           sizeof(LINE("after")) - 1);
    fresh_file(log_dir(state), "log", text);
    assert_log(state, -1, "1before1after");
}

static void what_hides_in_a_long_line_is_no_record(void **state)
{
    size_t size = (1u << 20) + sizeof(LINE("hidden")) + sizeof(LINE("after"));
    MD_AUTO_FREE char *text = md_xmalloc(size);

    memset(text, 'x', 1u << 20);
    snprintf(text + (1u << 20), size - (1u << 20), "%s%s", LINE("hidden"), LINE("after"));
    fresh_file(log_dir(state), "log", text);
    assert_log(state, -1, "1after");
}

static void no_log_is_not_found(void **state)
{
    struct md_err err = { 0 };
    struct md_buf all = { 0 };

    assert_int_equal(store_log_read(log_dir(state), -1, collect, &all, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
}

static int stop(const struct store_log_record *record, void *context, struct md_err *err)
{
    (void)record;
    ++*(int *)context;
    return md_err_set(err, MD_ERR_USAGE, "enough");
}

static void a_visitor_can_stop(void **state)
{
    struct md_err err = { 0 };
    int visits = 0;

    fresh_file(log_dir(state), "log.1", LINE("a") LINE("b"));
    fresh_file(log_dir(state), "log", LINE("c"));
    assert_int_equal(store_log_read(log_dir(state), -1, stop, &visits, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_int_equal(visits, 1);
}

/* Who follows a log of numbered lines, which grows while nothing is read. */
struct following {
    struct store_log *log;
    const size_t *steps; /* lines to write at each wait; 0 ends them */
    int written, seen;
};

static void write_numbers(struct following *following, size_t count)
{
    static const char rest[] = " ........................................................."
                               ".........................................................\n";

    for (size_t i = 0; i < count; i++) {
        char line[160];
        int len = snprintf(line, sizeof(line), "%d%s", following->written++, rest);

        store_log_add(following->log, STORE_STDOUT, line, (size_t)len);
    }
}

static int see_number(const struct store_log_record *record, void *context, struct md_err *err)
{
    struct following *following = context;

    (void)err;
    assert_int_equal(strtol(record->text, NULL, 10), following->seen);
    following->seen++;
    return 0;
}

static int write_more(void *context, struct md_err *err)
{
    struct following *following = context;

    (void)err;
    if (*following->steps == 0) {
        return 0;
    }
    write_numbers(following, *following->steps++);
    return 1;
}

/* A file holds about 55,000 of these lines. */
static void a_follower_sees_each_record_once_across_rotations(void **state)
{
    static const size_t steps[] = { 1, 10, 50000, 20000, 120000, 3, 160000, 1, 0 };
    struct md_err err = { 0 };
    struct following following = { store_log_create(log_dir(state), NULL, &err), steps, 0, 0 };
    const struct store_log_follower follower = { see_number, write_more, &following };

    assert_non_null(following.log);
    write_numbers(&following, 60000);
    assert_int_equal(store_log_follow(log_dir(state), -1, &follower, &err), 0);
    assert_int_equal(following.seen, following.written);
    store_log_close(following.log);
}

static void a_follower_begins_where_it_is_told(void **state)
{
    static const size_t steps[] = { 2, 0 };
    struct md_err err = { 0 };
    struct following following = { store_log_create(log_dir(state), NULL, &err), steps, 0, 0 };
    const struct store_log_follower follower = { see_number, write_more, &following };

    write_numbers(&following, 60000);
    following.seen = 60000;
    assert_int_equal(store_log_follow(log_dir(state), 0, &follower, &err), 0);
    assert_int_equal(following.seen, 60002);
    following.steps = steps;
    following.seen = 59999;
    assert_int_equal(store_log_follow(log_dir(state), 3, &follower, &err), 0);
    assert_int_equal(following.seen, 60004);
    store_log_close(following.log);
}

/* What a file gets in pieces, and from a writer that takes something back. */
struct pieces {
    int dir;
    int step;
    struct md_buf seen;
};

static int see_text(const struct store_log_record *record, void *context, struct md_err *err)
{
    struct pieces *pieces = context;

    return collect(record, &pieces->seen, err);
}

static int write_piece(void *context, struct md_err *err)
{
    struct pieces *pieces = context;
    MD_AUTO_FD fd = openat(pieces->dir, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    static const char *const texts[] = {
        LINE("a"),
        "{\"log\":\"b",
        "\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}\n",
        "{\"log\":\"lost",
        "",
        LINE("c"),
        "not a record\n",
        LINE("d"),
    };

    (void)err;
    assert_true(fd >= 0);
    if (pieces->step == sizeof(texts) / sizeof(*texts)) {
        return 0;
    }
    if (!texts[pieces->step][0]) {
        assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 12), 0);
    }
    assert_int_equal(md_fd_write_all(fd, texts[pieces->step], strlen(texts[pieces->step])), 0);
    pieces->step++;
    return 1;
}

static void a_follower_waits_for_a_log_and_for_the_end_of_a_line(void **state)
{
    struct md_err err = { 0 };
    struct pieces pieces = { .dir = log_dir(state) };
    const struct store_log_follower follower = { see_text, write_piece, &pieces };

    assert_int_equal(store_log_follow(log_dir(state), -1, &follower, &err), 0);
    assert_string_equal(pieces.seen.data, "1a1b1c1d");
    md_buf_clear(&pieces.seen);
}

static int fail_to_wait(void *context, struct md_err *err)
{
    (void)context;
    return md_err_set(err, MD_ERR_SYSTEM, "no");
}

static void a_follower_stops_when_waiting_fails(void **state)
{
    struct md_err err = { 0 };
    struct pieces pieces = { .dir = log_dir(state) };
    const struct store_log_follower follower = { see_text, fail_to_wait, &pieces };

    assert_int_equal(store_log_follow(log_dir(state), -1, &follower, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(what_was_written_is_read_back),
        T(a_record_has_the_time_it_came),
        T(the_last_records_come_from_as_many_files_as_they_need),
        T(the_last_records_of_a_large_file_are_found),
        T(damaged_lines_are_skipped_D8),
        T(a_line_without_its_end_is_skipped),
        T(a_line_over_one_mebibyte_is_skipped),
        T(what_hides_in_a_long_line_is_no_record),
        T(no_log_is_not_found),
        T(a_visitor_can_stop),
        T(a_follower_sees_each_record_once_across_rotations),
        T(a_follower_begins_where_it_is_told),
        T(a_follower_waits_for_a_log_and_for_the_end_of_a_line),
        T(a_follower_stops_when_waiting_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
