/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl's result of a request means. */
#include "pull/verdict.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* Of libcurl's hundred codes, those that are not just "no usable answer". */
static const struct verdict {
    CURLcode code;
    enum pull_http_end end;
    const char *words;
} verdicts[] = {
    { CURLE_SSL_CONNECT_ERROR, PULL_HTTP_NO_TLS, "no TLS connection" },
    { CURLE_PEER_FAILED_VERIFICATION, PULL_HTTP_DISTRUSTED, "its certificate is not trusted" },
    { CURLE_SSL_CACERT_BADFILE, PULL_HTTP_DISTRUSTED, "its certificate is not trusted" },
    { CURLE_PARTIAL_FILE, PULL_HTTP_CUT, "the connection broke off" },
    { CURLE_GOT_NOTHING, PULL_HTTP_CUT, "the connection broke off" },
    { CURLE_SEND_ERROR, PULL_HTTP_CUT, "the connection broke off" },
    { CURLE_RECV_ERROR, PULL_HTTP_CUT, "the connection broke off" },
    { CURLE_OUT_OF_MEMORY, PULL_HTTP_UNUSABLE, "a header line longer than allowed" },
};

/*
 * Said under the codes of a connection that failed, but final: a TLS alert is an answer of who
 * does speak TLS, and never a reason to try again or to try without. Only the words tell.
 */
static const struct final {
    const char *said;
    const char *words;
} finals[] = {
    { " alert ", "it refuses the TLS connection" },
    { ":unsupported protocol", "it speaks only TLS that is too old" },
    { "in chunked-encoding", "no usable answer" },
};

/* OpenSSL's numbers: X509_STORE_CTX_get_error(3). */
enum {
    NO_ISSUER = 2,
    NOT_YET_VALID = 9,
    EXPIRED = 10,
    SELF_SIGNED = 18,
    SELF_SIGNED_CHAIN = 19,
    NO_LOCAL_ISSUER = 20,
    NO_LEAF_ISSUER = 21
};

/* What may be done about a certificate, to follow the reason. */
static void advise(long verified, char *out, size_t size)
{
    time_t now = time(NULL);
    struct tm date;

    switch (verified) {
    case NOT_YET_VALID:
    case EXPIRED:
        gmtime_r(&now, &date);
        strftime(out, size, "; the clock of this machine says %Y-%m-%d", &date);
        break;
    case NO_ISSUER:
    case SELF_SIGNED:
    case SELF_SIGNED_CHAIN:
    case NO_LOCAL_ISSUER:
    case NO_LEAF_ISSUER:
        snprintf(out, size, "; a file named by SSL_CERT_FILE can add its authority");
        break;
    default:
        out[0] = '\0';
    }
}

static struct verdict find(CURLcode code, const char *words)
{
    struct verdict found = { code, PULL_HTTP_UNUSABLE, "no usable answer" };

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        if (verdicts[i].code == code) {
            found = verdicts[i];
        }
    }
    for (size_t i = 0; i < sizeof(finals) / sizeof(*finals); i++) {
        if (strstr(words, finals[i].said)) {
            found.end = PULL_HTTP_UNUSABLE;
            found.words = finals[i].words;
        }
    }
    return found;
}

enum pull_http_end pull_verdict(int code, const char *words, long verified,
                                char reason[PULL_REASON_SIZE])
{
    struct verdict found = find((CURLcode)code, words);
    const char *detail = words[0] ? words : curl_easy_strerror((CURLcode)code);
    char shown[160];
    char advice[80] = "";

    if (found.end == PULL_HTTP_DISTRUSTED) {
        advise(verified, advice, sizeof(advice));
    }
    snprintf(reason, PULL_REASON_SIZE, "%s (%s)%s", found.words,
             md_text_escape(detail, strlen(detail), shown, sizeof(shown)), advice);
    return found.end;
}

const char *pull_verdict_connect(long number)
{
    switch (number) {
    case ECONNREFUSED:
        return "connection refused";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "no route to it";
    case ETIMEDOUT:
        return "no answer";
    default:
        return "cannot connect";
    }
}
