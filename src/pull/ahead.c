/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks made ahead of their use: a thread fills them, the caller takes them in order. */
#include "pull/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#define BLOCKS 3 /* one is used, one is being filled, one lies between */

struct pull_ahead {
    pull_fill_fn *fill;
    void *context;
    size_t size;
    unsigned char *blocks[BLOCKS];
    pthread_t thread;
    /* What follows belongs to whoever has the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ssize_t lengths[BLOCKS]; /* of block n in n % BLOCKS; what is no length ends it */
    unsigned filled;         /* blocks, since the beginning */
    unsigned taken;          /* of them, the one in use included */
    bool closing;
    struct md_err err; /* of a length below 0 */
};

/* Wait for a block that is not in use. Returns false when no more are wanted. */
static bool wait_for_room(struct pull_ahead *ahead)
{
    bool wanted;

    pthread_mutex_lock(&ahead->lock);
    /* The one in use counts as taken, but is not free. */
    while (!ahead->closing && ahead->filled >= ahead->taken + BLOCKS - 1)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    wanted = !ahead->closing;
    pthread_mutex_unlock(&ahead->lock);
    return wanted;
}

static void hand_over(struct pull_ahead *ahead, ssize_t length)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->lengths[ahead->filled++ % BLOCKS] = length;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

static void *fill_blocks(void *context)
{
    struct pull_ahead *ahead = context;
    ssize_t length = 1;

    while (length > 0 && wait_for_room(ahead)) {
        length = ahead->fill(ahead->context, ahead->blocks[ahead->filled % BLOCKS], ahead->size,
                             &ahead->err);
        hand_over(ahead, length);
    }
    return NULL;
}

static void free_blocks(struct pull_ahead *ahead)
{
    for (size_t i = 0; i < BLOCKS; i++)
        free(ahead->blocks[i]);
    free(ahead);
}

struct pull_ahead *pull_ahead_open(pull_fill_fn *fill, void *context, size_t size,
                                   struct md_err *err)
{
    struct pull_ahead *ahead = md_xcalloc(1, sizeof(*ahead));

    ahead->fill = fill;
    ahead->context = context;
    ahead->size = size;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    for (size_t i = 0; i < BLOCKS; i++)
        ahead->blocks[i] = md_xmalloc(size);
    errno = pthread_create(&ahead->thread, NULL, fill_blocks, ahead);
    if (errno == 0)
        return ahead;
    md_err_sys(err, "cannot start a thread");
    free_blocks(ahead);
    return NULL;
}

ssize_t pull_ahead_next(struct pull_ahead *ahead, const void **block, struct md_err *err)
{
    ssize_t length;

    pthread_mutex_lock(&ahead->lock);
    if (ahead->taken == 0 || ahead->lengths[(ahead->taken - 1) % BLOCKS] > 0)
        ahead->taken++; /* the end stays the end */
    pthread_cond_signal(&ahead->changed);
    while (ahead->filled < ahead->taken)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    length = ahead->lengths[(ahead->taken - 1) % BLOCKS];
    *block = ahead->blocks[(ahead->taken - 1) % BLOCKS];
    if (length < 0)
        *err = ahead->err;
    pthread_mutex_unlock(&ahead->lock);
    return length;
}

void pull_ahead_close(struct pull_ahead **ahead)
{
    struct pull_ahead *gone = *ahead;

    if (!gone)
        return;
    pthread_mutex_lock(&gone->lock);
    gone->closing = true;
    pthread_cond_signal(&gone->changed);
    pthread_mutex_unlock(&gone->lock);
    pthread_join(gone->thread, NULL);
    free_blocks(gone);
    *ahead = NULL;
}
