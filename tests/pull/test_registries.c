/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: which places are asked for an image. */
#include "pull/registries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int add(struct pull_registries *registries, const char *name, const char *text,
               struct md_err *err)
{
    memset(err, 0, sizeof(*err));
    return pull_registries_add(registries, text, strlen(text), name, err);
}

/* "mirror/a! registry/b": the places in order, those that are insecure with "!". */
static void expect_places(const struct pull_registries *registries, const char *name,
                          const char *places)
{
    struct pull_endpoints endpoints;
    struct md_buf found = { 0 };
    struct md_err err = { 0 };
    struct md_ref ref;

    assert_int_equal(md_ref_parse(name, &ref, &err), 0);
    if (pull_registries_find(registries, &ref, &endpoints, &err) < 0) {
        fail_msg("%s: %s", name, err.text);
    }
    for (size_t i = 0; i < endpoints.count; i++) {
        assert_int_equal(endpoints.at[i].mirror, i + 1 < endpoints.count);
        md_buf_printf(&found, "%s%s/%s%s", i ? " " : "", endpoints.at[i].host,
                      endpoints.at[i].repository, endpoints.at[i].insecure ? "!" : "");
    }
    assert_string_equal(found.data, places);
    md_buf_clear(&found);
}

static const struct {
    const char *text;
    const char *name;
    const char *places;
} examples[] = {
    { "", "alpine", "docker.io/library/alpine" },
    { "", "example.com:5000/a/b:1", "example.com:5000/a/b" },
    /* "Given prefix and location ..." */
    { "[[registry]]\nprefix='example.com/foo'\nlocation='internal.net/bar'",
      "example.com/foo/myimage:latest", "internal.net/bar/myimage" },
    { "[[registry]]\nprefix='example.com/foo'\nlocation='internal.net/bar'",
      "example.com/foobar/myimage", "example.com/foobar/myimage" },
    { "[[registry]]\nprefix='example.com/foo'\nlocation='internal.net/bar'", "example.com/foo",
      "internal.net/bar" },
    { "[[registry]]\nlocation='example.com'\ninsecure=true", "example.com/a",
      "example.com/a!" },
    { "[[registry]]\nlocation='example.com'\ninsecure=true", "example.com:5000/a",
      "example.com:5000/a!" },
    { "[[registry]]\nlocation='Example.COM'\ninsecure=true", "EXAMPLE.com/a",
      "Example.COM/a!" },
    { "[[registry]]\nlocation='example.com'", "an.example.com/a", "an.example.com/a" },
    { "[[registry]]\nlocation='example.com:5000/'\ninsecure=true", "example.com:5000/a",
      "example.com:5000/a!" },
    /* The longest match. */
    { "[[registry]]\nlocation='example.com'\ninsecure=true\n"
      "[[registry]]\nlocation='example.com/ns'\n",
      "example.com/ns/a", "example.com/ns/a" },
    { "[[registry]]\nprefix='example.com/a:1'\nlocation='other.com/b:1'", "example.com/a:1",
      "other.com/b" },
    { "[[registry]]\nprefix='example.com/a:1'\nlocation='other.com/b:1'", "example.com/a:11",
      "example.com/a" },
    /* Wildcards. */
    { "[[registry]]\nprefix='*.example.com'\ninsecure=true",
      "blah.example.com/foo/myimage:latest", "blah.example.com/foo/myimage!" },
    { "[[registry]]\nprefix='*.example.com'\ninsecure=true", "a.b.example.com:5000/x",
      "a.b.example.com:5000/x!" },
    { "[[registry]]\nprefix='*.example.com'\ninsecure=true", "example.com/x", "example.com/x" },
    { "[[registry]]\nprefix='*.example.com'\ninsecure=true", "a.example.com.evil.net/x",
      "a.example.com.evil.net/x" },
    { "[[registry]]\nprefix='*.example.com'\nlocation='mirror.net'", "a.example.com:5/x",
      "mirror.net:5/x" },
    { "[[registry]]\nprefix='*.example.com'\ninsecure=true\n"
      "[[registry]]\nlocation='a.example.com'",
      "a.example.com/x", "a.example.com/x" },
    /* Mirrors. */
    { "[[registry]]\nlocation='docker.io'\n[[registry.mirror]]\nlocation='m1.net:5000'\n"
      "insecure=true\n[[registry.mirror]]\nlocation='m2.net/hub'",
      "alpine",
      "m1.net:5000/library/alpine! m2.net/hub/library/alpine "
      "docker.io/library/alpine" },
    { "[[registry]]\nlocation='docker.io'\nmirror-by-digest-only=true\n"
      "[[registry.mirror]]\nlocation='m.net'",
      "alpine", "docker.io/library/alpine" },
    { "[[registry]]\nlocation='docker.io'\nmirror-by-digest-only=true\n"
      "[[registry.mirror]]\nlocation='m.net'",
      "alpine" DIGEST, "m.net/library/alpine docker.io/library/alpine" },
    { "[[registry]]\nlocation='docker.io'\nmirror=[{location='d.net',"
      "pull-from-mirror='digest-only'},{location='t.net',pull-from-mirror='tag-only'},"
      "{location='a.net',pull-from-mirror='all'}]",
      "alpine:1", "t.net/library/alpine a.net/library/alpine docker.io/library/alpine" },
    { "[[registry]]\nlocation='docker.io'\nmirror=[{location='d.net',"
      "pull-from-mirror='digest-only'},{location='t.net',pull-from-mirror='tag-only'},"
      "{location='a.net',pull-from-mirror='all'}]",
      "alpine:1" DIGEST,
      "d.net/library/alpine a.net/library/alpine "
      "docker.io/library/alpine" },
    { "[[registry]]\nprefix='example.com/ns'\nlocation='real.com/ns'\n"
      "mirror=[{location='m.net'}]",
      "example.com/ns/a", "m.net/a real.com/ns/a" },
    /* No effect. */
    { "unqualified-search-registries=['a.com']\nshort-name-mode='enforcing'\n"
      "credential-helpers=['x']\nfuture=1\n[aliases]\nalpine='other.com/alpine'",
      "alpine", "docker.io/library/alpine" },
};

static void names_lead_to_places_as_the_manual_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        struct pull_registries registries = { 0 };
        struct md_err err;

        if (add(&registries, "f.conf", examples[i].text, &err) < 0) {
            fail_msg("%s: %s", examples[i].text, err.text);
        }
        expect_places(&registries, examples[i].name, examples[i].places);
        pull_registries_clear(&registries);
    }
}

static void what_makes_no_sense_is_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        { "[registries.search]\nregistries=['a.com']", "f.conf:1: [registries.search]" },
        { "registry=1", "f.conf:1:" },
        { "registry=[1]", "f.conf:1:" },
        { "[registry]\nlocation='a.com'", "[[registry]]" },
        { "\n[[registry]]\ninsecure=true", "f.conf:2: a registry with neither" },
        { "[[registry]]\nprefix='a.com'", "f.conf:1: a registry with a prefix" },
        { "[[registry]]\nlocation='https://a.com'", "f.conf:2: location must be" },
        { "[[registry]]\nlocation='a b'", "f.conf:2: location must be" },
        { "[[registry]]\nlocation='a.com?x'", "f.conf:2: location must be" },
        { "[[registry]]\nlocation='/'", "f.conf:2: location must be" },
        { "[[registry]]\nlocation='*.a.com'", "f.conf:2: location must be" },
        { "[[registry]]\nprefix='a.*.com'\nlocation='b.com'", "f.conf:2: prefix must be" },
        { "[[registry]]\nprefix='*.a.com/x'\nlocation='b.com'", "f.conf:2: prefix must be" },
        { "[[registry]]\nprefix='*.a.com:1'\nlocation='b.com'", "f.conf:2: prefix must be" },
        { "[[registry]]\nlocation='a.com'\nblocked='yes'", "f.conf:3: blocked must be" },
        { "[[registry]]\nlocation='a.com'\ninsecure=1", "f.conf:3: insecure must be" },
        { "[[registry]]\nlocation=['a.com']", "f.conf:2: location must be a string" },
        { "[[registry]]\nlocation='a.com'\nmirror='m.net'", "f.conf:3: mirror must be" },
        { "[[registry]]\nlocation='a.com'\nmirror=['m.net']", "f.conf:3: mirror must be" },
        { "[[registry]]\nlocation='a.com'\n[[registry.mirror]]", "f.conf:3: a mirror without" },
        { "[[registry]]\nlocation='a.com'\nmirror=[{location='m.net',pull-from-mirror='x'}]",
          "f.conf:3: pull-from-mirror must be" },
        { "[[registry]]\nlocation='a.com'\npull-from-mirror='all'", "belongs to a mirror" },
        { "[[registry]]\nlocation='a.com'\nmirror-by-digest-only=true\n"
          "mirror=[{location='m.net',pull-from-mirror='tag-only'}]",
          "exclude each other" },
        { "[[registry]]\nlocation='a.com'\n[[registry]]\nlocation='A.com'",
          "f.conf:3: registry \"A.com\" is there already" },
        { "[[registry]\n", "f.conf:1: a header" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_registries registries = { 0 };
        struct md_err err;

        if (add(&registries, "f.conf", rows[i].text, &err) == 0 || err.kind != MD_ERR_FORMAT ||
            !strstr(err.text, rows[i].words)) {
            fail_msg("%s: %s", rows[i].text, err.text[0] ? err.text : "was taken");
        }
        pull_registries_clear(&registries);
    }
}

static void a_later_file_replaces_the_rules_of_the_same_prefix(void **state)
{
    struct pull_registries registries = { 0 };
    struct md_err err;

    (void)state;
    assert_int_equal(add(&registries, "1",
                         "[[registry]]\nlocation='a.com'\ninsecure=true\n"
                         "mirror=[{location='m.net'}]\n"
                         "[[registry]]\nlocation='b.com'\ninsecure=true",
                         &err),
                     0);
    assert_int_equal(add(&registries, "2", "[[registry]]\nlocation='a.com'", &err), 0);
    expect_places(&registries, "a.com/x", "a.com/x");
    expect_places(&registries, "b.com/x", "b.com/x!");
    pull_registries_clear(&registries);
}

static void expect_refused(const struct pull_registries *registries, const char *name,
                           enum md_err_kind kind, const char *words)
{
    struct pull_endpoints endpoints;
    struct md_err err = { 0 };
    struct md_ref ref;

    assert_int_equal(md_ref_parse(name, &ref, &err), 0);
    assert_int_equal(pull_registries_find(registries, &ref, &endpoints, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_non_null(strstr(err.text, words));
}

static void a_blocked_registry_is_refused_with_its_file(void **state)
{
    struct pull_registries registries = { 0 };
    struct md_err err;

    (void)state;
    assert_int_equal(add(&registries, "f.conf",
                         "[[registry]]\nlocation='docker.io/library'\n"
                         "blocked=true",
                         &err),
                     0);
    expect_refused(&registries, "alpine", MD_ERR_AUTH,
                   "\"docker.io/library\" is blocked in f.conf");
    expect_refused(&registries, "index.docker.io/library/alpine", MD_ERR_AUTH, "blocked");
    expect_places(&registries, "org/alpine", "docker.io/org/alpine");
    pull_registries_clear(&registries);
}

static void a_location_must_lead_to_the_same_tag_of_another_name(void **state)
{
    struct pull_registries registries = { 0 };
    struct md_err err;

    (void)state;
    assert_int_equal(add(&registries, "f.conf",
                         "[[registry]]\nprefix='a.com/x:1'\n"
                         "location='b.com/x:2'\n"
                         "[[registry]]\nprefix='c.com'\n"
                         "location='nodots'\n",
                         &err),
                     0);
    expect_refused(&registries, "a.com/x:1", MD_ERR_FORMAT, "f.conf");
    expect_refused(&registries, "c.com/x", MD_ERR_FORMAT, "nodots");
    pull_registries_clear(&registries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_places_as_the_manual_says),
        cmocka_unit_test(what_makes_no_sense_is_told_with_file_and_line),
        cmocka_unit_test(a_later_file_replaces_the_rules_of_the_same_prefix),
        cmocka_unit_test(a_blocked_registry_is_refused_with_its_file),
        cmocka_unit_test(a_location_must_lead_to_the_same_tag_of_another_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
