/* SPDX-License-Identifier: Apache-2.0 */
/* The one protocol between the runner and the container's first process. */
#include "run/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

struct message {
    int tag;
    struct md_err failure; /* RUN_FAILED only; the others end before it */
};

#define SHORT_SIZE offsetof(struct message, failure)
#define MAX_CARGO 2

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MAX_CARGO * sizeof(int))];
};

int run_sync_pair(int *ours, int *theirs, struct md_err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return md_err_sys(err, "cannot make a socket pair");
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

static void add_cargo(struct msghdr *header, union control *control,
                      const struct run_sync_cargo *cargo)
{
    const int fds[MAX_CARGO] = { cargo->master, cargo->slave };
    struct cmsghdr *part = &control->align;

    memset(control, 0, sizeof(*control));
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(part), fds, sizeof(fds));
    header->msg_control = control;
    header->msg_controllen = sizeof(*control);
}

static int send_message(int sync, const struct message *message, size_t size,
                        const struct run_sync_cargo *cargo)
{
    struct iovec part = { .iov_base = (void *)message, .iov_len = size };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    union control control;
    ssize_t sent;

    if (cargo && cargo->master >= 0)
        add_cargo(&header, &control, cargo);
retry:
    sent = sendmsg(sync, &header, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
        goto retry;
    return sent < 0 ? -1 : 0;
}

int run_sync_send(int sync, enum run_sync_tag tag, const struct run_sync_cargo *cargo,
                  struct md_err *err)
{
    const struct message message = { .tag = tag };

    if (send_message(sync, &message, SHORT_SIZE, cargo) < 0)
        return md_err_sys(err, "the other side of the set-up has gone");
    return 0;
}

void run_sync_fail(int sync, const struct md_err *failure)
{
    struct message message = { .tag = RUN_FAILED };

    message.failure = *failure;
    if (send_message(sync, &message, sizeof(message), NULL) < 0)
        return;
}

/* Take over what came along, wanted or not: a descriptor that nobody asked for is closed. */
static void take_cargo(struct msghdr *header, struct run_sync_cargo *cargo)
{
    int fds[MAX_CARGO] = { -1, -1 };

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(part),
                   part->cmsg_len - CMSG_LEN(0) < sizeof(fds) ? part->cmsg_len - CMSG_LEN(0)
                                                              : sizeof(fds));
    }
    if (cargo && fds[0] >= 0) {
        cargo->master = fds[0];
        cargo->slave = fds[1];
        return;
    }
    for (int i = 0; i < MAX_CARGO; i++)
        md_fd_close(&fds[i]);
}

static int check(const struct message *message, size_t got, struct md_err *err)
{
    size_t size = message->tag == RUN_FAILED ? sizeof(*message) : SHORT_SIZE;

    if (got != size || message->tag < RUN_MAPPED || message->tag > RUN_FAILED)
        return md_err_set(err, MD_ERR_SYSTEM, "malformed message of the set-up");
    if (message->tag == RUN_FAILED) {
        *err = message->failure;
        err->text[sizeof(err->text) - 1] = '\0';
    }
    return message->tag;
}

int run_sync_receive(int sync, struct run_sync_cargo *cargo, struct md_err *err)
{
    struct message message = { 0 };
    union control control;
    struct iovec part = { .iov_base = &message, .iov_len = sizeof(message) };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    ssize_t got;

retry:
    got = recvmsg(sync, &header, MSG_CMSG_CLOEXEC);
    /* ECONNRESET: it ended without reading all that was sent to it. The kernel says so once,
     * and before the messages that it did send. */
    if (got < 0 && (errno == EINTR || errno == ECONNRESET))
        goto retry;
    if (got < 0)
        return md_err_sys(err, "cannot hear of the set-up");
    if (got == 0)
        return RUN_GONE;
    take_cargo(&header, cargo);
    return check(&message, (size_t)got, err);
}

int run_sync_expect(int sync, enum run_sync_tag tag, struct md_err *err)
{
    int got = run_sync_receive(sync, NULL, err);

    if (got == (int)tag)
        return 0;
    if (got == RUN_GONE)
        return md_err_set(err, MD_ERR_SYSTEM, "the other side of the set-up has ended");
    if (got > 0 && got != RUN_FAILED)
        return md_err_set(err, MD_ERR_SYSTEM, "message %d of the set-up instead of %d", got,
                          (int)tag);
    return -1;
}
