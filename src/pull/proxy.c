/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a request goes through. */
#include "pull/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* An IPv4 or IPv6 address; family 0: none. IPv4 in IPv6 is IPv4. */
struct address {
    int family;
    unsigned char bytes[16];
};

/* One entry of NO_PROXY. */
struct exception {
    char name[256];
    char port[8]; /* "": any */
};

/* ---- The environment ---- */

static const char *get(const char *upper, const char *lower)
{
    const char *value = upper ? getenv(upper) : NULL;

    if (!value || value[0] == '\0') {
        value = getenv(lower);
    }
    return value && value[0] != '\0' ? value : NULL;
}

struct pull_proxies pull_proxies_of_environment(void)
{
    /* A CGI program gets the request's "Proxy" field as HTTP_PROXY: CVE-2016-5385. */
    const char *upper = getenv("REQUEST_METHOD") ? NULL : "HTTP_PROXY";
    const char *all = get("ALL_PROXY", "all_proxy");
    struct pull_proxies proxies = {
        .http = get(upper, "http_proxy"),
        .https = get("HTTPS_PROXY", "https_proxy"),
        .exceptions = get("NO_PROXY", "no_proxy"),
    };

    proxies.http = proxies.http ? proxies.http : all;
    proxies.https = proxies.https ? proxies.https : all;
    return proxies;
}

/* ---- Addresses ---- */

/* text may be in brackets. */
static struct address address_of(const char *text)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct address address = { 0 };
    size_t len = strlen(text);
    char bare[INET6_ADDRSTRLEN];

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(bare)) {
        return address;
    }
    memcpy(bare, text, len);
    bare[len] = '\0';
    if (inet_pton(AF_INET, bare, address.bytes) == 1) {
        address.family = AF_INET;
    } else if (inet_pton(AF_INET6, bare, address.bytes) == 1) {
        address.family = AF_INET6;
        if (memcmp(address.bytes, mapped, sizeof(mapped)) == 0) {
            address.family = AF_INET;
            memmove(address.bytes, address.bytes + sizeof(mapped), 4);
        }
    }
    return address;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned rest = bits % 8;

    return a->family == b->family && memcmp(a->bytes, b->bytes, bytes) == 0 &&
           (rest == 0 || (a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest) == 0);
}

static unsigned bits_of(const struct address *address)
{
    return address->family == AF_INET ? 32 : 128;
}

/* "10.0.0.0/8" */
static bool in_block(const char *text, const struct address *host)
{
    const char *slash = strchr(text, '/');
    char base[64];
    struct address network;
    uint64_t bits;

    if (!slash || (size_t)(slash - text) >= sizeof(base)) {
        return false;
    }
    memcpy(base, text, (size_t)(slash - text));
    base[slash - text] = '\0';
    network = address_of(base);
    return network.family != 0 && md_text_parse_u64(slash + 1, bits_of(&network), &bits) == 0 &&
           same_bits(&network, host, (unsigned)bits);
}

/* ---- Exceptions ---- */

/* Cut ":PORT" off; the colons of an IPv6 address without brackets are its own. */
static void split_port(struct exception *exception)
{
    char *colon = strrchr(exception->name, ':');
    const char *bracket = strrchr(exception->name, ']');

    exception->port[0] = '\0';
    if (!colon || (bracket && bracket > colon) ||
        (!bracket && strchr(exception->name, ':') != colon) ||
        strlen(colon + 1) >= sizeof(exception->port)) {
        return;
    }
    snprintf(exception->port, sizeof(exception->port), "%s", colon + 1);
    *colon = '\0';
}

static bool is_domain_of(const char *domain, const char *host)
{
    size_t len = strlen(domain);
    size_t host_len = strlen(host);

    if (domain[0] != '.') {
        if (strcasecmp(domain, host) == 0) {
            return true;
        }
        return host_len > len && host[host_len - len - 1] == '.' &&
               strcasecmp(host + host_len - len, domain) == 0;
    }
    return host_len > len && strcasecmp(host + host_len - len, domain) == 0;
}

static bool excepts(struct exception *exception, const struct pull_url *url)
{
    const struct address host = address_of(url->host);
    struct address named;
    const char *domain;
    char port[8];

    if (strcmp(exception->name, "*") == 0) {
        return true;
    }
    if (strchr(exception->name, '/')) {
        return in_block(exception->name, &host);
    }
    split_port(exception);
    snprintf(port, sizeof(port), "%u", url->port);
    if (exception->port[0] != '\0' && strcmp(exception->port, port) != 0) {
        return false;
    }
    named = address_of(exception->name);
    if (named.family != 0) {
        return same_bits(&named, &host, bits_of(&named));
    }
    /* "*.example.com" is ".example.com" */
    domain = strncmp(exception->name, "*.", 2) == 0 ? exception->name + 1 : exception->name;
    return domain[0] != '\0' && is_domain_of(domain, url->host);
}

static bool is_exception(const char *list, const struct pull_url *url)
{
    while (*list) {
        size_t len = strcspn(list, ", \t");
        struct exception exception = { 0 };

        if (len > 0 && len < sizeof(exception.name)) {
            memcpy(exception.name, list, len);
            if (excepts(&exception, url)) {
                return true;
            }
        }
        list += len + (list[len] != '\0');
    }
    return false;
}

const char *pull_proxy_for(const struct pull_proxies *proxies, const struct pull_url *url)
{
    const char *proxy = url->https ? proxies->https : proxies->http;

    if (!proxy || pull_host_is_loopback(url->host) ||
        (proxies->exceptions && is_exception(proxies->exceptions, url))) {
        return NULL;
    }
    return proxy;
}
