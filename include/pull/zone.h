/* SPDX-License-Identifier: Apache-2.0 */
/* How far from the open internet an address is: what a registry may send us to. */
#ifndef MD_PULL_ZONE_H
#define MD_PULL_ZONE_H

#include <stdbool.h>
#include <sys/socket.h>

/* In this order: a host may send us to its own zone, and to those before it. */
enum pull_zone {
    PULL_ZONE_UNKNOWN = 0, /* as a limit: none. Of an address: reached through a proxy */
    PULL_ZONE_PUBLIC,
    PULL_ZONE_PRIVATE,    /* a network of its own: RFC 1918, 4193, 6598 */
    PULL_ZONE_LOOPBACK,   /* this machine */
    PULL_ZONE_LINK_LOCAL, /* clouds keep secrets there; and all that no host can have */
};

/* IPv4 addresses inside IPv6 ones (mapped, NAT64, 6to4) count as what they are. */
enum pull_zone pull_zone_of(const struct sockaddr *address);

/* The zone of an address as text, IPv6 with or without brackets; UNKNOWN for a name. */
enum pull_zone pull_zone_of_text(const char *host);

const char *pull_zone_words(enum pull_zone zone);

#endif
