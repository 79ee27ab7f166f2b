/* SPDX-License-Identifier: Apache-2.0 */
/* The writer process's loop: an order, a layer unpacked or merged, an answer. */
#include "pull/writer.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "pull/unpack.h"
#include "pull/wire.h"
#include "store/merge.h"

static int unpack(const struct pull_unpack_order *order, struct pull_ring *rings,
                  const int *fds, struct pull_unpacked *unpacked, struct md_err *err)
{
    const struct pull_kept kept = { .fd = fds[1], .length = order->kept };
    struct pull_source source = { .fd = fds[1] };

    if (order->ring < PULL_RINGS) {
        source.ring = &rings[order->ring];
        source.kept = fds[1] >= 0 ? &kept : NULL;
    }
    if (fds[0] < 0 || (!source.ring && source.fd < 0))
        return md_err_set(err, MD_ERR_FORMAT, "an order without its descriptors");
    return pull_unpack(&source, &order->promise, fds[0], unpacked, err);
}

/* Returns 0 with *answer filled, or -1 with *err. */
static int obey(const struct pull_message *order, struct pull_ring *rings, const int *fds,
                struct pull_message *answer, struct md_err *err)
{
    *answer = (struct pull_message){ .ring = order->ring };
    if (order->tag == PULL_UNPACK) {
        answer->tag = PULL_UNPACKED;
        return unpack(&order->unpack, rings, fds, &answer->unpacked, err);
    }
    answer->tag = PULL_MERGED;
    if (fds[0] < 0 || fds[1] < 0)
        return md_err_set(err, MD_ERR_FORMAT, "an order without its descriptors");
    return store_merge(fds[1], fds[0], &answer->merged_bytes, err);
}

/* One order. Returns 1, or 0 when no more will come, or -1. */
static int serve(int socket, struct pull_ring *rings, struct md_err *err)
{
    int fds[PULL_MESSAGE_FDS];
    struct pull_message order;
    struct pull_message answer;
    struct md_err failure = { 0 };
    int more = pull_wire_receive(socket, &order, fds, err);
    bool ours = more > 0 && (order.tag == PULL_UNPACK || order.tag == PULL_MERGE);

    if (more <= 0)
        return more;
    if (ours && obey(&order, rings, fds, &answer, &failure) < 0)
        answer =
            (struct pull_message){ .tag = PULL_FAILED, .ring = order.ring, .err = failure };
    /* Before the answer: our copy holds the layer's lock, which may be given up then. */
    for (int i = 0; i < PULL_MESSAGE_FDS; i++)
        md_fd_close(&fds[i]);
    if (!ours)
        return md_err_set(err, MD_ERR_FORMAT, "an order for somebody else");
    return pull_wire_send(socket, &answer, NULL, 0, err) < 0 ? -1 : 1;
}

_Noreturn void pull_writer_main(int socket, struct pull_ring *rings)
{
    struct md_err err = { 0 };
    int more;

    /* In the middle of a layer nobody looks at the socket. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    do
        more = serve(socket, rings, &err);
    while (more > 0);
    _exit(more < 0);
}
