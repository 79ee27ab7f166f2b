/* SPDX-License-Identifier: Apache-2.0 */
/* One thing fetched: redirects, attempts, resuming, and the count of its bytes. */
#include "pull/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "pull/intake.h"

#define CONNECT_TIMEOUT_MS 15000
#define LONGEST_PAUSE_S 30        /* a longer Retry-After is told to the user instead */
#define PROGRESS_BYTES (64 << 10) /* an attempt that brought so many was worth it */
#define WASTED_TIMES 4 /* so often the whole may come in vain from who knows no ranges */

struct pull_transfer {
    struct pull_intake intake;
    struct pull_http *http;
    struct pull_exchange *exchange; /* NULL between attempts */
    struct pull_order order;
    struct pull_url url;    /* of this or the next exchange */
    struct pull_url origin; /* the order's, or what pull_transfer_again() set */
    char *authorization;
    unsigned serial;
    unsigned attempts; /* in a row without progress */
    int64_t mark;      /* the intake's position when they were last 0 */
    int redirects;
    int64_t retry_at_ms;
    enum pull_http_end end;
    enum pull_zone zone; /* of the origin */
    bool reached;        /* some host answered */
    bool token_asked;    /* since the last attempt */
};

/* ---- Attempts ---- */

struct pull_transfer *pull_transfer_open(struct pull_http *http, const struct pull_order *order)
{
    struct pull_transfer *transfer = md_xcalloc(1, sizeof(*transfer));

    transfer->intake.ring = order->ring;
    transfer->intake.max = order->max;
    transfer->intake.size = order->size;
    transfer->intake.position = order->offset;
    transfer->mark = order->offset;
    pull_intake_open(&transfer->intake);
    transfer->http = http;
    transfer->order = *order;
    transfer->origin = *order->url;
    transfer->url = *order->url;
    return transfer;
}

void pull_transfer_close(struct pull_transfer **transfer)
{
    struct pull_transfer *gone = *transfer;

    if (!gone) {
        return;
    }
    pull_exchange_close(&gone->exchange);
    pull_intake_close(&gone->intake);
    free(gone->authorization);
    free(gone);
    *transfer = NULL;
}

/* See transfer.h. */
static enum pull_zone reach_of(const struct pull_transfer *transfer)
{
    if (transfer->order.reach || strcasecmp(transfer->url.host, transfer->origin.host) == 0) {
        return transfer->order.reach;
    }
    return transfer->zone > PULL_ZONE_PRIVATE ? transfer->zone : PULL_ZONE_PRIVATE;
}

static int begin(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_order *order = &transfer->order;
    char range[64];
    struct pull_request request = {
        .method = order->method,
        .url = &transfer->url,
        .accept = order->accept,
        .connect_timeout_ms =
            order->connect_timeout_ms ? order->connect_timeout_ms : CONNECT_TIMEOUT_MS,
        .vouching = order->vouching,
        .sink = &transfer->intake.sink,
        .form = order->form,
        .reach = reach_of(transfer),
    };

    if (pull_url_same_origin(&transfer->url, &transfer->origin)) {
        request.authorization = transfer->authorization;
        request.verify = order->verify;
    }
    /* Through a proxy the address is not seen: one that is written out is known anyway. */
    if (request.reach && pull_zone_of_text(transfer->url.host) > request.reach) {
        return md_err_set(err, MD_ERR_NETWORK, "%s: %s: refused, as it is %s", order->what,
                          transfer->url.site,
                          pull_zone_words(pull_zone_of_text(transfer->url.host)));
    }
    request.range = pull_intake_begin(&transfer->intake, range, sizeof(range));
    transfer->end = PULL_HTTP_RUNNING;
    pull_exchange_close(&transfer->exchange);
    transfer->exchange = pull_http_start(transfer->http, &request, err);
    if (!transfer->exchange) {
        return -1;
    }
    transfer->intake.response = pull_exchange_response(transfer->exchange);
    return 0;
}

void pull_transfer_again(struct pull_transfer *transfer, const struct pull_url *url)
{
    pull_exchange_close(&transfer->exchange);
    if (url) {
        transfer->origin = *url;
    }
    transfer->url = transfer->origin;
    transfer->redirects = 0;
    transfer->retry_at_ms = 0;
}

/* From the order's address anew: what a redirect signed may have expired. */
static enum pull_progress try_again(struct pull_transfer *transfer, int64_t pause_ms)
{
    pull_transfer_again(transfer, NULL);
    transfer->token_asked = false; /* a layer may take longer than a token lives */
    transfer->retry_at_ms = md_now_ms() + pause_ms;
    return PULL_UNDER_WAY;
}

/*
 * The same bytes come again and again: without this a layer of N parts could cost N * N / 2.
 * Of what has no known size nothing comes twice.
 */
static bool is_wasteful(const struct pull_transfer *transfer)
{
    return transfer->order.size >= 0 &&
           transfer->intake.wasted / WASTED_TIMES > transfer->order.size;
}

/* A mirror may have fewer than the user grants. */
static unsigned most_attempts(const struct pull_transfer *transfer)
{
    unsigned most = transfer->order.attempts;

    return most ? most : pull_http_patience(transfer->http)->attempts;
}

/* Counts an attempt, from 1 again after progress; false when there are no more. */
static bool may_try_again(struct pull_transfer *transfer)
{
    if (transfer->intake.position - transfer->mark >= PROGRESS_BYTES) {
        transfer->attempts = 0;
        transfer->mark = transfer->intake.position;
    }
    transfer->attempts++;
    return transfer->attempts < most_attempts(transfer) &&
           !(transfer->order.ring && is_wasteful(transfer));
}

static int64_t next_pause_ms(const struct pull_transfer *transfer)
{
    return pull_patience_pause_ms(pull_http_patience(transfer->http), transfer->attempts);
}

static enum pull_progress give_up(struct pull_transfer *transfer, const char *reason,
                                  struct md_err *err)
{
    char attempts[32] = "";

    if (transfer->attempts > 1) {
        snprintf(attempts, sizeof(attempts), ", tried %u times", transfer->attempts);
    }
    md_err_set(err, MD_ERR_NETWORK, "%s: %s: %s%s", transfer->order.what, transfer->url.site,
               reason, attempts);
    return PULL_GAVE_UP;
}

static enum pull_progress wrong_size(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_response *response = pull_exchange_response(transfer->exchange);

    if (pull_response_is_html(response)) {
        return give_up(transfer, "not a registry: it answered with a web page", err);
    }
    if (transfer->intake.stop == PULL_STOP_ENOUGH) {
        md_err_set(err, MD_ERR_DIGEST, "%s: got more than the expected %" PRId64 " bytes",
                   transfer->order.what, transfer->order.size);
    } else {
        md_err_set(err, MD_ERR_DIGEST, "%s: got %" PRId64 " bytes, expected %" PRId64,
                   transfer->order.what,
                   transfer->intake.stop == PULL_STOP_LENGTH ? response->length
                                                             : transfer->intake.position,
                   transfer->order.size);
    }
    return PULL_GAVE_UP;
}

/* ---- What came of an exchange ---- */

static bool is_complete(const struct pull_transfer *transfer)
{
    const struct pull_order *order = &transfer->order;

    return order->ring && order->size > 0 && transfer->intake.position == order->size;
}

/* No answer, or half of one. */
static enum pull_progress after_break(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_order *order = &transfer->order;
    bool passing = false;

    /* Its end is missing, but nothing of the blob. */
    if (is_complete(transfer)) {
        return PULL_ANSWERED;
    }
    switch (transfer->end) {
    case PULL_HTTP_CUT:
        /* Bytes of unknown size and digest must not be put together from two answers. */
        passing = !(order->ring && order->size < 0 && transfer->intake.position > 0);
        break;
    case PULL_HTTP_UNREACHABLE:
    case PULL_HTTP_NO_TLS:
        passing = order->known_host || transfer->reached;
        break;
    case PULL_HTTP_RUNNING:
    case PULL_HTTP_WHOLE:
    case PULL_HTTP_STOPPED:
    case PULL_HTTP_DISTRUSTED:
    case PULL_HTTP_UNUSABLE:
    case PULL_HTTP_TOO_NEAR:
        break;
    }
    if (passing && may_try_again(transfer)) {
        return try_again(transfer, next_pause_ms(transfer));
    }
    return give_up(transfer, pull_exchange_reason(transfer->exchange), err);
}

static enum pull_progress follow(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_response *response = pull_exchange_response(transfer->exchange);
    struct pull_url next;

    if (transfer->order.form) {
        return give_up(transfer, "refusing to be redirected with a secret", err);
    }
    if (++transfer->redirects > MD_MAX_REDIRECTS) {
        return give_up(transfer, "too many redirects", err);
    }
    if (pull_url_parse(response->location, &transfer->url, &next, err) < 0) {
        md_err_in(err, "%s: %s redirects to", transfer->order.what, transfer->url.site);
        return PULL_GAVE_UP;
    }
    if (transfer->url.https && !next.https) {
        return give_up(transfer, "refusing to be redirected from https to http", err);
    }
    transfer->url = next;
    pull_exchange_close(&transfer->exchange);
    transfer->retry_at_ms = 0;
    return PULL_UNDER_WAY;
}

/* The server does parts wrongly: take the whole and drop what came before. */
static enum pull_progress without_range(struct pull_transfer *transfer, struct md_err *err)
{
    if (transfer->intake.no_range || !may_try_again(transfer)) {
        return give_up(transfer, "it answers with a part that was not asked for", err);
    }
    transfer->intake.no_range = true;
    return try_again(transfer, 0);
}

static enum pull_progress after_content(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_order *order = &transfer->order;

    pull_intake_look(&transfer->intake);
    if (order->method == PULL_HEAD) {
        return PULL_ANSWERED;
    }
    if (!order->ring) {
        if (transfer->intake.stop != PULL_STOP_ENOUGH) {
            return PULL_ANSWERED;
        }
        md_err_set(err, MD_ERR_LIMIT, "%s: more than %zu bytes", order->what, order->max);
        return PULL_GAVE_UP;
    }
    if (transfer->intake.stop == PULL_STOP_RANGE) {
        return without_range(transfer, err);
    }
    if (transfer->intake.stop != PULL_STOP_NONE) {
        return wrong_size(transfer, err);
    }
    if (order->size < 0 || transfer->intake.position == order->size) {
        return PULL_ANSWERED;
    }
    /* Without Content-Length an end too soon looks like the end. */
    if (may_try_again(transfer)) {
        return try_again(transfer, next_pause_ms(transfer));
    }
    return wrong_size(transfer, err);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The server says that it will pass, and how long that takes is bearable. */
static bool will_pass(const struct pull_response *response, int64_t *pause_ms)
{
    int seconds = pull_response_retry_after(response, time(NULL));

    if (seconds > LONGEST_PAUSE_S) {
        return false;
    }
    if (seconds > 0 && *pause_ms < seconds * INT64_C(1000)) {
        *pause_ms = seconds * INT64_C(1000);
    }
    return response->status == 408 || response->status == 429 || response->status >= 500;
}

/* For --debug: without the query, which may hold a signature. */
static void log_answer(const struct pull_transfer *transfer, int status)
{
    static const char *const methods[] = { "GET", "HEAD", "POST" };
    const char *text = transfer->url.text;

    md_log("%s %.*s: HTTP status %d", methods[transfer->order.method], (int)strcspn(text, "?"),
           text, status);
}

static enum pull_progress after_answer(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_response *response = pull_exchange_response(transfer->exchange);
    int64_t pause_ms = 0;

    log_answer(transfer, response->status);
    if (pull_status_is_content(response->status)) {
        return after_content(transfer, err);
    }
    if (is_redirect(response->status) && response->location[0] != '\0') {
        return follow(transfer, err);
    }
    if (response->status == 416 && transfer->intake.ranged) {
        return without_range(transfer, err);
    }
    if (will_pass(response, &pause_ms) && may_try_again(transfer)) {
        int64_t usual = next_pause_ms(transfer);

        return try_again(transfer, pause_ms > usual ? pause_ms : usual);
    }
    return PULL_ANSWERED;
}

enum pull_progress pull_transfer_advance(struct pull_transfer *transfer, struct md_err *err)
{
    const struct pull_response *response;

    if (!transfer->exchange) {
        if (md_now_ms() < transfer->retry_at_ms) {
            return PULL_UNDER_WAY;
        }
        return begin(transfer, err) < 0 ? PULL_GAVE_UP : PULL_UNDER_WAY;
    }
    transfer->end = pull_exchange_end(transfer->exchange);
    if (transfer->end == PULL_HTTP_RUNNING) {
        return PULL_UNDER_WAY;
    }
    response = pull_exchange_response(transfer->exchange);
    transfer->reached = transfer->reached || response->status > 0;
    if (!pull_transfer_is_elsewhere(transfer)) {
        transfer->zone = response->zone;
    }
    if (transfer->end == PULL_HTTP_WHOLE || transfer->end == PULL_HTTP_STOPPED ||
        (transfer->end == PULL_HTTP_CUT && response->status >= 300)) {
        return after_answer(transfer,
                            err); /* what a refusal says may be cut: the status counts */
    }
    return after_break(transfer, err);
}

/* ---- Asking ---- */

void pull_transfer_authorize(struct pull_transfer *transfer, const char *value, unsigned serial)
{
    free(transfer->authorization);
    transfer->authorization = value ? md_xstrdup(value) : NULL;
    transfer->serial = serial;
}

unsigned pull_transfer_serial(const struct pull_transfer *transfer)
{
    return transfer->serial;
}

bool pull_transfer_may_ask_token(struct pull_transfer *transfer)
{
    bool may = !transfer->token_asked;

    transfer->token_asked = true;
    return may;
}

int pull_transfer_wait_ms(const struct pull_transfer *transfer)
{
    int64_t left = transfer->retry_at_ms - md_now_ms();

    if (transfer->exchange) {
        return pull_exchange_end(transfer->exchange) == PULL_HTTP_RUNNING ? -1 : 0;
    }
    return left > 0 ? (int)left : 0;
}

int64_t pull_transfer_position(const struct pull_transfer *transfer)
{
    return transfer->intake.position;
}

enum pull_http_end pull_transfer_end(const struct pull_transfer *transfer)
{
    return transfer->end;
}

const struct pull_response *pull_transfer_response(const struct pull_transfer *transfer)
{
    return pull_exchange_response(transfer->exchange);
}

const struct md_buf *pull_transfer_body(const struct pull_transfer *transfer)
{
    return &transfer->intake.body;
}

void pull_transfer_take_body(struct pull_transfer *transfer, struct md_buf *body)
{
    *body = transfer->intake.body;
    memset(&transfer->intake.body, 0, sizeof(transfer->intake.body));
}

const struct pull_url *pull_transfer_url(const struct pull_transfer *transfer)
{
    return &transfer->url;
}

bool pull_transfer_is_elsewhere(const struct pull_transfer *transfer)
{
    return !pull_url_same_origin(&transfer->url, &transfer->origin);
}

unsigned pull_transfer_answers(const struct pull_transfer *transfer)
{
    return transfer->intake.answers;
}

enum pull_zone pull_transfer_zone(const struct pull_transfer *transfer)
{
    return transfer->zone;
}

const char *pull_transfer_what(const struct pull_transfer *transfer)
{
    return transfer->order.what;
}

int pull_transfer_await(struct pull_transfer *transfer, struct md_err *err)
{
    int wait_ms = pull_transfer_wait_ms(transfer);

    if (pull_http_step(transfer->http, PULL_WATCH_END, wait_ms) == PULL_EVENT_GONE) {
        return md_err_set(err, MD_ERR_NETWORK, "%s: given up", transfer->order.what);
    }
    return 0;
}

enum pull_progress pull_transfer_finish(struct pull_transfer *transfer, struct md_err *err)
{
    for (;;) {
        enum pull_progress progress = pull_transfer_advance(transfer, err);

        if (progress != PULL_UNDER_WAY) {
            return progress;
        }
        if (pull_transfer_await(transfer, err) < 0) {
            return PULL_GAVE_UP;
        }
    }
}
