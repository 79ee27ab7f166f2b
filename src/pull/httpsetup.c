/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl is told for each request about certificates and proxies. */
#include "pull/httpsetup.h"

#include <stdio.h>

#include "base/mem.h"

/* The first error of several options. */
static CURLcode option(CURLcode code, CURLcode so_far)
{
    return so_far == CURLE_OK ? code : so_far;
}

CURLcode pull_setup_trust(CURL *easy, const struct pull_trust *trust, enum pull_trust_use use)
{
    CURLcode first = CURLE_OK;

    first = option(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"), first);
    first = option(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L), first);
    first = option(curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED), first);
    first = option(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2),
                   first);
    if (trust->directory) {
        /*
         * A bundle takes OpenSSL 3 tens of milliseconds for each connection, the directory
         * nothing; and the file often holds the same. So it is read only when it must be.
         */
        const char *file = use == PULL_TRUST_FILE ? trust->file : NULL;

        first = option(curl_easy_setopt(easy, CURLOPT_CAINFO, file), first);
        first = option(curl_easy_setopt(easy, CURLOPT_CAPATH, trust->directory), first);
    } else if (trust->file) {
        first = option(curl_easy_setopt(easy, CURLOPT_CAINFO, trust->file), first);
    }
    return first;
}

static CURLcode set_pem(CURL *easy, CURLoption which, const struct pull_pem *pem)
{
    struct curl_blob blob = { .data = pem->bytes, .len = pem->len, .flags = CURL_BLOB_NOCOPY };

    return pem->bytes ? curl_easy_setopt(easy, which, &blob) : CURLE_OK;
}

CURLcode pull_setup_host(CURL *easy, const struct pull_host_certs *own,
                         const struct pull_host_certs *vouching, enum pull_verify verify)
{
    CURLcode first = CURLE_OK;

    if (vouching) {
        first = option(set_pem(easy, CURLOPT_CAINFO_BLOB, &vouching->authorities), first);
    }
    if (own) {
        first = option(set_pem(easy, CURLOPT_SSLCERT_BLOB, &own->client), first);
        first = option(set_pem(easy, CURLOPT_SSLKEY_BLOB, &own->key), first);
    }
    if (verify == PULL_NO_VERIFY) {
        first = option(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L), first);
        first = option(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L), first);
    }
    return first;
}

/* Set or not: libcurl's own rules for the environment are other ones. */
CURLcode pull_setup_proxy(CURL *easy, const struct pull_settings *settings,
                          const struct pull_url *url, char *site)
{
    const struct pull_trust *trust = &settings->trust;
    const char *proxy = pull_proxy_for(&settings->proxies, url);
    CURLcode first = CURLE_OK;

    first = option(curl_easy_setopt(easy, CURLOPT_NOPROXY, ""), first);
    first = option(curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : ""), first);
    site[0] = '\0';
    if (proxy) {
        pull_url_proxy_site(proxy, site);
        if (trust->file || trust->directory) {
            first = option(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, trust->file), first);
            first =
                option(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trust->directory), first);
        }
    }
    return first;
}

bool pull_setup_proxy_asks(CURL *easy, const char *site)
{
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status == 0) { /* a plain request goes to the proxy itself */
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    }
    return site[0] != '\0' && status == 407;
}

void pull_setup_proxy_name(const char *site, char *reason, size_t size)
{
    MD_AUTO_FREE char *named =
        site[0] != '\0' ? md_xasprintf("proxy %s: %s", site, reason) : NULL;

    if (named) {
        snprintf(reason, size, "%s", named);
    }
}
