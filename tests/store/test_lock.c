/* SPDX-License-Identifier: Apache-2.0 */
/* Locks: what is returned was there under its name while locked. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"

static void lock_object(struct fresh *fresh)
{
    struct md_err err = { 0 };

    /* Stays open, and so locked, as long as the process lives. */
    if (store_lock(fresh->store.partial, "object", STORE_EXCLUSIVE, &err) < 0) {
        _exit(1);
    }
}

static void an_exclusive_lock_keeps_others_out_until_its_holder_is_killed(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    pid_t pid;
    int lock;

    assert_int_equal(mkdirat(fresh->store.partial, "object", 0700), 0);
    pid = fresh_child(fresh, lock_object);
    assert_int_equal(store_try_lock(fresh->store.partial, "object", &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    assert_non_null(strstr(err.text, "object"));
    fresh_kill(pid);
    lock = store_try_lock(fresh->store.partial, "object", &err);
    assert_true(lock >= 0);
    assert_int_equal(fcntl(lock, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    md_fd_close(&lock);
}

static void shared_locks_go_together_but_not_with_an_exclusive_one(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    MD_AUTO_FD one = -1;
    MD_AUTO_FD two = -1;

    assert_int_equal(mkdirat(fresh->store.partial, "object", 0700), 0);
    one = store_lock(fresh->store.partial, "object", STORE_SHARED, &err);
    two = store_lock(fresh->store.partial, "object", STORE_SHARED, &err);
    assert_true(one >= 0 && two >= 0);
    assert_int_equal(store_try_lock(fresh->store.partial, "object", &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
}

static void what_is_missing_is_not_found(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    assert_int_equal(store_lock(fresh->store.partial, "none", STORE_SHARED, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(store_try_lock(-1, "none", &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
}

static void a_link_is_never_followed(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    assert_int_equal(symlinkat("/", fresh->store.partial, "link"), 0);
    assert_int_equal(store_lock(fresh->store.partial, "link", STORE_SHARED, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
}

/* Wait for the lock, and say by the exit status what came of it. */
static int wait_for_lock(const struct store *store)
{
    struct md_err err = { 0 };
    struct stat st;
    int lock = store_lock(store->partial, "object", STORE_EXCLUSIVE, &err);

    if (lock < 0) {
        return err.kind == MD_ERR_NOT_FOUND ? 2 : 3;
    }
    return fstatat(lock, "mark", &st, 0) == 0 ? 1 : 4;
}

static int status_of_waiter(struct fresh *fresh, const char *replacement)
{
    struct md_err err = { 0 };
    int lock = store_lock(fresh->store.partial, "object", STORE_EXCLUSIVE, &err);
    int status = 0;
    pid_t pid = fork();

    assert_true(lock >= 0 && pid >= 0);
    if (pid == 0) {
        close(lock);
        _exit(wait_for_lock(&fresh->store));
    }
    usleep(50000);
    assert_int_equal(renameat(fresh->store.partial, "object", fresh->store.trash, "old"), 0);
    if (replacement) {
        assert_int_equal(
            renameat(fresh->store.partial, replacement, fresh->store.partial, "object"), 0);
    }
    md_fd_close(&lock);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void who_waited_for_a_deleted_object_does_not_get_it(void **state)
{
    struct fresh *fresh = *state;

    assert_int_equal(mkdirat(fresh->store.partial, "object", 0700), 0);
    assert_int_equal(status_of_waiter(fresh, NULL), 2);
}

static void who_waited_for_a_replaced_object_gets_the_new_one(void **state)
{
    struct fresh *fresh = *state;

    assert_int_equal(mkdirat(fresh->store.partial, "object", 0700), 0);
    assert_int_equal(mkdirat(fresh->store.partial, "next", 0700), 0);
    fresh_file(fresh->store.partial, "next/mark", "");
    assert_int_equal(status_of_waiter(fresh, "next"), 1);
}

static void what_is_made_is_locked_and_closed_to_others(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    char name[64];
    struct stat st;
    MD_AUTO_FD dir = store_make(fresh->store.partial, "thing-", 32, name, &err);

    assert_true(dir >= 0);
    assert_int_equal(strncmp(name, "thing-", 6), 0);
    assert_int_equal(strlen(name), 38);
    assert_int_equal(fstat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(store_try_lock(fresh->store.partial, name, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
}

static void random_names_are_hex_begin_with_a_letter_and_differ(void **state)
{
    struct md_err err = { 0 };
    char one[65];
    char two[65];

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(store_random(one, 64, &err), 0);
        assert_int_equal(store_random(two, 64, &err), 0);
        assert_true(md_is_id(one) && one[0] >= 'a');
        assert_string_not_equal(one, two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(an_exclusive_lock_keeps_others_out_until_its_holder_is_killed),
        T(shared_locks_go_together_but_not_with_an_exclusive_one),
        T(what_is_missing_is_not_found),
        T(a_link_is_never_followed),
        T(who_waited_for_a_deleted_object_does_not_get_it),
        T(who_waited_for_a_replaced_object_gets_the_new_one),
        T(what_is_made_is_locked_and_closed_to_others),
        T(random_names_are_hex_begin_with_a_letter_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
