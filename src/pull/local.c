/* SPDX-License-Identifier: Apache-2.0 */
/* The local process: reads an image directory or archive, as the network process a registry. */
#include "pull/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "pull/archive.h"
#include "pull/layout.h"
#include "pull/wire.h"

#define BLOCK_BYTES (64u << 10)

/* A layer under way into its ring. */
struct feed {
    struct pull_extent from; /* fd -1: idle */
    int64_t done;
    bool full; /* the ring has no room now */
};

/* All of the process's state. */
struct local {
    int socket;
    struct pull_layout *layout;
    struct pull_ring *rings;
    struct feed feeds[PULL_RINGS];
};

static void send_or_leave(struct local *local, const struct pull_message *message)
{
    struct md_err err = { 0 };

    if (pull_wire_send(local->socket, message, NULL, 0, &err) < 0)
        _exit(0); /* there is nobody to work for */
}

static void send_failed(struct local *local, uint32_t ring, const struct md_err *err)
{
    struct pull_message message = { .tag = PULL_FAILED, .ring = ring, .err = *err };

    if (ring < PULL_RINGS) {
        md_fd_close(&local->feeds[ring].from.fd);
        pull_ring_end(&local->rings[ring], PULL_RING_BROKEN);
    }
    send_or_leave(local, &message);
}

/* ---- SOURCE ---- */

static struct pull_files *open_files(int source, int spool, struct md_err *err)
{
    struct stat st;
    int copy;

    if (fstat(source, &st) < 0) {
        md_err_sys(err, "cannot read it");
        return NULL;
    }
    if (!S_ISDIR(st.st_mode))
        return pull_archive_open(source, spool, err);
    copy = fcntl(source, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        md_err_sys(err, "cannot read it");
        return NULL;
    }
    return pull_files_open_dir(copy);
}

static void send_choices(struct local *local)
{
    struct pull_message message = { .tag = PULL_CHOICE, .ring = PULL_RINGS };
    const struct pull_layout *layout = local->layout;

    for (size_t i = 0; layout && i < layout->count; i++) {
        const struct md_list *names = &layout->images[i].names;

        message.choice = (struct pull_choice){ .image = (uint32_t)i };
        for (size_t n = 0; n < names->count; n++) {
            snprintf(message.choice.name, sizeof(message.choice.name), "%s", names->items[n]);
            send_or_leave(local, &message);
        }
        if (names->count == 0)
            send_or_leave(local, &message);
    }
    message = (struct pull_message){ .tag = PULL_CHOICES, .ring = PULL_RINGS };
    message.kind = layout ? layout->kind : PULL_LOCAL_NONE;
    send_or_leave(local, &message);
}

static void open_source(struct local *local, const struct pull_source_order *order,
                        const int *fds)
{
    struct pull_files *files = NULL;
    struct md_err err = { 0 };

    if (local->layout || fds[0] < 0) {
        md_err_set(&err, MD_ERR_FORMAT, "an order without its descriptor, or one too many");
    } else if (order->probe && !pull_archive_probe(fds[0])) {
        send_choices(local);
        return;
    } else {
        files = open_files(fds[0], fds[1], &err);
    }
    if (files)
        local->layout = pull_layout_open(files, order->wanted, &err);
    if (local->layout)
        send_choices(local);
    else
        send_failed(local, PULL_RINGS, &err);
}

/* ---- RESOLVE and FETCH ---- */

static void resolve(struct local *local, const struct pull_resolve *order)
{
    struct md_err err = { 0 };
    struct pull_resolve now = *order;

    now.known = (struct md_digest){ 0 };
    if (pull_resolve(&local->layout->origin, &now, local->socket, &err) < 0)
        send_failed(local, PULL_RINGS, &err);
}

static int begin_feed(struct local *local, const struct pull_fetch *order, struct md_err *err)
{
    struct feed *feed = &local->feeds[order->ring];

    if (pull_layout_blob(local->layout, &order->blob.digest, &feed->from, err) < 0)
        return -1;
    if (feed->from.size != order->blob.size)
        return md_err_set(err, MD_ERR_DIGEST, "got %lld bytes, expected %lld",
                          (long long)feed->from.size, (long long)order->blob.size);
    feed->done = order->offset;
    feed->full = false;
    return 0;
}

static void fetch(struct local *local, const struct pull_fetch *order)
{
    struct md_err err = { 0 };

    if (local->feeds[order->ring].from.fd >= 0) {
        md_err_set(&err, MD_ERR_FORMAT, "FETCH into a ring that is not free");
        send_failed(local, PULL_RINGS, &err);
    } else if (begin_feed(local, order, &err) < 0) {
        send_failed(local, order->ring, &err);
    }
}

static void take_order(struct local *local)
{
    struct pull_message message;
    struct md_err err = { 0 };
    int fds[PULL_MESSAGE_FDS];

    if (pull_wire_receive(local->socket, &message, fds, &err) <= 0)
        _exit(0);
    if (message.tag == PULL_SOURCE)
        open_source(local, &message.source, fds);
    else if (message.tag == PULL_RESOLVE && local->layout)
        resolve(local, &message.resolve);
    else if (message.tag == PULL_FETCH && local->layout)
        fetch(local, &message.fetch);
    else
        _exit(1);
    for (size_t i = 0; i < PULL_MESSAGE_FDS; i++)
        md_fd_close(&fds[i]);
}

/* ---- Feeding ---- */

static void end_feed(struct local *local, uint32_t ring)
{
    const struct pull_message message = { .tag = PULL_FETCHED, .ring = ring };

    md_fd_close(&local->feeds[ring].from.fd);
    pull_ring_end(&local->rings[ring], PULL_RING_WHOLE);
    send_or_leave(local, &message);
}

/* Copy a block into the ring. */
static void feed(struct local *local, uint32_t ring)
{
    char block[BLOCK_BYTES];
    struct feed *feed = &local->feeds[ring];
    int64_t left = feed->from.size - feed->done;
    size_t wanted = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
    struct md_err err = { 0 };
    ssize_t len;
    size_t put;

    if (left == 0) {
        end_feed(local, ring);
        return;
    }
    len = pread(feed->from.fd, block, wanted, feed->from.offset + feed->done);
    if (len < 0 && errno == EINTR)
        return;
    if (len <= 0) {
        if (len < 0)
            md_err_sys(&err, "cannot read it");
        else
            md_err_set(&err, MD_ERR_DIGEST, "the file ends before the layer does");
        send_failed(local, ring, &err);
        return;
    }
    put = pull_ring_put(&local->rings[ring], block, (size_t)len);
    feed->done += (int64_t)put;
    feed->full = put < (size_t)len;
}

/* Move every layer on. Returns true when nothing can be done before an event. */
static bool feed_all(struct local *local)
{
    bool stuck = true;

    for (uint32_t i = 0; i < PULL_RINGS; i++) {
        if (local->feeds[i].from.fd >= 0 && !local->feeds[i].full)
            feed(local, i);
        if (local->feeds[i].from.fd >= 0 && !local->feeds[i].full)
            stuck = false;
    }
    return stuck;
}

static void wait_for_events(struct local *local, int timeout_ms)
{
    struct pollfd fds[1 + PULL_RINGS];

    fds[0] = (struct pollfd){ .fd = local->socket, .events = POLLIN };
    for (size_t i = 0; i < PULL_RINGS; i++)
        fds[1 + i] = (struct pollfd){
            .fd = local->feeds[i].full ? local->rings[i].space_event : -1,
            .events = POLLIN,
        };
    if (poll(fds, 1 + PULL_RINGS, timeout_ms) <= 0)
        return;
    for (size_t i = 0; i < PULL_RINGS; i++) {
        if (fds[1 + i].revents) {
            pull_ring_space_seen(&local->rings[i]);
            local->feeds[i].full = false;
        }
    }
    if (fds[0].revents)
        take_order(local);
}

_Noreturn void pull_local_main(int socket, struct pull_ring *rings)
{
    struct local local = { .socket = socket, .rings = rings };

    for (size_t i = 0; i < PULL_RINGS; i++)
        local.feeds[i].from.fd = -1;
    for (;;) {
        bool stuck = feed_all(&local);

        wait_for_events(&local, stuck ? -1 : 0);
    }
}
