/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests through libcurl: one multi handle, HTTP/1.1, no redirect followed. */
#include "pull/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/httpsetup.h"
#include "pull/reach.h"
#include "pull/verdict.h"
#include "pull/wire.h"

#define BUFFER_BYTES (32L << 10)
#define LOW_SPEED_BYTES 1024L

struct pull_http {
    CURLM *multi;
    CURLSH *share; /* TLS sessions: six connections to a host shake hands in full only once */
    int watch_fd;
    struct pull_patience patience;
    const struct pull_settings *settings;
    bool file_needed; /* the directory alone did not do */
    struct pull_exchange *first;
};

struct pull_exchange {
    struct pull_http *http;
    struct pull_exchange *next;
    CURL *easy;
    struct curl_slist *fields;
    struct pull_sink *sink;
    struct pull_response response;
    enum pull_http_end end;
    size_t header_bytes;
    size_t taken; /* of the bytes that libcurl will hand over again after a pause */
    bool in_body;
    bool paused;
    bool stopped;
    bool file_tried; /* as a source of certificates */
    struct pull_reach reach;
    char proxy[PULL_SITE_SIZE]; /* "" for none */
    char reason[PULL_SITE_SIZE + PULL_REASON_SIZE];
    char curl_words[CURL_ERROR_SIZE];
};

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct pull_exchange *exchange = context;
    size_t len = size * count;

    exchange->header_bytes += len;
    if (exchange->header_bytes > MD_MAX_HEADERS) {
        return 0;
    }
    if (exchange->in_body) {
        return len; /* a trailer: nothing in it counts */
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        pull_response_reset(&exchange->response); /* what came before was a 1xx */
    } else {
        pull_response_header(&exchange->response, line, len);
    }
    return exchange->response.length_wrong ? 0 : len;
}

/* ---- The body ---- */

static void learn_status(struct pull_exchange *exchange)
{
    long status = 0;
    curl_off_t length = -1;

    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    exchange->response.status = (int)status;
    exchange->response.length = length;
    exchange->response.zone = exchange->reach.zone;
}

/* After a pause libcurl hands over the same bytes again, in chunks of its own choice. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct pull_exchange *exchange = context;
    size_t len = size * count;
    size_t skip = exchange->taken < len ? exchange->taken : len;
    ssize_t put = 0;

    if (!exchange->in_body) {
        exchange->in_body = true;
        learn_status(exchange);
    }
    if (skip < len) {
        put = exchange->sink->put(exchange->sink, bytes + skip, len - skip);
    }
    if (put < 0) {
        exchange->stopped = true;
        return len + 1; /* anything but len is an error to libcurl */
    }
    if (skip + (size_t)put < len) {
        exchange->taken = skip + (size_t)put;
        exchange->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    exchange->taken -= skip;
    return len;
}

/* ---- How it ended ---- */

static enum pull_http_end connect_failed(struct pull_exchange *exchange)
{
    long number = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
    snprintf(exchange->reason, sizeof(exchange->reason), "%s", pull_verdict_connect(number));
    return PULL_HTTP_UNREACHABLE;
}

static enum pull_http_end timed_out(struct pull_exchange *exchange)
{
    curl_off_t before_request = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &before_request);
    if (before_request == 0) {
        snprintf(exchange->reason, sizeof(exchange->reason), "no answer in time");
        return PULL_HTTP_UNREACHABLE;
    }
    snprintf(exchange->reason, sizeof(exchange->reason),
             "less than %ld bytes a second for %u s", LOW_SPEED_BYTES,
             exchange->http->patience.stall_s);
    return PULL_HTTP_CUT;
}

static enum pull_http_end because(struct pull_exchange *exchange, enum pull_http_end end,
                                  const char *words, CURLcode code)
{
    const char *detail =
        exchange->curl_words[0] ? exchange->curl_words : curl_easy_strerror(code);
    char shown[160];

    snprintf(exchange->reason, sizeof(exchange->reason), "%s (%s)", words,
             md_text_escape(detail, strlen(detail), shown, sizeof(shown)));
    return end;
}

static enum pull_http_end judge(struct pull_exchange *exchange, CURLcode code)
{
    long proxy_status = 0;
    long verified = 0;

    if (pull_setup_proxy_asks(exchange->easy, exchange->proxy)) {
        snprintf(exchange->reason, sizeof(exchange->reason), "%s", PULL_PROXY_ASKS);
        return PULL_HTTP_UNREACHABLE;
    }
    if (code == CURLE_OK) {
        return PULL_HTTP_WHOLE;
    }
    if (exchange->stopped) {
        return PULL_HTTP_STOPPED;
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300) {
        return because(exchange, PULL_HTTP_UNREACHABLE, "it refused", code);
    }
    if (exchange->header_bytes > MD_MAX_HEADERS) {
        return because(exchange, PULL_HTTP_UNUSABLE, "more header bytes than allowed", code);
    }
    if (exchange->response.length_wrong) {
        return because(exchange, PULL_HTTP_UNUSABLE, "a Content-Length that makes no sense",
                       code);
    }
    /* Only what needs words of its own: libcurl has a hundred codes. */
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        snprintf(exchange->reason, sizeof(exchange->reason), "unknown host");
        return PULL_HTTP_UNREACHABLE;
    }
    if (code == CURLE_COULDNT_RESOLVE_PROXY) {
        return because(exchange, PULL_HTTP_UNREACHABLE, "unknown proxy host", code);
    }
    if ((code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK) &&
        pull_reach_refused(&exchange->reach, exchange->reason, sizeof(exchange->reason))) {
        return PULL_HTTP_TOO_NEAR;
    }
    if (code == CURLE_COULDNT_CONNECT) {
        return connect_failed(exchange);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return timed_out(exchange);
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    return pull_verdict(code, exchange->curl_words, verified, exchange->reason);
}

/* ---- Requests ---- */

/* The first error of several options. */
static CURLcode option(CURLcode code, CURLcode so_far)
{
    return so_far == CURLE_OK ? code : so_far;
}

static CURLcode set_transport(const struct pull_http *http, const struct pull_request *request,
                              CURL *easy)
{
    CURLcode first = CURLE_OK;

    /* HTTP/2 windows would hold megabytes per layer, and one connection carries less. */
    first = option(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
                   first);
    first = option(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L), first);
    first = option(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES), first);
    first = option(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L), first);
    first = option(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES), first);
    /* While we have paused it libcurl does not count, and begins anew afterwards. */
    first = option(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)http->patience.stall_s),
                   first);
    first = option(
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms),
        first);
    return first;
}

static void add_field(struct pull_exchange *exchange, const char *name, const char *value)
{
    MD_AUTO_FREE char *line = value ? md_xasprintf("%s: %s", name, value) : NULL;

    if (line) {
        exchange->fields = curl_slist_append(exchange->fields, line);
    }
}

static CURLcode set_request(struct pull_exchange *exchange, const struct pull_request *request)
{
    CURL *easy = exchange->easy;
    CURLcode first = CURLE_OK;

    add_field(exchange, "User-Agent", "minidock/" MINIDOCK_VERSION);
    add_field(exchange, "Accept-Encoding", "identity");
    add_field(exchange, "Accept", request->accept);
    add_field(exchange, "Authorization", request->authorization);
    first = option(curl_easy_setopt(easy, CURLOPT_URL, request->url->text), first);
    first = option(
        curl_easy_setopt(easy, CURLOPT_NOBODY, request->method == PULL_HEAD ? 1L : 0L), first);
    if (request->method == PULL_POST) {
        first = option(curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->form), first);
    }
    first = option(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->fields), first);
    first = option(curl_easy_setopt(easy, CURLOPT_RANGE, request->range), first);
    first = option(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header), first);
    first = option(curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange), first);
    first = option(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body), first);
    first = option(curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange), first);
    first = option(curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange), first);
    first = option(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_words), first);
    first = option(curl_easy_setopt(easy, CURLOPT_SHARE, exchange->http->share), first);
    return first;
}

struct pull_exchange *pull_http_start(struct pull_http *http,
                                      const struct pull_request *request, struct md_err *err)
{
    const struct pull_host_certs *own = pull_certs_find(&http->settings->certs, request->url);
    const struct pull_host_certs *vouching = own ? own : request->vouching;
    enum pull_trust_use use = http->file_needed ? PULL_TRUST_FILE : PULL_TRUST_DIRECTORY;
    struct pull_exchange *exchange;

    if (own && own->err.kind != MD_ERR_NONE) {
        *err = own->err;
        return NULL;
    }
    exchange = md_xcalloc(1, sizeof(*exchange));
    exchange->http = http;
    exchange->sink = request->sink;
    exchange->reach.limit = request->reach;
    pull_response_reset(&exchange->response);
    exchange->next = http->first;
    http->first = exchange;
    /* Among the host's own authorities the file is already. */
    exchange->file_tried = http->file_needed || (vouching && vouching->authorities.bytes);
    exchange->easy = curl_easy_init();
    if (!exchange->easy || set_request(exchange, request) != CURLE_OK ||
        pull_setup_trust(exchange->easy, &http->settings->trust, use) != CURLE_OK ||
        pull_setup_host(exchange->easy, own, vouching, request->verify) != CURLE_OK ||
        pull_setup_proxy(exchange->easy, http->settings, request->url, exchange->proxy) !=
            CURLE_OK ||
        set_transport(http, request, exchange->easy) != CURLE_OK ||
        (exchange->proxy[0] == '\0' &&
         pull_reach_watch(&exchange->reach, exchange->easy) < 0) ||
        curl_multi_add_handle(http->multi, exchange->easy) != CURLM_OK) {
        pull_exchange_close(&exchange);
        md_err_set(err, MD_ERR_NETWORK, "libcurl refuses the request");
    }
    return exchange;
}

static void exchange_free(struct pull_exchange *exchange)
{
    if (exchange->easy) {
        curl_multi_remove_handle(exchange->http->multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
    }
    curl_slist_free_all(exchange->fields);
    md_buf_clear(&exchange->response.challenge);
    free(exchange);
}

void pull_exchange_close(struct pull_exchange **exchange)
{
    struct pull_exchange *gone = *exchange;

    if (!gone) {
        return;
    }
    for (struct pull_exchange **link = &gone->http->first; *link; link = &(*link)->next) {
        if (*link == gone) {
            *link = gone->next;
            break;
        }
    }
    exchange_free(gone);
    *exchange = NULL;
}

enum pull_http_end pull_exchange_end(const struct pull_exchange *exchange)
{
    return exchange->end;
}

const char *pull_exchange_reason(const struct pull_exchange *exchange)
{
    return exchange->reason;
}

const struct pull_response *pull_exchange_response(const struct pull_exchange *exchange)
{
    return &exchange->response;
}

/* ---- The engine ---- */

struct pull_http *pull_http_open(int watch_fd, const struct pull_settings *settings,
                                 struct md_err *err)
{
    struct pull_http *http = md_xcalloc(1, sizeof(*http));

    http->watch_fd = watch_fd;
    pull_http_set_patience(http, &(struct pull_patience){ 0 });
    http->settings = settings;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        http->multi = curl_multi_init();
        http->share = curl_share_init();
    }
    if (!http->multi || !http->share ||
        curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
            CURLSHE_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PULL_RINGS) !=
            CURLM_OK) {
        pull_http_close(&http);
        md_err_set(err, MD_ERR_SYSTEM, "libcurl cannot be set up");
    }
    return http;
}

void pull_http_set_patience(struct pull_http *http, const struct pull_patience *patience)
{
    http->patience = pull_patience_complete(*patience);
}

const struct pull_patience *pull_http_patience(const struct pull_http *http)
{
    return &http->patience;
}

const struct pull_settings *pull_http_settings(const struct pull_http *http)
{
    return http->settings;
}

void pull_http_close(struct pull_http **http)
{
    struct pull_http *gone = *http;

    if (!gone) {
        return;
    }
    for (struct pull_exchange *exchange = gone->first, *next; exchange; exchange = next) {
        next = exchange->next;
        exchange_free(exchange);
    }
    curl_multi_cleanup(gone->multi);
    curl_share_cleanup(gone->share);
    free(gone);
    *http = NULL;
}

/* Nothing was asked yet: the same again, believing the file of the environment too. */
static void trust_file(struct pull_http *http, struct pull_exchange *exchange)
{
    if (exchange->end != PULL_HTTP_DISTRUSTED || !http->settings->trust.file ||
        !http->settings->trust.directory || exchange->file_tried) {
        return;
    }
    http->file_needed = true;
    exchange->file_tried = true;
    if (pull_setup_trust(exchange->easy, &http->settings->trust, PULL_TRUST_FILE) == CURLE_OK &&
        curl_multi_add_handle(http->multi, exchange->easy) == CURLM_OK) {
        exchange->end = PULL_HTTP_RUNNING;
    }
}

/* Handles leave the multi handle at once, so that their connections are free for others. */
static void collect(struct pull_http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct pull_exchange *exchange = NULL;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&exchange) != CURLE_OK ||
            !exchange) {
            continue;
        }
        if (!exchange->in_body) {
            learn_status(exchange);
        }
        exchange->end = judge(exchange, code);
        if (exchange->end == PULL_HTTP_UNREACHABLE) {
            pull_setup_proxy_name(exchange->proxy, exchange->reason, sizeof(exchange->reason));
        }
        exchange->paused = false;
        curl_multi_remove_handle(http->multi, easy);
        trust_file(http, exchange);
    }
}

/* A slot for the watched socket, then one for each paused request. Returns how many. */
static unsigned fill_waits(struct pull_http *http, enum pull_watch watch,
                           struct curl_waitfd waits[PULL_RINGS + 1])
{
    unsigned count = 1;

    waits[0] = (struct curl_waitfd){ .fd = http->watch_fd };
    if (watch == PULL_WATCH_MESSAGES) {
        waits[0].events = CURL_WAIT_POLLIN;
    }
    for (struct pull_exchange *exchange = http->first; exchange; exchange = exchange->next) {
        if (exchange->paused && count <= PULL_RINGS) {
            waits[count++] = (struct curl_waitfd){
                .fd = exchange->sink->ready_fd,
                .events = CURL_WAIT_POLLIN,
            };
        }
    }
    return count;
}

static void resume_ready(struct pull_http *http, const struct curl_waitfd *waits,
                         unsigned count)
{
    for (struct pull_exchange *exchange = http->first; exchange; exchange = exchange->next) {
        for (unsigned i = 1; i < count && exchange->paused; i++) {
            if (waits[i].fd == exchange->sink->ready_fd && waits[i].revents) {
                exchange->paused = false;
                exchange->sink->ready(exchange->sink);
                /* Calls on_body() with what was held back; it may pause again. */
                curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
            }
        }
    }
}

enum pull_event pull_http_step(struct pull_http *http, enum pull_watch watch, int timeout_ms)
{
    struct curl_waitfd waits[PULL_RINGS + 1];
    unsigned count = fill_waits(http, watch, waits);
    int running;

    /* libcurl knows no "for ever"; a minute is as good. */
    if (curl_multi_poll(http->multi, waits, count, timeout_ms < 0 ? 60000 : timeout_ms, NULL) !=
        CURLM_OK) {
        return PULL_EVENT_GONE;
    }
    resume_ready(http, waits, count);
    if (curl_multi_perform(http->multi, &running) != CURLM_OK) {
        return PULL_EVENT_GONE;
    }
    collect(http);
    if (!waits[0].revents) {
        return PULL_EVENT_NONE;
    }
    return watch == PULL_WATCH_MESSAGES ? PULL_EVENT_MESSAGE : PULL_EVENT_GONE;
}
