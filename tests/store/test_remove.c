/* SPDX-License-Identifier: Apache-2.0 */
/* rmi: docker's rules and words, and that nothing in use ever goes. */
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

/* All lines, each ended by a newline. The caller frees it. */
static char *removed(const struct store *store, const char *what, enum store_force force)
{
    struct store_removal removal = { 0 };
    struct md_err err = { 0 };
    char *all = md_xstrdup("");

    if (store_image_remove(store, what, force, &removal, &err) < 0) {
        print_error("rmi %s: %s\n", what, err.text);
        fail();
    }
    for (size_t i = 0; i < removal.lines.count; i++) {
        char *longer = md_xasprintf("%s%s\n", all, removal.lines.items[i]);

        free(all);
        all = longer;
    }
    md_list_clear(&removal.lines);
    return all;
}

static void assert_removed(const struct store *store, const char *what, enum store_force force,
                           const char *expected)
{
    MD_AUTO_FREE char *lines = removed(store, what, force);

    assert_string_equal(lines, expected);
}

static void assert_conflict(const struct store *store, const char *what, enum store_force force,
                            const char *expected)
{
    struct store_removal removal = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_image_remove(store, what, force, &removal, &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    assert_string_equal(err.text, expected);
    assert_int_equal(removal.lines.count, 0);
}

#define ID(letter)                                                                             \
    letter letter letter letter letter letter letter letter letter letter letter letter letter \
        letter letter letter letter letter letter letter letter letter letter letter letter    \
            letter letter letter letter letter letter letter letter letter letter letter       \
                letter letter letter letter letter letter letter letter letter letter letter   \
                    letter letter letter letter letter letter letter letter letter letter      \
                        letter letter letter letter letter letter letter

static void the_last_name_takes_image_and_layers_with_it(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "bc");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    assert_removed(
        &fresh->store, "alpine", STORE_CAREFUL,
        "Untagged: alpine:latest\n"
        "Untagged: alpine@sha256:" ID(
            "d") "\n"
                 "Deleted: sha256:" ID("a") "\n"
                                            "Deleted: sha256:" ID("c") "\n"
                                                                       "Deleted: sha256:" ID(
                                                                           "b") "\n");
    assert_int_equal(count_entries(fresh->store.images), 0);
    assert_int_equal(count_entries(fresh->store.layers), 0);
    assert_int_equal(count_entries(fresh->store.names), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
    assert_false(exists(fresh->store.root, "alpine"));
}

static void one_of_several_names_is_only_untagged(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "b");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    fresh_name(&fresh->store, "alpine:3.20", 'a', 'd');
    assert_removed(&fresh->store, "alpine:3.20", STORE_CAREFUL, "Untagged: alpine:3.20\n");
    assert_int_equal(count_entries(fresh->store.images), 1);
    assert_int_equal(count_entries(fresh->store.layers), 1);
    assert_true(exists(fresh->store.root, "alpine/rootfs"));
}

static void the_digest_goes_with_its_repositorys_last_tag(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 'd');
    fresh_name(&fresh->store, "alpine@sha256:" ID("d"), 'a', 'd');
    fresh_name(&fresh->store, "other:1", 'a', 'e');
    assert_removed(&fresh->store, "alpine", STORE_CAREFUL,
                   "Untagged: alpine:latest\nUntagged: alpine@sha256:" ID("d") "\n");
    assert_int_equal(count_entries(fresh->store.images), 1);
    assert_removed(
        &fresh->store, "other:1", STORE_CAREFUL,
        "Untagged: other:1\nUntagged: other@sha256:" ID("e") "\nDeleted: sha256:" ID("a") "\n");
}

static void layers_of_other_images_stay(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "bc");
    fresh_image(&fresh->store, 'f', "b");
    fresh_name(&fresh->store, "one", 'a', 0);
    fresh_name(&fresh->store, "two", 'f', 0);
    assert_removed(
        &fresh->store, "one", STORE_CAREFUL,
        "Untagged: one:latest\nDeleted: sha256:" ID("a") "\nDeleted: sha256:" ID("c") "\n");
    assert_int_equal(count_entries(fresh->store.layers), 1);
    assert_true(exists(fresh->store.root, "two/rootfs/file"));
}

static void an_id_removes_the_image_with_its_only_name(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_removed(&fresh->store, "aaaa", STORE_CAREFUL,
                   "Untagged: alpine:latest\nDeleted: sha256:" ID("a") "\n");
    assert_int_equal(count_entries(fresh->store.names), 0);
}

static void an_id_with_several_names_needs_force(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_name(&fresh->store, "ghcr.io+org+app:1", 'a', 0);
    assert_conflict(&fresh->store, ID("a"), STORE_CAREFUL,
                    "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is "
                    "referenced in multiple repositories");
    assert_removed(
        &fresh->store, ID("a"), STORE_FORCE,
        "Untagged: alpine:latest\nUntagged: ghcr.io/org/app:1\nDeleted: sha256:" ID("a") "\n");
}

static void a_name_that_a_container_needs_is_a_conflict(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char expected[256];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_container(&fresh->store, "box", 'a', STORE_EXITED, id);
    snprintf(expected, sizeof(expected),
             "conflict: unable to remove repository reference \"alpine\" (must force) - "
             "container %.12s is using its referenced image aaaaaaaaaaaa",
             id);
    assert_conflict(&fresh->store, "alpine", STORE_CAREFUL, expected);
    assert_true(exists(fresh->store.root, "alpine/rootfs"));
}

static void another_name_can_go_although_a_container_needs_the_image(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_name(&fresh->store, "alpine:3", 'a', 0);
    fresh_container(&fresh->store, "box", 'a', STORE_RUNNING, id);
    assert_removed(&fresh->store, "alpine", STORE_CAREFUL, "Untagged: alpine:latest\n");
}

static void force_takes_the_name_and_leaves_the_image_to_its_container(void **state)
{
    struct fresh *fresh = *state;
    struct store_container container = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "b");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_container(&fresh->store, "box", 'a', STORE_RUNNING, id);
    assert_removed(&fresh->store, "alpine", STORE_FORCE, "Untagged: alpine:latest\n");
    assert_int_equal(count_entries(fresh->store.images), 1);
    assert_int_equal(count_entries(fresh->store.layers), 1);
    assert_int_equal(store_image_collect(&fresh->store, ID("a"), &err), 0);
    assert_int_equal(count_entries(fresh->store.images), 1);
    assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
    assert_int_equal(store_container_remove(&fresh->store, &container, &err), 0);
    store_container_clear(&container);
    assert_int_equal(store_image_collect(&fresh->store, ID("a"), &err), 0);
    assert_int_equal(count_entries(fresh->store.images), 0);
    assert_int_equal(count_entries(fresh->store.layers), 0);
}

static void an_id_that_a_container_needs_is_a_conflict(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char expected[256];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_container(&fresh->store, "stopped", 'a', STORE_EXITED, id);
    snprintf(
        expected, sizeof(expected),
        "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being used by "
        "stopped container %.12s",
        id);
    assert_conflict(&fresh->store, ID("a"), STORE_CAREFUL, expected);
    fresh_container(&fresh->store, "running", 'a', STORE_RUNNING, id);
    snprintf(
        expected, sizeof(expected),
        "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by "
        "running container %.12s",
        id);
    assert_conflict(&fresh->store, ID("a"), STORE_CAREFUL, expected);
    assert_conflict(&fresh->store, ID("a"), STORE_FORCE, expected);
    assert_true(exists(fresh->store.root, "alpine/rootfs"));
}

static void an_image_is_never_deleted_under_a_stopped_container(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char expected[256];

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_container(&fresh->store, "stopped", 'a', STORE_EXITED, id);
    assert_removed(&fresh->store, ID("a"), STORE_FORCE, "Untagged: alpine:latest\n");
    assert_int_equal(count_entries(fresh->store.images), 1);
    snprintf(
        expected, sizeof(expected),
        "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by "
        "stopped container %.12s",
        id);
    assert_conflict(&fresh->store, ID("a"), STORE_FORCE, expected);
}

static void an_image_that_another_command_has_open_stays_D21(void **state)
{
    struct fresh *fresh = *state;
    struct store_image image = { 0 };
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_int_equal(store_image_open(&fresh->store, "alpine", &image, &err), 0);
    assert_conflict(&fresh->store, "alpine", STORE_CAREFUL,
                    "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being "
                    "used by another command");
    assert_conflict(
        &fresh->store, ID("a"), STORE_FORCE,
        "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being "
        "used by another command");
    assert_true(exists(fresh->store.root, "alpine/rootfs"));
    assert_removed(&fresh->store, "alpine", STORE_FORCE, "Untagged: alpine:latest\n");
    assert_int_equal(count_entries(fresh->store.images), 1);
    store_image_clear(&image);
    assert_removed(&fresh->store, ID("a"), STORE_CAREFUL, "Deleted: sha256:" ID("a") "\n");
}

static void a_layer_that_a_pull_has_in_hand_stays(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };
    MD_AUTO_FD layer = -1;

    fresh_image(&fresh->store, 'a', "bc");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    layer = store_lock(fresh->store.layers, ID("b"), STORE_SHARED, &err);
    assert_true(layer >= 0);
    assert_removed(
        &fresh->store, "alpine", STORE_CAREFUL,
        "Untagged: alpine:latest\nDeleted: sha256:" ID("a") "\nDeleted: sha256:" ID("c") "\n");
    assert_int_equal(count_entries(fresh->store.layers), 1);
}

static void a_damaged_image_can_be_removed_D8(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "b");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    fresh_file(fresh->store.images, ID("a") "/image.json", "{");
    assert_removed(&fresh->store, "alpine", STORE_CAREFUL,
                   "Untagged: alpine:latest\nDeleted: sha256:" ID("a") "\n");
    assert_int_equal(count_entries(fresh->store.images), 0);
    assert_int_equal(count_entries(fresh->store.layers), 0);
}

static void a_name_without_an_image_can_be_removed(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_int_equal(store_discard(&fresh->store, fresh->store.images, ID("a"), &err), 0);
    assert_removed(&fresh->store, "alpine", STORE_CAREFUL, "Untagged: alpine:latest\n");
    assert_false(exists(fresh->store.root, "alpine"));
}

static void what_is_not_there_cannot_be_removed(void **state)
{
    struct fresh *fresh = *state;
    struct store_removal removal = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_image_remove(&fresh->store, "alpine", STORE_FORCE, &removal, &err),
                     -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_string_equal(err.text, "No such image: alpine:latest");
    assert_int_equal(store_image_remove(&fresh->store, ID("a"), STORE_FORCE, &removal, &err),
                     -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_int_equal(store_image_remove(&fresh->store, "A B", STORE_FORCE, &removal, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
}

static void collecting_takes_only_an_image_without_a_name(void **state)
{
    struct fresh *fresh = *state;
    struct md_err err = { 0 };

    fresh_image(&fresh->store, 'a', "b");
    fresh_image(&fresh->store, 'c', "b");
    fresh_name(&fresh->store, "alpine", 'a', 0);
    assert_int_equal(store_image_collect(&fresh->store, ID("a"), &err), 0);
    assert_int_equal(count_entries(fresh->store.images), 2);
    fresh_name(&fresh->store, "alpine", 'c', 0);
    assert_int_equal(store_image_collect(&fresh->store, ID("a"), &err), 0);
    assert_int_equal(store_image_collect(&fresh->store, ID("a"), &err), 0);
    assert_int_equal(count_entries(fresh->store.images), 1);
    assert_int_equal(count_entries(fresh->store.layers), 1);
    assert_true(exists(fresh->store.root, "alpine/rootfs"));
}

/* Publish, name and remove the same image over and over; conflicts are to be expected. */
static void churn(struct store *store, unsigned seed)
{
    for (int i = 0; i < 15; i++) {
        struct store_removal removal = { 0 };
        struct store_image image = { 0 };
        struct md_err err = { 0 };

        if ((seed + (unsigned)i) % 3 == 0) {
            if (store_image_remove(store, "alpine", STORE_FORCE, &removal, &err) < 0 &&
                err.kind != MD_ERR_NOT_FOUND && err.kind != MD_ERR_CONFLICT) {
                _exit(1);
            }
            md_list_clear(&removal.lines);
        } else if ((seed + (unsigned)i) % 3 == 1) {
            struct store_draft draft = { 0 };
            struct md_oci_config config = { 0 };
            struct store_name record = { .name = "alpine", .image_id = ID("a") };
            struct store_publication publication = {
                .id = ID("a"), .config = &config, .config_bytes = "{}", .config_len = 2
            };

            md_platform_host(&config.platform);
            if (store_draft_open(store, &draft, &err) < 0 ||
                store_draft_publish(store, &draft, &publication, &err) < 0 ||
                store_name_set(store, &record, &err) < 0) {
                _exit(2);
            }
            store_draft_clear(store, &draft);
        } else if (store_image_open(store, "alpine", &image, &err) == 0) {
            if (!exists(image.dir, "image.json")) {
                _exit(3);
            }
            store_image_clear(&image);
        } else if (err.kind != MD_ERR_NOT_FOUND) {
            _exit(4);
        }
    }
    _exit(0);
}

static void pulls_removals_and_runs_at_once_see_all_or_nothing_D21(void **state)
{
    struct fresh *fresh = *state;

    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            churn(&fresh->store, i);
        }
    }
    for (int i = 0; i < 3; i++) {
        int status = 0;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(the_last_name_takes_image_and_layers_with_it),
        T(one_of_several_names_is_only_untagged),
        T(the_digest_goes_with_its_repositorys_last_tag),
        T(layers_of_other_images_stay),
        T(an_id_removes_the_image_with_its_only_name),
        T(an_id_with_several_names_needs_force),
        T(a_name_that_a_container_needs_is_a_conflict),
        T(another_name_can_go_although_a_container_needs_the_image),
        T(force_takes_the_name_and_leaves_the_image_to_its_container),
        T(an_id_that_a_container_needs_is_a_conflict),
        T(an_image_is_never_deleted_under_a_stopped_container),
        T(an_image_that_another_command_has_open_stays_D21),
        T(a_layer_that_a_pull_has_in_hand_stays),
        T(a_damaged_image_can_be_removed_D8),
        T(a_name_without_an_image_can_be_removed),
        T(what_is_not_there_cannot_be_removed),
        T(collecting_takes_only_an_image_without_a_name),
        T(pulls_removals_and_runs_at_once_see_all_or_nothing_D21),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
