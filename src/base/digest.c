/* SPDX-License-Identifier: Apache-2.0 */
/* Digests as text. */
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SHA256_HEX 64
#define SHA512_HEX 128
#define PREFIX 7 /* "sha256:" and "sha512:" */

/* Length of the run of lower-case hex digits at the start. */
static size_t hex_len(const char *text)
{
    return strspn(text, "0123456789abcdef");
}

static enum md_digest_alg algorithm_of(const char *text)
{
    if (strncmp(text, "sha256:", PREFIX) == 0) {
        return MD_SHA256;
    }
    if (strncmp(text, "sha512:", PREFIX) == 0) {
        return MD_SHA512;
    }
    return 0;
}

int md_digest_parse(const char *text, struct md_digest *digest, struct md_err *err)
{
    enum md_digest_alg alg = algorithm_of(text);
    size_t want = alg == MD_SHA512 ? SHA512_HEX : SHA256_HEX;
    char shown[160];

    if (!alg || hex_len(text + PREFIX) != want || text[PREFIX + want] != '\0') {
        return md_err_set(err, MD_ERR_FORMAT, "\"%s\" is not a sha256 or sha512 digest",
                          md_text_escape(text, strlen(text), shown, sizeof(shown)));
    }
    digest->alg = alg;
    memcpy(digest->text, text, PREFIX + want + 1);
    return 0;
}

void md_digest_from_bytes(enum md_digest_alg alg, const unsigned char *bytes,
                          struct md_digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = alg == MD_SHA512 ? SHA512_HEX / 2 : SHA256_HEX / 2;
    char *p = digest->text + PREFIX;

    digest->alg = alg;
    memcpy(digest->text, alg == MD_SHA512 ? "sha512:" : "sha256:", PREFIX);
    for (size_t i = 0; i < count; i++) {
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    *p = '\0';
}

bool md_digest_equal(const struct md_digest *a, const struct md_digest *b)
{
    return a->alg == b->alg && strcmp(a->text, b->text) == 0;
}

const char *md_digest_hex(const struct md_digest *digest)
{
    return digest->alg ? digest->text + PREFIX : "";
}

bool md_is_id(const char *text)
{
    return hex_len(text) == SHA256_HEX && text[SHA256_HEX] == '\0';
}

bool md_is_id_prefix(const char *text)
{
    size_t len = hex_len(text);

    return len > 0 && len <= SHA256_HEX && text[len] == '\0';
}
