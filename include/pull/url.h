/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of registries, token servers and what they redirect to. */
#ifndef MD_PULL_URL_H
#define MD_PULL_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define PULL_MAX_URL 8192 /* bytes of an address: signed ones reach 3 KiB */
#define PULL_SITE_SIZE 264

/* An absolute http or https address, taken apart. Plain value. */
struct pull_url {
    char text[PULL_MAX_URL];   /* normalised, without fragment */
    char host[256];            /* without port; an IPv6 address in brackets */
    char site[PULL_SITE_SIZE]; /* for people: host, with the port where it was given */
    unsigned port;
    bool https;
};

/*
 * Parse text; with base not NULL it may be relative to it, as in a Location field.
 *
 * Errors: MD_ERR_FORMAT  not http or https, with user or password, malformed or too long
 */
MD_MUST_CHECK
int pull_url_parse(const char *text, const struct pull_url *base, struct pull_url *url,
                   struct md_err *err);

/* Same scheme, host and port: RFC 6454. */
bool pull_url_same_origin(const struct pull_url *a, const struct pull_url *b);

/*
 * Host and port of a proxy's address, which may hold a password, for people. site holds
 * PULL_SITE_SIZE bytes.
 */
void pull_url_proxy_site(const char *text, char *site);

/* "localhost", 127.0.0.0/8 or [::1], with or without ":port". */
bool pull_host_is_loopback(const char *host);

/* Append text to buf (without maximum), percent-encoded but for RFC 3986 unreserved bytes. */
void pull_url_encode(const char *text, struct md_buf *buf);

#endif
