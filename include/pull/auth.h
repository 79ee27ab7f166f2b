/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of registries (WWW-Authenticate) and the tokens that answer them. Pure parsing. */
#ifndef MD_PULL_AUTH_H
#define MD_PULL_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pull/url.h"

#define PULL_MAX_REALM 2048
#define PULL_MAX_SERVICE 512
#define PULL_MAX_TOKEN_TEXT (64u << 10)

/* What a registry takes. realm and service are those of the first Bearer challenge. */
struct pull_challenge {
    bool bearer;
    bool basic;
    char realm[PULL_MAX_REALM];
    char service[PULL_MAX_SERVICE]; /* "" when not given */
};

/*
 * Parse the values of all WWW-Authenticate fields, joined by commas. Unknown schemes are
 * skipped; the challenge's scope is not kept, as we ask for pulling and nothing else.
 *
 * Errors: MD_ERR_FORMAT  malformed, a parameter twice, or a Bearer challenge without realm
 * Source: RFC 9110, 11.6.1; distribution, docs/spec/auth/token.md.
 */
MD_MUST_CHECK
int pull_challenge_parse(const char *text, size_t len, struct pull_challenge *challenge,
                         struct md_err *err);

/* What to ask a token server for. */
struct pull_token_question {
    const char *repository; /* to be pulled from; "": nothing, only to be known (login) */
    const char *account;    /* the user's name, or NULL */
    bool bare;              /* the realm only: the question goes into a form */
};

/*
 * The address that gives a token: https, or http only when the registry itself is asked by
 * plain http.
 *
 * Errors: MD_ERR_AUTH, MD_ERR_FORMAT
 */
MD_MUST_CHECK
int pull_token_url(const struct pull_challenge *challenge,
                   const struct pull_token_question *question, const struct pull_url *registry,
                   struct pull_url *url, struct md_err *err);

/*
 * The token in a token server's answer: "token" or "access_token", visible ASCII only. The
 * caller frees it.
 *
 * Errors: MD_ERR_FORMAT
 */
MD_MUST_CHECK
char *pull_token_parse(const char *bytes, size_t len, struct md_err *err);

#endif
