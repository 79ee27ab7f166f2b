/* SPDX-License-Identifier: Apache-2.0 */
/* To whom a registry's credentials may go. */
#include "pull/realm.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "pull/zone.h"

/* "co.uk" is nobody's domain. Without a list of them, what countries usually sell below. */
static bool is_anybodys(const char *domain)
{
    static const char *const labels[] = { "ac", "co",  "com", "edu", "go", "gob", "gov",
                                          "gv", "mil", "ne",  "net", "or", "org" };
    size_t len = strcspn(domain, ".");

    if (strlen(domain) != len + 3)
        return false;
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
        if (strlen(labels[i]) == len && strncasecmp(domain, labels[i], len) == 0)
            return true;
    }
    return false;
}

/* The domain that a registry's host is in: "gitlab.com" for registry.gitlab.com and gitlab.com;
 * NULL for "localhost", and for an address. */
static const char *domain_of(const char *host)
{
    const char *parent = strchr(host, '.');

    if (!parent || pull_zone_of_text(host) != PULL_ZONE_UNKNOWN)
        return NULL;
    parent++;
    return strchr(parent, '.') && !is_anybodys(parent) ? parent : host;
}

bool pull_realm_may_know(const char *registry, const char *realm, const char *recorded)
{
    const char *domain = domain_of(registry);
    size_t whole = strlen(realm);
    size_t len = domain ? strlen(domain) : 0;

    if (strcasecmp(registry, realm) == 0 ||
        (recorded[0] != '\0' && strcasecmp(recorded, realm) == 0))
        return true;
    if (!domain || whole < len || strcasecmp(realm + whole - len, domain) != 0)
        return false;
    return whole == len || realm[whole - len - 1] == '.';
}
