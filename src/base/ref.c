/* SPDX-License-Identifier: Apache-2.0 */
/* Image references by docker's grammar, and the store's names for them. */
#include "base/ref.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HUB "docker.io"
#define OFFICIAL "library/"
#define MAX_TEXT 1024 /* longer than any that passes, so that errors stay short */

static int malformed(const char *text, const char *why, struct md_err *err)
{
    char shown[300];

    md_text_escape(text, strlen(text), shown, sizeof(shown));
    return md_err_set(err, MD_ERR_USAGE, "\"%s\": invalid reference format%s%s", shown,
                      *why ? ": " : "", why);
}

/* One domain label: letters, digits and inner hyphens. Returns its length, or 0. */
static size_t label_len(const char *text)
{
    size_t len = strspn(text, LOWER_ALNUM UPPER "-");

    return len > 0 && text[0] != '-' && text[len - 1] != '-' ? len : 0;
}

/* A host name, an IPv4 address, or an IPv6 address in brackets. Returns its length, or 0. */
static size_t host_len(const char *text)
{
    size_t used = 0;

    if (text[0] == '[') {
        used = 1 + strspn(text + 1, "0123456789abcdefABCDEF:");
        return used > 1 && text[used] == ']' ? used + 1 : 0;
    }
    for (;;) {
        size_t len = label_len(text + used);

        if (len == 0) {
            return 0;
        }
        used += len;
        if (text[used] != '.') {
            return used;
        }
        used++;
    }
}

static bool is_registry(const char *text)
{
    size_t len = host_len(text);
    uint64_t port;

    if (len == 0) {
        return false;
    }
    if (text[len] == '\0') {
        return true;
    }
    return text[len] == ':' && strlen(text + len + 1) <= 5 &&
           md_text_parse_u64(text + len + 1, 65535, &port) == 0 && port > 0;
}

/* One path component: runs of [a-z0-9] joined by ".", "_", "__" or hyphens. */
static size_t component_len(const char *text)
{
    size_t used = 0;

    for (;;) {
        size_t run = strspn(text + used, LOWER_ALNUM);
        size_t joint;

        if (run == 0) {
            return 0;
        }
        used += run;
        joint = strspn(text + used, "-");
        if (joint == 0 && text[used] == '.') {
            joint = 1;
        } else if (joint == 0 && text[used] == '_') {
            joint = text[used + 1] == '_' ? 2 : 1;
        }
        if (joint == 0) {
            return used;
        }
        used += joint;
    }
}

static bool is_repository(const char *text)
{
    for (;;) {
        size_t len = component_len(text);

        if (len == 0) {
            return false;
        }
        if (text[len] == '\0') {
            return true;
        }
        if (text[len] != '/') {
            return false;
        }
        text += len + 1;
    }
}

static bool is_tag(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= MD_MAX_TAG && text[0] != '.' && text[0] != '-' &&
           strspn(text, LOWER_ALNUM UPPER "_.-") == len;
}

/* Whether docker takes a first component of this length, with more behind it, for a host. */
static bool looks_like_host(const char *text, size_t len)
{
    /* An upper-case letter cannot be part of a repository, so it must be a host. */
    return strcspn(text, ".:" UPPER) < len ||
           (len == strlen("localhost") && memcmp(text, "localhost", len) == 0);
}

/* Split "host/rest" into registry and what is left. */
static int take_registry(const char **text, struct md_ref *ref)
{
    size_t len = strcspn(*text, "/");

    if ((*text)[len] != '/' || !looks_like_host(*text, len)) {
        snprintf(ref->registry, sizeof(ref->registry), "%s", HUB);
        return 0;
    }
    if (len >= sizeof(ref->registry)) {
        return -1;
    }
    memcpy(ref->registry, *text, len);
    ref->registry[len] = '\0';
    *text += len + 1;
    if (strcmp(ref->registry, "index.docker.io") == 0) {
        memset(ref->registry, 0, sizeof(ref->registry)); /* equal references have equal bytes */
        snprintf(ref->registry, sizeof(ref->registry), "%s", HUB);
    }
    return is_registry(ref->registry) ? 0 : -1;
}

/* Check and keep the repository, given without its host. */
static int put_repository(const char *whole, const char *name, struct md_ref *ref,
                          struct md_err *err)
{
    bool official = strcmp(ref->registry, HUB) == 0 && !strchr(name, '/');
    int len = snprintf(ref->repository, sizeof(ref->repository), "%s%s",
                       official ? OFFICIAL : "", name);
    char why[MAX_TEXT + 64];

    if (strcmp(ref->registry, HUB) == 0 &&
        strncmp(ref->repository, OFFICIAL, strlen(OFFICIAL)) == 0 &&
        md_is_id(ref->repository + strlen(OFFICIAL))) {
        return malformed(whole, "a name of 64 hexadecimal digits would be an image id", err);
    }
    if (strpbrk(name, UPPER)) {
        char shown[300];

        md_text_escape(name, strlen(name), shown, sizeof(shown));
        snprintf(why, sizeof(why), "repository name (%s%s) must be lowercase",
                 official ? OFFICIAL : "", shown);
        return malformed(whole, why, err);
    }
    if (!is_repository(name)) {
        return malformed(whole, "", err);
    }
    if (len < 0 || (size_t)len >= sizeof(ref->repository)) {
        return malformed(whole, "repository name must not be more than 255 characters", err);
    }
    return 0;
}

/* Take "@digest" and ":tag" off the end of the text, which is changed. */
static int take_tag_and_digest(const char *whole, char *rest, struct md_ref *ref,
                               struct md_err *err)
{
    struct md_err ignored;
    char *at = strchr(rest, '@');
    char *colon;

    if (at) {
        *at = '\0';
        if (md_digest_parse(at + 1, &ref->digest, &ignored) < 0) {
            return malformed(whole, "what follows the \"@\" is not a sha256 or sha512 digest",
                             err);
        }
    }
    colon = strchr(rest, ':');
    if (colon) {
        *colon = '\0';
        if (!is_tag(colon + 1)) {
            return malformed(whole, "", err);
        }
        snprintf(ref->tag, sizeof(ref->tag), "%s", colon + 1);
    } else if (!at) {
        snprintf(ref->tag, sizeof(ref->tag), "latest");
        ref->default_tag = true;
    }
    return 0;
}

int md_ref_parse(const char *text, struct md_ref *ref, struct md_err *err)
{
    char copy[MAX_TEXT];
    char name[MD_REF_TEXT_SIZE];
    const char *rest = copy;
    struct md_ref parsed = { 0 };

    if (!*text || strlen(text) >= sizeof(copy)) {
        return malformed(text, *text ? "it is too long" : "it is empty", err);
    }
    snprintf(copy, sizeof(copy), "%s", text);
    if (take_registry(&rest, &parsed) < 0) {
        return malformed(text, "", err);
    }
    if (take_tag_and_digest(text, copy + (rest - copy), &parsed, err) < 0 ||
        put_repository(text, rest, &parsed, err) < 0) {
        return -1;
    }
    md_ref_store_name(&parsed, name);
    if (strlen(name) > MD_MAX_STORE_NAME) {
        return malformed(text, "the store has room for names of 240 characters", err);
    }
    *ref = parsed;
    return 0;
}

static void put_suffix(const struct md_ref *ref, char *out)
{
    snprintf(out, 1 + MD_MAX_TAG + 1 + MD_DIGEST_TEXT_SIZE, "%s%s%s%s", ref->tag[0] ? ":" : "",
             ref->tag, ref->digest.alg ? "@" : "", ref->digest.text);
}

void md_ref_full(const struct md_ref *ref, char *out)
{
    int len = snprintf(out, MD_REF_TEXT_SIZE, "%s/%s", ref->registry, ref->repository);

    put_suffix(ref, out + len);
}

void md_ref_familiar_repository(const struct md_ref *ref, char *out)
{
    const char *name = ref->repository;

    if (strcmp(ref->registry, HUB) == 0) {
        if (strncmp(name, OFFICIAL, strlen(OFFICIAL)) == 0 &&
            !strchr(name + strlen(OFFICIAL), '/')) {
            name += strlen(OFFICIAL);
        }
        /* docker.io/localhost/x must not become localhost/x, which is somewhere else. */
        if (!strchr(name, '/') || !looks_like_host(name, strcspn(name, "/"))) {
            snprintf(out, MD_REF_TEXT_SIZE, "%s", name);
            return;
        }
    }
    snprintf(out, MD_REF_TEXT_SIZE, "%s/%s", ref->registry, name);
}

void md_ref_familiar(const struct md_ref *ref, char *out)
{
    md_ref_familiar_repository(ref, out);
    put_suffix(ref, out + strlen(out));
}

void md_ref_store_name(const struct md_ref *ref, char *out)
{
    char *end;

    md_ref_familiar_repository(ref, out);
    for (char *p = out; *p; p++) {
        if (*p == '/') {
            *p = '+';
        }
    }
    end = out + strlen(out);
    if (ref->digest.alg) {
        snprintf(end, 1 + MD_DIGEST_TEXT_SIZE, "@%s", ref->digest.text);
    } else if (strcmp(ref->tag, "latest") != 0) {
        snprintf(end, 1 + MD_MAX_TAG + 1, ":%s", ref->tag);
    }
}

int md_ref_from_store_name(const char *name, struct md_ref *ref)
{
    char text[MD_MAX_STORE_NAME + 1];
    char again[MD_REF_TEXT_SIZE];
    struct md_ref parsed = { 0 };
    struct md_err ignored;

    if (strlen(name) >= sizeof(text) || strchr(name, '/')) {
        return -1;
    }
    snprintf(text, sizeof(text), "%s", name);
    for (char *p = text; *p; p++) {
        if (*p == '+') {
            *p = '/';
        }
    }
    if (md_ref_parse(text, &parsed, &ignored) < 0) {
        return -1;
    }
    /* Only the name that we would choose: one reference, one name. */
    md_ref_store_name(&parsed, again);
    if (strcmp(again, name) != 0) {
        return -1;
    }
    *ref = parsed;
    return 0;
}
