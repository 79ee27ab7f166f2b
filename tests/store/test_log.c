/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a container's log: records, rotation, and disks that are full. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "fresh_store.h"
#include "store/log.h"

static int log_dir(void **state)
{
    return ((struct fresh *)*state)->store.partial;
}

static struct store_log *create(void **state)
{
    struct md_err err = { 0 };
    struct store_log *log = store_log_create(log_dir(state), NULL, &err);

    assert_non_null(log);
    return log;
}

static void add(struct store_log *log, enum store_stream stream, const char *text)
{
    store_log_add(log, stream, text, strlen(text));
}

static char *read_log(void **state, const char *name, size_t *len)
{
    struct md_err err = { 0 };
    char *text = md_file_read(log_dir(state), name, 64u << 20, len, &err);

    assert_non_null(text);
    return text;
}

/* The "log" members of a file, each in brackets, with newlines as '$'. */
static void assert_records(void **state, const char *expected)
{
    size_t len = 0;
    MD_AUTO_FREE char *text = read_log(state, "log", &len);
    char all[4096] = "";
    size_t used = 0;

    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        struct md_err err = { 0 };
        MD_AUTO_JSON json = md_json_parse(line, length, "line", &err);
        const char *record;

        assert_non_null(json);
        record = md_json_get_text(json, "log");
        assert_non_null(record);
        used += (size_t)snprintf(all + used, sizeof(all) - used, "[%s]", record);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    for (char *p = all; *p; p++) {
        if (*p == '\n') {
            *p = '$';
        }
    }
    assert_string_equal(all, expected);
}

static void a_line_is_a_record_of_dockers_form(void **state)
{
    struct store_log *log = create(state);
    size_t len = 0;
    MD_AUTO_FREE char *text = NULL;
    struct stat st;

    add(log, STORE_STDERR, "hello \"you\"\n");
    text = read_log(state, "log", &len);
    assert_int_equal(
        strncmp(text, "{\"log\":\"hello \\\"you\\\"\\n\",\"stream\":\"stderr\",\"time\":\"",
                51),
        0);
    assert_string_equal(text + len - 4, "Z\"}\n");
    assert_int_equal(len, 51 + 30 + 3);
    assert_int_equal(fstatat(log_dir(state), "log", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(store_log_close(log), 0);
}

static void a_partial_line_waits_for_its_end(void **state)
{
    struct store_log *log = create(state);
    struct stat st;

    add(log, STORE_STDOUT, "par");
    assert_int_equal(fstatat(log_dir(state), "log", &st, 0), 0);
    assert_int_equal(st.st_size, 0);
    add(log, STORE_STDERR, "other\nmore");
    add(log, STORE_STDOUT, "tial\nnext");
    assert_records(state, "[other$][partial$]");
    assert_int_equal(store_log_close(log), 0);
    assert_records(state, "[other$][partial$][next][more]");
}

static void bytes_one_by_one_make_the_same_records(void **state)
{
    struct store_log *log = create(state);
    const char *text = "one\n\ntw\xc3\xa9\nthree";

    for (const char *p = text; *p; p++) {
        store_log_add(log, STORE_STDOUT, p, 1);
    }
    store_log_add(log, STORE_STDOUT, "", 0);
    assert_int_equal(store_log_close(log), 0);
    assert_records(state, "[one$][$][tw\xc3\xa9$][three]");
}

/* The lengths of the records' texts in the log, all of 'x' or of two-byte characters. */
static void assert_lengths(void **state, const char *expected)
{
    size_t len = 0;
    MD_AUTO_FREE char *text = read_log(state, "log", &len);
    char all[256] = "";
    size_t used = 0;

    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        struct md_err err = { 0 };
        MD_AUTO_JSON json = md_json_parse(line, length, "line", &err);

        assert_non_null(json);
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%zu ",
                                 strlen(md_json_get_text(json, "log")));
        line += length + 1;
    }
    assert_string_equal(all, expected);
}

static void a_long_line_is_cut_into_records_D36(void **state)
{
    struct store_log *log = create(state);
    MD_AUTO_FREE char *text = md_xmalloc(40001);

    memset(text, 'x', 40000);
    text[40000] = '\n';
    store_log_add(log, STORE_STDOUT, text, 40001);
    for (size_t i = 0; i < 40001; i += 7) {
        store_log_add(log, STORE_STDOUT, text + i, 40001 - i < 7 ? 40001 - i : 7);
    }
    assert_int_equal(store_log_close(log), 0);
    assert_lengths(state, "16384 16384 7233 16384 16384 7233 ");
}

static void a_cut_never_goes_through_a_character(void **state)
{
    struct store_log *log = create(state);
    MD_AUTO_FREE char *text = md_xmalloc(20001);

    text[0] = 'x';
    for (size_t i = 1; i < 20001; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    store_log_add(log, STORE_STDOUT, text, 20001);
    assert_int_equal(store_log_close(log), 0);
    assert_lengths(state, "16383 3618 ");
}

static void worst_bytes_fit_too(void **state)
{
    struct store_log *log = create(state);
    MD_AUTO_FREE char *text = md_xcalloc(1, 700000);
    size_t len = 0;
    MD_AUTO_FREE char *written = NULL;

    store_log_add(log, STORE_STDOUT, text, 700000);
    assert_int_equal(store_log_close(log), 0);
    written = read_log(state, "log", &len);
    assert_true(len > 700000u * 6);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    while ((text = strchr(text, '\n'))) {
        count++;
        text++;
    }
    return count;
}

static void a_full_file_is_rotated_between_records(void **state)
{
    struct store_log *log = create(state);
    char line[1001];
    off_t sizes[STORE_LOG_FILES];
    const char *const names[] = { "log", "log.1", "log.2" };

    memset(line, 'y', sizeof(line) - 1);
    line[999] = '\n';
    line[1000] = '\0';
    for (int i = 0; i < 40000; i++) {
        add(log, STORE_STDOUT, line);
    }
    assert_int_equal(store_log_close(log), 0);
    for (int i = 0; i < STORE_LOG_FILES; i++) {
        MD_AUTO_FREE char *text = NULL;
        size_t len = 0;

        text = read_log(state, names[i], &len);
        sizes[i] = (off_t)len;
        assert_true(len <= STORE_LOG_FILE_BYTES);
        assert_int_equal(strncmp(text, "{\"log\":\"y", 9), 0);
        assert_int_equal(text[len - 1], '\n');
        assert_true(count_lines(text) > 0);
    }
    assert_true(sizes[1] > (off_t)STORE_LOG_FILE_BYTES - 2000);
    assert_true(sizes[2] > (off_t)STORE_LOG_FILE_BYTES - 2000);
    assert_false(exists(log_dir(state), "log.3"));
}

static void a_log_is_continued_and_a_torn_line_ended(void **state)
{
    struct store_log *log;
    size_t len = 0;
    MD_AUTO_FREE char *text = NULL;

    fresh_file(log_dir(state), "log", "{\"log\":\"tor");
    log = create(state);
    add(log, STORE_STDOUT, "next\n");
    assert_int_equal(store_log_close(log), 0);
    text = read_log(state, "log", &len);
    assert_int_equal(strncmp(text, "{\"log\":\"tor\n{\"log\":\"next", 24), 0);
}

static void a_link_in_the_place_of_the_log_is_refused_D36(void **state)
{
    struct md_err err = { 0 };

    assert_int_equal(symlinkat("/dev/null", log_dir(state), "log"), 0);
    assert_null(store_log_create(log_dir(state), NULL, &err));
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
}

/* A disk that is full after so many bytes. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_does_not_fit_is_dropped_counted_and_torn_nowhere_D35(void **state)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction before;
    struct store_log *log = create(state);

    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    add(log, STORE_STDOUT, "first\n");
    limit_files(120);
    add(log, STORE_STDOUT, "second\nthird\n");
    limit_files(RLIM_INFINITY);
    add(log, STORE_STDOUT, "fourth\n");
    assert_int_equal(store_log_close(log), 2);
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
    assert_records(state, "[first$][fourth$]");
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    assert_int_equal(store_log_close(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_line_is_a_record_of_dockers_form),
        T(a_partial_line_waits_for_its_end),
        T(bytes_one_by_one_make_the_same_records),
        T(a_long_line_is_cut_into_records_D36),
        T(a_cut_never_goes_through_a_character),
        T(worst_bytes_fit_too),
        T(a_full_file_is_rotated_between_records),
        T(a_log_is_continued_and_a_torn_line_ended),
        T(a_link_in_the_place_of_the_log_is_refused_D36),
        T(what_does_not_fit_is_dropped_counted_and_torn_nowhere_D35),
        T(closing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
