/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/lock.c. */
#include "pull/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct folder {
    char path[64];
    char file[80];
};

static int setup(void **state)
{
    struct folder *folder = md_xcalloc(1, sizeof(*folder));

    snprintf(folder->path, sizeof(folder->path), "/tmp/minidock-lock.XXXXXX");
    *state = folder;
    if (!mkdtemp(folder->path))
        return -1;
    snprintf(folder->file, sizeof(folder->file), "%s/minidock.lock", folder->path);
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;
    int status = md_path_remove_tree(AT_FDCWD, folder->path);

    free(folder);
    return status;
}

static struct md_ref ref_of(const char *name)
{
    struct md_err err = { 0 };
    struct md_ref ref;

    assert_int_equal(md_ref_parse(name, &ref, &err), 0);
    return ref;
}

static int record(const struct folder *folder, const char *name, const char *digest,
                  const char *platform, struct md_err *err)
{
    struct pull_lock_entry entry = { 0 };
    struct md_ref ref = ref_of(name);

    assert_int_equal(md_digest_parse(digest, &entry.digest, err), 0);
    if (platform) {
        entry.manifest = entry.digest;
        assert_int_equal(md_platform_parse(platform, &entry.platform, err), 0);
    }
    return pull_lock_record(folder->file, &ref, &entry, err);
}

static char *content(const struct folder *folder)
{
    struct md_err err = { 0 };
    size_t len;
    char *text = md_file_read(AT_FDCWD, folder->file, 1 << 20, &len, &err);

    assert_non_null(text);
    return text;
}

static void write_text(const struct folder *folder, const char *text)
{
    struct md_err err = { 0 };

    assert_int_equal(md_file_replace(AT_FDCWD, folder->file, text, strlen(text), 0644, &err),
                     0);
}

static void names_are_sorted_and_a_value_stands_on_each_line(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    struct stat st;

    assert_int_equal(record(folder, "zoo", A, "linux/amd64", &err), 0);
    assert_int_equal(record(folder, "alpine", B, NULL, &err), 0);
    assert_int_equal(record(folder, "zoo", A, "linux/amd64", &err), 0);
    text = content(folder);
    assert_string_equal(text, "{\n"
                              "    \"version\": 1,\n"
                              "    \"images\": {\n"
                              "        \"docker.io/library/alpine:latest\": {\n"
                              "            \"digest\": \"" B "\"\n"
                              "        },\n"
                              "        \"docker.io/library/zoo:latest\": {\n"
                              "            \"digest\": \"" A "\",\n"
                              "            \"platforms\": {\n"
                              "                \"linux/amd64\": \"" A "\"\n"
                              "            }\n"
                              "        }\n"
                              "    }\n"
                              "}\n");
    assert_int_equal(stat(folder->file, &st), 0);
    assert_int_equal(st.st_mode & 07133, 0);
}

static void the_same_once_more_changes_no_byte(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *before = NULL;
    MD_AUTO_FREE char *after = NULL;

    assert_int_equal(record(folder, "b", A, "linux/amd64", &err), 0);
    assert_int_equal(record(folder, "a", A, "linux/amd64", &err), 0);
    before = content(folder);
    assert_int_equal(record(folder, "b", A, "linux/amd64", &err), 0);
    after = content(folder);
    assert_string_equal(before, after);
}

static void platforms_stay_with_their_digest(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *both = NULL;
    MD_AUTO_FREE char *moved = NULL;

    assert_int_equal(record(folder, "a", A, "linux/arm64", &err), 0);
    assert_int_equal(record(folder, "a", A, "linux/amd64", &err), 0);
    both = content(folder);
    assert_true(strstr(both, "linux/amd64") < strstr(both, "linux/arm64"));
    assert_int_equal(record(folder, "a", B, "linux/amd64", &err), 0);
    moved = content(folder);
    assert_null(strstr(moved, "linux/arm64"));
    assert_null(strstr(moved, A));
}

static void what_was_recorded_is_found(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    struct md_digest digest;
    struct md_ref alpine = ref_of("alpine");
    struct md_ref other = ref_of("alpine:3.20");

    assert_int_equal(record(folder, "alpine", A, NULL, &err), 0);
    assert_int_equal(pull_lock_find(folder->file, &alpine, &digest, &err), 0);
    assert_string_equal(digest.text, A);
    assert_int_equal(pull_lock_find(folder->file, &other, &digest, &err), -1);
    assert_int_equal(err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "docker.io/library/alpine:3.20"));
    assert_non_null(strstr(err.text, "minidock.lock"));
}

static void what_is_no_lock_file_is_refused_and_left_alone(void **state)
{
    const char *const texts[] = { "",
                                  "{}",
                                  "{\"version\": 2, \"images\": {}}",
                                  "{\"version\": 1, \"images\": []}",
                                  "[1]",
                                  "{\"version\": 1, \"images\": {}} x" };
    struct folder *folder = *state;
    struct md_ref ref = ref_of("a");

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct md_err err = { 0 };
        struct md_digest digest;
        MD_AUTO_FREE char *after = NULL;

        write_text(folder, texts[i]);
        assert_int_equal(pull_lock_find(folder->file, &ref, &digest, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        err = (struct md_err){ 0 };
        assert_int_equal(record(folder, "a", A, NULL, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        after = content(folder);
        assert_string_equal(after, texts[i]);
    }
}

static void a_digest_that_is_none_is_an_error(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    struct md_digest digest;
    struct md_ref ref = ref_of("a");

    write_text(folder, "{\"version\": 1, \"images\": {\"docker.io/library/a:latest\": "
                       "{\"digest\": \"sha256:../x\"}}}");
    assert_int_equal(pull_lock_find(folder->file, &ref, &digest, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
}

static void a_missing_file_is_made_when_recording_only(void **state)
{
    struct folder *folder = *state;
    struct md_err err = { 0 };
    struct md_digest digest;
    struct md_ref ref = ref_of("a");

    assert_int_equal(pull_lock_find(folder->file, &ref, &digest, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(record(folder, "a", A, NULL, &err), 0);
    assert_int_equal(pull_lock_find(folder->file, &ref, &digest, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_sorted_and_a_value_stands_on_each_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_once_more_changes_no_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(platforms_stay_with_their_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_recorded_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_lock_file_is_refused_and_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_digest_that_is_none_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_made_when_recording_only, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
