/* SPDX-License-Identifier: Apache-2.0 */
/* Images: found by name, digest, id and prefix; whole or not at all. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static void open_as(const struct store *store, const char *what, char letter)
{
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    if (store_image_open(store, what, &image, &err) < 0) {
        print_error("%s: %s\n", what, err.text);
        fail();
    }
    assert_string_equal(image.id, fresh_id(letter, id));
    store_image_clear(&image);
    store_image_clear(&image);
}

static void refused(const struct store *store, const char *what, enum md_err_kind kind)
{
    struct store_image image = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_image_open(store, what, &image, &err), -1);
    if (err.kind != kind) {
        print_error("%s: %s\n", what, err.text);
    }
    assert_int_equal(err.kind, kind);
    store_image_clear(&image);
}

static void an_image_is_opened_by_every_way_to_name_it(void **state)
{
    struct fresh *fresh = *state;
    const struct store *store = &fresh->store;
    char id[STORE_ID_SIZE];
    char text[256];

    fresh_image(store, 'a', "b");
    fresh_name(store, "alpine", 'a', 'd');
    open_as(store, "alpine", 'a');
    open_as(store, "alpine:latest", 'a');
    open_as(store, "docker.io/library/alpine", 'a');
    open_as(store, fresh_id('a', id), 'a');
    open_as(store, "aaaa", 'a');
    snprintf(text, sizeof(text), "sha256:%s", id);
    open_as(store, text, 'a');
    open_as(store, "sha256:aaaaaa", 'a');
    snprintf(text, sizeof(text), "alpine@sha256:%s", fresh_id('d', id));
    open_as(store, text, 'a');
    snprintf(text, sizeof(text), "busybox@sha256:%s", id);
    refused(store, text, MD_ERR_NOT_FOUND);
}

static void what_is_in_image_json_is_read_back(void **state)
{
    struct fresh *fresh = *state;
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *expected = NULL;
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "bc");
    expected = md_xasprintf("%s/.images/%s/rootfs", fresh->store.path, fresh_id('a', id));
    assert_int_equal(store_image_open_id(&fresh->store, id, &image, &err), 0);
    assert_int_equal(image.size, 4711);
    assert_string_equal(image.path, expected);
    assert_int_equal(image.config.diff_id_count, 2);
    assert_string_equal(md_digest_hex(&image.config.diff_ids[1]), fresh_id('c', id));
    assert_int_equal(image.config.cmd.count, 1);
    assert_true(exists(image.rootfs, "file"));
    store_image_clear(&image);
}

static void a_name_wins_over_an_id_prefix(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "aaa", 'b', 0);
    open_as(&fresh->store, "aaa", 'b');
    open_as(&fresh->store, "aaaa", 'a');
}

static void a_prefix_of_two_ids_is_ambiguous_D34(void **state)
{
    struct fresh *fresh = *state;
    char from[128];
    char to[128];
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    snprintf(from, sizeof(from), "%s", fresh_id('b', id));
    snprintf(to, sizeof(to), "aab%s", id + 3);
    assert_int_equal(renameat(fresh->store.images, from, fresh->store.images, to), 0);
    refused(&fresh->store, "aa", MD_ERR_USAGE);
    open_as(&fresh->store, "aaa", 'a');
}

static void what_is_not_there_is_named_as_docker_does(void **state)
{
    struct fresh *fresh = *state;
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    assert_int_equal(store_image_open(&fresh->store, "alpine", &image, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_string_equal(err.text, "No such image: alpine:latest");
    refused(&fresh->store, fresh_id('a', id), MD_ERR_NOT_FOUND);
    refused(&fresh->store, "dead", MD_ERR_NOT_FOUND);
    refused(&fresh->store, "Upper", MD_ERR_USAGE);
    refused(&fresh->store, "../../etc", MD_ERR_USAGE);
    refused(&fresh->store, "", MD_ERR_USAGE);
}

static void a_name_whose_image_is_gone_is_not_found(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_int_equal(store_discard(&fresh->store, fresh->store.images, fresh_id('a', id), &err),
                     0);
    refused(&fresh->store, "alpine", MD_ERR_NOT_FOUND);
}

static void a_damaged_image_is_named_and_others_stay_usable_D8(void **state)
{
    struct fresh *fresh = *state;
    const char *const damages[] = { "", "{", "[1]", "{\"id\": \"x\"}", "{}" };
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    char path[128];
    char other[128];
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_image(&fresh->store, 'b', "");
    fresh_name(&fresh->store, "bad", 'a', 0);
    fresh_name(&fresh->store, "good", 'b', 0);
    snprintf(path, sizeof(path), "%s/image.json", fresh_id('a', id));
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        fresh_file(fresh->store.images, path, damages[i]);
        assert_int_equal(store_image_open(&fresh->store, "bad", &image, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        assert_non_null(strstr(err.text, "aaaaaaaaaaaa"));
        assert_non_null(strstr(err.text, "rmi -f"));
        open_as(&fresh->store, "good", 'b');
    }
    assert_int_equal(unlinkat(fresh->store.images, path, 0), 0);
    refused(&fresh->store, "bad", MD_ERR_FORMAT);
    /* Whole, but another image's. */
    snprintf(other, sizeof(other), "%s/image.json", fresh_id('b', id));
    assert_int_equal(linkat(fresh->store.images, other, fresh->store.images, path, 0), 0);
    refused(&fresh->store, "bad", MD_ERR_FORMAT);
}

static void a_rootfs_that_is_a_link_is_damage(void **state)
{
    struct fresh *fresh = *state;
    char path[128];
    char id[STORE_ID_SIZE];
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "");
    snprintf(path, sizeof(path), "%s/rootfs", fresh_id('a', id));
    assert_int_equal(store_discard(&fresh->store, fresh->store.images, path, &err), 0);
    assert_int_equal(symlinkat("/", fresh->store.images, path), 0);
    refused(&fresh->store, id, MD_ERR_FORMAT);
}

static void an_open_image_cannot_be_deleted(void **state)
{
    struct fresh *fresh = *state;
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    MD_AUTO_FD lock = -1;

    fresh_image(&fresh->store, 'a', "");
    assert_int_equal(store_image_open_id(&fresh->store, fresh_id('a', id), &image, &err), 0);
    assert_int_equal(store_try_lock(fresh->store.images, id, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    store_image_clear(&image);
    lock = store_try_lock(fresh->store.images, id, &err);
    assert_true(lock >= 0);
}

static void images_are_listed_by_id(void **state)
{
    struct fresh *fresh = *state;
    MD_AUTO_FREE char(*ids)[STORE_ID_SIZE] = NULL;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    size_t count = 0;

    fresh_image(&fresh->store, 'c', "");
    fresh_image(&fresh->store, 'a', "");
    fresh_file(fresh->store.images, "README", "x");
    assert_int_equal(mkdirat(fresh->store.images, "abc", 0700), 0);
    assert_int_equal(store_image_list(&fresh->store, &ids, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(ids[0], fresh_id('a', id));
    assert_string_equal(ids[1], fresh_id('c', id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(an_image_is_opened_by_every_way_to_name_it),
        T(what_is_in_image_json_is_read_back),
        T(a_name_wins_over_an_id_prefix),
        T(a_prefix_of_two_ids_is_ambiguous_D34),
        T(what_is_not_there_is_named_as_docker_does),
        T(a_name_whose_image_is_gone_is_not_found),
        T(a_damaged_image_is_named_and_others_stay_usable_D8),
        T(a_rootfs_that_is_a_link_is_damage),
        T(an_open_image_cannot_be_deleted),
        T(images_are_listed_by_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
