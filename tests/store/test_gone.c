/* SPDX-License-Identifier: Apache-2.0 */
/* Tombstones, requests, and changing a container's config. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"
#include "store/gone.h"
#include "store/request.h"

/* Make a container, bury it, and leave its tombstone. */
static void bury(const struct store *store, const char *name, const char *log, int exit_code)
{
    struct store_state state = { .status = STORE_EXITED, .exit_code = exit_code };
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_container(store, name, 0, STORE_EXITED, id);
    assert_int_equal(store_container_open(store, id, &container, &err), 0);
    if (log)
        fresh_file(container.dir, "log", log);
    assert_int_equal(store_container_retire(store, &container, &err), 0);
    store_gone_keep(store, container.dir, id, &state);
    store_container_bury(store, &container);
    store_container_clear(&container);
}

static void a_tombstone_has_name_state_and_log(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct store_container tomb = { 0 };
    struct store_state how;
    struct md_err err = { 0 };
    size_t count = 0;

    assert_int_equal(store_gone_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(count, 0);
    md_ptr_free(&ids);
    bury(&fresh->store, "one", "words\n", 3);
    bury(&fresh->store, "two", NULL, 4);
    assert_int_equal(store_gone_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(store_gone_open(&fresh->store, ids[1], &tomb, &err), 0);
    assert_string_equal(tomb.name, "one");
    assert_true(exists(tomb.dir, "log"));
    assert_int_equal(store_container_state(&fresh->store, &tomb, &how, &err), 0);
    assert_int_equal(how.exit_code, 3);
    store_container_clear(&tomb);
    assert_int_equal(store_gone_open(&fresh->store, "nobody", &tomb, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
}

static void only_the_end_of_a_log_is_kept_from_a_whole_line_on(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    MD_AUTO_FREE char *log = md_xmalloc(200000);
    MD_AUTO_FREE char *kept = NULL;
    struct store_container tomb = { 0 };
    struct md_err err = { 0 };
    size_t count = 0;
    size_t len = 0;

    for (int i = 0; i < 10000; i++)
        len += (size_t)snprintf(log + len, 200000 - len, "line %06d\n", i);
    bury(&fresh->store, "one", log, 0);
    assert_int_equal(store_gone_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(store_gone_open(&fresh->store, ids[0], &tomb, &err), 0);
    kept = md_file_read(tomb.dir, "log", 200000, &len, &err);
    assert_in_range(len, STORE_GONE_LOG_BYTES - 12, STORE_GONE_LOG_BYTES);
    assert_memory_equal(kept, "line ", 5);
    assert_memory_equal(kept + len - 12, "line 009999\n", 12);
    store_container_clear(&tomb);
}

static void the_last_ones_are_kept(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct store_container tomb = { 0 };
    struct md_err err = { 0 };
    size_t count = 0;

    for (int i = 0; i < STORE_GONE_COUNT + 3; i++) {
        char name[16];

        snprintf(name, sizeof(name), "box%d", i);
        bury(&fresh->store, name, NULL, 0);
    }
    assert_int_equal(store_gone_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(count, STORE_GONE_COUNT);
    assert_int_equal(store_gone_open(&fresh->store, ids[0], &tomb, &err), 0);
    assert_string_equal(tomb.name, "box22");
    store_container_clear(&tomb);
}

static void a_request_is_read_until_it_is_cleared(void **state)
{
    struct fresh *fresh = *state;
    const struct store_request asked = { .signal = 15, .stop = true, .by = "minidock stop" };
    struct store_request found;
    struct md_err err = { 0 };
    int dir = fresh->store.partial;

    assert_false(store_request_read(dir, &found));
    assert_int_equal(store_request_write(dir, &asked, &err), 0);
    assert_true(store_request_read(dir, &found));
    assert_int_equal(found.signal, 15);
    assert_true(found.stop);
    assert_string_equal(found.by, "minidock stop");
    store_request_clear(dir);
    assert_false(store_request_read(dir, &found));
    fresh_file(dir, "request", "stop");
    assert_false(store_request_read(dir, &found));
}

static int set_member(struct json_t *config, void *context, struct md_err *err)
{
    (void)err;
    md_json_set(config, "more", md_json_string(context));
    return 0;
}

static void a_change_keeps_the_age_and_a_rename_the_rest(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    struct stat before;
    struct stat after;
    char other[STORE_ID_SIZE];
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "one", 0, STORE_EXITED, id);
    fresh_container(&fresh->store, "other", 0, STORE_EXITED, other);
    assert_int_equal(store_container_open(&fresh->store, "one", &container, &err), 0);
    assert_int_equal(fstatat(container.dir, "config.json", &before, 0), 0);
    assert_int_equal(store_container_change(&container, set_member, (void *)"text", &err), 0);
    assert_int_equal(fstatat(container.dir, "config.json", &after, 0), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(store_container_rename(&fresh->store, &container, "other", &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    assert_int_equal(store_container_rename(&fresh->store, &container, "x/y", &err), -1);
    assert_int_equal(store_container_rename(&fresh->store, &container, "one", &err), -1);
    assert_int_equal(store_container_rename(&fresh->store, &container, "two", &err), 0);
    store_container_clear(&container);
    assert_false(exists(fresh->store.containers, "one"));
    assert_int_equal(store_container_open(&fresh->store, "two", &container, &err), 0);
    assert_string_equal(container.id, id);
    assert_string_equal(container.name, "two");
    assert_string_equal(md_json_get_text(container.config, "more"), "text");
    /* Who knows it by its old name removes the new one with it. */
    snprintf(container.name, sizeof(container.name), "one");
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
    assert_false(exists(fresh->store.containers, "two"));
    assert_true(exists(fresh->store.containers, "other"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_setup, fresh_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tombstone_has_name_state_and_log),
        TEST(only_the_end_of_a_log_is_kept_from_a_whole_line_on),
        TEST(the_last_ones_are_kept),
        TEST(a_request_is_read_until_it_is_cleared),
        TEST(a_change_keeps_the_age_and_a_rename_the_rest),
    };

    return cmocka_run_group_tests_name("gone", tests, NULL, NULL);
}
