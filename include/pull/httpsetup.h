/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl is told for each request about certificates and proxies; for http.c alone. */
#ifndef MD_PULL_HTTPSETUP_H
#define MD_PULL_HTTPSETUP_H

#include <curl/curl.h>

#include "pull/http.h"

/* Where the system's authorities come from. */
enum pull_trust_use { PULL_TRUST_DIRECTORY, PULL_TRUST_FILE };

/* Certificates and protocols, as for every host. */
CURLcode pull_setup_trust(CURL *easy, const struct pull_trust *trust, enum pull_trust_use use);

/* After that, what holds for one host; own and vouching may be NULL and outlive the request. */
CURLcode pull_setup_host(CURL *easy, const struct pull_host_certs *own,
                         const struct pull_host_certs *vouching, enum pull_verify verify);

/* The proxy for url, or none; site (PULL_SITE_SIZE bytes) gets its name for people, or "". */
CURLcode pull_setup_proxy(CURL *easy, const struct pull_settings *settings,
                          const struct pull_url *url, char *site);

/* The proxy refused for want of a user name: for a CONNECT, or as the answer of a request. */
bool pull_setup_proxy_asks(CURL *easy, const char *site);
#define PULL_PROXY_ASKS                                                                        \
    "it wants a user name and password: http://USER:PASSWORD@HOST:PORT in the environment"

/* What was not reached is the proxy, where there is one: put its name in front of reason. */
void pull_setup_proxy_name(const char *site, char *reason, size_t size);

#endif
