/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests through libcurl: one request, one answer. What an answer means (redirect,
 * challenge, retry) is decided in transfer.c and registry.c.
 */
#ifndef MD_PULL_HTTP_H
#define MD_PULL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pull/patience.h"
#include "pull/response.h"
#include "pull/settings.h"
#include "pull/url.h"
#include "pull/zone.h"

/* Takes the body bytes of an answer. Embed it and find the whole by its address. */
struct pull_sink {
    /* Returns how many bytes it took; fewer than len: full, go on when ready_fd is readable
     * (a caller with ready_fd -1 must take all); -1: stop the request. */
    ssize_t (*put)(struct pull_sink *sink, const char *bytes, size_t len);
    void (*ready)(struct pull_sink *sink); /* ready_fd was readable */
    int ready_fd;
};

enum pull_method { PULL_GET, PULL_HEAD, PULL_POST };

/* How the other side of a TLS connection is looked at. */
enum pull_verify { PULL_VERIFY = 0, PULL_NO_VERIFY };

/* Borrowed until the exchange is closed: sink; all else is copied. */
struct pull_request {
    enum pull_method method;
    const struct pull_url *url;
    const char *accept;        /* or NULL */
    const char *authorization; /* the field's value, or NULL */
    const char *range;         /* "5-9", or NULL */
    const char *form;          /* PULL_POST: what is sent, url-encoded */
    enum pull_zone reach;      /* the nearest zone that its host may be in; UNKNOWN: any */
    int connect_timeout_ms;
    enum pull_verify verify;
    /* Whose authorities count for a host that has no certs.d of its own, or NULL. */
    const struct pull_host_certs *vouching;
    struct pull_sink *sink;
};

enum pull_http_end {
    PULL_HTTP_RUNNING = 0,
    PULL_HTTP_WHOLE,       /* the answer came whole */
    PULL_HTTP_STOPPED,     /* the sink stopped it */
    PULL_HTTP_UNREACHABLE, /* unknown host, refused, no answer: nothing was asked */
    PULL_HTTP_NO_TLS,      /* the other side does not speak TLS with us */
    PULL_HTTP_DISTRUSTED,  /* its certificate was not accepted */
    PULL_HTTP_CUT,         /* broke off, or stood still */
    PULL_HTTP_UNUSABLE,    /* no HTTP that we take */
    PULL_HTTP_TOO_NEAR,    /* the host's address is beyond the request's reach */
};

struct pull_http;
struct pull_exchange;

/*
 * watch_fd: a socket whose end of file stops everything, and whose messages pull_http_step()
 * reports. Both are borrowed; certificates and proxies are those of settings.
 */
MD_MUST_CHECK
struct pull_http *pull_http_open(int watch_fd, const struct pull_settings *settings,
                                 struct md_err *err);
void pull_http_close(struct pull_http **http);
const struct pull_settings *pull_http_settings(const struct pull_http *http);

/* For requests from now on. */
void pull_http_set_patience(struct pull_http *http, const struct pull_patience *patience);
const struct pull_patience *pull_http_patience(const struct pull_http *http);

/*
 * Begin a request. Only pull_http_step() moves it.
 *
 * Errors: MD_ERR_NETWORK; those of the host's certs.d
 */
MD_MUST_CHECK
struct pull_exchange *pull_http_start(struct pull_http *http,
                                      const struct pull_request *request, struct md_err *err);
/* Also stops it. Not from within a sink. */
void pull_exchange_close(struct pull_exchange **exchange);

enum pull_http_end pull_exchange_end(const struct pull_exchange *exchange);
/* Why it ended other than WHOLE or STOPPED: words for people, escaped. */
const char *pull_exchange_reason(const struct pull_exchange *exchange);
const struct pull_response *pull_exchange_response(const struct pull_exchange *exchange);

/* What to see of watch_fd: only its end, or messages too. */
enum pull_watch { PULL_WATCH_END, PULL_WATCH_MESSAGES };
enum pull_event { PULL_EVENT_NONE, PULL_EVENT_MESSAGE, PULL_EVENT_GONE };

/*
 * Move all requests on, waiting up to timeout_ms (-1: no limit) for something to do. With
 * PULL_WATCH_MESSAGES the end of watch_fd is reported as a message.
 */
enum pull_event pull_http_step(struct pull_http *http, enum pull_watch watch, int timeout_ms);

#endif
