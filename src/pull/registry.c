/* SPDX-License-Identifier: Apache-2.0 */
/* A repository of a registry: address, token, and the meaning of its refusals. */
#include "pull/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "pull/ratelimit.h"
#include "pull/token.h"

#define HUB "registry-1.docker.io"
/* A loopback port that swallows a TLS greeting without a word should not hold us up. */
#define PROBE_TIMEOUT_MS 3000

static int address(const struct pull_registry *registry, const char *kind, const char *name,
                   struct pull_url *url, struct md_err *err)
{
    const char *scheme = registry->scheme == PULL_SCHEME_HTTP ? "http" : "https";
    MD_AUTO_FREE char *text = pull_registry_is_login(registry)
                                  ? md_xasprintf("%s://%s/v2/", scheme, registry->host)
                                  : md_xasprintf("%s://%s/v2/%s/%s/%s", scheme, registry->host,
                                                 registry->repository, kind, name);

    return pull_url_parse(text, NULL, url, err);
}

struct pull_registry *pull_registry_open(struct pull_http *http, const struct md_ref *ref,
                                         const struct pull_endpoint *endpoint,
                                         struct md_err *err)
{
    struct pull_registry *registry = md_xcalloc(1, sizeof(*registry));
    const char *host = strcmp(endpoint->host, "docker.io") == 0 ? HUB : endpoint->host;
    struct pull_url url;

    registry->http = http;
    registry->ref = *ref;
    registry->verify = endpoint->insecure ? PULL_NO_VERIFY : PULL_VERIFY;
    snprintf(registry->host, sizeof(registry->host), "%s", host);
    memcpy(registry->repository, endpoint->repository, sizeof(endpoint->repository));
    if (!endpoint->insecure && !pull_host_is_loopback(host)) {
        registry->scheme = PULL_SCHEME_HTTPS;
    }
    if (address(registry, "manifests", "latest", &url, err) < 0) {
        pull_registry_close(&registry);
        return NULL;
    }
    registry->certs = pull_certs_find(&pull_http_settings(http)->certs, &url);
    return registry;
}

void pull_registry_trust(struct pull_registry *registry,
                         const struct pull_credential *credential)
{
    if (memcmp(&registry->credential, credential, sizeof(*credential)) != 0) {
        registry->credential = *credential;
        md_ptr_free(&registry->authorization);
    }
}

void pull_registry_close(struct pull_registry **registry)
{
    if (*registry) {
        free((*registry)->authorization);
        explicit_bzero(*registry, sizeof(**registry));
    }
    md_ptr_free(registry);
}

struct pull_transfer *pull_registry_fetch(struct pull_registry *registry,
                                          const struct pull_wish *wish, struct md_err *err)
{
    struct pull_url url;
    struct pull_transfer *transfer;
    struct pull_order order = {
        .what = wish->what,
        .method = wish->method,
        .url = &url,
        .accept = wish->accept,
        .max = wish->max,
        .ring = wish->ring,
        .size = wish->size,
        .offset = wish->offset,
        .connect_timeout_ms = registry->scheme == PULL_SCHEME_UNKNOWN ? PROBE_TIMEOUT_MS : 0,
        .known_host = registry->answered,
        .attempts = registry->attempts,
        .verify = registry->verify,
        .vouching = registry->certs,
    };

    if (address(registry, wish->kind, wish->name, &url, err) < 0) {
        return NULL;
    }
    transfer = pull_transfer_open(registry->http, &order);
    pull_transfer_authorize(transfer, registry->authorization, registry->serial);
    return transfer;
}

/* ---- Refusals ---- */

/* ": denied: requested access ...", or nothing; out holds PULL_REFUSAL_TEXT_SIZE + 2 bytes. */
static const char *own_words(const struct pull_refusal *refusal, char *out)
{
    snprintf(out, PULL_REFUSAL_TEXT_SIZE + 2, "%s%s", refusal->text[0] ? ": " : "",
             refusal->text);
    return out;
}

int pull_registry_denied(const struct pull_registry *registry,
                         const struct pull_refusal *refusal, struct md_err *err)
{
    char repository[MD_REF_TEXT_SIZE];
    char words[PULL_REFUSAL_TEXT_SIZE + 2];

    own_words(refusal, words);
    if (pull_registry_is_login(registry)) {
        return md_err_set(err, MD_ERR_AUTH, "%s: unauthorized%s", registry->host,
                          words[0] ? words : ": it refuses this user and password");
    }
    md_ref_familiar_repository(&registry->ref, repository);
    if (registry->withheld_from[0] != '\0') {
        return md_err_set(
            err, MD_ERR_AUTH,
            "pull access denied for %s%s; the credentials for %s were not sent to "
            "%s: 'minidock login %s' allows it",
            repository, words, registry->host, registry->withheld_from, registry->host);
    }
    return md_err_set(err, MD_ERR_AUTH,
                      "pull access denied for %s, repository does not exist or may require "
                      "'minidock login'%s",
                      repository, words);
}

static int not_found(const struct pull_registry *registry, const struct pull_transfer *transfer,
                     const struct pull_refusal *refusal, struct md_err *err)
{
    char repository[MD_REF_TEXT_SIZE];
    char words[PULL_REFUSAL_TEXT_SIZE + 2];

    if (strcmp(refusal->code, "NAME_UNKNOWN") == 0) {
        md_ref_familiar_repository(&registry->ref, repository);
        return md_err_set(err, MD_ERR_NOT_FOUND, "repository %s not found%s", repository,
                          own_words(refusal, words));
    }
    return md_err_set(err, MD_ERR_NOT_FOUND, "%s not found%s%s", pull_transfer_what(transfer),
                      refusal->text[0] ? "" : ": HTTP status 404 and no reason from ",
                      refusal->text[0] ? own_words(refusal, words)
                                       : pull_transfer_url(transfer)->site);
}

int pull_registry_refused(const struct pull_registry *registry,
                          const struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_response *response = pull_transfer_response(transfer);
    const char *host = pull_transfer_url(transfer)->site;
    const char *what = pull_transfer_what(transfer);
    int status = response->status;
    struct pull_refusal refusal;
    char words[PULL_REFUSAL_TEXT_SIZE + 2];
    char remedies[PULL_RATELIMIT_TEXT_SIZE];

    pull_refusal_parse(pull_transfer_body(transfer), &refusal);
    if (registry && pull_response_is_html(response) && status < 500 && status != 429) {
        return md_err_set(err, MD_ERR_NETWORK,
                          "%s: %s: not a registry: it answered with a web page, HTTP status %d",
                          what, host, status);
    }
    if (registry && !pull_transfer_is_elsewhere(transfer)) {
        if (status == 404) {
            return not_found(registry, transfer, &refusal, err);
        }
        if (status == 401 || status == 403) {
            return pull_registry_denied(registry, &refusal, err);
        }
    }
    if (status == 429) {
        pull_ratelimit_remedies(response, time(NULL), remedies, sizeof(remedies));
        return md_err_set(err, MD_ERR_NETWORK, "%s: %s: HTTP status 429%s; %s", what, host,
                          own_words(&refusal, words), remedies);
    }
    return md_err_set(err, MD_ERR_NETWORK, "%s: %s: HTTP status %d%s", what, host, status,
                      own_words(&refusal, words));
}

/* ---- Tokens ---- */

static enum pull_progress unauthorized(struct pull_registry *registry,
                                       struct pull_transfer *transfer, struct md_err *err)
{
    unsigned used = pull_transfer_serial(transfer);

    /* A token that another transfer has got meanwhile is as good as a new one. */
    if (used == registry->serial) {
        if (!pull_transfer_may_ask_token(transfer)) {
            pull_registry_refused(registry, transfer, err);
            return PULL_GAVE_UP;
        }
        if (pull_token_renew(registry, transfer, err) < 0) {
            return PULL_GAVE_UP;
        }
    }
    pull_transfer_authorize(transfer, registry->authorization, registry->serial);
    pull_transfer_again(transfer, NULL);
    return PULL_UNDER_WAY;
}

/* ---- Plain http ---- */

/* Nothing there speaks TLS. A certificate that is not trusted is no reason, ever. */
static bool is_plain(const struct pull_registry *registry, const struct pull_transfer *transfer)
{
    enum pull_http_end end = pull_transfer_end(transfer);

    return registry->scheme == PULL_SCHEME_UNKNOWN && !pull_transfer_is_elsewhere(transfer) &&
           (end == PULL_HTTP_NO_TLS || end == PULL_HTTP_UNREACHABLE);
}

static enum pull_progress ask_plainly(struct pull_registry *registry,
                                      struct pull_transfer *transfer, struct md_err *err)
{
    struct pull_url url;
    MD_AUTO_FREE char *text = NULL;
    const char *rest = pull_transfer_url(transfer)->text + strlen("https");

    text = md_xasprintf("http%s", rest);
    registry->scheme = PULL_SCHEME_HTTP;
    if (pull_url_parse(text, NULL, &url, err) < 0) {
        return PULL_GAVE_UP;
    }
    memset(err, 0, sizeof(*err));
    pull_transfer_again(transfer, &url);
    return PULL_UNDER_WAY;
}

enum pull_progress pull_registry_advance(struct pull_registry *registry,
                                         struct pull_transfer *transfer, struct md_err *err)
{
    enum pull_progress progress = pull_transfer_advance(transfer, err);

    if (progress == PULL_GAVE_UP && is_plain(registry, transfer)) {
        return ask_plainly(registry, transfer, err);
    }
    if (progress == PULL_ANSWERED) {
        registry->answered = true;
        registry->zone = pull_transfer_zone(transfer);
        if (registry->scheme == PULL_SCHEME_UNKNOWN) {
            registry->scheme = PULL_SCHEME_HTTPS;
        }
        pull_ratelimit_log(pull_transfer_response(transfer), registry->host);
        if (pull_transfer_response(transfer)->status == 401 &&
            !pull_transfer_is_elsewhere(transfer)) {
            return unauthorized(registry, transfer, err);
        }
    }
    return progress;
}

enum pull_progress pull_registry_finish(struct pull_registry *registry,
                                        struct pull_transfer *transfer, struct md_err *err)
{
    for (;;) {
        enum pull_progress progress = pull_registry_advance(registry, transfer, err);

        if (progress != PULL_UNDER_WAY) {
            return progress;
        }
        if (pull_transfer_await(transfer, err) < 0) {
            return PULL_GAVE_UP;
        }
    }
}
