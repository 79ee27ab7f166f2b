/* SPDX-License-Identifier: Apache-2.0 */
/* Answering a registry that wants to know who asks. */
#include "pull/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "pull/auth.h"
#include "pull/base64.h"
#include "pull/realm.h"

/* One question to a token server. */
struct asking {
    struct pull_registry *registry;
    const struct pull_challenge *challenge;
    const struct pull_url *asked;             /* the registry's address */
    const struct pull_credential *credential; /* what the token server may know, or NULL */
    struct pull_url url;
};

static char *basic_value(const struct pull_credential *credential)
{
    MD_AUTO_FREE char *pair = md_xasprintf("%s:%s", credential->user, credential->secret);
    MD_AUTO_FREE char *encoded = pull_base64_encode(pair, strlen(pair));
    char *value = md_xasprintf("Basic %s", encoded);

    explicit_bzero(pair, strlen(pair));
    explicit_bzero(encoded, strlen(encoded));
    return value;
}

/* value is the caller's no more. */
static void set_authorization(struct pull_registry *registry, char *value)
{
    free(registry->authorization);
    registry->authorization = value;
    registry->serial++;
}

static int take_token(struct pull_registry *registry, const struct pull_transfer *transfer,
                      struct md_err *err)
{
    const struct md_buf *body = pull_transfer_body(transfer);
    MD_AUTO_FREE char *token = NULL;
    int status = pull_transfer_response(transfer)->status;

    /* OAuth 2 answers a refresh token that is none with 400: RFC 6749, 5.2. */
    if (status == 401 || status == 403 ||
        (status == 400 && registry->credential.kind == PULL_CREDENTIAL_IDENTITY)) {
        struct pull_refusal refusal;

        pull_refusal_parse(body, &refusal);
        return pull_registry_denied(registry, &refusal, err);
    }
    if (status != 200)
        return pull_registry_refused(NULL, transfer, err); /* its 404 is not the image's */
    token = pull_token_parse(body->data ? body->data : "", body->len, err);
    if (!token)
        return md_err_in(err, "%s: %s", pull_transfer_what(transfer),
                         pull_transfer_url(transfer)->site);
    set_authorization(registry, md_xasprintf("Bearer %s", token));
    return 0;
}

/* ---- To whom ---- */

/* Only login, which the user has asked for just now, may tell a token server of any name. */
static const struct pull_credential *credential_for(struct asking *asking)
{
    struct pull_registry *registry = asking->registry;
    const struct pull_credential *credential = &registry->credential;
    const char *realm = asking->url.host;

    registry->withheld_from[0] = '\0';
    if (credential->kind == PULL_CREDENTIAL_NONE)
        return NULL;
    if (!pull_realm_may_know(asking->asked->host, realm, credential->realm_host)) {
        if (!pull_registry_is_login(registry)) {
            md_log("%s: the credentials for %s are not for it: asking anonymously", realm,
                   registry->host);
            memcpy(registry->withheld_from, realm, strlen(realm) + 1);
            return NULL;
        }
        memcpy(registry->credential.realm_host, realm, strlen(realm) + 1);
    }
    return credential;
}

/* How near the token server may be: where the registry is itself. */
static enum pull_zone reach_of(const struct asking *asking)
{
    if (strcasecmp(asking->asked->host, asking->url.host) == 0)
        return PULL_ZONE_UNKNOWN;
    return asking->registry->zone > PULL_ZONE_PUBLIC ? asking->registry->zone
                                                     : PULL_ZONE_PUBLIC;
}

/* ---- Asking ---- */

static void identity_form(const struct asking *asking, struct md_buf *form)
{
    md_buf_printf(form, "grant_type=refresh_token&client_id=minidock&service=");
    pull_url_encode(asking->challenge->service, form);
    if (!pull_registry_is_login(asking->registry)) {
        md_buf_printf(form, "&scope=");
        pull_url_encode("repository:", form);
        pull_url_encode(asking->registry->repository, form);
        pull_url_encode(":pull", form);
    }
    md_buf_printf(form, "&refresh_token=");
    pull_url_encode(asking->credential->secret, form);
}

static int fetch(struct asking *asking, const struct pull_order *order,
                 const char *authorization, struct md_err *err)
{
    struct pull_registry *registry = asking->registry;
    struct pull_transfer *transfer = pull_transfer_open(registry->http, order);
    int result = -1;

    md_log("%s: asking for a token%s", asking->url.site,
           asking->credential ? ", with credentials" : "");
    pull_transfer_authorize(transfer, authorization, 0);
    if (pull_transfer_finish(transfer, err) == PULL_ANSWERED)
        result = take_token(registry, transfer, err);
    pull_transfer_close(&transfer);
    return result;
}

static int fetch_token(struct asking *asking, struct md_err *err)
{
    enum pull_credential_kind kind =
        asking->credential ? asking->credential->kind : PULL_CREDENTIAL_NONE;
    struct md_buf form = { 0 };
    MD_AUTO_FREE char *authorization =
        kind == PULL_CREDENTIAL_PASSWORD ? basic_value(asking->credential) : NULL;
    struct pull_order order = {
        .what = "access token",
        .method = kind == PULL_CREDENTIAL_IDENTITY ? PULL_POST : PULL_GET,
        .url = &asking->url,
        .accept = "application/json",
        .max = MD_MAX_TOKEN,
        .size = -1,
        .attempts = asking->registry->attempts,
        .vouching = asking->registry->certs,
        .reach = reach_of(asking),
    };
    int result;

    if (pull_url_same_origin(&asking->url, asking->asked))
        order.verify = asking->registry->verify;
    if (kind == PULL_CREDENTIAL_IDENTITY) {
        identity_form(asking, &form);
        order.form = form.data;
    }
    result = fetch(asking, &order, authorization, err);
    if (authorization)
        explicit_bzero(authorization, strlen(authorization));
    if (form.data)
        explicit_bzero(form.data, form.len);
    md_buf_clear(&form);
    return result;
}

static int ask_token_server(struct asking *asking, struct md_err *err)
{
    const struct pull_challenge *challenge = asking->challenge;
    struct pull_token_question question = { .repository = asking->registry->repository };

    if (pull_url_parse(challenge->realm, NULL, &asking->url, err) < 0)
        return md_err_in(err, "token realm");
    asking->credential = credential_for(asking);
    if (asking->credential && asking->credential->kind == PULL_CREDENTIAL_PASSWORD)
        question.account = asking->credential->user;
    question.bare = asking->credential && asking->credential->kind == PULL_CREDENTIAL_IDENTITY;
    if (pull_token_url(challenge, &question, asking->asked, &asking->url, err) < 0)
        return -1;
    return fetch_token(asking, err);
}

int pull_token_renew(struct pull_registry *registry, const struct pull_transfer *transfer,
                     struct md_err *err)
{
    const struct pull_response *response = pull_transfer_response(transfer);
    const struct md_buf *text = &response->challenge;
    struct pull_challenge challenge;
    struct asking asking = {
        .registry = registry,
        .challenge = &challenge,
        .asked = pull_transfer_url(transfer),
    };

    if (response->challenge_too_long ||
        pull_challenge_parse(text->data ? text->data : "", text->len, &challenge, err) < 0)
        return md_err_set(err, MD_ERR_NETWORK,
                          "%s: %s: HTTP status 401 with a malformed challenge",
                          pull_transfer_what(transfer), pull_transfer_url(transfer)->site);
    if (challenge.bearer)
        return ask_token_server(&asking, err);
    if (!challenge.basic || registry->credential.kind != PULL_CREDENTIAL_PASSWORD)
        return pull_registry_refused(registry, transfer, err);
    set_authorization(registry, basic_value(&registry->credential));
    return 0;
}
