/* SPDX-License-Identifier: Apache-2.0 */
/* Names: a symlink that is switched at once, and a record that is believed only beside it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static void a_name_is_a_symlink_that_people_can_follow(void **state)
{
    struct fresh *fresh = *state;
    char target[128] = "";
    char expected[128];
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_true(readlinkat(fresh->store.root, "alpine", target, sizeof(target) - 1) > 0);
    snprintf(expected, sizeof(expected), ".images/%s", fresh_id('a', id));
    assert_string_equal(target, expected);
    assert_true(exists(fresh->store.root, "alpine/rootfs/file"));
}

static void what_is_set_is_read_back(void **state)
{
    struct fresh *fresh = *state;
    struct store_name record;
    struct md_platform host;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    md_platform_host(&host);
    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "ghcr.io+org+app:1", 'a', 'd');
    assert_int_equal(store_name_read(&fresh->store, "ghcr.io+org+app:1", &record, &err), 0);
    assert_string_equal(record.name, "ghcr.io+org+app:1");
    assert_string_equal(record.image_id, fresh_id('a', id));
    assert_string_equal(md_digest_hex(&record.served), fresh_id('d', id));
    assert_int_equal(record.manifest.alg, 0);
    assert_string_equal(record.platform.architecture, host.architecture);
    assert_int_equal(record.time, 1700000000);
    /* Nothing but the record is left beside it. */
    assert_int_equal(count_entries(fresh->store.names), 1);
}

static void a_name_that_moves_leaves_one_name(void **state)
{
    struct fresh *fresh = *state;
    struct store_name record;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    fresh_name(&fresh->store, "alpine", 'b', 0);
    assert_int_equal(store_name_read(&fresh->store, "alpine", &record, &err), 0);
    assert_string_equal(record.image_id, fresh_id('b', id));
    assert_int_equal(record.served.alg, 0);
    assert_int_equal(count_entries(fresh->store.names), 1);
}

static void a_record_of_another_image_is_not_believed_D2(void **state)
{
    struct fresh *fresh = *state;
    struct store_name record;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    char target[128];

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    /* As if killed between the record and the symlink. */
    snprintf(target, sizeof(target), ".images/%s", fresh_id('b', id));
    assert_int_equal(unlinkat(fresh->store.root, "alpine", 0), 0);
    assert_int_equal(symlinkat(target, fresh->store.root, "alpine"), 0);
    assert_int_equal(store_name_read(&fresh->store, "alpine", &record, &err), 0);
    assert_string_equal(record.image_id, id);
    assert_int_equal(record.served.alg, 0);
}

static void a_damaged_record_costs_only_what_it_said_D8(void **state)
{
    struct fresh *fresh = *state;
    const char *const damages[] = { "", "{", "[]", "{\"image_id\": 7}", "\xff" };
    struct store_name record;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        fresh_file(fresh->store.names, "alpine.json", damages[i]);
        assert_int_equal(store_name_read(&fresh->store, "alpine", &record, &err), 0);
        assert_string_equal(record.image_id, fresh_id('a', id));
        assert_int_equal(record.served.alg, 0);
    }
}

static void names_are_listed_in_order_and_nothing_else_is(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE struct store_name *list = NULL;
    struct md_err err = { 0 };
    struct md_list names = { 0 };
    char id[STORE_ID_SIZE];
    size_t count = 0;

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "zoo", 'a', 0);
    fresh_name(&fresh->store, "alpine:3.20", 'b', 0);
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_file(fresh->store.root, "README", "mine");
    assert_int_equal(mkdirat(fresh->store.root, "dir", 0700), 0);
    assert_int_equal(symlinkat("/etc", fresh->store.root, "etc"), 0);
    assert_int_equal(symlinkat(".images/../../etc", fresh->store.root, "up"), 0);
    assert_int_equal(store_name_list(&fresh->store, &list, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].name, "alpine");
    assert_string_equal(list[1].name, "alpine:3.20");
    assert_string_equal(list[2].name, "zoo");
    assert_int_equal(store_name_of(&fresh->store, fresh_id('a', id), &names, &err), 0);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[1], "zoo");
    md_list_clear(&names);
}

static void an_image_that_is_not_there_gets_no_name(void **state)
{
    struct fresh *fresh = *state;
    struct store_name record = { .name = "alpine" };
    struct md_err err = { 0 };

    fresh_id('a', record.image_id);
    assert_int_equal(store_name_set(&fresh->store, &record, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_false(exists(fresh->store.root, "alpine"));
    assert_int_equal(count_entries(fresh->store.names), 0);
}

static void names_that_are_paths_are_refused_A85(void **state)
{
    struct fresh *fresh = *state;
    const char *const bad[] = { "", ".", "..", ".images", "a/b", "../x", "/etc" };
    struct store_name record = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        fresh_id('a', record.image_id);
        snprintf(record.name, sizeof(record.name), "%s", bad[i]);
        assert_int_equal(store_name_set(&fresh->store, &record, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        assert_int_equal(store_name_target(&fresh->store, bad[i], id, &err), -1);
        assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    }
    snprintf(record.name, sizeof(record.name), "ok");
    snprintf(record.image_id, sizeof(record.image_id), "../../etc");
    assert_int_equal(store_name_set(&fresh->store, &record, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
}

static void the_longest_name_fits(void **state)
{
    struct fresh *fresh = *state;
    char name[MD_MAX_STORE_NAME + 2];
    struct store_name record;
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "");
    memset(name, 'n', sizeof(name));
    name[MD_MAX_STORE_NAME] = '\0';
    fresh_name(&fresh->store, name, 'a', 'd');
    assert_int_equal(store_name_read(&fresh->store, name, &record, &err), 0);
    assert_int_equal(record.served.alg, MD_SHA256);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.names), 1);
    name[MD_MAX_STORE_NAME] = 'n';
    name[MD_MAX_STORE_NAME + 1] = '\0';
    assert_int_equal(store_name_lock(&fresh->store, name, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
}

static void leftovers_of_a_killed_change_do_not_matter(void **state)
{
    struct fresh *fresh = *state;
    struct store_name record;
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "");
    fresh_file(fresh->store.names, "alpine.json", "");
    fresh_file(fresh->store.names, "alpine.new", "{");
    assert_int_equal(symlinkat("x", fresh->store.names, "alpine.link"), 0);
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    assert_int_equal(store_name_read(&fresh->store, "alpine", &record, &err), 0);
    assert_int_equal(record.served.alg, MD_SHA256);
    assert_int_equal(count_entries(fresh->store.names), 1);
}

static void name_it_often(const struct store *store, char letter)
{
    struct store_name record = { .name = "alpine" };
    struct md_err err = { 0 };

    for (int i = 0; i < 50; i++) {
        fresh_id(letter, record.image_id);
        if (store_name_set(store, &record, &err) < 0) {
            _exit(1);
        }
    }
    _exit(0);
}

static void a_name_that_two_change_at_once_is_never_missing_D2(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    int living = 2;

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    for (char letter = 'a'; letter <= 'b'; letter++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            name_it_often(&fresh->store, letter);
        }
    }
    while (living > 0) {
        int status = 0;

        assert_int_equal(store_name_target(&fresh->store, "alpine", id, &err), 0);
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            living--;
        }
    }
    assert_int_equal(count_entries(fresh->store.names), 1);
}

static void removing_a_name_removes_its_record(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    int lock;

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    lock = store_name_lock(&fresh->store, "alpine", &err);
    assert_true(lock >= 0);
    assert_int_equal(store_name_try_lock(&fresh->store, "alpine"), -1);
    assert_int_equal(store_name_remove(&fresh->store, "alpine", &err), 0);
    assert_int_equal(store_name_remove(&fresh->store, "alpine", &err), 0);
    store_name_unlock(&fresh->store, "alpine", &lock);
    store_name_unlock(&fresh->store, "alpine", &lock);
    assert_false(exists(fresh->store.root, "alpine"));
    assert_int_equal(count_entries(fresh->store.names), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_name_is_a_symlink_that_people_can_follow),
        T(what_is_set_is_read_back),
        T(a_name_that_moves_leaves_one_name),
        T(a_record_of_another_image_is_not_believed_D2),
        T(a_damaged_record_costs_only_what_it_said_D8),
        T(names_are_listed_in_order_and_nothing_else_is),
        T(an_image_that_is_not_there_gets_no_name),
        T(names_that_are_paths_are_refused_A85),
        T(the_longest_name_fits),
        T(leftovers_of_a_killed_change_do_not_matter),
        T(a_name_that_two_change_at_once_is_never_missing_D2),
        T(removing_a_name_removes_its_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
