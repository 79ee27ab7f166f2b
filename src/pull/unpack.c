/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer: a block is taken from the source into memory of our own, hashed, inflated, hashed
 * again and handed to the tar reader, while it is in the cache. Every step pulls from the one
 * before it. What comes before the second hash runs a few blocks ahead in a thread of its own:
 * so an image of one layer, or the last one of many, is unpacked by two processors.
 */
#include "pull/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "pull/ahead.h"
#include "pull/hash.h"
#include "pull/inflate.h"
#include "pull/tar.h"
#include "pull/tree.h"

#define BLOCK_BYTES (128u << 10)

struct unpack {
    struct pull_source *source;
    const struct pull_promise *promise;
    struct pull_unpacked *unpacked;
    unsigned char *in;  /* compressed bytes, ours: nobody can change what was hashed */
    unsigned char *out; /* what they inflate to, without ahead */
    size_t in_at;
    size_t in_end;
    bool in_over;          /* the source has ended */
    _Atomic bool keeping;  /* what comes through the ring; ended by either thread */
    _Atomic int64_t taken; /* compressed bytes, for the thread that writes files */
    int64_t given;         /* bytes of what was kept that had to make room */
    enum pull_format format;
    struct pull_hash *in_hash; /* NULL: no digest was promised */
    struct pull_hash *out_hash;
    struct pull_inflate *inflate;
    struct pull_ahead *ahead;       /* of a ring: runs inflate, and all before it */
    struct pull_unfilter *unfilter; /* bzip2 and xz: instead of inflate */
    struct pull_tree tree;
};

static void drain_ring(struct pull_ring *ring)
{
    const unsigned char *bytes;
    ssize_t len;

    while ((len = pull_ring_peek(ring, &bytes)) > 0)
        pull_ring_take(ring, (size_t)len);
}

static ssize_t read_ring(struct pull_ring *ring, unsigned char *to, size_t room)
{
    const unsigned char *bytes;
    ssize_t len = pull_ring_peek(ring, &bytes);

    if (len <= 0)
        return len;
    if ((size_t)len > room)
        len = (ssize_t)room;
    memcpy(to, bytes, (size_t)len);
    pull_ring_take(ring, (size_t)len);
    return len;
}

/* The part of what was kept that has not been taken yet. */
static int64_t kept_left(const struct unpack *unpack)
{
    const struct pull_kept *kept = unpack->source->kept;

    return kept ? kept->length - (int64_t)unpack->unpacked->compressed_bytes : 0;
}

static ssize_t read_kept(struct unpack *unpack, unsigned char *to, size_t room,
                         struct md_err *err)
{
    int64_t left = kept_left(unpack);
    ssize_t len;

    if ((int64_t)room > left)
        room = (size_t)left;
    do
        len = pread(unpack->source->kept->fd, to, room,
                    (off_t)unpack->unpacked->compressed_bytes);
    while (len < 0 && errno == EINTR);
    if (len > 0)
        return len;
    drain_ring(unpack->source->ring);
    return md_err_set(err, MD_ERR_DIGEST, "what an earlier pull kept of it cannot be read");
}

static void keep(struct unpack *unpack, const unsigned char *bytes, size_t len)
{
    if (!unpack->keeping || md_fd_write_all(unpack->source->kept->fd, bytes, len) == 0)
        return;
    md_log("no more is kept for resuming: %m");
    unpack->keeping = false;
}

/*
 * A pull_tree.make_room. Of a layer that is resumed what was kept gives way: or a disk that has
 * just enough room for the layer would be full each time that it is tried again.
 */
static bool make_room(void *context)
{
    struct unpack *unpack = context;
    const struct pull_kept *kept = unpack->source->kept;
    int64_t taken = unpack->taken;

    if (!kept || kept->length == 0 || taken <= unpack->given)
        return false;
    /* What is still to be read from it stays. */
    if (fallocate(kept->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, unpack->given,
                  taken - unpack->given) < 0)
        return false;
    md_log("nothing more is kept for resuming, to make room");
    unpack->keeping = false;
    unpack->given = taken;
    return true;
}

/* Without its first bytes it is of no use to a next pull. */
static void drop_given(const struct unpack *unpack)
{
    if (unpack->given > 0 && ftruncate(unpack->source->kept->fd, 0) < 0)
        md_log("cannot empty what was kept: %m"); /* its digest will be found wrong */
}

static ssize_t read_source(struct unpack *unpack, unsigned char *to, size_t room,
                           struct md_err *err)
{
    ssize_t len;

    if (kept_left(unpack) > 0)
        return read_kept(unpack, to, room, err);
    if (unpack->source->ring) {
        len = read_ring(unpack->source->ring, to, room);
        if (len < 0)
            return md_err_set(err, MD_ERR_NETWORK, "%s", "");
        keep(unpack, to, (size_t)len);
        return len;
    }
    do
        len = read(unpack->source->fd, to, room);
    while (len < 0 && errno == EINTR);
    return len < 0 ? md_err_sys(err, "cannot read the archive") : len;
}

/* Count and hash what came in; more than was promised is not looked at. */
static int account(struct unpack *unpack, const unsigned char *bytes, size_t len,
                   struct md_err *err)
{
    int64_t promised = unpack->promise->size;

    unpack->unpacked->compressed_bytes += len;
    unpack->taken = (int64_t)unpack->unpacked->compressed_bytes;
    if (promised >= 0 && unpack->unpacked->compressed_bytes > (uint64_t)promised)
        return md_err_set(err, MD_ERR_DIGEST, "got more than the %lld bytes expected",
                          (long long)promised);
    if (unpack->unpacked->compressed_bytes > MD_MAX_BLOB_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "more than %llu compressed bytes",
                          (unsigned long long)MD_MAX_BLOB_BYTES);
    if (unpack->in_hash)
        pull_hash_add(unpack->in_hash, bytes, len);
    return 0;
}

/* Get more input behind what is there. Does nothing after the end. */
static int fill(struct unpack *unpack, struct md_err *err)
{
    unsigned char *to = unpack->in + unpack->in_end;
    ssize_t len;

    if (unpack->in_over)
        return 0;
    len = read_source(unpack, to, BLOCK_BYTES - unpack->in_end, err);
    if (len < 0)
        return -1;
    unpack->in_over = len == 0;
    unpack->in_end += (size_t)len;
    return account(unpack, to, (size_t)len, err);
}

/* A pull_read_fn: input as it is, for libarchive's filters. */
static ssize_t next_input(void *context, const void **bytes, struct md_err *err)
{
    struct unpack *unpack = context;
    size_t len;

    if (unpack->in_at == unpack->in_end) {
        unpack->in_at = unpack->in_end = 0;
        if (fill(unpack, err) < 0)
            return -1;
    }
    *bytes = unpack->in + unpack->in_at;
    len = unpack->in_end - unpack->in_at;
    unpack->in_at = unpack->in_end;
    return (ssize_t)len;
}

/* One step of the decompressor. */
static int inflate_some(struct unpack *unpack, struct pull_inflate_io *io, struct md_err *err)
{
    io->in = unpack->in + unpack->in_at;
    io->in_len = unpack->in_end - unpack->in_at;
    if (pull_inflate_run(unpack->inflate, io, err) < 0)
        return -1;
    unpack->in_at = unpack->in_end - io->in_len;
    return 0;
}

/* A pull_fill_fn: fills the block as far as there is input. */
static ssize_t inflate_block(void *context, unsigned char *block, size_t size,
                             struct md_err *err)
{
    struct unpack *unpack = context;
    struct pull_inflate_io io = { .out = block, .out_room = size };

    for (;;) {
        bool last = unpack->in_over;

        if (inflate_some(unpack, &io, err) < 0)
            return -1;
        if (io.out_room == 0 || last)
            break;
        unpack->in_at = unpack->in_end = 0;
        if (fill(unpack, err) < 0)
            return -1;
    }
    if (io.out_room == size && pull_inflate_end(unpack->inflate, err) < 0)
        return -1;
    return (ssize_t)(size - io.out_room);
}

/* A pull_read_fn: the tar, block by block, hashed. */
static ssize_t next_block(void *context, const void **bytes, struct md_err *err)
{
    struct unpack *unpack = context;
    ssize_t len;

    *bytes = unpack->out;
    if (unpack->unfilter)
        len = pull_unfilter_read(unpack->unfilter, bytes, err);
    else if (unpack->ahead)
        len = pull_ahead_next(unpack->ahead, bytes, err);
    else
        len = inflate_block(unpack, unpack->out, BLOCK_BYTES, err);
    if (len <= 0)
        return len;
    unpack->unpacked->unpacked_bytes += (uint64_t)len;
    if (unpack->unpacked->unpacked_bytes > MD_MAX_LAYER_BYTES)
        return md_err_set(err, MD_ERR_LIMIT, "more than %llu unpacked bytes",
                          (unsigned long long)MD_MAX_LAYER_BYTES);
    pull_hash_add(unpack->out_hash, *bytes, (size_t)len);
    return len;
}

/* Two can work on one layer, and its source can be interrupted. */
static bool works_ahead(const struct unpack *unpack)
{
    cpu_set_t set;

    return unpack->source->ring && sched_getaffinity(0, sizeof(set), &set) == 0 &&
           CPU_COUNT(&set) > 1;
}

static int open_inflate(struct unpack *unpack, struct md_err *err)
{
    unpack->inflate = pull_inflate_open(unpack->format);
    if (unpack->source->ring)
        pull_inflate_take_turns(unpack->inflate, unpack->source->ring->turn);
    if (works_ahead(unpack)) {
        unpack->ahead = pull_ahead_open(inflate_block, unpack, BLOCK_BYTES, err);
        return unpack->ahead ? 0 : -1;
    }
    unpack->out = md_xmalloc(BLOCK_BYTES);
    return 0;
}

/* Look at the first bytes and get ready for what they say. */
static int open_format(struct unpack *unpack, struct md_err *err)
{
    while (unpack->in_end < PULL_MAGIC_BYTES && !unpack->in_over) {
        if (fill(unpack, err) < 0)
            return -1;
    }
    unpack->format = pull_format_of(unpack->in, unpack->in_end);
    if (unpack->format != PULL_BZIP2 && unpack->format != PULL_XZ)
        return open_inflate(unpack, err);
    if (unpack->promise->size >= 0)
        return md_err_set(err, MD_ERR_FORMAT, "compressed with %s, which no layer may be",
                          unpack->format == PULL_XZ ? "xz" : "bzip2");
    unpack->unfilter = pull_unfilter_open(next_input, unpack, err);
    return unpack->unfilter ? 0 : -1;
}

static int unpack_entries(struct unpack *unpack, struct pull_tar *tar, struct md_err *err)
{
    struct pull_entry entry;
    int more;

    while ((more = pull_tar_next(tar, &entry, err)) > 0) {
        if (pull_tree_add(&unpack->tree, tar, &entry, err) < 0)
            return -1;
    }
    return more;
}

/* All bytes count for size, digest and diff id, also what follows the end of the tar. */
static int drain(struct unpack *unpack, struct md_err *err)
{
    const void *bytes;
    ssize_t len;

    do
        len = next_block(unpack, &bytes, err);
    while (len > 0);
    return (int)len;
}

static int unpack_tar(struct unpack *unpack, struct md_err *err)
{
    struct pull_tar *tar = pull_tar_open(next_block, unpack, err);
    int result;

    if (!tar)
        return -1;
    result = unpack_entries(unpack, tar, err);
    pull_tar_close(&tar);
    return result < 0 ? -1 : drain(unpack, err);
}

static int differs(const char *what, const struct md_digest *got,
                   const struct md_digest *expected, struct md_err *err)
{
    return md_err_set(err, MD_ERR_DIGEST, "%s %s, expected %s", what, got->text,
                      expected->text);
}

static int check_input(struct unpack *unpack, struct md_err *err)
{
    const struct pull_promise *promise = unpack->promise;
    uint64_t got = unpack->unpacked->compressed_bytes;
    struct md_digest digest;

    if (promise->size >= 0 && got != (uint64_t)promise->size)
        return md_err_set(err, MD_ERR_DIGEST, "got %llu bytes, expected %lld",
                          (unsigned long long)got, (long long)promise->size);
    if (!unpack->in_hash)
        return 0;
    pull_hash_finish(&unpack->in_hash, &digest);
    if (!md_digest_equal(&digest, &promise->digest))
        return differs("got", &digest, &promise->digest, err);
    return 0;
}

/*
 * A layer that makes no sense may have been damaged on its way: if its digest shows that, this
 * is the better error, and another attempt may help.
 */
static void blame_transfer(struct unpack *unpack, struct md_err *err)
{
    struct md_err transfer = { 0 };

    if (err->kind != MD_ERR_FORMAT || !unpack->in_hash)
        return;
    while (!unpack->in_over) {
        unpack->in_at = unpack->in_end = 0;
        if (fill(unpack, &transfer) < 0)
            break;
    }
    if (transfer.kind != MD_ERR_NONE || check_input(unpack, &transfer) < 0)
        *err = transfer;
}

/* Unless the rest is to be looked at nobody wants more, and the thread must not wait for it. */
static void stop_ahead(struct unpack *unpack, const struct md_err *err)
{
    if (unpack->ahead && err->kind != MD_ERR_FORMAT)
        pull_ring_end(unpack->source->ring, PULL_RING_BROKEN);
    pull_ahead_close(&unpack->ahead);
}

static int run(struct unpack *unpack, struct md_err *err)
{
    struct pull_unpacked *unpacked = unpack->unpacked;
    const struct md_digest *diff_id = &unpack->promise->diff_id;

    if (open_format(unpack, err) < 0 || unpack_tar(unpack, err) < 0) {
        stop_ahead(unpack, err);
        blame_transfer(unpack, err);
        return -1;
    }
    pull_ahead_close(&unpack->ahead);
    if (check_input(unpack, err) < 0)
        return -1;
    pull_hash_finish(&unpack->out_hash, &unpacked->diff_id);
    if (diff_id->alg && !md_digest_equal(&unpacked->diff_id, diff_id))
        return differs("unpacked to", &unpacked->diff_id, diff_id, err);
    if (pull_tree_finish(&unpack->tree, err) < 0)
        return -1;
    unpacked->entries = unpack->tree.entry_count;
    unpacked->skipped_devices = unpack->tree.skipped_devices;
    return 0;
}

static void clear(struct unpack *unpack)
{
    pull_unfilter_close(&unpack->unfilter);
    pull_inflate_free(&unpack->inflate);
    pull_hash_free(&unpack->in_hash);
    pull_hash_free(&unpack->out_hash);
    pull_tree_clear(&unpack->tree);
    free(unpack->in);
    free(unpack->out);
    free(unpack);
}

int pull_unpack(struct pull_source *source, const struct pull_promise *promise, int layer_dir,
                struct pull_unpacked *unpacked, struct md_err *err)
{
    struct unpack *unpack = md_xcalloc(1, sizeof(*unpack));
    mode_t mask = umask(0); /* modes are the image's business */
    int result;

    *unpacked = (struct pull_unpacked){ 0 };
    unpack->source = source;
    unpack->promise = promise;
    unpack->unpacked = unpacked;
    unpack->keeping = source->kept != NULL;
    unpack->in = md_xmalloc(BLOCK_BYTES);
    if (promise->digest.alg)
        unpack->in_hash = pull_hash_open(promise->digest.alg);
    unpack->out_hash = pull_hash_open(promise->diff_id.alg ? promise->diff_id.alg : MD_SHA256);
    unpack->tree.make_room = make_room;
    unpack->tree.room_context = unpack;
    result = pull_tree_open(&unpack->tree, layer_dir, err);
    if (result == 0)
        result = run(unpack, err);
    if (result < 0)
        drop_given(unpack);
    clear(unpack);
    umask(mask);
    return result;
}
