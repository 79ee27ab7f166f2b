/* SPDX-License-Identifier: Apache-2.0 */
/* A repository wherever it is to be had: its mirrors, then its registry. */
#include "pull/repository.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct pull_repository *pull_repository_open(struct pull_http *http, const struct md_ref *ref,
                                             struct md_err *err)
{
    const struct pull_settings *settings = pull_http_settings(http);
    struct pull_repository *repository;
    struct pull_endpoints endpoints;

    if (settings->err.kind != MD_ERR_NONE) {
        *err = settings->err;
        return NULL;
    }
    if (pull_registries_find(&settings->registries, ref, &endpoints, err) < 0) {
        return NULL;
    }
    repository = md_xcalloc(1, sizeof(*repository));
    repository->endpoints = endpoints;
    for (; repository->count < endpoints.count; repository->count++) {
        struct pull_registry *place =
            pull_registry_open(http, ref, &endpoints.at[repository->count], err);

        if (!place) {
            pull_repository_close(&repository);
            return NULL;
        }
        /* Where there is somebody else to ask, that is better than waiting. */
        place->attempts = repository->count + 1 < endpoints.count ? 1 : 0;
        repository->places[repository->count] = place;
    }
    return repository;
}

void pull_repository_close(struct pull_repository **repository)
{
    for (size_t i = 0; *repository && i < (*repository)->count; i++) {
        pull_registry_close(&(*repository)->places[i]);
    }
    md_ptr_free(repository);
}

static bool same_endpoints(const struct pull_endpoints *a, const struct pull_endpoints *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (strcmp(a->at[i].host, b->at[i].host) != 0 ||
            strcmp(a->at[i].repository, b->at[i].repository) != 0 ||
            a->at[i].insecure != b->at[i].insecure) {
            return false;
        }
    }
    return a->count == b->count;
}

bool pull_repository_serves(const struct pull_repository *repository, const struct md_ref *ref)
{
    const struct pull_registry *place = repository->places[0];
    const struct pull_settings *settings = pull_http_settings(place->http);
    struct pull_endpoints endpoints;
    struct md_err ignored = { 0 }; /* it is told when ref's own is opened */

    return strcmp(place->ref.registry, ref->registry) == 0 &&
           strcmp(place->ref.repository, ref->repository) == 0 &&
           pull_registries_find(&settings->registries, ref, &endpoints, &ignored) == 0 &&
           same_endpoints(&repository->endpoints, &endpoints);
}

void pull_repository_turn(struct pull_repository *repository, const struct md_ref *ref)
{
    repository->first = 0;
    for (size_t i = 0; i < repository->count; i++) {
        repository->places[i]->ref = *ref;
    }
}

/* ---- Reasons ---- */

/* text without "what: " or "what " in front. */
static const char *skip_words(const char *text, const char *words)
{
    size_t len = strlen(words);

    if (strncmp(text, words, len) != 0) {
        return text;
    }
    text += len;
    text += text[0] == ':';
    return text + (text[0] == ' ');
}

void pull_tried_note(struct pull_tried *tried, const struct pull_registry *place,
                     const char *what, struct md_err *err)
{
    const char *reason = skip_words(skip_words(err->text, what), place->host);

    md_log("%s: not from %s: %s", what, place->host, err->text);
    md_buf_printf(&tried->text, "%s%s: %s", tried->text.len > 0 ? "; " : "", place->host,
                  reason);
    memset(err, 0, sizeof(*err));
}

void pull_tried_tell(const struct pull_tried *tried, struct md_err *err)
{
    struct md_err last = *err;

    if (tried->text.len > 0) {
        md_err_set(err, last.kind, "%s (tried before: %s)", last.text, tried->text.data);
        err->sys = last.sys;
    }
}

void pull_tried_clear(struct pull_tried *tried)
{
    md_buf_clear(&tried->text);
}
