/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeping: what crashed commands left goes, what living ones hold stays. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"

static void the_trash_is_emptied(void **state)
{
    struct fresh *fresh = *state;

    assert_int_equal(mkdirat(fresh->store.trash, "dir", 0700), 0);
    fresh_file(fresh->store.trash, "dir/file", "x");
    fresh_file(fresh->store.trash, "file", "x");
    assert_int_equal(symlinkat("/etc", fresh->store.trash, "link"), 0);
    assert_int_equal(mkfifoat(fresh->store.trash, "fifo", 0600), 0);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.trash), 0);
    assert_true(exists(AT_FDCWD, "/etc"));
}

static void unfinished_work_goes(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char name[256];

    assert_int_equal(mkdirat(fresh->store.partial, "image-abc", 0700), 0);
    fresh_file(fresh->store.partial, "image-abc/file", "x");
    assert_int_equal(mkdirat(fresh->store.partial, fresh_id('a', id), 0700), 0);
    fresh_file(fresh->store.partial, "half-a-blob", "x");
    /* Of another boot: its bytes may never have reached the disk. */
    snprintf(name, sizeof(name), "%s.%s", fresh_id('b', id),
             "00000000-0000-0000-0000-000000000000");
    assert_int_equal(mkdirat(fresh->store.partial, name, 0700), 0);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void a_finished_layer_of_this_boot_stays(void **state)
{
    struct fresh *fresh = *state;

    fresh_layer(&fresh->store, 'a');
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 1);
}

/* As if last written to so many days ago. */
static void make_older(int folder, const char *name, int days)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                       { .tv_sec = time(NULL) - days * 86400 - 60 } };

    assert_int_equal(utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static const char *prefix_name(char letter, char out[256])
{
    char id[STORE_ID_SIZE];

    snprintf(out, 256, "%s.0123456789abcdef0123456789abcdef.prefix", fresh_id(letter, id));
    return out;
}

static void the_start_of_a_layer_stays_for_a_week(void **state)
{
    struct fresh *fresh = *state;
    char name[256];

    fresh_file(fresh->store.partial, prefix_name('a', name), "x");
    make_older(fresh->store.partial, name, 6);
    store_sweep(&fresh->store);
    assert_true(exists(fresh->store.partial, name));
    make_older(fresh->store.partial, name, 7);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void the_start_of_a_layer_that_has_come_otherwise_goes(void **state)
{
    struct fresh *fresh = *state;
    char name[256];
    char id[STORE_ID_SIZE];

    fresh_file(fresh->store.partial, prefix_name('a', name), "x");
    assert_int_equal(mkdirat(fresh->store.layers, fresh_id('a', id), 0700), 0);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void claim_it(struct fresh *fresh)
{
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    char name[256];

    snprintf(name, sizeof(name), "%s.new", fresh_id('a', id));
    if (mkdirat(fresh->store.partial, name, 0700) < 0 ||
        store_lock(fresh->store.partial, name, STORE_EXCLUSIVE, &err) < 0) {
        _exit(1);
    }
}

static void the_start_of_a_layer_that_is_claimed_stays_D20(void **state)
{
    struct fresh *fresh = *state;
    char name[256];
    pid_t pid;

    fresh_file(fresh->store.partial, prefix_name('a', name), "x");
    make_older(fresh->store.partial, name, 70);
    pid = fresh_child(fresh, claim_it);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 2);
    fresh_kill(pid);
    store_sweep(&fresh->store);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void lock_finished(struct fresh *fresh)
{
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    char name[256];

    snprintf(name, sizeof(name), "%s.%s", fresh_id('a', id), fresh->store.boot_id);
    if (store_lock(fresh->store.partial, name, STORE_SHARED, &err) < 0) {
        _exit(1);
    }
}

static void a_finished_layer_goes_after_a_week_unless_somebody_has_it(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char name[256];
    pid_t pid;

    fresh_layer(&fresh->store, 'a');
    snprintf(name, sizeof(name), "%s.%s", fresh_id('a', id), fresh->store.boot_id);
    make_older(fresh->store.partial, name, 6);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 1);
    make_older(fresh->store.partial, name, 7);
    pid = fresh_child(fresh, lock_finished);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 1);
    fresh_kill(pid);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void open_draft(struct fresh *fresh)
{
    static struct store_draft draft;
    struct md_err err = { 0 };

    if (store_draft_open(&fresh->store, &draft, &err) < 0) {
        _exit(1);
    }
}

static void work_of_a_living_process_is_never_touched_D20(void **state)
{
    struct fresh *fresh = *state;
    pid_t pid = fresh_child(fresh, open_draft);

    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 1);
    fresh_kill(pid);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void lock_trash(struct fresh *fresh)
{
    struct md_err err = { 0 };

    if (store_try_lock(fresh->store.trash, "going", &err) < 0) {
        _exit(1);
    }
}

static void trash_that_somebody_is_deleting_is_left_to_him(void **state)
{
    struct fresh *fresh = *state;
    pid_t pid;

    assert_int_equal(mkdirat(fresh->store.trash, "going", 0700), 0);
    pid = fresh_child(fresh, lock_trash);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.trash), 1);
    fresh_kill(pid);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void records_without_a_name_go_and_those_with_one_stay(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine:3.20", 'a', 0);
    fresh_file(fresh->store.names, "gone:1.2.json", "{}");
    fresh_file(fresh->store.names, "gone:1.2.new", "{");
    assert_int_equal(symlinkat("x", fresh->store.names, "other.link"), 0);
    fresh_file(fresh->store.names, "third.json", "");
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.names), 1);
    assert_true(exists(fresh->store.names, "alpine:3.20.json"));
}

static void lock_name(struct fresh *fresh)
{
    struct md_err err = { 0 };

    if (store_name_lock(&fresh->store, "new", &err) < 0) {
        _exit(1);
    }
    fresh_file(fresh->store.names, "new.json", "{}");
}

static void the_record_of_a_name_that_is_just_being_set_stays(void **state)
{
    struct fresh *fresh = *state;
    pid_t pid = fresh_child(fresh, lock_name);

    store_sweep(&fresh->store);
    assert_true(exists(fresh->store.names, "new.json"));
    fresh_kill(pid);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.names), 0);
}

static void discarding_removes_a_tree_and_leaves_no_trash(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    fresh_layer(&fresh->store, 'a');
    assert_int_equal(mkdirat(fresh->store.layers, "tree", 0700), 0);
    fresh_file(fresh->store.layers, "tree/file", "x");
    assert_int_equal(store_discard(&fresh->store, fresh->store.layers, "tree", &err), 0);
    assert_int_equal(count_entries(fresh->store.layers), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
    assert_int_equal(count_entries(fresh->store.partial), 1);
}

static void discarding_what_is_missing_is_success(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    assert_int_equal(store_discard(&fresh->store, fresh->store.layers, "none", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(the_trash_is_emptied),
        T(unfinished_work_goes),
        T(a_finished_layer_of_this_boot_stays),
        T(the_start_of_a_layer_stays_for_a_week),
        T(the_start_of_a_layer_that_has_come_otherwise_goes),
        T(the_start_of_a_layer_that_is_claimed_stays_D20),
        T(a_finished_layer_goes_after_a_week_unless_somebody_has_it),
        T(work_of_a_living_process_is_never_touched_D20),
        T(trash_that_somebody_is_deleting_is_left_to_him),
        T(records_without_a_name_go_and_those_with_one_stay),
        T(the_record_of_a_name_that_is_just_being_set_stays),
        T(discarding_removes_a_tree_and_leaves_no_trash),
        T(discarding_what_is_missing_is_success),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
