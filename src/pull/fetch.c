/* SPDX-License-Identifier: Apache-2.0 */
/* The layers under way: each fills a ring. */
#include "pull/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void fetching_clear(struct pull_fetching *fetching)
{
    struct pull_ring *ring = fetching->ring;

    pull_transfer_close(&fetching->transfer);
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

int pull_fetch_begin(struct pull_fetching *fetching, struct pull_registry *registry,
                     const struct pull_fetch *order, struct md_err *err)
{
    struct pull_wish wish = {
        .method = PULL_GET,
        .kind = "blobs",
        .name = order->blob.digest.text,
        .ring = fetching->ring,
        .size = order->blob.size,
        .offset = order->offset,
    };

    fetching->registry = registry;
    fetching->what = md_xasprintf("layer %s", order->blob.digest.text);
    wish.what = fetching->what;
    if (order->blob.size < 0 || order->offset < 0 || order->offset > order->blob.size) {
        return impossible(fetching, err);
    }
    fetching->transfer = pull_registry_fetch(registry, &wish, err);
    if (!fetching->transfer) {
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

enum pull_progress pull_fetch_advance(struct pull_fetching *fetching, struct md_err *err)
{
    struct pull_registry *registry = fetching->registry;
    struct pull_transfer *transfer = fetching->transfer;
    enum pull_progress progress = registry ? pull_registry_advance(registry, transfer, err)
                                           : pull_transfer_advance(transfer, err);
    unsigned answers;

    if (progress == PULL_UNDER_WAY) {
        return progress;
    }
    if (progress == PULL_ANSWERED) {
        int status = pull_transfer_response(transfer)->status;

        if (status != 200 && status != 206) {
            pull_registry_refused(registry, transfer, err);
            progress = PULL_GAVE_UP;
        }
    }
    answers = pull_transfer_answers(transfer);
    fetching_clear(fetching);
    fetching->answers = answers;
    return progress;
}
