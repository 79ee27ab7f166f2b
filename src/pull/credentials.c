/* SPDX-License-Identifier: Apache-2.0 */
/* Where credentials come from: the command line, then files, then helpers. */
#include "pull/credentials.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "pull/authfile.h"
#include "pull/helper.h"

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] != '\0' ? value : NULL;
}

static const char *home(void)
{
    const char *named = environment("HOME");
    const struct passwd *user = named ? NULL : getpwuid(geteuid());

    return user ? user->pw_dir : named;
}

/* The directory of a variable, or one below home; NULL when neither is known. */
static char *directory(const char *variable, const char *below_home)
{
    const char *named = environment(variable);

    if (named)
        return md_xstrdup(named);
    return home() ? md_xasprintf("%s/%s", home(), below_home) : NULL;
}

static char *docker_file(void)
{
    MD_AUTO_FREE char *where = directory("DOCKER_CONFIG", ".docker");

    return where ? md_xasprintf("%s/config.json", where) : NULL;
}

/* The files to look into, the first first. */
static void list_files(const char *authfile, struct md_list *files)
{
    const char *only = authfile ? authfile : environment("REGISTRY_AUTH_FILE");
    const char *runtime = environment("XDG_RUNTIME_DIR");
    MD_AUTO_FREE char *config = directory("XDG_CONFIG_HOME", ".config");
    char *docker = docker_file();

    if (only) {
        md_list_add(files, only);
        free(docker);
        return;
    }
    md_list_take(files,
                 runtime ? md_xasprintf("%s/containers/auth.json", runtime)
                         : md_xasprintf("/run/containers/%u/auth.json", (unsigned)geteuid()));
    if (config)
        md_list_take(files, md_xasprintf("%s/containers/auth.json", config));
    if (docker)
        md_list_take(files, docker);
}

char *pull_credentials_file(const char *authfile, struct md_err *err)
{
    const char *only = authfile ? authfile : environment("REGISTRY_AUTH_FILE");
    char *path = only ? md_xstrdup(only) : docker_file();

    if (!path)
        md_err_set(err, MD_ERR_SYSTEM, "no home directory: HOME is not set");
    return path;
}

/* A warning is all: who let others read the file may have had to. */
static void warn_of_readers(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & 077))
        fprintf(
            stderr,
            "WARNING! Others than its owner can read the credentials in '%s': chmod 600 it\n",
            path);
}

/* Returns 1 when the file, or the helper that it names, has one; 0; or -1. */
static int look_into(const char *path, struct pull_account *account, struct md_err *err)
{
    MD_AUTO_JSON json = NULL;
    struct pull_authfile_answer answer;
    int got = 0;

    if (pull_authfile_read(path, &json, err) < 0)
        return -1;
    if (!json)
        return 0;
    if (pull_authfile_find(json, account->registry, account->repository, &answer, err) < 0)
        return md_err_in(err, "\"%s\"", path);
    if (answer.helper[0]) {
        md_log("ask docker-credential-%s for %s, as \"%s\" says", answer.helper, answer.server,
               path);
        got = pull_helper_get(answer.helper, answer.server, &account->credential, err);
        if (got > 0)
            memcpy(account->credential.realm_host, answer.credential.realm_host,
                   sizeof(answer.credential.realm_host));
    }
    if (got == 0 && answer.credential.kind != PULL_CREDENTIAL_NONE) {
        account->credential = answer.credential;
        warn_of_readers(path);
        got = 1;
    }
    explicit_bzero(&answer, sizeof(answer));
    return got;
}

static int take_creds(const char *creds, struct pull_credential *credential, struct md_err *err)
{
    const char *colon = strchr(creds, ':');

    if (!colon || colon == creds || colon[1] == '\0')
        return md_err_set(err, MD_ERR_USAGE, "--creds wants USER:PASSWORD");
    if (colon - creds > PULL_MAX_USER || strlen(colon + 1) > PULL_MAX_SECRET)
        return md_err_set(err, MD_ERR_USAGE, "--creds: user or password is too long");
    memcpy(credential->user, creds, (size_t)(colon - creds));
    memcpy(credential->secret, colon + 1, strlen(colon + 1) + 1);
    credential->kind = PULL_CREDENTIAL_PASSWORD;
    return 0;
}

int pull_credentials_find(const struct pull_credential_options *options,
                          struct pull_account *account, char **source, struct md_err *err)
{
    struct md_list files = { 0 };
    size_t at = 0;
    int got = 0;

    memset(&account->credential, 0, sizeof(account->credential));
    if (options->creds) {
        if (source)
            *source = md_xstrdup("");
        return take_creds(options->creds, &account->credential, err);
    }
    list_files(options->authfile, &files);
    for (; at < files.count; at++) {
        got = look_into(files.items[at], account, err);
        if (got != 0)
            break;
    }
    if (got > 0)
        md_log("credentials for %s come from \"%s\"", account->registry, files.items[at]);
    if (source && got >= 0)
        *source = md_xstrdup(got > 0 ? files.items[at] : "");
    md_list_clear(&files);
    return got < 0 ? -1 : 0;
}
