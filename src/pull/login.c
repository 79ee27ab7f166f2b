/* SPDX-License-Identifier: Apache-2.0 */
/* login and logout, with docker's words. */
#include "pull/login.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/ref.h"
#include "base/text.h"
#include "pull/authfile.h"
#include "pull/credentials.h"
#include "pull/helper.h"
#include "pull/prompt.h"
#include "pull/registries.h"
#include "pull/registry.h"
#include "pull/settings.h"
#include "pull/wire.h"

/* A login under way. */
struct login {
    const struct login_options *options;
    struct pull_account account; /* its credential is what is tried */
    char before[PULL_MAX_USER + 1];
};

/* "https://ghcr.io/v2/" is ghcr.io, and every name of Docker Hub is docker.io. */
static int take_registry(const char *name, char *registry, size_t size, struct md_err *err)
{
    const char *host = name ? name : "docker.io";
    MD_AUTO_FREE char *address = NULL;
    struct pull_url url;
    char shown[120];
    size_t len;

    if (strncmp(host, "https://", 8) == 0 || strncmp(host, "http://", 7) == 0)
        host = strstr(host, "//") + 2;
    len = strcspn(host, "/");
    address = md_xasprintf("https://%.*s/", (int)len, host);
    if (len == 0 || len >= size || pull_url_parse(address, NULL, &url, err) < 0)
        return md_err_set(err, MD_ERR_USAGE, "\"%s\" is no name of a registry",
                          md_text_escape(name, strlen(name), shown, sizeof(shown)));
    memcpy(registry, host, len);
    registry[len] = '\0';
    if (strcmp(pull_account_key(registry), pull_account_key("docker.io")) == 0)
        snprintf(registry, size, "docker.io");
    return 0;
}

/* ---- What the user says ---- */

static int read_password(struct login *login, struct md_err *err)
{
    struct pull_credential *credential = &login->account.credential;
    size_t len;
    MD_AUTO_FREE char *text =
        md_fd_read_all(STDIN_FILENO, PULL_MAX_SECRET, &len, "standard input", err);

    if (!text)
        return -1;
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    if (strlen(text) != len)
        return md_err_set(err, MD_ERR_USAGE, "the password holds a NUL byte");
    memcpy(credential->secret, text, len + 1);
    explicit_bzero(text, len);
    return 0;
}

static int ask_user(struct login *login, struct md_err *err)
{
    struct pull_credential *credential = &login->account.credential;
    MD_AUTO_FREE char *question = login->before[0]
                                      ? md_xasprintf("Username (%s): ", login->before)
                                      : md_xstrdup("Username: ");

    if (pull_prompt(question, PULL_PROMPT_SHOWN, credential->user, sizeof(credential->user),
                    err) < 0)
        return -1;
    if (credential->user[0] == '\0')
        memcpy(credential->user, login->before, sizeof(credential->user));
    return 0;
}

static int ask(struct login *login, struct md_err *err)
{
    struct pull_credential *credential = &login->account.credential;

    if ((credential->user[0] == '\0' || credential->secret[0] == '\0') && !isatty(STDIN_FILENO))
        return md_err_set(err, MD_ERR_AUTH,
                          "Error: Cannot perform an interactive login from a non TTY device");
    if (credential->user[0] == '\0' && ask_user(login, err) < 0)
        return md_err_in(err, "user");
    if (credential->user[0] == '\0')
        return md_err_set(err, MD_ERR_AUTH, "Error: Non-null Username Required");
    if (credential->secret[0] == '\0' &&
        pull_prompt("Password: ", PULL_PROMPT_HIDDEN, credential->secret,
                    sizeof(credential->secret), err) < 0)
        return md_err_in(err, "password");
    if (credential->secret[0] == '\0')
        return md_err_set(err, MD_ERR_AUTH, "Error: Password Required");
    return 0;
}

static int take_given(struct login *login, struct md_err *err)
{
    const struct login_options *options = login->options;
    struct pull_credential *credential = &login->account.credential;
    const char *user = options->user ? options->user : "";
    const char *password = options->password ? options->password : "";

    if (strlen(user) > PULL_MAX_USER || strlen(password) > PULL_MAX_SECRET)
        return md_err_set(err, MD_ERR_USAGE, "the user's name or the password is too long");
    if (strchr(user, ':'))
        return md_err_set(err, MD_ERR_USAGE, "a user's name holds no colon");
    memcpy(credential->user, user, strlen(user) + 1);
    memcpy(credential->secret, password, strlen(password) + 1);
    credential->kind = PULL_CREDENTIAL_PASSWORD;
    return options->password_stdin ? read_password(login, err) : 0;
}

static int check_options(const struct login_options *options, struct md_err *err)
{
    if (options->password && options->password_stdin)
        return md_err_set(err, MD_ERR_USAGE,
                          "--password and --password-stdin are mutually exclusive");
    if (options->password_stdin && !options->user)
        return md_err_set(err, MD_ERR_USAGE, "Must provide --username with --password-stdin");
    if (options->password)
        fprintf(stderr, "WARNING! Using --password via the CLI is insecure. Use "
                        "--password-stdin.\n");
    return 0;
}

/* ---- What the registry says ---- */

static int judge(const struct pull_registry *registry, const struct pull_transfer *transfer,
                 struct md_err *err)
{
    const struct pull_response *response = pull_transfer_response(transfer);

    if (response->status != 200)
        return pull_registry_refused(registry, transfer, err);
    if (pull_response_is_html(response))
        return md_err_set(err, MD_ERR_NETWORK,
                          "%s: not a registry: it answered with a web page", registry->host);
    return 0;
}

/* The registry itself, by its settings, and no mirror: pull_registries_find() says so. */
static struct pull_registry *open_registry(struct pull_http *http, const char *name,
                                           struct md_err *err)
{
    const struct pull_settings *settings = pull_http_settings(http);
    struct pull_endpoints endpoints;
    struct md_ref ref = { 0 };

    if (settings->err.kind != MD_ERR_NONE) {
        *err = settings->err;
        return NULL;
    }
    memcpy(ref.registry, name, sizeof(ref.registry));
    if (pull_registries_find(&settings->registries, &ref, &endpoints, err) < 0)
        return NULL;
    return pull_registry_open(http, &ref, &endpoints.at[0], err);
}

/* Ask for the root of the registry, with the credential; it says 401 first, or wants none. */
static int ask_registry(struct pull_http *http, struct login *login, struct md_err *err)
{
    const struct pull_wish wish = {
        .what = "login", .method = PULL_GET, .max = MD_MAX_ERROR_BODY, .size = -1
    };
    struct pull_registry *registry;
    struct pull_transfer *transfer;
    int status = -1;

    registry = open_registry(http, login->account.registry, err);
    if (!registry)
        return -1;
    pull_registry_trust(registry, &login->account.credential);
    transfer = pull_registry_fetch(registry, &wish, err);
    if (transfer && pull_registry_finish(registry, transfer, err) == PULL_ANSWERED)
        status = judge(registry, transfer, err);
    login->account.credential = registry->credential; /* with the token server's name */
    pull_transfer_close(&transfer);
    pull_registry_close(&registry);
    return status;
}

static int verify(struct login *login, struct md_err *err)
{
    MD_AUTO_FD ours = -1;
    MD_AUTO_FD theirs = -1;
    struct pull_settings settings;
    struct pull_http *http;
    int status = -1;

    /* Whom a pull's requests are for is here in the same process: nobody ever hangs up. */
    if (pull_wire_pair(&ours, &theirs, err) < 0)
        return -1;
    pull_settings_read(&settings);
    http = pull_http_open(theirs, &settings, err);
    if (http)
        status = ask_registry(http, login, err);
    pull_http_close(&http);
    pull_settings_clear(&settings);
    return status;
}

/* ---- Keeping ---- */

static void say_where(const char *path)
{
    fprintf(stderr,
            "\nWARNING! Your credentials are stored unencrypted in '%s'.\n"
            "Configure a credential helper to remove this warning. See\n"
            "https://docs.docker.com/go/credential-store/\n\n",
            path);
}

static int keep_in(struct pull_authfile_change *change, const struct login *login,
                   struct md_err *err)
{
    const struct pull_account *account = &login->account;
    struct pull_authfile_answer answer;
    enum pull_authfile_secret secret;

    if (pull_authfile_find_helper(change->json, account->registry, &answer, err) < 0)
        return -1;
    secret = answer.helper[0] ? PULL_SECRET_OUTSIDE : PULL_SECRET_INSIDE;
    if (answer.helper[0] &&
        pull_helper_store(answer.helper, answer.server, &account->credential, err) < 0)
        return -1;
    pull_authfile_enter(change->json, account->registry, &account->credential, secret);
    if (pull_authfile_commit(change, err) < 0)
        return -1;
    if (secret == PULL_SECRET_INSIDE)
        say_where(change->path);
    return 0;
}

/* Another file that comes first would make a pull use what it holds instead. */
static void warn_of_others(const struct login *login)
{
    const struct pull_credential_options where = { .authfile = login->options->authfile };
    struct pull_account account = login->account;
    struct md_err ignored = { 0 };
    MD_AUTO_FREE char *source = NULL;

    if (pull_credentials_find(&where, &account, &source, &ignored) == 0 &&
        (strcmp(account.credential.user, login->account.credential.user) != 0 ||
         strcmp(account.credential.secret, login->account.credential.secret) != 0))
        fprintf(stderr, "WARNING! '%s' has other credentials for %s, and comes first.\n",
                source, account.registry);
    explicit_bzero(&account, sizeof(account));
}

static int keep(const struct login *login, struct md_err *err)
{
    MD_AUTO_FREE char *path = pull_credentials_file(login->options->authfile, err);
    struct pull_authfile_change change = { .dir = -1 };
    int status = -1;

    if (!path)
        return -1;
    if (pull_authfile_begin(path, &change, err) == 0)
        status = keep_in(&change, login, err);
    pull_authfile_clear(&change);
    if (status == 0)
        warn_of_others(login);
    return status;
}

/* ---- login ---- */

/* docker's way when nothing was given: perhaps what is kept will do. Returns 1 when it does. */
static int try_kept(struct login *login, struct md_err *err)
{
    const struct pull_credential_options where = { .authfile = login->options->authfile };
    struct md_err why = { 0 };

    if (login->options->user || login->options->password)
        return 0;
    if (pull_credentials_find(&where, &login->account, NULL, err) < 0)
        return -1;
    if (login->account.credential.kind == PULL_CREDENTIAL_NONE)
        return 0;
    fprintf(login->options->out, "Authenticating with existing credentials...\n");
    fflush(login->options->out);
    if (verify(login, &why) == 0)
        return 1;
    fprintf(stderr, "Login did not succeed, error: %s\n", why.text);
    if (strcmp(login->account.credential.user, "<token>") != 0)
        memcpy(login->before, login->account.credential.user, sizeof(login->before));
    memset(&login->account.credential, 0, sizeof(login->account.credential));
    return 0;
}

static void say_realm(const struct login *login)
{
    const char *realm = login->account.credential.realm_host;

    if (realm[0] != '\0')
        fprintf(stderr,
                "The credentials for %s were sent to %s, which it names; that is recorded.\n",
                login->account.registry, realm);
}

static int login_anew(struct login *login, struct md_err *err)
{
    if (take_given(login, err) < 0 || ask(login, err) < 0)
        return -1;
    if (verify(login, err) < 0)
        return md_err_in(err, "login to \"%s\"", login->account.registry);
    if (keep(login, err) < 0)
        return -1;
    say_realm(login);
    return 0;
}

int login_run(const struct login_options *options, struct md_err *err)
{
    struct login login = { .options = options };
    int status = -1;

    if (check_options(options, err) < 0 ||
        take_registry(options->registry, login.account.registry, sizeof(login.account.registry),
                      err) < 0)
        return -1;
    status = try_kept(&login, err);
    if (status == 0)
        status = login_anew(&login, err);
    explicit_bzero(&login, sizeof(login));
    if (status < 0)
        return -1;
    fprintf(options->out, "Login Succeeded\n");
    return 0;
}

/* ---- logout ---- */

/* Have a helper forget a registry; whatever fails, the file's entry goes too. */
static int forget_helped(const struct json_t *json, const char *registry, struct md_err *err)
{
    struct pull_authfile_answer answer;

    if (pull_authfile_find_helper(json, registry, &answer, err) < 0)
        return -1;
    return answer.helper[0] ? pull_helper_erase(answer.helper, answer.server, err) : 0;
}

static int forget_one(struct pull_authfile_change *change, const struct logout_options *options,
                      struct md_err *err)
{
    char registry[MD_MAX_REPOSITORY + 1];
    int erased;

    if (take_registry(options->registry, registry, sizeof(registry), err) < 0)
        return -1;
    if (!pull_authfile_knows(change->json, registry)) {
        fprintf(options->out, "Not logged in to %s\n", pull_account_key(registry));
        return 0;
    }
    fprintf(options->out, "Removing login credentials for %s\n", pull_account_key(registry));
    erased = forget_helped(change->json, registry, err);
    pull_authfile_remove(change->json, registry);
    return pull_authfile_commit(change, err) < 0 ? -1 : erased;
}

static int forget_listed(const char *helper, struct md_err *err)
{
    struct md_list servers = { 0 };
    int status = pull_helper_list(helper, &servers, err);

    for (size_t i = 0; status == 0 && i < servers.count; i++)
        status = pull_helper_erase(helper, servers.items[i], err);
    md_list_clear(&servers);
    return status;
}

static int forget_all(struct pull_authfile_change *change, const struct logout_options *options,
                      struct md_err *err)
{
    const struct json_t *helpers = md_json_get(change->json, "credHelpers");
    struct pull_authfile_answer answer;

    for (const char *key = md_json_next_key(helpers, NULL); key;
         key = md_json_next_key(helpers, key)) {
        if (forget_helped(change->json, key, err) < 0)
            return -1;
    }
    if (pull_authfile_find_helper(change->json, "", &answer, err) < 0 ||
        (answer.helper[0] && forget_listed(answer.helper, err) < 0))
        return -1;
    md_json_set(change->json, "auths", md_json_object());
    if (pull_authfile_commit(change, err) < 0)
        return -1;
    fprintf(options->out, "Removed login credentials for all registries\n");
    return 0;
}

int login_end(const struct logout_options *options, struct md_err *err)
{
    MD_AUTO_FREE char *path = pull_credentials_file(options->authfile, err);
    struct pull_authfile_change change = { .dir = -1 };
    int status = -1;

    if (options->all && options->registry)
        return md_err_set(err, MD_ERR_USAGE, "--all takes no registry");
    if (!path)
        return -1;
    if (pull_authfile_begin(path, &change, err) == 0)
        status = options->all ? forget_all(&change, options, err)
                              : forget_one(&change, options, err);
    pull_authfile_clear(&change);
    return status;
}
