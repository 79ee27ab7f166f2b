/* SPDX-License-Identifier: Apache-2.0 */
/* Getting all layers of one image: which are there, which to fetch, who unpacks and merges. */
#include "pull/layers.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "pull/space.h"
#include "store/prefix.h"

#define NOBODY SIZE_MAX
#define DRAW_MS 100

/* What a writer does besides reading a ring. */
#define IDLE SIZE_MAX
#define MERGES (SIZE_MAX - 1)

/*
 * Who has what: a ring carries a part, a writer reads a ring or merges. A part's ring is free
 * again when both the network process and the writer are done with it.
 */
struct schedule {
    const struct store *store;
    struct pull_crew *crew;
    struct pull_part *parts;
    size_t count;
    struct pull_progress *progress;
    int rootfs;
    size_t merged; /* parts: one after the other, from the lowest */
    uint64_t merged_bytes;
    struct {
        size_t part; /* NOBODY: free */
        bool taken;  /* a writer reads it */
        bool fetched, unpacked;
        struct pull_fetched from; /* once it is fetched */
        struct md_err wrong;      /* MD_ERR_DIGEST: for when the network process is done too */
    } rings[PULL_RINGS];
    size_t writer_ring[PULL_WRITERS]; /* IDLE, MERGES, or a ring */
};

static int look_for(struct schedule *schedule, size_t index, enum store_layer_wait wait,
                    struct md_err *err)
{
    struct pull_part *part = &schedule->parts[index];

    if (pull_parts_first_like(schedule->parts, index) < index) {
        part->stage = PULL_PART_TWIN;
        pull_progress_phase(schedule->progress, index, PULL_EXISTS);
        return 0;
    }
    if (part->fresh ? store_layer_claim_unknown(schedule->store, &part->held, err) < 0
                    : store_layer_get(schedule->store, &part->wanted.diff_id, wait, &part->held,
                                      err) < 0)
        return md_err_in(err, "layer %s", part->wanted.layer.blob.digest.text);
    switch (part->held.state) {
    case STORE_LAYER_READY:
        pull_progress_phase(schedule->progress, index,
                            part->stage == PULL_PART_BUSY ? PULL_COMPLETE : PULL_EXISTS);
        part->stage = PULL_PART_READY;
        break;
    case STORE_LAYER_CLAIMED:
        pull_progress_phase(schedule->progress, index, PULL_WAITING);
        part->stage = PULL_PART_CLAIMED;
        break;
    case STORE_LAYER_BUSY:
        pull_progress_phase(schedule->progress, index, PULL_ELSEWHERE);
        part->stage = PULL_PART_BUSY;
        break;
    }
    return 0;
}

/* The largest part in this stage, so that the last one to finish is a small one. */
static size_t largest(const struct schedule *schedule, int stage)
{
    size_t found = NOBODY;

    for (size_t i = 0; i < schedule->count; i++) {
        const struct pull_part *part = &schedule->parts[i];

        if ((int)part->stage == stage &&
            (found == NOBODY ||
             part->wanted.layer.blob.size > schedule->parts[found].wanted.layer.blob.size))
            found = i;
    }
    return found;
}

/* Have the part come through the ring: what an earlier pull kept of it need not. */
static int start_fetch(struct schedule *schedule, size_t ring, size_t index, struct md_err *err)
{
    struct pull_part *part = &schedule->parts[index];
    const struct md_descriptor *blob = &part->wanted.layer.blob;
    struct pull_message order = {
        .tag = PULL_FETCH,
        .ring = (uint32_t)ring,
        .fetch = { .ring = (uint32_t)ring, .blob = *blob, .skip = part->skip },
    };

    memset(&schedule->rings[ring], 0, sizeof(schedule->rings[ring]));
    schedule->rings[ring].part = index;
    part->stage = PULL_PART_FETCHED;
    part->kept.length = 0;
    if (part->keeps)
        part->kept.fd =
            store_prefix_open(schedule->store, &part->wanted.diff_id, blob, &part->kept.length);
    pull_ring_reset(&schedule->crew->rings[ring]);
    pull_progress_phase(schedule->progress, index, PULL_DOWNLOADING);
    if (part->kept.length > 0 && part->kept.length == blob->size) {
        pull_ring_end(&schedule->crew->rings[ring], PULL_RING_WHOLE);
        schedule->rings[ring].fetched = true;
        return 0;
    }
    order.fetch.offset = part->kept.length;
    return pull_wire_send(schedule->crew->network.socket, &order, NULL, 0, err);
}

static int start_unpack(struct schedule *schedule, size_t writer, size_t ring,
                        struct md_err *err)
{
    struct pull_part *part = &schedule->parts[schedule->rings[ring].part];
    const int fds[] = { part->held.dir, part->kept.fd };
    struct pull_message order = {
        .tag = PULL_UNPACK,
        .ring = (uint32_t)ring,
        .unpack = { .ring = (uint32_t)ring,
                    .kept = part->kept.length,
                    .promise = { .digest = part->wanted.layer.blob.digest,
                                 .size = part->wanted.layer.blob.size,
                                 .diff_id = part->wanted.diff_id } },
    };

    schedule->rings[ring].taken = true;
    schedule->writer_ring[writer] = ring;
    if (pull_wire_send(schedule->crew->writers[writer].socket, &order, fds,
                       part->kept.fd >= 0 ? 2 : 1, err) < 0)
        return -1;
    md_fd_close(&part->kept.fd);
    return 0;
}

/* A ring that a layer comes through and no writer reads yet: the largest layer first. */
static size_t waiting_ring(const struct schedule *schedule)
{
    size_t found = NOBODY;
    int64_t size = -1;

    for (size_t r = 0; r < PULL_RINGS; r++) {
        size_t part = schedule->rings[r].part;

        if (part != NOBODY && !schedule->rings[r].taken &&
            schedule->parts[part].wanted.layer.blob.size > size) {
            found = r;
            size = schedule->parts[part].wanted.layer.blob.size;
        }
    }
    return found;
}

/* The lowest part that is not merged yet, if it and its tree are there; else NOBODY. */
static size_t next_to_merge(const struct schedule *schedule)
{
    size_t next = schedule->merged;

    for (size_t w = 0; w < schedule->crew->writer_count; w++) {
        if (schedule->writer_ring[w] == MERGES)
            return NOBODY;
    }
    if (next == schedule->count)
        return NOBODY;
    return schedule->parts[pull_parts_first_like(schedule->parts, next)].stage ==
                   PULL_PART_READY
               ? next
               : NOBODY;
}

static int start_merge(struct schedule *schedule, size_t writer, size_t index,
                       struct md_err *err)
{
    size_t tree = pull_parts_first_like(schedule->parts, index);
    const struct pull_message order = { .tag = PULL_MERGE, .ring = PULL_RINGS };
    const int fds[2] = { schedule->parts[tree].held.dir, schedule->rootfs };

    schedule->writer_ring[writer] = MERGES;
    return pull_wire_send(schedule->crew->writers[writer].socket, &order, fds, 2, err);
}

/* Something to do for an idle writer: a ring to read, else a layer to merge. */
static int employ(struct schedule *schedule, size_t writer, struct md_err *err)
{
    size_t ring = waiting_ring(schedule);
    size_t part = next_to_merge(schedule);

    if (ring != NOBODY)
        return start_unpack(schedule, writer, ring, err);
    return part != NOBODY ? start_merge(schedule, writer, part, err) : 0;
}

/* Give every free ring a layer to fetch and every idle writer something to do. */
static int assign(struct schedule *schedule, struct md_err *err)
{
    for (size_t r = 0; r < PULL_RINGS; r++) {
        size_t part = largest(schedule, PULL_PART_CLAIMED);

        if (part == NOBODY)
            break;
        if (schedule->rings[r].part == NOBODY && start_fetch(schedule, r, part, err) < 0)
            return -1;
    }
    for (size_t w = 0; w < schedule->crew->writer_count; w++) {
        if (schedule->writer_ring[w] == IDLE && employ(schedule, w, err) < 0)
            return -1;
    }
    return 0;
}

static int failed(const struct pull_part *part, const struct md_err *theirs, struct md_err *err)
{
    *err = *theirs;
    return md_err_in(err, "layer %s", part->wanted.layer.blob.digest.text);
}

static void forget_start(const struct schedule *schedule, const struct pull_part *part)
{
    if (part->keeps)
        store_prefix_discard(schedule->store, &part->wanted.diff_id, &part->wanted.layer.blob);
}

/*
 * Its bytes are not the promised ones. Were they put together, from what an earlier pull kept
 * or from several answers, then any piece may be to blame: fetch it once more, from the start,
 * and of several places from the last, which had its end. Else from somebody else, if there is
 * one.
 */
static int fetch_anew(struct schedule *schedule, size_t ring, struct md_err *err)
{
    struct pull_part *part = &schedule->parts[schedule->rings[ring].part];
    const struct pull_fetched *from = &schedule->rings[ring].from;
    struct md_err *wrong = &schedule->rings[ring].wrong;
    bool put_together = part->kept.length > 0 || from->answers > 1;
    uint32_t skip = from->last > 0 ? from->last : from->next;

    if (from->from[0] != '\0')
        md_err_in(wrong, "%s", from->from);
    if (skip == 0 && (part->anew || !put_together))
        return failed(part, wrong, err);
    md_log("layer %s: %s: once more from the start", part->wanted.layer.blob.digest.text,
           wrong->text);
    if (from->last > 0 || part->anew || !put_together)
        part->skip = skip;
    if (store_layer_renew(schedule->store, &part->held, err) < 0)
        return -1;
    part->anew = true;
    part->stage = PULL_PART_CLAIMED;
    schedule->rings[ring].part = NOBODY;
    return 0;
}

/* When both sides are done: the layer is whole and verified, or has failed. */
static int finish(struct schedule *schedule, size_t ring, struct md_err *err)
{
    size_t index = schedule->rings[ring].part;
    struct pull_part *part = &schedule->parts[index];

    if (schedule->rings[ring].fetched && schedule->rings[ring].wrong.kind != MD_ERR_NONE)
        return fetch_anew(schedule, ring, err);
    if (!schedule->rings[ring].fetched || !schedule->rings[ring].unpacked)
        return 0;
    schedule->rings[ring].part = NOBODY;
    /* A fresh one stays what it is until it takes the place of the old one. */
    if (!part->fresh &&
        store_layer_finish(schedule->store, &part->wanted.diff_id, &part->held, err) < 0)
        return md_err_in(err, "layer %s", part->wanted.layer.blob.digest.text);
    forget_start(schedule, part);
    part->stage = PULL_PART_READY;
    pull_progress_phase(schedule->progress, index, PULL_COMPLETE);
    return 0;
}

/* The ring of a message, which must carry a part. */
static int ring_of(const struct schedule *schedule, const struct pull_message *message,
                   size_t *ring, struct md_err *err)
{
    *ring = message->ring;
    if (message->ring >= PULL_RINGS || schedule->rings[message->ring].part == NOBODY)
        return md_err_set(err, MD_ERR_FORMAT, "unexpected message %d", (int)message->tag);
    return 0;
}

static int from_network(struct schedule *schedule, struct md_err *err)
{
    struct pull_message message;
    int fds[PULL_MESSAGE_FDS];
    size_t ring;
    int got = pull_wire_receive(schedule->crew->network.socket, &message, fds, err);

    if (got == 0)
        return md_err_set(err, MD_ERR_SYSTEM, "the network process has ended unexpectedly");
    if (got < 0 || ring_of(schedule, &message, &ring, err) < 0)
        return -1;
    if (message.tag == PULL_FAILED)
        return failed(&schedule->parts[schedule->rings[ring].part], &message.err, err);
    schedule->rings[ring].fetched = true;
    schedule->rings[ring].from = message.fetched;
    return finish(schedule, ring, err);
}

static int writer_failed(struct schedule *schedule, size_t ring, const struct md_err *theirs,
                         struct md_err *err)
{
    const struct pull_part *part = &schedule->parts[schedule->rings[ring].part];

    /* What cannot be used must not be kept; a full disk or the like says nothing of it. */
    if (theirs->kind != MD_ERR_SYSTEM)
        forget_start(schedule, part);
    if (theirs->kind != MD_ERR_DIGEST)
        return failed(part, theirs, err);
    schedule->rings[ring].wrong = *theirs;
    return finish(schedule, ring, err);
}

/* A merge has ended. */
static int take_merged(struct schedule *schedule, const struct pull_message *message,
                       struct md_err *err)
{
    const struct pull_part *part = &schedule->parts[schedule->merged];

    if (message->tag == PULL_FAILED)
        return failed(part, &message->err, err);
    schedule->merged_bytes += message->merged_bytes;
    schedule->merged++;
    return 0;
}

static int from_writer(struct schedule *schedule, size_t writer, struct md_err *err)
{
    struct pull_message message;
    int fds[PULL_MESSAGE_FDS];
    size_t ring;
    size_t did = schedule->writer_ring[writer];
    int got = pull_wire_receive(schedule->crew->writers[writer].socket, &message, fds, err);

    if (got == 0)
        return md_err_set(err, MD_ERR_SYSTEM, "a writer process has ended unexpectedly");
    if (got < 0)
        return -1;
    schedule->writer_ring[writer] = IDLE;
    if (did == MERGES)
        return take_merged(schedule, &message, err);
    if (ring_of(schedule, &message, &ring, err) < 0)
        return -1;
    /* Without text: the ring broke off, and the network process is about to say why. */
    if (message.tag == PULL_FAILED && message.err.text[0] == '\0')
        return 0;
    if (message.tag == PULL_FAILED)
        return writer_failed(schedule, ring, &message.err, err);
    schedule->rings[ring].unpacked = true;
    return finish(schedule, ring, err);
}

static void show(struct schedule *schedule)
{
    for (size_t r = 0; r < PULL_RINGS; r++) {
        size_t part = schedule->rings[r].part;
        struct pull_line *line;

        if (part == NOBODY)
            continue;
        line = &schedule->progress->lines[part];
        line->kept = (uint64_t)schedule->parts[part].kept.length;
        line->done = line->kept + pull_ring_total(&schedule->crew->rings[r]);
    }
    pull_progress_draw(schedule->progress);
}

static int wait_for_messages(struct schedule *schedule, struct md_err *err)
{
    struct pollfd fds[1 + PULL_WRITERS];
    size_t writers = schedule->crew->writer_count;

    fds[0] = (struct pollfd){ .fd = schedule->crew->network.socket, .events = POLLIN };
    for (size_t w = 0; w < writers; w++)
        fds[1 + w] =
            (struct pollfd){ .fd = schedule->crew->writers[w].socket, .events = POLLIN };
    if (poll(fds, 1 + writers, schedule->progress->live ? DRAW_MS : -1) < 0 && errno != EINTR)
        return md_err_sys(err, "cannot wait for the layers");
    if (fds[0].revents && from_network(schedule, err) < 0)
        return -1;
    for (size_t w = 0; w < writers; w++) {
        if (fds[1 + w].revents && from_writer(schedule, w, err) < 0)
            return -1;
    }
    show(schedule);
    return 0;
}

static bool under_way(const struct schedule *schedule)
{
    return largest(schedule, PULL_PART_CLAIMED) != NOBODY ||
           largest(schedule, PULL_PART_FETCHED) != NOBODY;
}

static int fetch_claimed(struct schedule *schedule, struct md_err *err)
{
    while (under_way(schedule)) {
        if (assign(schedule, err) < 0 || wait_for_messages(schedule, err) < 0)
            return -1;
    }
    return 0;
}

/*
 * Wait for the layers that other processes unpack. When one of them has died the others of it
 * are probably ours as well: they are all fetched at once.
 */
static int wait_for_others(struct schedule *schedule, struct md_err *err)
{
    for (size_t i = 0; i < schedule->count; i++) {
        /* Nothing is claimed now, so that two pulls cannot wait for each other. */
        if (schedule->parts[i].stage == PULL_PART_BUSY &&
            look_for(schedule, i, STORE_WAIT, err) < 0)
            return -1;
        if (schedule->parts[i].stage != PULL_PART_CLAIMED)
            continue;
        for (size_t other = i + 1; other < schedule->count; other++) {
            if (schedule->parts[other].stage == PULL_PART_BUSY &&
                look_for(schedule, other, STORE_TRY, err) < 0)
                return -1;
        }
        if (fetch_claimed(schedule, err) < 0)
            return -1;
    }
    return 0;
}

static int merge_rest(struct schedule *schedule, struct md_err *err)
{
    while (schedule->merged < schedule->count) {
        if (assign(schedule, err) < 0 || wait_for_messages(schedule, err) < 0)
            return -1;
    }
    return 0;
}

int pull_layers_get(struct pull_layers *layers, struct md_err *err)
{
    struct schedule schedule = {
        .store = layers->store,
        .crew = layers->crew,
        .parts = layers->parts,
        .count = layers->count,
        .progress = layers->progress,
        .rootfs = layers->draft->rootfs,
    };
    uint64_t missing;

    for (size_t r = 0; r < PULL_RINGS; r++)
        schedule.rings[r].part = NOBODY;
    for (size_t w = 0; w < PULL_WRITERS; w++)
        schedule.writer_ring[w] = IDLE;
    for (size_t i = 0; i < schedule.count; i++) {
        if (look_for(&schedule, i, STORE_TRY, err) < 0)
            return -1;
    }
    missing = pull_parts_missing(layers->parts, layers->count);
    if (pull_space_check(layers->store, missing, err) < 0 ||
        fetch_claimed(&schedule, err) < 0 || wait_for_others(&schedule, err) < 0 ||
        assign(&schedule, err) < 0)
        return -1;
    /* The disk has nothing to do while the last layers are merged. */
    if (schedule.merged < schedule.count &&
        store_draft_sync(layers->store, layers->draft, layers->config, err) < 0)
        return -1;
    if (merge_rest(&schedule, err) < 0)
        return -1;
    layers->size = schedule.merged_bytes;
    return 0;
}
