/* SPDX-License-Identifier: Apache-2.0 */
/* A compressed file read as the bytes that it holds. */
#include "pull/expand.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "pull/tar.h"

#define BLOCK_BYTES (256u << 10)

struct pull_expand {
    int fd;
    unsigned char *in;
    unsigned char *out;
    size_t in_at;
    size_t in_end;
    bool in_over; /* the file has ended */
    enum pull_format format;
    struct pull_inflate *inflate;
    struct pull_unfilter *unfilter; /* bzip2 and xz: instead of inflate */
};

/* Get more input in place of what was used up. */
static int fill(struct pull_expand *expand, struct md_err *err)
{
    ssize_t len;

    expand->in_at = expand->in_end = 0;
    if (expand->in_over)
        return 0;
    do
        len = read(expand->fd, expand->in, BLOCK_BYTES);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return md_err_sys(err, "cannot read the archive");
    expand->in_over = len == 0;
    expand->in_end = (size_t)len;
    return 0;
}

/* A pull_read_fn: the file as it is. */
static ssize_t next_input(void *context, const void **bytes, struct md_err *err)
{
    struct pull_expand *expand = context;
    size_t len;

    if (expand->in_at == expand->in_end && fill(expand, err) < 0)
        return -1;
    *bytes = expand->in + expand->in_at;
    len = expand->in_end - expand->in_at;
    expand->in_at = expand->in_end;
    return (ssize_t)len;
}

static int open_format(struct pull_expand *expand, struct md_err *err)
{
    ssize_t len = md_fd_read_full(expand->fd, expand->in, PULL_MAGIC_BYTES);

    if (len < 0)
        return md_err_sys(err, "cannot read the archive");
    expand->in_end = (size_t)len;
    expand->format = pull_format_of(expand->in, expand->in_end);
    if (expand->format == PULL_BZIP2 || expand->format == PULL_XZ) {
        expand->unfilter = pull_unfilter_open(next_input, expand, err);
        return expand->unfilter ? 0 : -1;
    }
    expand->inflate = pull_inflate_open(expand->format);
    return 0;
}

struct pull_expand *pull_expand_open(int fd, struct md_err *err)
{
    struct pull_expand *expand = md_xcalloc(1, sizeof(*expand));

    expand->fd = fd;
    expand->in = md_xmalloc(BLOCK_BYTES);
    expand->out = md_xmalloc(BLOCK_BYTES);
    if (open_format(expand, err) < 0)
        pull_expand_close(&expand);
    return expand;
}

void pull_expand_close(struct pull_expand **expand)
{
    if (!*expand)
        return;
    pull_unfilter_close(&(*expand)->unfilter);
    pull_inflate_free(&(*expand)->inflate);
    free((*expand)->in);
    free((*expand)->out);
    md_ptr_free(expand);
}

enum pull_format pull_expand_format(const struct pull_expand *expand)
{
    return expand->format;
}

static ssize_t inflate_block(struct pull_expand *expand, struct md_err *err)
{
    struct pull_inflate_io io = { .out = expand->out, .out_room = BLOCK_BYTES };

    for (;;) {
        bool last = expand->in_over;

        io.in = expand->in + expand->in_at;
        io.in_len = expand->in_end - expand->in_at;
        if (pull_inflate_run(expand->inflate, &io, err) < 0)
            return -1;
        expand->in_at = expand->in_end - io.in_len;
        if (io.out_room < BLOCK_BYTES || last)
            break;
        if (fill(expand, err) < 0)
            return -1;
    }
    if (io.out_room == BLOCK_BYTES && pull_inflate_end(expand->inflate, err) < 0)
        return -1;
    return (ssize_t)(BLOCK_BYTES - io.out_room);
}

ssize_t pull_expand_read(void *context, const void **bytes, struct md_err *err)
{
    struct pull_expand *expand = context;

    if (expand->unfilter)
        return pull_unfilter_read(expand->unfilter, bytes, err);
    *bytes = expand->out;
    return inflate_block(expand, err);
}

int pull_expand_to(struct pull_expand *expand, int fd, uint64_t max, struct md_err *err)
{
    uint64_t total = 0;
    const void *bytes;
    ssize_t len;

    while ((len = pull_expand_read(expand, &bytes, err)) > 0) {
        total += (uint64_t)len;
        if (total > max)
            return md_err_set(err, MD_ERR_LIMIT, "the archive expands to more than %llu bytes",
                              (unsigned long long)max);
        if (md_fd_write_all(fd, bytes, (size_t)len) < 0)
            return md_err_sys(err, "cannot expand the archive into the store");
    }
    return (int)len;
}
