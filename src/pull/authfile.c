/* SPDX-License-Identifier: Apache-2.0 */
/* docker's config.json and containers' auth.json: reading them, and changing one. */
#include "pull/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "pull/base64.h"

int pull_authfile_read(const char *path, struct json_t **json, struct md_err *err)
{
    /* O_NONBLOCK: or opening a fifo would wait for its writer. */
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    MD_AUTO_FREE char *bytes = NULL;
    size_t len;

    *json = NULL;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return md_err_sys(err, "cannot open \"%s\"", path);
    bytes = md_fd_read_all(fd, MD_MAX_AUTH_FILE, &len, path, err);
    if (!bytes)
        return -1;
    if (bytes[strspn(bytes, " \t\r\n")] == '\0') { /* podman makes empty ones */
        *json = md_json_object();
        return 0;
    }
    *json = md_json_parse(bytes, len, path, err);
    if (*json && md_json_is_object(*json))
        return 0;
    if (*json)
        md_err_set(err, MD_ERR_FORMAT, "\"%s\": not a JSON object", path);
    md_json_free(json);
    return -1;
}

/* ---- Keys ---- */

/* Does key, as it stands in a file, mean wanted (canonical host, then "/..." or nothing)? */
static bool key_means(const char *key, const char *wanted)
{
    bool web = strncmp(key, "https://", 8) == 0 || strncmp(key, "http://", 7) == 0;
    const char *name = web ? strstr(key, "//") + 2 : key;
    size_t len = strcspn(name, "/");
    char host[PULL_MAX_HOST + 1];
    const char *canonical;

    if (len >= sizeof(host))
        return false;
    memcpy(host, name, len);
    host[len] = '\0';
    canonical = pull_account_canonical(host);
    if (strncasecmp(wanted, canonical, strlen(canonical)) != 0)
        return false;
    wanted += strlen(canonical);
    /* After a scheme docker's keys have a path of no meaning; without, it is a repository's. */
    return web ? *wanted == '\0' : strcmp(wanted, name + len) == 0;
}

/* The member of object whose key means wanted; docker's own key for it first. */
static const char *find_key(const struct json_t *object, const char *wanted)
{
    const char *first = pull_account_key(wanted);

    if (md_json_get(object, first))
        return first;
    for (const char *key = md_json_next_key(object, NULL); key;
         key = md_json_next_key(object, key)) {
        if (key_means(key, wanted))
            return key;
    }
    return NULL;
}

/* ---- Entries ---- */

static int take_text(char *out, size_t size, const char *text, size_t len, struct md_err *err)
{
    if (len >= size)
        return md_err_set(err, MD_ERR_LIMIT, "user or secret of more than %zu bytes", size - 1);
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int take_auth(const char *auth, struct pull_credential *credential, struct md_err *err)
{
    size_t len;
    MD_AUTO_FREE char *text = pull_base64_decode(auth, &len);
    const char *colon = text ? memchr(text, ':', len) : NULL;

    if (!colon || memchr(text, '\0', (size_t)(colon - text)))
        return md_err_set(err, MD_ERR_FORMAT, "\"auth\" is not the base 64 of user:password");
    /* docker once padded with NULs, and ignores them. */
    if (take_text(credential->user, sizeof(credential->user), text, (size_t)(colon - text),
                  err) < 0)
        return -1;
    return take_text(credential->secret, sizeof(credential->secret), colon + 1,
                     strlen(colon + 1), err);
}

static const char *member(const struct json_t *entry, const char *key)
{
    const char *text = md_json_get_text(entry, key);

    return text ? text : "";
}

/* Only a name is of use: what the file says is compared with what a registry says. */
static void take_realm(const struct json_t *entry, struct pull_credential *credential)
{
    snprintf(credential->realm_host, sizeof(credential->realm_host), "%s",
             member(entry, "realm_host"));
}

static int take_entry(const struct json_t *entry, struct pull_credential *credential,
                      struct md_err *err)
{
    const char *auth = member(entry, "auth");
    const char *user = member(entry, "username");
    const char *password = member(entry, "password");
    const char *identity = member(entry, "identitytoken");

    if (auth[0] != '\0') {
        if (take_auth(auth, credential, err) < 0)
            return -1;
    } else if (take_text(credential->user, sizeof(credential->user), user, strlen(user), err) <
                   0 ||
               take_text(credential->secret, sizeof(credential->secret), password,
                         strlen(password), err) < 0) {
        return -1;
    }
    if (credential->user[0] != '\0' && credential->secret[0] != '\0')
        credential->kind = PULL_CREDENTIAL_PASSWORD;
    if (identity[0] != '\0') {
        credential->kind = PULL_CREDENTIAL_IDENTITY;
        return take_text(credential->secret, sizeof(credential->secret), identity,
                         strlen(identity), err);
    }
    return 0;
}

/* Entries from the most specific on. */
static int find_entry(const struct json_t *auths, const char *host, const char *repository,
                      struct pull_credential *credential, struct md_err *err)
{
    MD_AUTO_FREE char *wanted =
        md_xasprintf("%s%s%s", host, repository[0] ? "/" : "", repository);

    while (credential->kind == PULL_CREDENTIAL_NONE) {
        const char *key = find_key(auths, wanted);
        char *slash = strrchr(wanted, '/');
        char shown[120];

        if (key && take_entry(md_json_get(auths, key), credential, err) < 0)
            return md_err_in(err, "entry \"%s\"",
                             md_text_escape(key, strlen(key), shown, sizeof(shown)));
        if (!slash)
            break;
        *slash = '\0';
    }
    return 0;
}

/* ---- Helpers ---- */

/* It becomes the name of a program: nothing that leads to another directory. */
static int take_helper(const char *name, const char *server,
                       struct pull_authfile_answer *answer, struct md_err *err)
{
    size_t len = strlen(name);
    char shown[120];

    if (len >= sizeof(answer->helper) || strlen(server) >= sizeof(answer->server) ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
            len)
        return md_err_set(err, MD_ERR_FORMAT, "\"%s\" is no name of a credential helper",
                          md_text_escape(name, len, shown, sizeof(shown)));
    memcpy(answer->helper, name, len + 1);
    memcpy(answer->server, server, strlen(server) + 1);
    return 0;
}

int pull_authfile_find_helper(const struct json_t *json, const char *registry,
                              struct pull_authfile_answer *answer, struct md_err *err)
{
    const char *host = pull_account_canonical(registry);
    const struct json_t *helpers = md_json_get(json, "credHelpers");
    const char *key = find_key(helpers, host);

    memset(answer, 0, sizeof(*answer));
    /* An empty one means for docker that this host's are in the file. */
    if (key)
        return take_helper(member(helpers, key), key, answer, err);
    return take_helper(member(json, "credsStore"), pull_account_key(host), answer, err);
}

int pull_authfile_find(const struct json_t *json, const char *registry, const char *repository,
                       struct pull_authfile_answer *answer, struct md_err *err)
{
    const char *host = pull_account_canonical(registry);
    const struct json_t *auths = md_json_get(json, "auths");
    const char *key = find_key(auths, host);

    if (pull_authfile_find_helper(json, registry, answer, err) < 0 ||
        find_entry(auths, host, repository, &answer->credential, err) < 0)
        return -1;
    if (key)
        take_realm(md_json_get(auths, key), &answer->credential);
    return 0;
}

bool pull_authfile_knows(const struct json_t *json, const char *registry)
{
    return find_key(md_json_get(json, "auths"), pull_account_canonical(registry)) != NULL;
}

/* ---- Changing ---- */

static int open_directory(const char *path, struct md_err *err)
{
    MD_AUTO_FREE char *directory = md_xstrdup(path);
    char *slash = strrchr(directory, '/');
    int fd;

    if (slash == directory)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    if (slash && md_path_make_dirs(directory, 0700, err) < 0)
        return -1;
    fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* The directory's lock, as the file itself is replaced. */
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        md_err_sys(err, "cannot open \"%s\"", directory);
        md_fd_close(&fd);
    }
    return fd;
}

int pull_authfile_begin(const char *path, struct pull_authfile_change *change,
                        struct md_err *err)
{
    *change = (struct pull_authfile_change){ .dir = -1, .path = realpath(path, NULL) };
    if (!change->path)
        change->path = md_xstrdup(path);
    change->dir = open_directory(change->path, err);
    if (change->dir < 0 || pull_authfile_read(change->path, &change->json, err) < 0)
        return -1;
    if (!change->json)
        change->json = md_json_object();
    return 0;
}

int pull_authfile_commit(struct pull_authfile_change *change, struct md_err *err)
{
    const char *slash = strrchr(change->path, '/');
    const char *name = slash ? slash + 1 : change->path;
    struct stat before;
    bool was = fstatat(change->dir, name, &before, AT_SYMLINK_NOFOLLOW) == 0;

    if (md_json_write(change->dir, name, change->json, err) < 0)
        return -1;
    /* Under sudo it may be the user's: it must stay theirs to read. */
    if (was && before.st_uid != geteuid() &&
        fchownat(change->dir, name, before.st_uid, before.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return md_err_sys(err, "cannot give \"%s\" back to its owner", change->path);
    return 0;
}

void pull_authfile_clear(struct pull_authfile_change *change)
{
    free(change->path);
    md_fd_close(&change->dir);
    md_json_free(&change->json);
    *change = (struct pull_authfile_change){ .dir = -1 };
}

int pull_authfile_remove(struct json_t *json, const char *registry)
{
    const char *host = pull_account_canonical(registry);
    const struct json_t *auths = md_json_get(json, "auths");
    struct json_t *kept = md_json_object();
    int removed = 0;

    for (const char *key = md_json_next_key(auths, NULL); key;
         key = md_json_next_key(auths, key)) {
        if (key_means(key, host))
            removed++;
        else
            md_json_set(kept, key, md_json_copy(md_json_get(auths, key)));
    }
    if (removed > 0)
        md_json_set(json, "auths", kept);
    else
        md_json_free(&kept);
    return removed;
}

static struct json_t *make_entry(const struct pull_credential *credential)
{
    struct json_t *entry = md_json_object();
    MD_AUTO_FREE char *text = md_xasprintf("%s:%s", credential->user, credential->secret);
    MD_AUTO_FREE char *auth = pull_base64_encode(text, strlen(text));

    md_json_set(entry, "auth", md_json_string(auth));
    explicit_bzero(text, strlen(text));
    explicit_bzero(auth, strlen(auth));
    return entry;
}

void pull_authfile_enter(struct json_t *json, const char *registry,
                         const struct pull_credential *credential,
                         enum pull_authfile_secret secret)
{
    struct json_t *auths;
    struct json_t *entry =
        secret == PULL_SECRET_INSIDE ? make_entry(credential) : md_json_object();

    if (credential->realm_host[0] != '\0')
        md_json_set(entry, "realm_host", md_json_string(credential->realm_host));
    (void)pull_authfile_remove(json, registry);
    auths = md_json_is_object(md_json_get(json, "auths"))
                ? md_json_copy(md_json_get(json, "auths"))
                : md_json_object();
    md_json_set(auths, pull_account_key(registry), entry);
    md_json_set(json, "auths", auths);
}
