/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of addresses. */
#include "pull/zone.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is not listed is public. Source: RFC 6890 and IANA's registries of special addresses. */
static enum pull_zone zone_of_v4(uint32_t address)
{
    static const struct {
        uint32_t network;
        int bits;
        enum pull_zone zone;
    } rows[] = {
        { 0x00000000, 8, PULL_ZONE_LOOPBACK },    /* "this host": connects to loopback */
        { 0x0a000000, 8, PULL_ZONE_PRIVATE },     /* 10.0.0.0 */
        { 0x64400000, 10, PULL_ZONE_PRIVATE },    /* 100.64.0.0: carriers */
        { 0x7f000000, 8, PULL_ZONE_LOOPBACK },    /* 127.0.0.0 */
        { 0xa9fe0000, 16, PULL_ZONE_LINK_LOCAL }, /* 169.254.0.0 */
        { 0xac100000, 12, PULL_ZONE_PRIVATE },    /* 172.16.0.0 */
        { 0xc0000000, 24, PULL_ZONE_LINK_LOCAL }, /* 192.0.0.0: protocols; clouds' metadata */
        { 0xc0a80000, 16, PULL_ZONE_PRIVATE },    /* 192.168.0.0 */
        { 0xc6120000, 15, PULL_ZONE_PRIVATE },    /* 198.18.0.0: benchmarks */
        { 0xe0000000, 3, PULL_ZONE_LINK_LOCAL },  /* multicast, reserved, broadcast */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if ((address ^ rows[i].network) >> (32 - rows[i].bits) == 0)
            return rows[i].zone;
    }
    return PULL_ZONE_PUBLIC;
}

static uint32_t v4_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static enum pull_zone zone_of_v6(const struct in6_addr *address)
{
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const unsigned char metadata[16] = { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54 };
    const unsigned char *bytes = address->s6_addr;

    if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address))
        return PULL_ZONE_LOOPBACK;
    if (IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_V4COMPAT(address) ||
        memcmp(bytes, nat64, sizeof(nat64)) == 0)
        return zone_of_v4(v4_at(bytes + 12));
    if (bytes[0] == 0x20 && bytes[1] == 0x02) /* 6to4 */
        return zone_of_v4(v4_at(bytes + 2));
    if (IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MULTICAST(address) ||
        memcmp(bytes, metadata, sizeof(metadata)) == 0)
        return PULL_ZONE_LINK_LOCAL;
    return (bytes[0] & 0xfe) == 0xfc || IN6_IS_ADDR_SITELOCAL(address) ? PULL_ZONE_PRIVATE
                                                                       : PULL_ZONE_PUBLIC;
}

enum pull_zone pull_zone_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return zone_of_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return zone_of_v6(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return PULL_ZONE_LINK_LOCAL; /* nothing that a name can lead to */
}

enum pull_zone pull_zone_of_text(const char *host)
{
    size_t len = host[0] == '[' ? strcspn(host + 1, "]%") : strcspn(host, "%");
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (len >= sizeof(text))
        return PULL_ZONE_UNKNOWN;
    memcpy(text, host + (host[0] == '['), len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return zone_of_v4(ntohl(v4.s_addr));
    return inet_pton(AF_INET6, text, &v6) == 1 ? zone_of_v6(&v6) : PULL_ZONE_UNKNOWN;
}

const char *pull_zone_words(enum pull_zone zone)
{
    switch (zone) {
    case PULL_ZONE_UNKNOWN:
        break;
    case PULL_ZONE_PUBLIC:
        return "a public address";
    case PULL_ZONE_PRIVATE:
        return "a private address";
    case PULL_ZONE_LOOPBACK:
        return "an address of this machine";
    case PULL_ZONE_LINK_LOCAL:
        return "a link-local address";
    }
    return "an unknown address";
}
