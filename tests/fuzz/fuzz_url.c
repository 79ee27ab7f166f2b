/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes addresses: the first line is what the rest may be relative to, as in a redirect. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "pull/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What is taken is one address, and the same when it is read again. */
static void check(const struct pull_url *url)
{
    static struct pull_url again;
    struct md_err err = { 0 };

    assert(strncmp(url->text, url->https ? "https://" : "http://", url->https ? 8 : 7) == 0);
    assert(url->host[0] != '\0' && url->port <= 65535);
    assert(strncmp(url->site, url->host, strlen(url->host)) == 0);
    assert(!strpbrk(url->host, "@/?#\\ "));
    for (const char *byte = url->text; *byte; byte++) {
        assert((unsigned char)*byte > 0x20 && *byte != 0x7f && *byte != '#');
    }
    assert(pull_url_parse(url->text, NULL, &again, &err) == 0);
    assert(strcmp(again.text, url->text) == 0);
    assert(pull_url_same_origin(&again, url));
    assert(pull_host_is_loopback(again.host) == pull_host_is_loopback(url->host));
}

static void check_encoding(const char *text)
{
    struct md_buf buf = { 0 };

    pull_url_encode(text, &buf);
    assert(buf.len <= 3 * strlen(text));
    for (size_t i = 0; i < buf.len; i++) {
        assert(!strchr("\r\n &=?#/@", buf.data[i]));
    }
    md_buf_clear(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct pull_url base;
    static struct pull_url url;
    MD_AUTO_FREE char *text = md_xstrndup((const char *)bytes, len);
    char *rest = strchr(text, '\n');
    struct md_err err = { 0 };
    bool based = false;

    check_encoding(text);
    if (rest) {
        *rest++ = '\0';
    }
    if (pull_url_parse(text, NULL, &base, &err) == 0) {
        check(&base);
        based = true;
    } else {
        assert(err.kind == MD_ERR_FORMAT);
    }
    if (rest && pull_url_parse(rest, based ? &base : NULL, &url, &err) == 0) {
        check(&url);
    }
    return 0;
}
