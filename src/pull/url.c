/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, by libcurl's own parser: what is checked is what will be connected to. */
#include "pull/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static int url_part(CURLU *parts, CURLUPart which, char *out, size_t size)
{
    char *text = NULL;
    int result = -1;

    if (curl_url_get(parts, which, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        strlen(text) < size) {
        memcpy(out, text, strlen(text) + 1);
        result = 0;
    }
    curl_free(text);
    return result;
}

static bool url_has(CURLU *parts, CURLUPart which)
{
    char *text = NULL;
    bool there = curl_url_get(parts, which, &text, 0) == CURLUE_OK;

    curl_free(text);
    return there;
}

static const char *url_take_apart(CURLU *parts, struct pull_url *url)
{
    char scheme[16];
    char port[16];
    char *text = NULL;
    bool fits;

    if (url_part(parts, CURLUPART_SCHEME, scheme, sizeof(scheme)) < 0 ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        return "neither http nor https";
    }
    if (url_has(parts, CURLUPART_USER) || url_has(parts, CURLUPART_PASSWORD)) {
        return "it holds a user name";
    }
    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    if (url_part(parts, CURLUPART_HOST, url->host, sizeof(url->host)) < 0 ||
        url_part(parts, CURLUPART_PORT, port, sizeof(port)) < 0) {
        return "it names no host";
    }
    url->port = (unsigned)strtoul(port, NULL, 10);
    url->https = strcmp(scheme, "https") == 0;
    /* libcurl does not report a port that was not written, unless asked to. */
    if (url_has(parts, CURLUPART_PORT)) {
        snprintf(url->site, sizeof(url->site), "%s:%u", url->host, url->port);
    } else {
        snprintf(url->site, sizeof(url->site), "%s", url->host);
    }
    if (curl_url_get(parts, CURLUPART_URL, &text, 0) != CURLUE_OK) {
        return "malformed";
    }
    fits = strlen(text) < sizeof(url->text);
    if (fits) {
        memcpy(url->text, text, strlen(text) + 1);
    }
    curl_free(text);
    return fits ? NULL : "too long";
}

int pull_url_parse(const char *text, const struct pull_url *base, struct pull_url *url,
                   struct md_err *err)
{
    CURLU *parts = curl_url();
    const char *wrong = "malformed";
    CURLUcode code = CURLUE_OK;
    char shown[160];

    if (!parts) {
        return md_err_set(err, MD_ERR_SYSTEM, "out of memory");
    }
    if (base) {
        code = curl_url_set(parts, CURLUPART_URL, base->text, 0);
    }
    if (code == CURLUE_OK) {
        code = curl_url_set(parts, CURLUPART_URL, text, CURLU_URLENCODE);
    }
    if (code == CURLUE_OK) {
        wrong = url_take_apart(parts, url);
    } else if (code == CURLUE_UNSUPPORTED_SCHEME) {
        wrong = "neither http nor https";
    }
    curl_url_cleanup(parts);
    if (!wrong) {
        return 0;
    }
    return md_err_set(err, MD_ERR_FORMAT, "address \"%s\": %s",
                      md_text_escape(text, strlen(text), shown, sizeof(shown)), wrong);
}

void pull_url_proxy_site(const char *text, char *site)
{
    CURLU *parts = curl_url();
    char host[PULL_SITE_SIZE / 2];
    char port[16] = "";
    bool known = parts &&
                 curl_url_set(parts, CURLUPART_URL, text,
                              CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                 url_part(parts, CURLUPART_HOST, host, sizeof(host)) == 0;

    if (known && url_has(parts, CURLUPART_PORT)) {
        (void)!url_part(parts, CURLUPART_PORT, port, sizeof(port));
    }
    snprintf(site, PULL_SITE_SIZE, "%s%s%s", known ? host : "(malformed)", port[0] ? ":" : "",
             port);
    curl_url_cleanup(parts);
}

bool pull_url_same_origin(const struct pull_url *a, const struct pull_url *b)
{
    return a->https == b->https && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static bool is_port(const char *text)
{
    return text[0] == '\0' ||
           (text[0] == ':' && strspn(text + 1, "0123456789") + 1 == strlen(text));
}

bool pull_host_is_loopback(const char *host)
{
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    char name[64];
    struct in_addr address;

    if (len >= sizeof(name) || len > strlen(host) || !is_port(host + len)) {
        return false;
    }
    memcpy(name, host, len);
    name[len] = '\0';
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0) {
        return true;
    }
    return inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

void pull_url_encode(const char *text, struct md_buf *buf)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (isascii(byte) && (isalnum(byte) || strchr("-._~", byte))) {
            md_buf_printf(buf, "%c", byte);
        } else {
            md_buf_printf(buf, "%%%02X", byte);
        }
    }
}
