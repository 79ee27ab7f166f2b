/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of addresses, and where a request's connections may go. */
#include "pull/zone.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void addresses_are_in_the_zone_that_they_lead_to_B27(void **state)
{
    static const struct {
        const char *text;
        enum pull_zone zone;
    } rows[] = {
        { "93.184.216.34", PULL_ZONE_PUBLIC },
        { "9.255.255.255", PULL_ZONE_PUBLIC },
        { "10.0.0.0", PULL_ZONE_PRIVATE },
        { "10.255.255.255", PULL_ZONE_PRIVATE },
        { "11.0.0.0", PULL_ZONE_PUBLIC },
        { "100.64.0.1", PULL_ZONE_PRIVATE },
        { "100.128.0.1", PULL_ZONE_PUBLIC },
        { "172.15.255.255", PULL_ZONE_PUBLIC },
        { "172.16.0.1", PULL_ZONE_PRIVATE },
        { "172.31.255.255", PULL_ZONE_PRIVATE },
        { "172.32.0.1", PULL_ZONE_PUBLIC },
        { "192.168.1.1", PULL_ZONE_PRIVATE },
        { "198.18.0.1", PULL_ZONE_PRIVATE },
        { "127.0.0.1", PULL_ZONE_LOOPBACK },
        { "127.255.255.255", PULL_ZONE_LOOPBACK },
        { "0.0.0.0", PULL_ZONE_LOOPBACK },
        { "169.254.169.254", PULL_ZONE_LINK_LOCAL },
        { "192.0.0.192", PULL_ZONE_LINK_LOCAL },
        { "224.0.0.1", PULL_ZONE_LINK_LOCAL },
        { "255.255.255.255", PULL_ZONE_LINK_LOCAL },
        { "2606:2800:220:1::1", PULL_ZONE_PUBLIC },
        { "[2606:2800:220:1::1]", PULL_ZONE_PUBLIC },
        { "::1", PULL_ZONE_LOOPBACK },
        { "[::1]", PULL_ZONE_LOOPBACK },
        { "::", PULL_ZONE_LOOPBACK },
        { "::ffff:127.0.0.1", PULL_ZONE_LOOPBACK },
        { "::ffff:169.254.169.254", PULL_ZONE_LINK_LOCAL },
        { "::ffff:8.8.8.8", PULL_ZONE_PUBLIC },
        { "::10.0.0.1", PULL_ZONE_PRIVATE },
        { "64:ff9b::a9fe:a9fe", PULL_ZONE_LINK_LOCAL },
        { "64:ff9b::808:808", PULL_ZONE_PUBLIC },
        { "2002:7f00:1::1", PULL_ZONE_LOOPBACK },
        { "fe80::1", PULL_ZONE_LINK_LOCAL },
        { "[fe80::1%25eth0]", PULL_ZONE_LINK_LOCAL },
        { "ff02::1", PULL_ZONE_LINK_LOCAL },
        { "fd00:ec2::254", PULL_ZONE_LINK_LOCAL },
        { "fd00:ec2::253", PULL_ZONE_PRIVATE },
        { "fc00::1", PULL_ZONE_PRIVATE },
        { "fec0::1", PULL_ZONE_PRIVATE },
        { "localhost", PULL_ZONE_UNKNOWN },
        { "10.0.0.1.example", PULL_ZONE_UNKNOWN },
        { "", PULL_ZONE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (pull_zone_of_text(rows[i].text) != rows[i].zone) {
            print_error("%s\n", rows[i].text);
        }
        assert_int_equal(pull_zone_of_text(rows[i].text), rows[i].zone);
    }
}

static void the_zone_of_a_socket_address_is_that_of_its_text(void **state)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr local = { .sa_family = AF_UNIX };

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "::1", &v6.sin6_addr), 1);
    assert_int_equal(pull_zone_of((struct sockaddr *)&v4), PULL_ZONE_PRIVATE);
    assert_int_equal(pull_zone_of((struct sockaddr *)&v6), PULL_ZONE_LOOPBACK);
    assert_int_equal(pull_zone_of(&local), PULL_ZONE_LINK_LOCAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_in_the_zone_that_they_lead_to_B27),
        cmocka_unit_test(the_zone_of_a_socket_address_is_that_of_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
