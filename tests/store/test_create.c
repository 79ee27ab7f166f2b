/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container: names are unique and allowed, nothing is left of a failure. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static int create(const struct store *store, const char *name,
                  struct store_container *container, struct md_err *err)
{
    *container = (struct store_container){ 0 };
    snprintf(container->name, sizeof(container->name), "%s", name);
    return store_container_create(store, container, err);
}

static void a_container_has_an_id_a_lock_and_its_directories(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container;
    struct md_err err = { 0 };
    struct store_state now;

    assert_int_equal(create(&fresh->store, "box", &container, &err), 0);
    assert_true(md_is_id(container.id));
    assert_true(exists(container.dir, "upper"));
    assert_true(exists(container.dir, "work"));
    assert_true(exists(fresh->store.containers, "box/config.json"));
    assert_int_equal(store_try_lock(fresh->store.containers, container.id, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    assert_int_equal(store_container_state(&fresh->store, &container, &now, &err), 0);
    assert_int_equal(now.status, STORE_CREATED);
    store_container_clear(&container);
}

static void what_the_caller_put_into_config_is_kept(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { .name = "box" };
    struct md_err err = { 0 };

    container.config = md_json_object();
    md_json_set(container.config, "tty", md_json_bool(true));
    assert_int_equal(store_container_create(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
    assert_true(md_json_true(md_json_get(container.config, "tty")));
    assert_string_equal(container.image_id, "");
    store_container_clear(&container);
}

static void the_root_of_a_container_looks_like_its_images(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char path[256];
    char id[STORE_ID_SIZE];
    struct stat st;

    fresh_image(&fresh->store, 'a', "");
    snprintf(path, sizeof(path), "%s/rootfs", fresh_id('a', id));
    assert_int_equal(fchmodat(fresh->store.images, path, 01777, 0), 0);
    if (geteuid() == 0) {
        assert_int_equal(fchownat(fresh->store.images, path, 12, 34, 0), 0);
    }
    container.image_id = md_xstrdup(id);
    assert_int_equal(store_container_create(&fresh->store, &container, &err), 0);
    assert_int_equal(fstatat(container.dir, "upper", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 01777);
    if (geteuid() == 0) {
        assert_int_equal(st.st_uid, 12);
        assert_int_equal(st.st_gid, 34);
    }
    store_container_clear(&container);
}

static void a_taken_name_is_dockers_conflict(void **state)
{
    struct fresh *fresh = *state;
    struct store_container first;
    struct store_container second;
    struct md_err err = { 0 };
    char expected[512];

    assert_int_equal(create(&fresh->store, "box", &first, &err), 0);
    assert_int_equal(create(&fresh->store, "box", &second, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    snprintf(expected, sizeof(expected),
             "Conflict. The container name \"/box\" is already in use by container \"%s\". You "
             "have to remove (or rename) that container to be able to reuse that name.",
             first.id);
    assert_string_equal(err.text, expected);
    store_container_clear(&first);
    store_container_clear(&second);
    /* The first one and its name. */
    assert_int_equal(count_entries(fresh->store.containers), 2);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void names_outside_the_grammar_are_refused(void **state)
{
    struct fresh *fresh = *state;
    const char *const bad[] = { "a",    "-ab", ".ab", "_ab", "a b", "a/b",
                                "../x", "a\n", "a:b", "é",   "ab*", "a\033[1m" };
    const char *const good[] = { "ab", "0-", "A.b_c-D9", "a..", "0123" };
    struct store_container container;
    struct md_err err = { 0 };
    char longest[STORE_CONTAINER_NAME_SIZE];

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(create(&fresh->store, bad[i], &container, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        assert_null(strchr(err.text, '\033'));
        store_container_clear(&container);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(create(&fresh->store, good[i], &container, &err), 0);
        store_container_clear(&container);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(create(&fresh->store, longest, &container, &err), 0);
    store_container_clear(&container);
}

static void no_name_becomes_two_words(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container;
    struct store_container again = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(create(&fresh->store, "", &container, &err), 0);
    assert_non_null(strchr(container.name, '_'));
    assert_int_equal(store_container_open(&fresh->store, container.name, &again, &err), 0);
    assert_string_equal(container.id, again.id);
    store_container_clear(&container);
    store_container_clear(&again);
}

static void a_name_whose_container_is_gone_can_be_used_again(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    assert_int_equal(symlinkat(fresh_id('a', id), fresh->store.containers, "box"), 0);
    assert_int_equal(create(&fresh->store, "box", &container, &err), 0);
    store_container_clear(&container);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void a_failure_leaves_nothing_behind(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { .name = "box" };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    /* Its image is not there: seen when id and name exist already. */
    container.image_id = md_xstrdup(fresh_id('a', id));
    assert_int_equal(store_container_create(&fresh->store, &container, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    store_container_clear(&container);
    assert_int_equal(count_entries(fresh->store.containers), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void of_many_that_want_a_name_one_gets_it_D22(void **state)
{
    struct fresh *fresh = *state;
    int winners = 0;

    for (int i = 0; i < 8; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct store_container container;
            struct md_err err = { 0 };
            int made = create(&fresh->store, "box", &container, &err);

            _exit(made == 0 ? 0 : err.kind == MD_ERR_CONFLICT ? 1 : 2);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status = 0;

        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        winners += WEXITSTATUS(status) == 0 ? 1 : 0;
    }
    assert_int_equal(winners, 1);
    assert_int_equal(count_entries(fresh->store.containers), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_container_has_an_id_a_lock_and_its_directories),
        T(what_the_caller_put_into_config_is_kept),
        T(the_root_of_a_container_looks_like_its_images),
        T(a_taken_name_is_dockers_conflict),
        T(names_outside_the_grammar_are_refused),
        T(no_name_becomes_two_words),
        T(a_name_whose_container_is_gone_can_be_used_again),
        T(a_failure_leaves_nothing_behind),
        T(of_many_that_want_a_name_one_gets_it_D22),
    };

    umask(077);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
