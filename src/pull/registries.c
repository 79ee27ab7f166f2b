/* SPDX-License-Identifier: Apache-2.0 */
/* What registries.conf says: from an image's name to the places that are asked for it. */
#include "pull/registries.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/toml.h"

/* The file being read. */
struct reading {
    const char *file;
    struct md_err *err;
};

static int wrong(const struct reading *reading, unsigned line, const char *words)
{
    return md_err_set(reading->err, MD_ERR_FORMAT, "%s:%u: %s", reading->file, line, words);
}

/* ---- Values ---- */

/* *value is left alone when there is no such key. */
static int get_boolean(const struct reading *reading, const struct pull_toml *table,
                       const char *key, bool *value)
{
    const struct pull_toml *found = pull_toml_get(table, key);

    if (found && found->kind != PULL_TOML_BOOLEAN) {
        return md_err_set(reading->err, MD_ERR_FORMAT, "%s:%u: %s must be true or false",
                          reading->file, found->line, key);
    }
    if (found) {
        *value = found->number != 0;
    }
    return 0;
}

/* *text is borrowed, and NULL when there is no such key. */
static int get_text(const struct reading *reading, const struct pull_toml *table,
                    const char *key, const char **text)
{
    const struct pull_toml *found = pull_toml_get(table, key);

    *text = NULL;
    if (found && found->kind != PULL_TOML_TEXT) {
        return md_err_set(reading->err, MD_ERR_FORMAT, "%s:%u: %s must be a string",
                          reading->file, found->line, key);
    }
    if (found) {
        *text = found->text;
    }
    return 0;
}

/* Bytes that a name of an image may have, and a prefix "@" and "+" of a digest. */
static bool is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_:/[]@+";

    return text[0] != '\0' && text[0] != '/' && text[strspn(text, allowed)] == '\0' &&
           !strstr(text, "//");
}

static bool is_wildcard(const char *text)
{
    return strncmp(text, "*.", 2) == 0 && is_name(text + 2) && !strpbrk(text + 2, ":/@[");
}

/* host[:port][/path] without a slash at its end. The caller frees *location; may be NULL. */
static int get_location(const struct reading *reading, const struct pull_toml *table,
                        char **location)
{
    const char *text;
    size_t len;

    *location = NULL;
    if (get_text(reading, table, "location", &text) < 0) {
        return -1;
    }
    if (!text || text[0] == '\0') {
        return 0;
    }
    if (strstr(text, "://")) {
        return wrong(reading, pull_toml_get(table, "location")->line,
                     "location must be HOST[:PORT][/PATH], without http:// or https://");
    }
    len = strlen(text);
    while (len > 0 && text[len - 1] == '/') {
        len--;
    }
    *location = md_xstrndup(text, len);
    if (is_name(*location)) {
        return 0;
    }
    md_ptr_free(location);
    return wrong(reading, pull_toml_get(table, "location")->line,
                 "location must be HOST[:PORT][/PATH]");
}

/* Newer keys than ours must not keep anybody from pulling. */
static void tell_unknown(const struct reading *reading, const struct pull_toml *table,
                         const char *const *known)
{
    for (const struct pull_toml *entry = table->first; entry; entry = entry->next) {
        const char *const *name = known;
        char shown[80];

        while (*name && strcmp(*name, entry->key) != 0) {
            name++;
        }
        if (!*name) {
            md_log("%s:%u: \"%s\" is not known and has no effect", reading->file, entry->line,
                   md_text_escape(entry->key, strlen(entry->key), shown, sizeof(shown)));
        }
    }
}

/* ---- One [[registry]] ---- */

static int read_use(const struct reading *reading, const struct pull_toml *table,
                    enum pull_mirror_use *use)
{
    static const char *const words[] = { "all", "digest-only", "tag-only" };
    const char *text;

    if (get_text(reading, table, "pull-from-mirror", &text) < 0) {
        return -1;
    }
    if (!text || text[0] == '\0') {
        return 0;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *use = (enum pull_mirror_use)i;
            return 0;
        }
    }
    return wrong(reading, pull_toml_get(table, "pull-from-mirror")->line,
                 "pull-from-mirror must be \"all\", \"digest-only\" or \"tag-only\"");
}

static int read_mirror(const struct reading *reading, const struct pull_toml *table,
                       struct pull_mirror *mirror)
{
    static const char *const known[] = { "location", "insecure", "pull-from-mirror", NULL };

    if (table->kind != PULL_TOML_TABLE) {
        return wrong(reading, table->line, "mirror must be an array of tables");
    }
    tell_unknown(reading, table, known);
    if (get_location(reading, table, &mirror->location) < 0) {
        return -1;
    }
    if (!mirror->location) {
        return wrong(reading, table->line, "a mirror without location");
    }
    if (get_boolean(reading, table, "insecure", &mirror->insecure) < 0) {
        return -1;
    }
    return read_use(reading, table, &mirror->use);
}

static int read_mirrors(const struct reading *reading, const struct pull_toml *table,
                        struct pull_rule *rule)
{
    const struct pull_toml *array = pull_toml_get(table, "mirror");

    if (!array) {
        return 0;
    }
    if (array->kind != PULL_TOML_ARRAY) {
        return wrong(reading, array->line, "mirror must be an array of tables");
    }
    for (const struct pull_toml *each = array->first; each; each = each->next) {
        if (rule->mirror_count == PULL_MAX_MIRRORS) {
            return wrong(reading, each->line, "too many mirrors");
        }
        if (read_mirror(reading, each, &rule->mirrors[rule->mirror_count++]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* mirror-by-digest-only is a way to write pull-from-mirror for all of them at once. */
static int read_digest_only(const struct reading *reading, const struct pull_toml *table,
                            struct pull_rule *rule)
{
    bool digest_only = false;

    if (get_boolean(reading, table, "mirror-by-digest-only", &digest_only) < 0) {
        return -1;
    }
    for (size_t i = 0; digest_only && i < rule->mirror_count; i++) {
        if (rule->mirrors[i].use != PULL_MIRROR_ALWAYS) {
            return wrong(reading, rule->line,
                         "mirror-by-digest-only and pull-from-mirror exclude each other");
        }
    }
    for (size_t i = 0; digest_only && i < rule->mirror_count; i++) {
        rule->mirrors[i].use = PULL_MIRROR_BY_DIGEST;
    }
    return 0;
}

static int read_prefix(const struct reading *reading, const struct pull_toml *table,
                       struct pull_rule *rule)
{
    const char *prefix;

    if (get_text(reading, table, "prefix", &prefix) < 0) {
        return -1;
    }
    if (!prefix || prefix[0] == '\0') {
        if (!rule->location) {
            return wrong(reading, rule->line, "a registry with neither prefix nor location");
        }
        rule->prefix = md_xstrdup(rule->location);
        return 0;
    }
    if (!is_name(prefix) && !is_wildcard(prefix)) {
        return wrong(reading, pull_toml_get(table, "prefix")->line,
                     "prefix must be HOST[:PORT][/PATH[:TAG|@DIGEST]] or *.DOMAIN");
    }
    if (!rule->location && prefix[0] != '*') {
        return wrong(reading, rule->line, "a registry with a prefix, but no location");
    }
    rule->prefix = md_xstrdup(prefix);
    for (size_t len = strlen(prefix); len > 0 && prefix[len - 1] == '/'; len--) {
        rule->prefix[len - 1] = '\0';
    }
    return 0;
}

static int read_rule(const struct reading *reading, const struct pull_toml *table,
                     struct pull_rule *rule)
{
    static const char *const known[] = { "prefix",  "location", "insecure",
                                         "blocked", "mirror",   "mirror-by-digest-only",
                                         NULL };

    if (table->kind != PULL_TOML_TABLE) {
        return wrong(reading, table->line, "registry must be an array of tables");
    }
    rule->file = md_xstrdup(reading->file);
    rule->line = table->line;
    if (pull_toml_get(table, "pull-from-mirror")) {
        return wrong(reading, table->line, "pull-from-mirror belongs to a mirror");
    }
    tell_unknown(reading, table, known);
    if (get_location(reading, table, &rule->location) < 0 ||
        read_prefix(reading, table, rule) < 0 ||
        get_boolean(reading, table, "insecure", &rule->insecure) < 0 ||
        get_boolean(reading, table, "blocked", &rule->blocked) < 0 ||
        read_mirrors(reading, table, rule) < 0) {
        return -1;
    }
    return read_digest_only(reading, table, rule);
}

/* ---- Rules ---- */

static void rule_clear(struct pull_rule *rule)
{
    for (size_t i = 0; i < rule->mirror_count; i++) {
        free(rule->mirrors[i].location);
    }
    free(rule->prefix);
    free(rule->location);
    free(rule->file);
}

void pull_registries_clear(struct pull_registries *registries)
{
    for (size_t i = 0; i < registries->count; i++) {
        rule_clear(&registries->rules[i]);
    }
    free(registries->rules);
    memset(registries, 0, sizeof(*registries));
}

/* Takes rule. It replaces one of the same prefix that an earlier file has set. */
static int add_rule(const struct reading *reading, struct pull_registries *registries,
                    struct pull_rule *rule)
{
    for (size_t i = 0; i < registries->count; i++) {
        struct pull_rule *old = &registries->rules[i];

        if (strcasecmp(old->prefix, rule->prefix) != 0) {
            continue;
        }
        if (strcmp(old->file, rule->file) == 0) {
            md_err_set(reading->err, MD_ERR_FORMAT, "%s:%u: registry \"%s\" is there already",
                       rule->file, rule->line, rule->prefix);
            rule_clear(rule);
            return -1;
        }
        rule_clear(old);
        *old = *rule;
        return 0;
    }
    registries->rules =
        md_xreallocarray(registries->rules, registries->count + 1, sizeof(*registries->rules));
    registries->rules[registries->count++] = *rule;
    return 0;
}

static int read_document(const struct reading *reading, const struct pull_toml *root,
                         struct pull_registries *registries)
{
    static const char *const known[] = { "registry",           "unqualified-search-registries",
                                         "short-name-mode",    "aliases",
                                         "credential-helpers", NULL };
    const struct pull_toml *old = pull_toml_get(root, "registries");
    const struct pull_toml *array = pull_toml_get(root, "registry");

    if (old) {
        return wrong(reading, old->line,
                     "[registries.search], [registries.insecure] and [registries.block] are "
                     "version 1 of the format, which is not read: use [[registry]]");
    }
    tell_unknown(reading, root, known);
    if (array && array->kind != PULL_TOML_ARRAY) {
        return wrong(reading, array->line, "registry must be an array of tables: [[registry]]");
    }
    for (const struct pull_toml *each = array ? array->first : NULL; each; each = each->next) {
        struct pull_rule rule = { 0 };

        if (read_rule(reading, each, &rule) < 0) {
            rule_clear(&rule);
            return -1;
        }
        if (add_rule(reading, registries, &rule) < 0) {
            return -1;
        }
    }
    return 0;
}

int pull_registries_add(struct pull_registries *registries, const char *bytes, size_t len,
                        const char *name, struct md_err *err)
{
    const struct reading reading = { .file = name, .err = err };
    struct pull_toml *root = pull_toml_parse(bytes, len, name, err);
    int result = root ? read_document(&reading, root, registries) : -1;

    pull_toml_free(&root);
    return result;
}

/* ---- Finding ---- */

/* How many bytes of a host, without port, the domain of a wildcard ends; 0: another host. */
static size_t match_wildcard(const char *domain, const char *text, size_t host_len)
{
    size_t port = strcspn(text, ":");
    size_t len = strlen(domain);

    if (port < host_len) {
        host_len = port;
    }
    return host_len > len && strncasecmp(text + host_len - len, domain, len) == 0 ? host_len
                                                                                  : 0;
}

/* How many bytes of an image's full name the prefix stands for; 0: it does not match. */
static size_t match(const char *prefix, const char *text)
{
    size_t host_len = strcspn(text, "/");
    size_t len = strlen(prefix);
    size_t folded = len < host_len ? len : host_len;

    if (prefix[0] == '*') {
        return match_wildcard(prefix + 1, text, host_len);
    }
    /* No letter case in a host. */
    if (strncasecmp(text, prefix, folded) != 0 ||
        strncmp(text + folded, prefix + folded, len - folded) != 0) {
        return 0;
    }
    return text[len] == '\0' || strchr("/:@", text[len]) ? len : 0;
}

/* The longest match; a literal one before a wildcard. */
static const struct pull_rule *find_rule(const struct pull_registries *registries,
                                         const char *text, size_t *matched)
{
    const struct pull_rule *found = NULL;

    *matched = 0;
    for (size_t i = 0; i < registries->count; i++) {
        const struct pull_rule *rule = &registries->rules[i];
        size_t len = match(rule->prefix, text);

        if (len > *matched ||
            (found && len == *matched && found->prefix[0] == '*' && rule->prefix[0] != '*')) {
            found = rule;
            *matched = len;
        }
    }
    return found;
}

/* What is asked for: a name, and who says where that is. */
struct search {
    const struct md_ref *ref;
    const struct pull_rule *rule; /* or NULL */
    const char *rest;             /* of the full name, after the prefix */
    struct pull_endpoints *endpoints;
};

static int add_location(const struct search *search, const struct pull_endpoint *like,
                        const char *location, struct md_err *err)
{
    struct pull_endpoint *endpoint = &search->endpoints->at[search->endpoints->count++];
    MD_AUTO_FREE char *text = md_xasprintf("%s%s", location, search->rest);
    struct md_err ignored = { 0 };
    struct md_ref ref;

    /* Without a dot or colon the first word would be a repository of Docker Hub. */
    if (md_ref_parse(text, &ref, &ignored) < 0 ||
        strncasecmp(ref.registry, text, strcspn(text, "/")) != 0 ||
        strcmp(ref.tag, search->ref->tag) != 0 ||
        strcmp(ref.digest.text, search->ref->digest.text) != 0) {
        return md_err_set(err, MD_ERR_FORMAT, "%s: location \"%s\" makes no image's name: %s",
                          search->rule->file, location, text);
    }
    *endpoint = *like;
    memcpy(endpoint->host, ref.registry, sizeof(ref.registry));
    memcpy(endpoint->repository, ref.repository, sizeof(ref.repository));
    return 0;
}

static int add_mirrors(const struct search *search, struct md_err *err)
{
    bool by_digest = search->ref->digest.alg != 0;

    for (size_t i = 0; i < search->rule->mirror_count; i++) {
        const struct pull_mirror *mirror = &search->rule->mirrors[i];
        const struct pull_endpoint like = { .insecure = mirror->insecure, .mirror = true };

        if (mirror->use == (by_digest ? PULL_MIRROR_BY_TAG : PULL_MIRROR_BY_DIGEST)) {
            continue;
        }
        if (add_location(search, &like, mirror->location, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void add_unchanged(const struct search *search)
{
    struct pull_endpoint *endpoint = &search->endpoints->at[search->endpoints->count++];

    *endpoint = (struct pull_endpoint){ .insecure = search->rule && search->rule->insecure };
    memcpy(endpoint->host, search->ref->registry, sizeof(search->ref->registry));
    memcpy(endpoint->repository, search->ref->repository, sizeof(search->ref->repository));
}

int pull_registries_find(const struct pull_registries *registries, const struct md_ref *ref,
                         struct pull_endpoints *endpoints, struct md_err *err)
{
    struct search search = { .ref = ref, .endpoints = endpoints };
    struct pull_endpoint like = { 0 };
    char text[MD_REF_TEXT_SIZE];
    size_t matched;

    memset(endpoints, 0, sizeof(*endpoints));
    md_ref_full(ref, text);
    search.rule = find_rule(registries, text, &matched);
    search.rest = text + matched;
    if (!search.rule) {
        add_unchanged(&search);
        return 0;
    }
    if (search.rule->blocked) {
        return md_err_set(err, MD_ERR_AUTH, "registry \"%s\" is blocked in %s",
                          search.rule->prefix, search.rule->file);
    }
    if (ref->repository[0] == '\0') { /* a login: to the registry of that name and no other */
        add_unchanged(&search);
        return 0;
    }
    if (add_mirrors(&search, err) < 0) {
        return -1;
    }
    if (!search.rule->location) {
        add_unchanged(&search);
        return 0;
    }
    like.insecure = search.rule->insecure;
    return add_location(&search, &like, search.rule->location, err);
}
