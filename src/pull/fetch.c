/* SPDX-License-Identifier: Apache-2.0 */
/* The layers under way: each fills a ring. */
#include "pull/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pull/intake.h"

static void fetching_clear(struct pull_fetching *fetching)
{
    struct pull_ring *ring = fetching->ring;

    pull_transfer_close(&fetching->transfer);
    pull_tried_clear(&fetching->tried);
    free(fetching->what);
    memset(fetching, 0, sizeof(*fetching));
    fetching->ring = ring;
}

static int impossible(struct pull_fetching *fetching, struct md_err *err)
{
    errno = EINVAL;
    md_err_sys(err, "%s", fetching->what);
    fetching_clear(fetching);
    return -1;
}

/* Ask the place whose turn it is, from byte offset on. */
static int ask(struct pull_fetching *fetching, int64_t offset, struct md_err *err)
{
    const struct pull_wish wish = {
        .what = fetching->what,
        .method = PULL_GET,
        .kind = "blobs",
        .name = fetching->order.blob.digest.text,
        .ring = fetching->ring,
        .size = fetching->order.blob.size,
        .offset = offset,
    };

    fetching->transfer =
        pull_registry_fetch(fetching->repository->places[fetching->place], &wish, err);
    return fetching->transfer ? 0 : -1;
}

int pull_fetch_begin(struct pull_fetching *fetching, struct pull_repository *repository,
                     const struct pull_fetch *order, struct md_err *err)
{
    size_t last = repository->count - 1;

    fetching->repository = repository;
    fetching->order = *order;
    fetching->place = repository->first > order->skip ? repository->first : order->skip;
    if (fetching->place > last) {
        fetching->place = last;
    }
    fetching->begun = fetching->place;
    fetching->what = md_xasprintf("layer %s", order->blob.digest.text);
    if (order->blob.size < 0 || order->offset < 0 || order->offset > order->blob.size) {
        return impossible(fetching, err);
    }
    if (ask(fetching, order->offset, err) < 0) {
        fetching_clear(fetching);
        return -1;
    }
    return 0;
}

int pull_fetch_begin_url(struct pull_fetching *fetching, struct pull_http *http,
                         const struct pull_fetch *order, struct md_err *err)
{
    struct pull_url url;
    struct pull_order wanted = {
        .method = PULL_GET,
        .url = &url,
        .ring = fetching->ring,
        .size = -1,
    };
    size_t len = strnlen(order->url, sizeof(order->url));
    char shown[200];

    fetching->what =
        md_xasprintf("\"%s\"", md_text_escape(order->url, len, shown, sizeof(shown)));
    wanted.what = fetching->what;
    if (len == sizeof(order->url)) {
        return impossible(fetching, err);
    }
    if (pull_url_parse(order->url, NULL, &url, err) < 0) {
        fetching_clear(fetching);
        return -1;
    }
    fetching->transfer = pull_transfer_open(http, &wanted);
    return 0;
}

/* The next place goes on where this one left off: the digest decides in the end. */
static enum pull_progress turn_to_next(struct pull_fetching *fetching, struct md_err *err)
{
    struct pull_repository *repository = fetching->repository;
    int64_t position = pull_transfer_position(fetching->transfer);

    while (repository && fetching->place + 1 < repository->count) {
        pull_tried_note(&fetching->tried, repository->places[fetching->place], fetching->what,
                        err);
        fetching->answers += pull_transfer_answers(fetching->transfer);
        pull_transfer_close(&fetching->transfer);
        fetching->place++;
        if (ask(fetching, position, err) == 0) {
            return PULL_UNDER_WAY;
        }
    }
    pull_tried_tell(&fetching->tried, err);
    return PULL_GAVE_UP;
}

static enum pull_progress move_on(struct pull_fetching *fetching, struct md_err *err)
{
    struct pull_repository *repository = fetching->repository;
    struct pull_registry *place = repository ? repository->places[fetching->place] : NULL;
    struct pull_transfer *transfer = fetching->transfer;
    enum pull_progress progress = place ? pull_registry_advance(place, transfer, err)
                                        : pull_transfer_advance(transfer, err);

    if (progress == PULL_ANSWERED) {
        int status = pull_transfer_response(transfer)->status;

        if (!pull_status_is_content(status)) {
            pull_registry_refused(place, transfer, err);
            progress = PULL_GAVE_UP;
        }
    }
    return progress == PULL_GAVE_UP ? turn_to_next(fetching, err) : progress;
}

/* Who gave it, and whether somebody else could, should it turn out to be wrong. */
static void tell_who(const struct pull_fetching *fetching, struct pull_fetched *fetched)
{
    const struct pull_repository *repository = fetching->repository;

    memset(fetched, 0, sizeof(*fetched));
    fetched->answers = fetching->answers + pull_transfer_answers(fetching->transfer);
    if (!repository || repository->count == 1) {
        return;
    }
    if (fetching->place > fetching->begun) {
        fetched->last = (uint32_t)fetching->place;
    }
    snprintf(fetched->from, sizeof(fetched->from), "%s",
             repository->places[fetching->place]->host);
    if (fetching->place + 1 < repository->count) {
        fetched->next = (uint32_t)fetching->place + 1;
    }
}

enum pull_progress pull_fetch_advance(struct pull_fetching *fetching,
                                      struct pull_fetched *fetched, struct md_err *err)
{
    enum pull_progress progress = move_on(fetching, err);

    if (progress == PULL_UNDER_WAY) {
        return progress;
    }
    if (progress == PULL_ANSWERED) {
        tell_who(fetching, fetched);
    }
    fetching_clear(fetching);
    return progress;
}
