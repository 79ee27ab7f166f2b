/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a request goes through. */
#include "pull/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = { "HTTP_PROXY",  "http_proxy", "HTTPS_PROXY",
                                     "https_proxy", "ALL_PROXY",  "all_proxy",
                                     "NO_PROXY",    "no_proxy",   "REQUEST_METHOD" };

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        unsetenv(names[i]);
    }
    return 0;
}

static const char *proxy_for(const char *address)
{
    struct pull_proxies proxies = pull_proxies_of_environment();
    struct pull_url url;
    struct md_err err = { 0 };

    assert_int_equal(pull_url_parse(address, NULL, &url, &err), 0);
    return pull_proxy_for(&proxies, &url);
}

static void the_scheme_chooses_the_variable(void **state)
{
    (void)state;
    assert_null(proxy_for("https://a.com"));
    setenv("ALL_PROXY", "p:0", 1);
    assert_string_equal(proxy_for("https://a.com"), "p:0");
    setenv("https_proxy", "p:1", 1);
    setenv("http_proxy", "p:2", 1);
    assert_string_equal(proxy_for("https://a.com"), "p:1");
    assert_string_equal(proxy_for("http://a.com"), "p:2");
    setenv("HTTPS_PROXY", "p:3", 1);
    setenv("HTTP_PROXY", "p:4", 1);
    assert_string_equal(proxy_for("https://a.com"), "p:3");
    assert_string_equal(proxy_for("http://a.com"), "p:4");
    setenv("HTTPS_PROXY", "", 1);
    assert_string_equal(proxy_for("https://a.com"), "p:1");
    setenv("REQUEST_METHOD", "GET", 1);
    assert_string_equal(proxy_for("http://a.com"), "p:2");
}

static void this_machine_has_no_proxy(void **state)
{
    (void)state;
    setenv("ALL_PROXY", "p:0", 1);
    assert_null(proxy_for("http://localhost:5000"));
    assert_null(proxy_for("https://127.3.2.1"));
    assert_null(proxy_for("https://[::1]:443"));
}

static void exceptions_match_as_in_go(void **state)
{
    static const struct {
        const char *list;
        const char *address;
        bool excepted;
    } rows[] = {
        { "*", "https://a.com", true },
        { "b.com, *", "https://a.com", true },
        { "a.com", "https://a.com", true },
        { "A.com", "https://x.a.COM", true },
        { "a.com", "https://xa.com", false },
        { "a.com", "https://a.com.net", false },
        { ".a.com", "https://a.com", false },
        { ".a.com", "https://x.a.com", true },
        { "*.a.com", "https://x.a.com", true },
        { "*.a.com", "https://a.com", false },
        { "a.com:443", "https://a.com", true },
        { "a.com:5000", "https://a.com", false },
        { "a.com:5000", "http://x.a.com:5000", true },
        { "10.0.0.0/8", "https://10.1.2.3", true },
        { "10.0.0.0/8", "https://11.1.2.3", false },
        { "10.128.0.0/9", "https://10.127.0.1", false },
        { "10.0.0.0/33", "https://10.1.2.3", false },
        { "0.0.0.0/0", "https://[2001:db8::1]", false },
        { "2001:db8::/32", "https://[2001:db8:5::1]", true },
        { "10.1.2.3", "https://10.1.2.3:5000", true },
        { "10.1.2.3:5000", "https://10.1.2.3:5000", true },
        { "10.1.2.3:5001", "https://10.1.2.3:5000", false },
        { "[2001:db8::1]:5000", "https://[2001:db8::1]:5000", true },
        { "2001:db8::1", "https://[2001:0db8::1]", true },
        { "10.1.2", "https://10.1.2.3", false },
        { "a.com b.com", "https://b.com", true },
        { ",, ,", "https://a.com", false },
        { ".", "https://a.com", false },
        { ":443", "https://a.com", false },
        { "/8", "https://10.0.0.1", false },
    };

    (void)state;
    setenv("ALL_PROXY", "p:0", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        setenv("NO_PROXY", rows[i].list, 1);
        if ((proxy_for(rows[i].address) == NULL) != rows[i].excepted) {
            fail_msg("NO_PROXY=\"%s\" and %s", rows[i].list, rows[i].address);
        }
    }
}

static void a_proxys_password_is_not_in_its_name(void **state)
{
    static const struct {
        const char *text;
        const char *site;
    } rows[] = {
        { "http://user:secret@p.net:3128", "p.net:3128" },
        { "user:secret@p.net:3128", "p.net:3128" },
        { "socks5h://p.net", "p.net" },
        { "p.net:3128", "p.net:3128" },
        { "http://user:secret@", "(malformed)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char site[PULL_SITE_SIZE];

        pull_url_proxy_site(rows[i].text, site);
        assert_string_equal(site, rows[i].site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_scheme_chooses_the_variable, clean),
        cmocka_unit_test_setup(this_machine_has_no_proxy, clean),
        cmocka_unit_test_setup(exceptions_match_as_in_go, clean),
        cmocka_unit_test(a_proxys_password_is_not_in_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
