/* SPDX-License-Identifier: Apache-2.0 */
/* A repository as the origin of documents: what is asked, and what an answer must be. */
#include "pull/served.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/hash.h"

#define ACCEPTED                                                                               \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "    \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                              \
    "application/vnd.docker.distribution.manifest.v2+json"

/* What a tag names has only the registry's word for its digest, which must then be true. */
static int check_claim(struct pull_found *found, const char *claim, const char *what,
                       struct md_err *err)
{
    struct md_digest claimed;
    char shown[160];

    if (claim[0] == '\0') {
        pull_hash_bytes(MD_SHA256, found->bytes.data ? found->bytes.data : "", found->bytes.len,
                        &found->digest);
        return 0;
    }
    if (md_digest_parse(claim, &claimed, err) < 0) {
        return md_err_set(err, MD_ERR_DIGEST, "%s: the registry calls it \"%s\"", what,
                          md_text_escape(claim, strlen(claim), shown, sizeof(shown)));
    }
    return pull_found_check(found, &claimed, what, err);
}

/* What must come. digest NULL: by tag. size -1: not known. */
struct expectation {
    const struct md_digest *digest;
    int64_t size;
};

static int judge(struct pull_registry *place, struct pull_transfer *transfer,
                 const struct expectation *expected, struct pull_found *found,
                 struct md_err *err)
{
    const struct pull_response *response = pull_transfer_response(transfer);
    const char *what = pull_transfer_what(transfer);

    if (response->status != 200) {
        return pull_registry_refused(place, transfer, err);
    }
    if (pull_response_is_html(response)) {
        return md_err_set(err, MD_ERR_NETWORK,
                          "%s: %s: not a registry: it answered with a web page", what,
                          pull_transfer_url(transfer)->site);
    }
    pull_transfer_take_body(transfer, &found->bytes);
    memcpy(found->content_type, response->content_type, sizeof(found->content_type));
    if (expected->size >= 0 && pull_found_check_size(found, expected->size, what, err) < 0) {
        return -1;
    }
    return expected->digest ? pull_found_check(found, expected->digest, what, err)
                            : check_claim(found, response->content_digest, what, err);
}

static int fetch_from(struct pull_registry *place, const struct pull_wish *wish,
                      const struct expectation *expected, struct pull_found *found,
                      struct md_err *err)
{
    struct pull_transfer *transfer = pull_registry_fetch(place, wish, err);
    int result = -1;

    if (transfer && pull_registry_finish(place, transfer, err) == PULL_ANSWERED) {
        result = judge(place, transfer, expected, found, err);
    }
    pull_transfer_close(&transfer);
    return result;
}

/* From the first place that has it and is right about it; then that is asked first. */
static int fetch(struct pull_repository *repository, const struct pull_wish *wish,
                 const struct expectation *expected, struct pull_found *found,
                 struct md_err *err)
{
    struct pull_tried tried = { 0 };
    int result;

    for (;;) {
        struct pull_registry *place = repository->places[repository->first];

        result = fetch_from(place, wish, expected, found, err);
        if (result == 0 || repository->first + 1 == repository->count) {
            break;
        }
        pull_found_clear(found);
        pull_tried_note(&tried, place, wish->what, err);
        repository->first++;
    }
    if (result < 0) {
        pull_tried_tell(&tried, err);
    }
    pull_tried_clear(&tried);
    return result;
}

/* The request for what the order names; what is borrowed. */
static struct pull_wish wish_for(const struct pull_resolve *order, const char *what)
{
    return (struct pull_wish){
        .what = what,
        .method = PULL_GET,
        .kind = "manifests",
        .name = order->ref.digest.alg ? order->ref.digest.text : order->ref.tag,
        .accept = ACCEPTED,
        .max = MD_MAX_MANIFEST,
        .size = -1,
    };
}

static char *describe(const struct pull_resolve *order)
{
    char name[MD_REF_TEXT_SIZE];

    md_ref_familiar(&order->ref, name);
    return md_xasprintf("manifest for %s", name);
}

static struct pull_repository *repository_of(struct pull_origin *origin)
{
    return ((struct pull_served *)origin)->repository;
}

static int fetch_named(struct pull_origin *origin, const struct pull_resolve *order,
                       struct pull_found *found, struct md_err *err)
{
    MD_AUTO_FREE char *what = describe(order);
    const struct pull_wish wish = wish_for(order, what);
    const struct expectation expected = {
        .digest = order->ref.digest.alg ? &order->ref.digest : NULL,
        .size = -1,
    };

    return fetch(repository_of(origin), &wish, &expected, found, err);
}

static int fetch_described(struct pull_origin *origin, enum pull_paper_kind kind,
                           const struct md_descriptor *described, struct pull_found *found,
                           struct md_err *err)
{
    bool config = kind == PULL_A_CONFIG;
    MD_AUTO_FREE char *what =
        md_xasprintf("%s %s", config ? "config" : "manifest", described->digest.text);
    struct pull_wish wish = {
        .what = what,
        .method = PULL_GET,
        .kind = config ? "blobs" : "manifests",
        .name = described->digest.text,
        .accept = config ? NULL : ACCEPTED,
        .size = -1,
        /* One more, or an empty one would have no maximum and a longer one the wrong error. */
        .max = (size_t)described->size + 1,
    };
    const struct expectation expected = { .digest = &described->digest,
                                          .size = described->size };

    return fetch(repository_of(origin), &wish, &expected, found, err);
}

/*
 * Does the registry still serve what it served last time? One HEAD. Whatever is no clear yes is
 * a no: the GET that follows tells what is the matter. Returns 1, 0 or -1.
 */
static int is_unchanged(struct pull_origin *origin, const struct pull_resolve *order,
                        struct md_err *err)
{
    struct pull_repository *repository = repository_of(origin);
    struct pull_registry *place = repository->places[repository->first];
    MD_AUTO_FREE char *what = describe(order);
    struct pull_wish wish = wish_for(order, what);
    struct pull_transfer *transfer;
    int result = -1;

    wish.method = PULL_HEAD;
    wish.max = 0;
    transfer = pull_registry_fetch(place, &wish, err);
    if (transfer && pull_registry_finish(place, transfer, err) == PULL_ANSWERED) {
        const struct pull_response *response = pull_transfer_response(transfer);

        result =
            response->status == 200 && strcmp(response->content_digest, order->known.text) == 0;
    }
    pull_transfer_close(&transfer);
    if (result < 0 && repository->first + 1 < repository->count) {
        memset(err, 0, sizeof(*err)); /* another one may have it */
        result = 0;
    }
    return result;
}

struct pull_served pull_served_by(struct pull_repository *repository)
{
    return (struct pull_served){
        .origin = { .named = fetch_named,
                    .described = fetch_described,
                    .unchanged = is_unchanged },
        .repository = repository,
    };
}
