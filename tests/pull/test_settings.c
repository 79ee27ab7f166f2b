/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's files say: which are read, in which order, and what is wrong with them. */
#include "pull/settings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define PEM(text) "-----BEGIN " text "-----\n"

/* A home of our own, and what was read there. */
struct place {
    char home[64];
    struct pull_settings settings;
};

static int open_place(void **state)
{
    struct place *place = md_xcalloc(1, sizeof(*place));

    snprintf(place->home, sizeof(place->home), "/tmp/minidock-settings.XXXXXX");
    assert_non_null(mkdtemp(place->home));
    setenv("HOME", place->home, 1);
    unsetenv("CONTAINERS_REGISTRIES_CONF");
    *state = place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;

    pull_settings_clear(&place->settings);
    assert_int_equal(md_path_remove_tree(AT_FDCWD, place->home), 0);
    free(place);
    return 0;
}

static void put(const struct place *place, const char *name, const char *text)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/.config/containers/%s", place->home, name);
    MD_AUTO_FREE char *parent = md_xstrndup(path, (size_t)(strrchr(path, '/') - path));
    struct md_err err = { 0 };

    assert_int_equal(md_path_make_dirs(parent, 0755, &err), 0);
    assert_int_equal(md_file_replace(AT_FDCWD, path, text, strlen(text), 0644, &err), 0);
}

static const struct pull_host_certs *certs_of(const struct place *place, const char *address)
{
    struct pull_url url;
    struct md_err err = { 0 };

    assert_int_equal(pull_url_parse(address, NULL, &url, &err), 0);
    return pull_certs_find(&place->settings.certs, &url);
}

static bool is_insecure(const struct place *place, const char *name)
{
    struct pull_endpoints endpoints;
    struct md_err err = { 0 };
    struct md_ref ref;

    assert_int_equal(md_ref_parse(name, &ref, &err), 0);
    assert_int_equal(pull_registries_find(&place->settings.registries, &ref, &endpoints, &err),
                     0);
    return endpoints.at[endpoints.count - 1].insecure;
}

static void drop_ins_follow_the_main_file_by_name(void **state)
{
    struct place *place = *state;

    put(place, "registries.conf",
        "[[registry]]\nlocation='a.test'\n[[registry]]\n"
        "location='b.test'\ninsecure=true\n");
    put(place, "registries.conf.d/20.conf", "[[registry]]\nlocation='a.test'\ninsecure=true\n");
    put(place, "registries.conf.d/10.conf",
        "[[registry]]\nlocation='a.test'\n"
        "[[registry]]\nlocation='b.test'\n");
    put(place, "registries.conf.d/30.conf.old", "no toml at all");
    pull_settings_read(&place->settings);
    assert_string_equal(place->settings.err.text, "");
    assert_true(is_insecure(place, "a.test/x"));
    assert_false(is_insecure(place, "b.test/x"));
}

static void the_file_that_the_environment_names_is_the_only_one(void **state)
{
    struct place *place = *state;
    MD_AUTO_FREE char *path = md_xasprintf("%s/.config/containers/own.conf", place->home);

    put(place, "registries.conf", "no toml at all");
    put(place, "registries.conf.d/10.conf", "nor this");
    put(place, "own.conf", "[[registry]]\nlocation='a.test'\ninsecure=true\n");
    setenv("CONTAINERS_REGISTRIES_CONF", path, 1);
    pull_settings_read(&place->settings);
    assert_string_equal(place->settings.err.text, "");
    assert_true(is_insecure(place, "a.test/x"));
}

static void what_is_wrong_with_a_file_is_kept(void **state)
{
    struct place *place = *state;

    put(place, "registries.conf", "\nblocked");
    pull_settings_read(&place->settings);
    assert_int_equal(place->settings.err.kind, MD_ERR_FORMAT);
    assert_non_null(strstr(place->settings.err.text, "/registries.conf:2:"));
    setenv("CONTAINERS_REGISTRIES_CONF", "/nonexistent/a", 1);
    pull_settings_read(&place->settings);
    assert_int_equal(place->settings.err.kind, MD_ERR_NOT_FOUND);
    assert_non_null(strstr(place->settings.err.text, "/nonexistent/a"));
    setenv("CONTAINERS_REGISTRIES_CONF", "/", 1);
    pull_settings_read(&place->settings);
    assert_int_equal(place->settings.err.kind, MD_ERR_FORMAT);
    setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null", 1);
    pull_settings_read(&place->settings);
    assert_int_equal(place->settings.err.kind, MD_ERR_NONE);
}

static void certificates_belong_to_one_host_and_port(void **state)
{
    struct place *place = *state;
    const struct pull_host_certs *certs;

    setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null", 1);
    unsetenv("SSL_CERT_FILE");
    setenv("SSL_CERT_DIR", "/etc/ssl/certs", 1);
    put(place, "certs.d/a.test:5000/b.crt", PEM("two"));
    put(place, "certs.d/a.test:5000/a.crt", PEM("one"));
    put(place, "certs.d/a.test:5000/client.cert", PEM("cert"));
    put(place, "certs.d/a.test:5000/client.key", PEM("key"));
    put(place, "certs.d/a.test:5000/README", "nothing");
    put(place, "certs.d/docker.io/ca.crt", PEM("hub"));
    pull_settings_read(&place->settings);
    assert_null(certs_of(place, "https://a.test/"));
    assert_null(certs_of(place, "https://b.test:5000/"));
    certs = certs_of(place, "https://A.test:5000/v2/");
    assert_non_null(certs);
    assert_int_equal(certs->err.kind, MD_ERR_NONE);
    assert_string_equal(certs->authorities.bytes, PEM("one") "\n" PEM("two") "\n");
    assert_string_equal(certs->client.bytes, PEM("cert"));
    assert_string_equal(certs->key.bytes, PEM("key"));
    assert_non_null(certs_of(place, "https://registry-1.docker.io/v2/"));
}

static void the_file_of_the_environment_is_believed_beside_a_hosts_own(void **state)
{
    struct place *place = *state;
    MD_AUTO_FREE char *path = md_xasprintf("%s/.config/containers/all.pem", place->home);

    setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null", 1);
    put(place, "certs.d/a.test/ca.crt", PEM("one"));
    put(place, "certs.d/b.test/client.cert", PEM("cert"));
    put(place, "certs.d/b.test/client.key", PEM("key"));
    put(place, "all.pem", PEM("all"));
    setenv("SSL_CERT_FILE", path, 1);
    pull_settings_read(&place->settings);
    unsetenv("SSL_CERT_FILE");
    assert_non_null(strstr(certs_of(place, "https://a.test/")->authorities.bytes, "all"));
    assert_null(certs_of(place, "https://b.test/")->authorities.bytes);
}

static void what_is_wrong_with_a_hosts_certificates_is_kept_for_that_host(void **state)
{
    static const struct {
        const char *name;
        const char *words;
    } rows[] = {
        { "certs.d/r0.test/a.cert", "missing key a.key for client certificate a.cert" },
        { "certs.d/r1.test/a.key", "missing client certificate a.cert for key a.key" },
        { "certs.d/r2.test/a.crt", "r2.test/a.crt holds nothing in PEM form" },
    };
    struct place *place = *state;

    setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        put(place, rows[i].name, i == 2 ? "text" : PEM("x"));
    }
    put(place, "certs.d/good.test/a.crt", PEM("x"));
    pull_settings_read(&place->settings);
    assert_int_equal(place->settings.err.kind, MD_ERR_NONE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        MD_AUTO_FREE char *address = md_xasprintf("https://r%zu.test/", i);
        const struct pull_host_certs *certs = certs_of(place, address);

        assert_non_null(certs);
        assert_non_null(strstr(certs->err.text, rows[i].words));
    }
    assert_int_equal(certs_of(place, "https://good.test")->err.kind, MD_ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drop_ins_follow_the_main_file_by_name, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(the_file_that_the_environment_names_is_the_only_one,
                                        open_place, close_place),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_a_file_is_kept, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(certificates_belong_to_one_host_and_port, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(
            the_file_of_the_environment_is_believed_beside_a_hosts_own, open_place,
            close_place),
        cmocka_unit_test_setup_teardown(
            what_is_wrong_with_a_hosts_certificates_is_kept_for_that_host, open_place,
            close_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
