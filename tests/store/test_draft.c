/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: all of an image becomes visible, or nothing does. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static mode_t mode_of(int dirfd, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static const char *in_image(char letter, const char *name, char *out, size_t size)
{
    char id[STORE_ID_SIZE];

    snprintf(out, size, "%s/%s", fresh_id(letter, id), name);
    return out;
}

static void assert_content(const struct store *store, const char *path, const char *expected)
{
    struct md_err err = { 0 };
    size_t len = 0;
    MD_AUTO_FREE char *text = md_file_read(store->images, path, 1 << 20, &len, &err);

    assert_non_null(text);
    assert_string_equal(text, expected);
}

enum over { KEEP, REPLACE };

/* An empty image with a manifest, published; the draft stays open. */
static void publish_over(const struct store *store, char letter, const char *manifest,
                         enum over over, struct store_draft *draft)
{
    struct md_oci_config config = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    struct store_publication publication = {
        .id = fresh_id(letter, id),
        .config = &config,
        .config_bytes = "{ \"as\":  \"served\" }",
        .config_len = 19,
        .manifest_bytes = manifest,
        .manifest_len = strlen(manifest),
        .manifest_digest = { .alg = MD_SHA256 },
        .size = 1,
        .replace = over == REPLACE,
    };

    md_platform_host(&config.platform);
    snprintf(publication.manifest_digest.text, sizeof(publication.manifest_digest.text),
             "sha256:%064zu", strlen(manifest));
    assert_int_equal(store_draft_open(store, draft, &err), 0);
    if (store_draft_publish(store, draft, &publication, &err) < 0) {
        print_error("%s\n", err.text);
        fail();
    }
}

static void publish(const struct store *store, char letter, const char *manifest,
                    struct store_draft *draft)
{
    publish_over(store, letter, manifest, KEEP, draft);
}

static void a_draft_is_invisible_and_its_root_has_the_usual_mode(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_draft_open(&fresh->store, &draft, &err), 0);
    assert_int_equal(mode_of(draft.dir, "rootfs"), 0755);
    assert_int_equal(mode_of(fresh->store.partial, draft.temporary), 0700);
    assert_int_equal(count_entries(fresh->store.images), 0);
    store_draft_clear(&fresh->store, &draft);
    store_draft_clear(&fresh->store, &draft);
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void clearing_a_zeroed_draft_closes_nothing(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };

    store_draft_clear(&fresh->store, &draft);
    assert_true(fcntl(0, F_GETFD) >= 0);
}

static void publishing_moves_layers_and_image_to_their_places(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char path[128];

    fresh_image(&fresh->store, 'a', "bcb");
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
    assert_true(exists(fresh->store.layers, fresh_id('b', id)));
    assert_true(exists(fresh->store.layers, fresh_id('c', id)));
    assert_true(exists(fresh->store.images, in_image('a', "rootfs/file", path, sizeof(path))));
}

static void config_and_manifest_are_kept_byte_for_byte(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    char path[256];
    char name[128];

    publish(&fresh->store, 'a', "{\"manifest\":1 }", &draft);
    store_draft_clear(&fresh->store, &draft);
    assert_content(&fresh->store, in_image('a', "config.json", path, sizeof(path)),
                   "{ \"as\":  \"served\" }");
    snprintf(name, sizeof(name), "manifests/%064d.json", 15);
    assert_content(&fresh->store, in_image('a', name, path, sizeof(path)), "{\"manifest\":1 }");
}

static void a_layer_that_another_pull_has_published_is_fine(void **state)
{
    struct fresh *fresh = *state;

    fresh_image(&fresh->store, 'a', "b");
    /* Both there and waiting once more. */
    fresh_layer(&fresh->store, 'b');
    fresh_image(&fresh->store, 'c', "b");
    assert_int_equal(count_entries(fresh->store.layers), 1);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void an_image_is_replaced_and_the_old_one_stays_while_it_is_used(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    struct store_image user = { 0 };
    struct md_err err = { 0 };
    struct stat before;
    struct stat after;
    char id[STORE_ID_SIZE];
    char path[256];

    publish_over(&fresh->store, 'a', "{}", REPLACE, &draft); /* nothing is there yet */
    store_draft_clear(&fresh->store, &draft);
    assert_int_equal(store_image_open_id(&fresh->store, fresh_id('a', id), &user, &err), 0);
    assert_int_equal(fstatat(fresh->store.images, id, &before, 0), 0);
    publish_over(&fresh->store, 'a', "{ }", REPLACE, &draft);
    assert_int_equal(fstatat(fresh->store.images, id, &after, 0), 0);
    assert_true(before.st_ino != after.st_ino);
    store_draft_clear(&fresh->store, &draft);
    /* The manifests of both are kept. */
    snprintf(path, sizeof(path), "%s/manifests", id);
    MD_AUTO_FD manifests =
        openat(fresh->store.images, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(count_entries(manifests), 2);
    store_sweep(&fresh->store);
    assert_true(exists(user.dir, "image.json"));
    assert_int_equal(count_entries(fresh->store.partial), 1);
    store_image_clear(&user);
    store_sweep(&fresh->store);
    assert_int_equal(count_entries(fresh->store.partial), 0);
    publish_over(&fresh->store, 'a', "{ }", REPLACE, &draft);
    store_draft_clear(&fresh->store, &draft);
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.images), 1);
}

static void a_missing_layer_stops_the_publication(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    struct md_digest layer = { .alg = MD_SHA256 };
    struct md_oci_config config = { .diff_ids = &layer, .diff_id_count = 1 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    char other[STORE_ID_SIZE];
    struct store_publication publication = {
        .id = fresh_id('a', id), .config = &config, .config_bytes = "{}", .config_len = 2
    };

    snprintf(layer.text, sizeof(layer.text), "sha256:%s", fresh_id('b', other));
    assert_int_equal(store_draft_open(&fresh->store, &draft, &err), 0);
    assert_int_equal(store_draft_publish(&fresh->store, &draft, &publication, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "bbbb"));
    store_draft_clear(&fresh->store, &draft);
    assert_int_equal(count_entries(fresh->store.images), 0);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

static void an_image_that_is_there_is_kept_and_given_the_manifest(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft first = { 0 };
    struct store_draft second = { 0 };
    struct stat before;
    struct stat after;
    char path[256];

    publish(&fresh->store, 'a', "one", &first);
    assert_int_equal(fstat(first.dir, &before), 0);
    store_draft_clear(&fresh->store, &first);
    publish(&fresh->store, 'a', "second", &second);
    assert_int_equal(fstat(second.dir, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    store_draft_clear(&fresh->store, &second);
    in_image('a', "manifests", path, sizeof(path));
    {
        MD_AUTO_FD manifests =
            openat(fresh->store.images, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(count_entries(manifests), 2);
    }
    assert_int_equal(count_entries(fresh->store.partial), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void pulling_a_damaged_image_again_mends_it_D8(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    struct store_image image = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    char path[128];

    publish(&fresh->store, 'a', "one", &draft);
    store_draft_clear(&fresh->store, &draft);
    fresh_file(fresh->store.images, in_image('a', "image.json", path, sizeof(path)), "{");
    publish(&fresh->store, 'a', "one", &draft);
    store_draft_clear(&fresh->store, &draft);
    assert_int_equal(store_image_open_id(&fresh->store, fresh_id('a', id), &image, &err), 0);
    store_image_clear(&image);
}

static void a_published_image_is_held_until_the_draft_is_cleared(void **state)
{
    struct fresh *fresh = *state;
    struct store_draft draft = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    MD_AUTO_FD lock = -1;

    publish(&fresh->store, 'a', "one", &draft);
    assert_int_equal(store_try_lock(fresh->store.images, fresh_id('a', id), &err), -1);
    assert_int_equal(err.kind, MD_ERR_CONFLICT);
    fresh_name(&fresh->store, "alpine", 'a', 0);
    store_draft_clear(&fresh->store, &draft);
    lock = store_try_lock(fresh->store.images, id, &err);
    assert_true(lock >= 0);
}

static void two_pulls_of_one_image_at_once_both_succeed_D20(void **state)
{
    struct fresh *fresh = *state;
    const int rounds = 8;

    for (int i = 0; i < rounds; i++) {
        int living = 2;

        for (int child = 0; child < 2; child++) {
            pid_t pid = fork();

            assert_true(pid >= 0);
            if (pid == 0) {
                struct store_draft draft = { 0 };

                publish(&fresh->store, (char)('a' + i % 6), child ? "one" : "second", &draft);
                store_draft_clear(&fresh->store, &draft);
                _exit(0);
            }
        }
        while (living-- > 0) {
            int status = 0;

            assert_true(wait(&status) > 0);
            assert_int_equal(status, 0);
        }
    }
    assert_int_equal(count_entries(fresh->store.images), 6);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(a_draft_is_invisible_and_its_root_has_the_usual_mode),
        T(clearing_a_zeroed_draft_closes_nothing),
        T(publishing_moves_layers_and_image_to_their_places),
        T(config_and_manifest_are_kept_byte_for_byte),
        T(a_layer_that_another_pull_has_published_is_fine),
        T(an_image_is_replaced_and_the_old_one_stays_while_it_is_used),
        T(a_missing_layer_stops_the_publication),
        T(an_image_that_is_there_is_kept_and_given_the_manifest),
        T(pulling_a_damaged_image_again_mends_it_D8),
        T(a_published_image_is_held_until_the_draft_is_cleared),
        T(two_pulls_of_one_image_at_once_both_succeed_D20),
    };

    umask(077);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
