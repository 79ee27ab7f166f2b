/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/ref.c. */
#include "base/ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA256 "sha256:" HEX64
#define SHA512 "sha512:" HEX64 HEX64

/* One row per fact of the grammar. */
static const struct {
    const char *in;
    const char *registry;
    const char *repository;
    const char *tag;
    const char *digest;
    const char *familiar;
    const char *store; /* NULL: too long for a row */
} accepted[] = {
    { "alpine", "docker.io", "library/alpine", "latest", "", "alpine:latest", "alpine" },
    { "alpine:3.20", "docker.io", "library/alpine", "3.20", "", "alpine:3.20", "alpine:3.20" },
    { "library/alpine", "docker.io", "library/alpine", "latest", "", "alpine:latest",
      "alpine" },
    { "docker.io/alpine", "docker.io", "library/alpine", "latest", "", "alpine:latest",
      "alpine" },
    { "docker.io/library/alpine:latest", "docker.io", "library/alpine", "latest", "",
      "alpine:latest", "alpine" },
    { "index.docker.io/library/ubuntu", "docker.io", "library/ubuntu", "latest", "",
      "ubuntu:latest", "ubuntu" },
    { "index.docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", "", "ubuntu:latest",
      "ubuntu" },
    { "user/app", "docker.io", "user/app", "latest", "", "user/app:latest", "user+app" },
    { "library/a/b", "docker.io", "library/a/b", "latest", "", "library/a/b:latest",
      "library+a+b" },
    { "localhost/x", "localhost", "x", "latest", "", "localhost/x:latest", "localhost+x" },
    { "localhost:5000/x:tag", "localhost:5000", "x", "tag", "", "localhost:5000/x:tag",
      "localhost:5000+x:tag" },
    { "localhost:5000/x:tag@" SHA256, "localhost:5000", "x", "tag", SHA256,
      "localhost:5000/x:tag@" SHA256, "localhost:5000+x@" SHA256 },
    { "alpine@" SHA256, "docker.io", "library/alpine", "", SHA256, "alpine@" SHA256,
      "alpine@" SHA256 },
    { "alpine@" SHA512, "docker.io", "library/alpine", "", SHA512, "alpine@" SHA512,
      "alpine@" SHA512 },
    { "ghcr.io/org/app:1", "ghcr.io", "org/app", "1", "", "ghcr.io/org/app:1",
      "ghcr.io+org+app:1" },
    { "ghcr.io/a/b/c/d", "ghcr.io", "a/b/c/d", "latest", "", "ghcr.io/a/b/c/d:latest",
      "ghcr.io+a+b+c+d" },
    { "GHCR.io/x", "GHCR.io", "x", "latest", "", "GHCR.io/x:latest", "GHCR.io+x" },
    { "Host/x", "Host", "x", "latest", "", "Host/x:latest", "Host+x" },
    { "127.0.0.1:80/x", "127.0.0.1:80", "x", "latest", "", "127.0.0.1:80/x:latest",
      "127.0.0.1:80+x" },
    { "[::1]/x", "[::1]", "x", "latest", "", "[::1]/x:latest", "[::1]+x" },
    { "[fe80::1]:5000/x:t", "[fe80::1]:5000", "x", "t", "", "[fe80::1]:5000/x:t",
      "[fe80::1]:5000+x:t" },
    { "r.example:1/x", "r.example:1", "x", "latest", "", "r.example:1/x:latest",
      "r.example:1+x" },
    { "r.example:65535/x", "r.example:65535", "x", "latest", "", "r.example:65535/x:latest",
      "r.example:65535+x" },
    { "a-b.c-d.example/x", "a-b.c-d.example", "x", "latest", "", "a-b.c-d.example/x:latest",
      "a-b.c-d.example+x" },
    /* Without a "/" the first component is no host, whatever it looks like. */
    { "localhost", "docker.io", "library/localhost", "latest", "", "localhost:latest",
      "localhost" },
    { "example.com", "docker.io", "library/example.com", "latest", "", "example.com:latest",
      "example.com" },
    { "example.com:5000", "docker.io", "library/example.com", "5000", "", "example.com:5000",
      "example.com:5000" },
    { "a", "docker.io", "library/a", "latest", "", "a:latest", "a" },
    { "0", "docker.io", "library/0", "latest", "", "0:latest", "0" },
    { "a.b_c__d-e--f", "docker.io", "library/a.b_c__d-e--f", "latest", "",
      "a.b_c__d-e--f:latest", "a.b_c__d-e--f" },
    { "a:T_a.g-1", "docker.io", "library/a", "T_a.g-1", "", "a:T_a.g-1", "a:T_a.g-1" },
    { "a:_", "docker.io", "library/a", "_", "", "a:_", "a:_" },
    /* On Docker Hub, but readable as another host: the host is kept. */
    { "docker.io/localhost/x", "docker.io", "localhost/x", "latest", "",
      "docker.io/localhost/x:latest", "docker.io+localhost+x" },
    { "docker.io/a.b/c", "docker.io", "a.b/c", "latest", "", "docker.io/a.b/c:latest",
      "docker.io+a.b+c" },
    { "docker.io/docker.io/x", "docker.io", "docker.io/x", "latest", "",
      "docker.io/docker.io/x:latest", "docker.io+docker.io+x" },
    { "r.example/library/x", "r.example", "library/x", "latest", "",
      "r.example/library/x:latest", "r.example+library+x" },
    /* A tag of 64 digits is only a tag, and so is 64 digits below a host or a user. */
    { "a:" HEX64, "docker.io", "library/a", HEX64, "", "a:" HEX64, "a:" HEX64 },
    { "r.example/" HEX64, "r.example", HEX64, "latest", "", "r.example/" HEX64 ":latest",
      "r.example+" HEX64 },
    { "0" HEX64, "docker.io", "library/0" HEX64, "latest", "", "0" HEX64 ":latest", "0" HEX64 },
};

static void every_fact_of_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
        struct md_ref ref = { 0 };
        struct md_ref again = { 0 };
        struct md_err err = { 0 };
        char out[MD_REF_TEXT_SIZE];

        if (md_ref_parse(accepted[i].in, &ref, &err) < 0) {
            fail_msg("%s: %s", accepted[i].in, err.text);
        }
        assert_string_equal(ref.registry, accepted[i].registry);
        assert_string_equal(ref.repository, accepted[i].repository);
        assert_string_equal(ref.tag, accepted[i].tag);
        assert_string_equal(ref.digest.text, accepted[i].digest);
        md_ref_familiar(&ref, out);
        assert_string_equal(out, accepted[i].familiar);
        /* What is shown can be typed again. */
        assert_int_equal(md_ref_parse(out, &again, &err), 0);
        again.default_tag = ref.default_tag;
        assert_memory_equal(&ref, &again, sizeof(ref));
        md_ref_full(&ref, out);
        assert_int_equal(md_ref_parse(out, &again, &err), 0);
        again.default_tag = ref.default_tag;
        assert_memory_equal(&ref, &again, sizeof(ref));
        md_ref_store_name(&ref, out);
        assert_string_equal(out, accepted[i].store);
        assert_int_equal(md_ref_from_store_name(out, &again), 0);
        assert_string_equal(again.registry, ref.registry);
        assert_string_equal(again.repository, ref.repository);
    }
}

static const char *const refused[] = {
    "",
    ".",
    "..",
    "../../x",
    "a/../b",
    "a//b",
    "/a",
    "a/",
    "//",
    "a/./b",
    "%2e%2e",
    "a%2fb",
    "a\\b",
    "a b",
    " a",
    "a ",
    "a\n",
    "a\r\nb",
    "\ta",
    "-a",
    "--option",
    "a-",
    "_a",
    "a_",
    ".a",
    "a.",
    "a..b",
    "a___b",
    "a._b",
    "a-_b",
    "a.-b",
    "a:",
    "a:.x",
    "a:-x",
    "a:b:c",
    "a:b/c:d/e",
    "a:t\n",
    "a:t x",
    "a:t@",
    "@",
    ":",
    ":t",
    "@" SHA256,
    "a@sha256",
    "a@sha256:",
    "a@" HEX64,
    "a@SHA256:" HEX64,
    "a@" SHA256 "0",
    "a@" SHA256 "@" SHA256,
    "a@" SHA256 ":t",
    "http://a/b",
    "https://r.example/x",
    "a?b",
    "a#b",
    "user@host/x",
    "a+b",
    "a*",
    "a~b",
    "a'b",
    "a\"b",
    "\xc3\xa4",
    "a\x01",
    "a:t\xc3\xa4",
    "a,b",
    "r.example:0/x",
    "r.example:65536/x",
    "r.example:/x",
    "r.example:80a/x",
    "r.example:000001/x",
    "r.example:-1/x",
    "r.example:+1/x",
    "r.example:80:80/x",
    "-r.example/x",
    "r-.example/x",
    "r..example/x",
    ".r/x",
    "r./x",
    "r_e.x/x",
    "[::1/x",
    "::1/x",
    "[::1]x/y",
    "[]/x",
    "[::g]/x",
    "[::1]:0/x",
    "r.example/",
    HEX64,
    HEX64 ":latest",
    "docker.io/" HEX64,
    "library/" HEX64 "/",
    "library/" HEX64,
    "docker.io/library/" HEX64 ":t",
    "localhost:5000/",
    "r.example/X:t",
};

static void a85_b43_b44_what_is_no_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct md_ref ref = { 0 };
        struct md_err err = { 0 };

        if (md_ref_parse(refused[i], &ref, &err) == 0) {
            fail_msg("\"%s\" was accepted", refused[i]);
        }
        assert_int_equal(err.kind, MD_ERR_USAGE);
        assert_non_null(strstr(err.text, "invalid reference format"));
        assert_string_equal(ref.registry, "");
    }
}

static void upper_case_repository_is_a_usage_error(void **state)
{
    struct md_err err = { 0 };
    struct md_ref ref = { 0 };

    (void)state;
    assert_int_equal(md_ref_parse("Busybox", &ref, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_non_null(strstr(err.text, "repository name (library/Busybox) must be lowercase"));
    assert_int_equal(md_ref_parse("ghcr.io/Org/app", &ref, &err), -1);
    assert_non_null(strstr(err.text, "repository name (Org/app) must be lowercase"));
}

static void errors_are_safe_to_print(void **state)
{
    struct md_err err = { 0 };
    struct md_ref ref = { 0 };

    (void)state;
    assert_int_equal(md_ref_parse("A\x1b[2J", &ref, &err), -1);
    assert_null(strchr(err.text, '\x1b'));
}

static void only_a_missing_tag_is_a_default_tag(void **state)
{
    struct md_err err = { 0 };
    struct md_ref ref = { 0 };

    (void)state;
    assert_int_equal(md_ref_parse("a", &ref, &err), 0);
    assert_true(ref.default_tag);
    assert_int_equal(md_ref_parse("a:latest", &ref, &err), 0);
    assert_false(ref.default_tag);
    assert_int_equal(md_ref_parse("a@" SHA256, &ref, &err), 0);
    assert_false(ref.default_tag);
}

/* Parse front, count times letter, back. */
static int parse_long(const char *front, char letter, size_t count, const char *back)
{
    static char text[6000];
    struct md_err err = { 0 };
    struct md_ref ref = { 0 };
    size_t len = strlen(front);

    memcpy(text, front, len);
    memset(text + len, letter, count);
    snprintf(text + len + count, sizeof(text) - len - count, "%s", back);
    return md_ref_parse(text, &ref, &err);
}

static void b43_lengths_have_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_long("a:", 't', 128, ""), 0);
    assert_int_equal(parse_long("a:", 't', 129, ""), -1);
    /* The store's limit of 240 is met before the repository's of 255. */
    assert_int_equal(parse_long("", 'a', 240, ""), 0);
    assert_int_equal(parse_long("", 'a', 241, ""), -1);
    assert_int_equal(parse_long("", 'a', 240, ":latest"), 0);
    assert_int_equal(parse_long("", 'a', 240, ":t"), -1);
    assert_int_equal(parse_long("", 'a', 168, "@" SHA256), 0);
    assert_int_equal(parse_long("", 'a', 169, "@" SHA256), -1);
    assert_int_equal(parse_long("r.example/", 'a', 256, ""), -1);
    assert_int_equal(parse_long("", 'r', 255, ".example/a"), -1);
    assert_int_equal(parse_long("", 'a', 4096, ""), -1);
    assert_int_equal(parse_long("r.example:", '9', 4096, "/a"), -1);
}

static void a85_store_names_are_injective(void **state)
{
    static const char *const names[] = {
        "a/b:c",       "a_b_c",
        "a/b_c",       "a-b-c",
        "a/b/c",       "a.b/c",
        "a/b",         "a:b",
        "ab",          "a__b",
        "a_b",         "r.x/a",
        "R.x/a",       "docker.io/r.x/a",
        "r.x:1/a",     "r.x:11/a",
        "r.x/a:1",     "r.x/1/a",
        "a@" SHA256,   "a@" SHA512,
        "a:sha256",    "a/sha256",
        "localhost/a", "docker.io/localhost/a",
        "library/a/b", "b",
        "a:B",         "a:b.",
    };
    char stored[sizeof(names) / sizeof(*names)][MD_REF_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct md_ref ref = { 0 };
        struct md_err err = { 0 };

        assert_int_equal(md_ref_parse(names[i], &ref, &err), 0);
        md_ref_store_name(&ref, stored[i]);
        assert_null(strchr(stored[i], '/'));
        assert_true(stored[i][0] != '.');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(stored[i], stored[j]);
        }
    }
}

static void only_our_own_store_names_are_read_back(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        ".images",
        ".names",
        "alpine:latest",
        "library+alpine",
        "a/b",
        "docker.io+alpine",
        "docker.io+library+alpine",
        "index.docker.io+x",
        "a++b",
        "+a",
        "a+",
        "A",
        "a:t@" SHA256,
        "docker.io+user+app",
        "lost+found+",
        HEX64,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_ref ref = { 0 };

        if (md_ref_from_store_name(bad[i], &ref) == 0) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fact_of_the_grammar),
        cmocka_unit_test(a85_b43_b44_what_is_no_reference),
        cmocka_unit_test(upper_case_repository_is_a_usage_error),
        cmocka_unit_test(errors_are_safe_to_print),
        cmocka_unit_test(only_a_missing_tag_is_a_default_tag),
        cmocka_unit_test(b43_lengths_have_limits),
        cmocka_unit_test(a85_store_names_are_injective),
        cmocka_unit_test(only_our_own_store_names_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
