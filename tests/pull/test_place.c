/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/place.c. */
#include "pull/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void places_are_taken_apart_as_podman_does(void **state)
{
    const struct {
        const char *text;
        enum pull_local_kind kind;
        enum pull_place_form form;
        const char *path;
        const char *tag;
    } rows[] = {
        { "oci:dir", PULL_LOCAL_OCI, PULL_PLACE_DIR, "dir", NULL },
        { "oci:dir:v1", PULL_LOCAL_OCI, PULL_PLACE_DIR, "dir", "v1" },
        { "oci:/a/b:", PULL_LOCAL_OCI, PULL_PLACE_DIR, "/a/b", NULL },
        { "oci-archive:a.tar:x", PULL_LOCAL_OCI, PULL_PLACE_FILE, "a.tar", "x" },
        { "docker-archive:a.tar:reg.example:5000/a:1", PULL_LOCAL_DOCKER, PULL_PLACE_FILE,
          "a.tar", "reg.example:5000/a:1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_place place;
        struct md_err err = { 0 };

        assert_int_equal(pull_place_parse(rows[i].text, &place, &err), 1);
        assert_int_equal(place.kind, rows[i].kind);
        assert_int_equal(place.form, rows[i].form);
        assert_string_equal(place.path, rows[i].path);
        assert_string_equal(place.text, rows[i].text);
        if (rows[i].tag)
            assert_string_equal(place.tag, rows[i].tag);
        else
            assert_null(place.tag);
        pull_place_clear(&place);
    }
}

static void names_are_no_places(void **state)
{
    const char *const names[] = {
        "alpine",         "oci", "alpine:3", "localhost:5000/oci:dir", "example.com/dir:1",
        "docker://alpine"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct pull_place place;
        struct md_err err = { 0 };

        assert_int_equal(pull_place_parse(names[i], &place, &err), 0);
        pull_place_clear(&place);
    }
    assert_string_equal(pull_place_strip("docker://alpine:3"), "alpine:3");
    assert_string_equal(pull_place_strip("alpine:3"), "alpine:3");
}

static void other_transports_and_missing_paths_are_refused(void **state)
{
    const char *const texts[] = { "docker-daemon:alpine",
                                  "containers-storage:x",
                                  "dir:/x",
                                  "ostree:x",
                                  "sif:x",
                                  "oci:",
                                  "oci::v1",
                                  "docker-archive:" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct pull_place place;
        struct md_err err = { 0 };

        assert_int_equal(pull_place_parse(texts[i], &place, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        pull_place_clear(&place);
    }
}

static void names_are_made_of_those_of_files(void **state)
{
    const struct {
        const char *source;
        const char *name;
    } rows[] = {
        { "/x/alpine-minirootfs-3.20.3-x86_64.tar.gz",
          "docker.io/library/alpine-minirootfs-3.20.3-x86_64:latest" },
        { "Images 1.tar", "docker.io/library/images-1:latest" },
        { "/a/layout/", "docker.io/library/layout:latest" },
        { "https://example.com/root.tar.xz?x=1", "docker.io/library/root:latest" },
    };
    struct md_err err = { 0 };
    struct md_ref ref;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char full[MD_REF_TEXT_SIZE];

        assert_int_equal(pull_place_name(rows[i].source, &ref, &err), 0);
        md_ref_full(&ref, full);
        assert_string_equal(full, rows[i].name);
    }
    assert_int_equal(pull_place_name("---", &ref, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_taken_apart_as_podman_does),
        cmocka_unit_test(names_are_no_places),
        cmocka_unit_test(other_transports_and_missing_paths_are_refused),
        cmocka_unit_test(names_are_made_of_those_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
