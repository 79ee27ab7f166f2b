/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a request goes through, by the environment and Go's rules, which docker has. */
#ifndef MD_PULL_PROXY_H
#define MD_PULL_PROXY_H

#include <stdbool.h>

#include "pull/url.h"

/* Borrowed from the environment, which is not changed meanwhile; NULL where not set. */
struct pull_proxies {
    const char *http;
    const char *https;
    const char *exceptions;
};

/*
 * HTTPS_PROXY for https, HTTP_PROXY for http (but not in a CGI program, where a client sets
 * it), each in upper case or in lower, then ALL_PROXY; NO_PROXY.
 */
struct pull_proxies pull_proxies_of_environment(void);

/*
 * The proxy for url, or NULL for none: this machine never has one, and NO_PROXY lists others:
 * "*", addresses, CIDR blocks, domains (with their subdomains; with a leading dot only those),
 * each but the blocks with ":PORT" too.
 *
 * Source: golang.org/x/net/http/httpproxy; the blank as a separator and ALL_PROXY: curl(1).
 */
const char *pull_proxy_for(const struct pull_proxies *proxies, const struct pull_url *url);

#endif
