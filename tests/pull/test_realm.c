/* SPDX-License-Identifier: Apache-2.0 */
/* To whom a registry's credentials may go. */
#include "pull/realm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void credentials_go_to_a_registrys_own_and_what_login_recorded_E7(void **state)
{
    static const struct {
        const char *registry;
        const char *realm;
        const char *recorded;
        bool may;
    } rows[] = {
        { "registry-1.docker.io", "auth.docker.io", "", true },
        { "ghcr.io", "ghcr.io", "", true },
        { "GHCR.io", "ghcr.IO", "", true },
        { "registry.gitlab.com", "gitlab.com", "", true },
        { "registry.gitlab.com", "auth.gitlab.com", "", true },
        { "registry.gitlab.com", "a.b.gitlab.com", "", true },
        { "quay.io", "auth.quay.io", "", true },
        { "localhost", "localhost", "", true },
        { "10.0.0.1", "10.0.0.1", "", true },
        { "[::1]", "[::1]", "", true },
        { "registry.access.redhat.com", "sso.redhat.com", "", false },
        { "registry.access.redhat.com", "sso.redhat.com", "sso.redhat.com", true },
        { "registry.access.redhat.com", "sso.redhat.com", "other.redhat.com", false },
        { "ghcr.io", "auth.docker.io", "", false },
        { "ghcr.io", "quay.io", "", false },
        { "registry.gitlab.com", "evilgitlab.com", "", false },
        { "registry.gitlab.com", "gitlab.com.evil.example", "", false },
        { "registry.gitlab.com", "com", "", false },
        { "registry.co.uk", "evil.co.uk", "", false },
        { "registry.co.uk", "auth.registry.co.uk", "", true },
        { "a.registry.co.uk", "auth.registry.co.uk", "", true },
        { "10.0.0.1", "20.0.0.1", "", false },
        { "10.0.0.1", "0.0.1", "", false },
        { "localhost", "127.0.0.1", "", false },
        { "localhost", "evil.localhost", "", false },
        { "registry", "evil", "", false },
        { "ghcr.io", "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool may = pull_realm_may_know(rows[i].registry, rows[i].realm, rows[i].recorded);

        if (may != rows[i].may) {
            print_error("%s to %s\n", rows[i].registry, rows[i].realm);
        }
        assert_int_equal(may, rows[i].may);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_go_to_a_registrys_own_and_what_login_recorded_E7),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
