/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming decompression: gzip by ISA-L or zlib, zstd by libzstd, plain by copying. */
#include "pull/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <zstd.h>
#include <zstd_errors.h>
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include "base/limits.h"
#include "base/mem.h"

#ifdef HAVE_ISAL
typedef struct inflate_state gzip_state;
#else
typedef z_stream gzip_state;
#endif

/* Magic number and header of a zstd frame: RFC 8878, 3.1.1 */
#define FRAME_HEAD_MAX 18

struct pull_inflate {
    enum pull_format format;
    bool inside;  /* a member or frame has begun and not ended */
    bool begun;   /* at least one member has begun */
    bool padding; /* zeros have followed the last member: only more of them may come */
    bool full;    /* the last call ran out of room: more may be held back */
    gzip_state gzip;
    ZSTD_DStream *zstd;
    int turn;        /* of zstd's large windows; -1: nobody else has any */
    bool large;      /* it is ours */
    size_t head_len; /* of the frame's first bytes, which are fed again then */
    unsigned char head[FRAME_HEAD_MAX];
};

enum pull_format pull_format_of(const unsigned char *bytes, size_t len)
{
    if (len >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return PULL_GZIP;
    if (len >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
        return PULL_ZSTD;
    /* A skippable frame in front: 0x184D2A50 to 0x184D2A5F. RFC 8878, 3.1.2 */
    if (len >= 4 && (bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0)
        return PULL_ZSTD;
    if (len >= 4 && memcmp(bytes, "BZh", 3) == 0 && bytes[3] >= '1' && bytes[3] <= '9')
        return PULL_BZIP2;
    if (len >= 6 && memcmp(bytes,
                           "\xfd"
                           "7zXZ",
                           6) == 0)
        return PULL_XZ;
    return PULL_PLAIN;
}

#ifdef HAVE_ISAL
static void gzip_open(struct pull_inflate *stream)
{
    isal_inflate_init(&stream->gzip);
    stream->gzip.crc_flag = ISAL_GZIP;
}

static void gzip_close(struct pull_inflate *stream)
{
    (void)stream;
}

static void gzip_restart(struct pull_inflate *stream)
{
    isal_inflate_reset(&stream->gzip);
    stream->gzip.crc_flag = ISAL_GZIP;
}

/* One step. Returns 1 at the end of a member, 0, or -1 when it is damaged. */
static int gzip_step(struct pull_inflate *stream, struct pull_inflate_io *io)
{
    struct inflate_state *state = &stream->gzip;
    int result;

    state->next_in = (uint8_t *)io->in;
    state->avail_in = (uint32_t)io->in_len;
    state->next_out = io->out;
    state->avail_out = (uint32_t)io->out_room;
    result = isal_inflate(state);
    io->in = state->next_in;
    io->in_len = state->avail_in;
    io->out = state->next_out;
    io->out_room = state->avail_out;
    if (result < ISAL_DECOMP_OK || result == ISAL_NEED_DICT)
        return -1;
    return state->block_state == ISAL_BLOCK_FINISH;
}
#else
static void gzip_open(struct pull_inflate *stream)
{
    /* 16: a gzip header and trailer are expected; zlib.h */
    if (inflateInit2(&stream->gzip, 16 + MAX_WBITS) != Z_OK)
        abort();
}

static void gzip_close(struct pull_inflate *stream)
{
    inflateEnd(&stream->gzip);
}

static void gzip_restart(struct pull_inflate *stream)
{
    if (inflateReset(&stream->gzip) != Z_OK)
        abort();
}

/* One step. Returns 1 at the end of a member, 0, or -1 when it is damaged. */
static int gzip_step(struct pull_inflate *stream, struct pull_inflate_io *io)
{
    z_stream *state = &stream->gzip;
    int result;

    state->next_in = (Bytef *)io->in;
    state->avail_in = (uInt)io->in_len;
    state->next_out = io->out;
    state->avail_out = (uInt)io->out_room;
    result = inflate(state, Z_NO_FLUSH);
    io->in = state->next_in;
    io->in_len = state->avail_in;
    io->out = state->next_out;
    io->out_room = state->avail_out;
    if (result == Z_STREAM_END)
        return 1;
    return result == Z_OK || result == Z_BUF_ERROR ? 0 : -1;
}
#endif

static void set_window(struct pull_inflate *stream, int log)
{
    if (ZSTD_isError(ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax, log)))
        abort();
}

static void zstd_open(struct pull_inflate *stream)
{
    stream->zstd = ZSTD_createDStream();
    if (!stream->zstd)
        abort();
    set_window(stream, PULL_USUAL_WINDOW_LOG);
}

struct pull_inflate *pull_inflate_open(enum pull_format format)
{
    struct pull_inflate *stream = md_xcalloc(1, sizeof(*stream));

    stream->format = format;
    stream->turn = -1;
    if (format == PULL_GZIP)
        gzip_open(stream);
    else if (format == PULL_ZSTD)
        zstd_open(stream);
    return stream;
}

void pull_inflate_free(struct pull_inflate **stream)
{
    if (!*stream)
        return;
    if ((*stream)->format == PULL_GZIP)
        gzip_close(*stream);
    ZSTD_freeDStream((*stream)->zstd);
    if ((*stream)->large && (*stream)->turn >= 0)
        (void)eventfd_write((*stream)->turn, 1);
    free(*stream);
    *stream = NULL;
}

void pull_inflate_take_turns(struct pull_inflate *stream, int turn)
{
    stream->turn = turn;
}

static void run_plain(struct pull_inflate_io *io)
{
    size_t len = io->in_len < io->out_room ? io->in_len : io->out_room;

    memcpy(io->out, io->in, len);
    io->in += len;
    io->in_len -= len;
    io->out += len;
    io->out_room -= len;
}

static void skip_zeros(struct pull_inflate_io *io)
{
    while (io->in_len > 0 && *io->in == 0) {
        io->in++;
        io->in_len--;
    }
}

/* Between members. Returns 1 when another one begins, 0 when there is no input, or -1. */
static int next_member(struct pull_inflate *stream, struct pull_inflate_io *io,
                       struct md_err *err)
{
    if (stream->begun && io->in_len > 0 && *io->in == 0)
        stream->padding = true;
    if (stream->padding)
        skip_zeros(io);
    if (io->in_len == 0)
        return 0;
    if (stream->padding)
        return md_err_set(err, MD_ERR_FORMAT, "garbage after the compressed data");
    return 1;
}

static int run_gzip(struct pull_inflate *stream, struct pull_inflate_io *io, struct md_err *err)
{
    while (io->out_room > 0) {
        size_t before;
        int ended;

        if (!stream->inside) {
            int more = next_member(stream, io, err);

            if (more <= 0)
                return more;
            if (stream->begun)
                gzip_restart(stream);
            stream->inside = true;
            stream->begun = true;
        } else if (io->in_len == 0 && !stream->full) {
            return 0;
        }
        before = io->in_len + io->out_room;
        ended = gzip_step(stream, io);
        /* No step forward would mean none for ever. */
        if (ended < 0 || (!ended && io->in_len > 0 && io->in_len + io->out_room == before))
            return md_err_set(err, MD_ERR_FORMAT, "damaged gzip data");
        /* With room left, nothing more can come out of the input so far. */
        stream->full = !ended && io->out_room == 0;
        if (ended)
            stream->inside = false;
    }
    return 0;
}

static int zstd_failed(size_t result, struct md_err *err)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return md_err_set(err, MD_ERR_LIMIT, "a zstd window of more than 2^%d bytes",
                          MD_MAX_ZSTD_WINDOW_LOG);
    return md_err_set(err, MD_ERR_FORMAT, "damaged zstd data: %s", ZSTD_getErrorName(result));
}

/* The frame wants more than the usual window: begin it anew when we may have one. */
static size_t enlarge(struct pull_inflate *stream)
{
    ZSTD_inBuffer head = { stream->head, stream->head_len, 0 };
    ZSTD_outBuffer nothing = { NULL, 0, 0 };
    eventfd_t token;

    while (stream->turn >= 0 && eventfd_read(stream->turn, &token) < 0 && errno == EINTR)
        ;
    stream->large = true;
    ZSTD_DCtx_reset(stream->zstd, ZSTD_reset_session_only);
    set_window(stream, MD_MAX_ZSTD_WINDOW_LOG);
    return stream->head_len > 0 ? ZSTD_decompressStream(stream->zstd, &nothing, &head) : 0;
}

static void keep_head(struct pull_inflate *stream, const unsigned char *bytes, size_t len)
{
    size_t room = sizeof(stream->head) - stream->head_len;

    len = len < room ? len : room;
    memcpy(stream->head + stream->head_len, bytes, len);
    stream->head_len += len;
}

static int zstd_step(struct pull_inflate *stream, struct pull_inflate_io *io,
                     struct md_err *err)
{
    ZSTD_inBuffer in = { io->in, io->in_len, 0 };
    ZSTD_outBuffer out = { io->out, io->out_room, 0 };
    size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);

    if (!stream->large &&
        ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
        in.pos = 0;
        result = enlarge(stream);
        if (!ZSTD_isError(result))
            result = ZSTD_decompressStream(stream->zstd, &out, &in);
    }
    if (ZSTD_isError(result))
        return zstd_failed(result, err);
    keep_head(stream, io->in, in.pos);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_room -= out.pos;
    stream->inside = result != 0;
    stream->full = result != 0 && io->out_room == 0;
    return 0;
}

static int run_zstd(struct pull_inflate *stream, struct pull_inflate_io *io, struct md_err *err)
{
    while (io->out_room > 0) {
        if (!stream->inside) {
            int more = next_member(stream, io, err);

            if (more <= 0)
                return more;
            stream->inside = true;
            stream->begun = true;
            stream->head_len = 0;
        } else if (io->in_len == 0 && !stream->full) {
            return 0;
        }
        if (zstd_step(stream, io, err) < 0)
            return -1;
    }
    return 0;
}

int pull_inflate_run(struct pull_inflate *stream, struct pull_inflate_io *io,
                     struct md_err *err)
{
    switch (stream->format) {
    case PULL_GZIP:
        return run_gzip(stream, io, err);
    case PULL_ZSTD:
        return run_zstd(stream, io, err);
    case PULL_PLAIN:
    case PULL_BZIP2:
    case PULL_XZ:
        break;
    }
    run_plain(io);
    return 0;
}

int pull_inflate_end(const struct pull_inflate *stream, struct md_err *err)
{
    if (stream->inside)
        return md_err_set(err, MD_ERR_FORMAT, "the compressed data ends too early");
    return 0;
}
