/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: os/architecture/variant by Go's names. */
#include "base/platform.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"

/* Other spellings: of uname(2), of Debian, of people. Variant NULL: leave it. */
static const struct {
    const char *name;
    const char *architecture;
    const char *variant;
} aliases[] = {
    { "x86_64", "amd64", NULL },    { "x86-64", "amd64", NULL },
    { "aarch64", "arm64", NULL },   { "armhf", "arm", "v7" },
    { "armel", "arm", "v6" },       { "armv5l", "arm", "v5" },
    { "armv6l", "arm", "v6" },      { "armv7l", "arm", "v7" },
    { "armv8l", "arm", "v7" },      { "i386", "386", NULL },
    { "i686", "386", NULL },        { "loongarch64", "loong64", NULL },
    { "ppc64el", "ppc64le", NULL },
};

/* GOARCH values: what a word without a "/" may be. */
static const char *const architectures[] = { "386",      "amd64", "arm",     "arm64",
                                             "loong64",  "mips",  "mipsle",  "mips64",
                                             "mips64le", "ppc64", "ppc64le", "riscv64",
                                             "s390x" };

static void lower(char *text)
{
    for (; *text; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static void set(char *out, const char *text)
{
    snprintf(out, sizeof((struct md_platform){ 0 }.os), "%s", text);
}

void md_platform_normalize(struct md_platform *platform)
{
    char *variant = platform->variant;

    lower(platform->os);
    lower(platform->architecture);
    lower(variant);
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
        if (strcmp(platform->architecture, aliases[i].name) == 0) {
            set(platform->architecture, aliases[i].architecture);
            if (aliases[i].variant) {
                set(variant, aliases[i].variant);
            }
            break;
        }
    }
    if (variant[0] >= '0' && variant[0] <= '9' && strlen(variant) < 8) {
        memmove(variant + 1, variant, strlen(variant) + 1);
        variant[0] = 'v';
    }
    if ((strcmp(platform->architecture, "arm64") == 0 && strcmp(variant, "v8") == 0) ||
        (strcmp(platform->architecture, "amd64") == 0 && strcmp(variant, "v1") == 0)) {
        variant[0] = '\0';
    }
    if (strcmp(platform->architecture, "arm") == 0 && variant[0] == '\0') {
        set(variant, "v7");
    }
}

void md_platform_host(struct md_platform *platform)
{
    struct utsname name = { 0 };

    memset(platform, 0, sizeof(*platform));
    uname(&name);
    set(platform->os, "linux");
    snprintf(platform->architecture, sizeof(platform->architecture), "%.31s", name.machine);
    md_platform_normalize(platform);
}

/* Take the text up to the next "/" or the end. Returns what follows, or NULL. */
static const char *take_part(const char *text, char *out, size_t size)
{
    size_t len =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    if (len == 0 || len >= size || (text[len] != '/' && text[len] != '\0')) {
        return NULL;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return text + len;
}

static bool is_architecture(const char *name)
{
    for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures); i++) {
        if (strcmp(name, architectures[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "linux" alone means this machine's, "arm64" alone means linux. */
static int complete(struct md_platform *platform)
{
    struct md_platform host;

    lower(platform->os);
    md_platform_host(&host);
    if (strcmp(platform->os, "linux") == 0) {
        *platform = host;
        return 0;
    }
    set(platform->architecture, platform->os);
    set(platform->os, "linux");
    md_platform_normalize(platform);
    return is_architecture(platform->architecture) ? 0 : -1;
}

int md_platform_parse(const char *text, struct md_platform *platform, struct md_err *err)
{
    struct md_platform parsed = { 0 };
    const char *rest = take_part(text, parsed.os, sizeof(parsed.os));
    char shown[120];

    if (rest && *rest == '\0' && complete(&parsed) == 0) {
        *platform = parsed;
        return 0;
    }
    if (rest && *rest == '/') {
        rest = take_part(rest + 1, parsed.architecture, sizeof(parsed.architecture));
        if (rest && *rest == '/') {
            rest = take_part(rest + 1, parsed.variant, sizeof(parsed.variant));
        }
        if (rest && *rest == '\0') {
            md_platform_normalize(&parsed);
            *platform = parsed;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "\"%s\" is not a platform; it looks like linux/amd64 or linux/arm/v7",
                      md_text_escape(text, strlen(text), shown, sizeof(shown)));
}

/* 7 of "v7", else 0. */
static int arm_version(const char *variant)
{
    return variant[0] == 'v' && variant[1] >= '5' && variant[1] <= '8' && variant[2] == '\0'
               ? variant[1] - '0'
               : 0;
}

int md_platform_rank(const struct md_platform *wanted, const struct md_platform *offered)
{
    struct md_platform want = *wanted;
    struct md_platform offer = *offered;

    md_platform_normalize(&want);
    md_platform_normalize(&offer);
    if (strcmp(want.os, offer.os) != 0 || strcmp(want.architecture, offer.architecture) != 0) {
        return 0;
    }
    if (strcmp(want.variant, offer.variant) == 0) {
        return 100;
    }
    if (strcmp(want.architecture, "arm") == 0) {
        int newer = arm_version(want.variant) - arm_version(offer.variant);

        return arm_version(offer.variant) > 0 && newer > 0 ? 100 - newer : 0;
    }
    return offer.variant[0] == '\0' ? 50 : 0;
}

const char *md_platform_text(const struct md_platform *platform, char *out, size_t size)
{
    snprintf(out, size, "%s/%s%s%s", platform->os, platform->architecture,
             platform->variant[0] ? "/" : "", platform->variant);
    return out;
}
