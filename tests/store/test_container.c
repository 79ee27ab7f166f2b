/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: opened by every way to name them, listed, removed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static void opens(const struct store *store, const char *what, const char *id)
{
    struct store_container container = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_container_open(store, what, &container, &err), 0);
    assert_string_equal(container.id, id);
    store_container_clear(&container);
    store_container_clear(&container);
}

static void refused(const struct store *store, const char *what, enum md_err_kind kind)
{
    struct store_container container = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_container_open(store, what, &container, &err), -1);
    assert_int_equal(err.kind, kind);
    store_container_clear(&container);
}

static void a_container_is_opened_by_name_id_and_prefix(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char prefix[13];

    fresh_container(&fresh->store, "box", 0, STORE_EXITED, id);
    snprintf(prefix, sizeof(prefix), "%.12s", id);
    opens(&fresh->store, "box", id);
    opens(&fresh->store, id, id);
    opens(&fresh->store, prefix, id);
    refused(&fresh->store, "bo", MD_ERR_NOT_FOUND);
    refused(&fresh->store, "../containers", MD_ERR_NOT_FOUND);
    refused(&fresh->store, "", MD_ERR_NOT_FOUND);
    refused(&fresh->store, ".", MD_ERR_NOT_FOUND);
}

static void what_was_created_is_read_back(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char image[STORE_ID_SIZE];
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_container(&fresh->store, "box", 'a', STORE_EXITED, id);
    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
    assert_string_equal(container.name, "box");
    assert_string_equal(container.image_id, fresh_id('a', image));
    assert_string_equal(container.image_name, "some:tag");
    assert_int_equal(container.args.count, 1);
    assert_true(container.created.tv_sec > 1700000000);
    assert_string_equal(md_json_get_text(container.config, "id"), id);
    store_container_clear(&container);
}

static void an_ambiguous_prefix_is_refused_D34(void **state)
{
    struct fresh *fresh = *state;
    char one[STORE_ID_SIZE];
    char twin[STORE_ID_SIZE];

    fresh_container(&fresh->store, "one", 0, STORE_EXITED, one);
    memcpy(twin, one, sizeof(twin));
    twin[63] = twin[63] == '0' ? '1' : '0';
    assert_int_equal(mkdirat(fresh->store.containers, twin, 0700), 0);
    twin[63] = '\0';
    refused(&fresh->store, twin, MD_ERR_USAGE);
}

static void a_missing_one_is_named_as_docker_does(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), -1);
    assert_string_equal(err.text, "No such container: box");
}

static void a_damaged_one_is_named_and_can_be_removed_D8(void **state)
{
    struct fresh *fresh = *state;
    const char *const damages[] = { "", "{", "{}", "{\"id\": \"x\"}" };
    struct md_err err = { 0 };
    char path[256];
    char id[STORE_ID_SIZE];

    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        struct store_container container = { 0 };

        fresh_container(&fresh->store, "box", 0, STORE_EXITED, id);
        snprintf(path, sizeof(path), "%s/config.json", id);
        fresh_file(fresh->store.containers, path, damages[i]);
        assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
        store_container_clear(&container);
        assert_int_equal(count_entries(fresh->store.containers), 0);
    }
}

static void upper_and_work_are_handed_out_as_descriptors(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    MD_AUTO_FD upper = -1;
    MD_AUTO_FD work = -1;

    fresh_container(&fresh->store, "box", 0, STORE_EXITED, id);
    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
    assert_int_equal(store_container_upper(&container, &upper, &work, &err), 0);
    assert_true(fcntl(upper, F_GETFL) & O_PATH);
    assert_true(fcntl(work, F_GETFD) & FD_CLOEXEC);
    store_container_clear(&container);
}

static void containers_are_listed_newest_first(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct md_err err = { 0 };
    char made[3][STORE_ID_SIZE];
    const char *const names[] = { "one", "two", "three" };
    size_t count = 0;

    for (int i = 0; i < 3; i++) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000 + i } };
        char path[256];

        fresh_container(&fresh->store, names[i], 0, STORE_EXITED, made[i]);
        snprintf(path, sizeof(path), "%s/config.json", made[i]);
        assert_int_equal(utimensat(fresh->store.containers, path, times, 0), 0);
    }
    /* One that is being made is not there yet. */
    assert_int_equal(
        mkdirat(fresh->store.containers, fresh_id('a', (char[STORE_ID_SIZE]){ 0 }), 0700), 0);
    assert_int_equal(store_container_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(ids[0], made[2]);
    assert_string_equal(ids[2], made[0]);
}

static void removing_takes_name_and_directory(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_EXITED, id);
    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
    assert_int_equal(count_entries(fresh->store.containers), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void a_name_that_is_anothers_by_now_stays(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char first[STORE_ID_SIZE];
    char second[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_EXITED, first);
    assert_int_equal(unlinkat(fresh->store.containers, "box", 0), 0);
    fresh_container(&fresh->store, "box", 0, STORE_EXITED, second);
    assert_int_equal(store_container_open(&fresh->store, first, &container, &err), 0);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
    opens(&fresh->store, "box", second);
}

static void hold_container(struct fresh *fresh)
{
    static struct store_container container;
    struct md_err err = { 0 };

    snprintf(container.name, sizeof(container.name), "held");
    if (store_container_create(&fresh->store, &container, &err) < 0) {
        _exit(1);
    }
}

static void one_that_its_runner_holds_is_not_removed_D22(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    pid_t pid = fresh_child(fresh, hold_container);

    assert_int_equal(store_container_open(&fresh->store, "held", &container, &err), 0);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    opens(&fresh->store, "held", container.id);
    fresh_kill(pid);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
}

static void an_images_user_is_a_running_one_if_there_is_one(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    char image[STORE_ID_SIZE];
    char running[STORE_ID_SIZE];
    char other[STORE_ID_SIZE];
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_id('a', image);
    fresh_container(&fresh->store, "none", 0, STORE_EXITED, other);
    assert_int_equal(store_container_using(&fresh->store, image, id, &err), 0);
    assert_string_equal(id, "");
    fresh_container(&fresh->store, "running", 'a', STORE_RUNNING, running);
    fresh_container(&fresh->store, "stopped", 'a', STORE_EXITED, other);
    assert_int_equal(store_container_using(&fresh->store, image, id, &err), 0);
    assert_string_equal(id, running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_container_is_opened_by_name_id_and_prefix),
        T(what_was_created_is_read_back),
        T(an_ambiguous_prefix_is_refused_D34),
        T(a_missing_one_is_named_as_docker_does),
        T(a_damaged_one_is_named_and_can_be_removed_D8),
        T(upper_and_work_are_handed_out_as_descriptors),
        T(containers_are_listed_newest_first),
        T(removing_takes_name_and_directory),
        T(a_name_that_is_anothers_by_now_stays),
        T(one_that_its_runner_holds_is_not_removed_D22),
        T(an_images_user_is_a_running_one_if_there_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
