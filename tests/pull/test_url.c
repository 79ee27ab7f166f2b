/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses taken apart, compared, and refused. */
#include "pull/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *base;
        const char *text;
        const char *full;
        const char *host;
        unsigned port;
        bool https;
    } rows[] = {
        { NULL, "https://x.example/v2/", "https://x.example/v2/", "x.example", 443, true },
        { NULL, "http://[::1]:5000/a", "http://[::1]:5000/a", "[::1]", 5000, false },
        { NULL, "https://x/a?b=c%2F#frag", "https://x/a?b=c%2F", "x", 443, true },
        { "https://x/v2/a/b", "/c?d", "https://x/c?d", "x", 443, true },
        { "https://x/v2/a/b", "c", "https://x/v2/a/c", "x", 443, true },
        { "https://x/v2/a", "//y:8/z", "https://y:8/z", "y", 8, true },
        { "https://x/", "http://2130706433/", "http://127.0.0.1/", "127.0.0.1", 80, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_url base;
        struct pull_url url;
        struct md_err err = { 0 };

        if (rows[i].base) {
            assert_int_equal(pull_url_parse(rows[i].base, NULL, &base, &err), 0);
        }
        assert_int_equal(pull_url_parse(rows[i].text, rows[i].base ? &base : NULL, &url, &err),
                         0);
        assert_string_equal(url.text, rows[i].full);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.https, rows[i].https);
    }
}

static void addresses_of_other_kinds_are_refused_B29(void **state)
{
    static const char *const rows[] = {
        "file:///etc/passwd", "ftp://x/",  "smb://x/y", "dict://x/",   "https://a:b@x/",
        "https://",           "nonsense:", "",          "http://x y/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_url url;
        struct md_err err = { 0 };

        assert_int_equal(pull_url_parse(rows[i], NULL, &url, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
    }
}

static void only_this_machine_is_loopback_B46(void **state)
{
    static const struct {
        const char *host;
        bool loopback;
    } rows[] = {
        { "localhost", true },
        { "localhost:5000", true },
        { "127.0.0.1", true },
        { "127.9.8.7:5000", true },
        { "[::1]", true },
        { "[::1]:5000", true },
        { "LocalHost", true },
        { "localhost.example", false },
        { "127.0.0.1.example", false },
        { "128.0.0.1", false },
        { "[::2]", false },
        { "127.1", false },
        { "localhost:x", false },
        { "example:127", false },
        { "[::1", false },
        { "10.0.0.1", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(pull_host_is_loopback(rows[i].host), rows[i].loopback);
    }
}

static void an_origin_is_scheme_host_and_port_B29(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        { "https://x/", "https://X:443/y", true },
        { "https://x/", "https://x:444/", false },
        { "https://x:80/", "http://x/", false },
        { "https://x/", "https://x.y/", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_url a;
        struct pull_url b;
        struct md_err err = { 0 };

        assert_int_equal(pull_url_parse(rows[i].a, NULL, &a, &err), 0);
        assert_int_equal(pull_url_parse(rows[i].b, NULL, &b, &err), 0);
        assert_int_equal(pull_url_same_origin(&a, &b), rows[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(addresses_of_other_kinds_are_refused_B29),
        cmocka_unit_test(only_this_machine_is_loopback_B46),
        cmocka_unit_test(an_origin_is_scheme_host_and_port_B29),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
