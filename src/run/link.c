/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between a supervisor and its clients, and the socket where they meet. */
#include "run/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

#define FOLDER "/run/minidock"
#define SOCKET "attach.sock"
#define WAITING 16 /* clients that were not accepted yet */

int run_link_send(int link, enum run_link_tag tag, const void *payload, size_t len)
{
    uint32_t head = tag;
    struct iovec parts[] = { { .iov_base = &head, .iov_len = sizeof(head) },
                             { .iov_base = (void *)payload, .iov_len = len } };
    struct msghdr header = { .msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1 };
    ssize_t sent;

retry:
    sent = sendmsg(link, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR)
        goto retry;
    return sent < 0 ? -1 : 0;
}

/* Is there as much after the tag as the tag says? */
static bool is_whole(const struct run_link_message *message)
{
    switch ((enum run_link_tag)message->tag) {
    case RUN_LINK_FAILED:
        return message->len == sizeof(message->failure);
    case RUN_LINK_ENDED:
        return message->len == sizeof(message->end);
    case RUN_LINK_HELLO:
        return message->len == sizeof(message->hello);
    case RUN_LINK_SIZE:
        return message->len == sizeof(message->size);
    case RUN_LINK_OUT:
    case RUN_LINK_ERR:
    case RUN_LINK_IN:
        return message->len > 0;
    case RUN_LINK_STARTED:
    case RUN_LINK_IN_END:
    case RUN_LINK_DETACH:
        return message->len == 0;
    }
    return false;
}

int run_link_receive(int link, struct run_link_message *message)
{
    struct iovec parts[] = {
        { .iov_base = &message->tag, .iov_len = sizeof(message->tag) },
        { .iov_base = message->bytes, .iov_len = sizeof(message->bytes) },
    };
    struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t got;

retry:
    got = recvmsg(link, &header, MSG_CMSG_CLOEXEC);
    /* ECONNRESET: it ended without reading all that was sent to it. The kernel says so once,
     * and before the messages that it did send. */
    if (got < 0 && (errno == EINTR || errno == ECONNRESET))
        goto retry;
    if (got <= 0)
        return (int)got;
    message->len = (size_t)got - sizeof(message->tag);
    if (got < (ssize_t)sizeof(message->tag) || !is_whole(message)) {
        errno = EPROTO;
        return -1;
    }
    return 1;
}

int run_link_pair(int *ours, int *theirs, struct md_err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return md_err_sys(err, "cannot make a socket pair");
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

static void name_socket(const char *id, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof(address->sun_path), FOLDER "/%.64s/" SOCKET, id);
}

static int open_socket(struct md_err *err)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd < 0 ? md_err_sys(err, "cannot make a socket") : fd;
}

static int make_folder(const char *id, struct md_err *err)
{
    char path[sizeof(FOLDER) + 66];

    snprintf(path, sizeof(path), FOLDER "/%.64s", id);
    if ((mkdir(FOLDER, 0700) < 0 && errno != EEXIST) ||
        (mkdir(path, 0700) < 0 && errno != EEXIST))
        return md_err_sys(err, "cannot make \"%s\"", path);
    return 0;
}

int run_link_listen(const char *id, struct md_err *err)
{
    struct sockaddr_un address;
    MD_AUTO_FD fd = open_socket(err);

    name_socket(id, &address);
    if (fd < 0 || make_folder(id, err) < 0)
        return -1;
    (void)unlink(address.sun_path); /* of a supervisor that was killed */
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, WAITING) < 0)
        return md_err_sys(err, "cannot listen at \"%s\"", address.sun_path);
    return md_fd_take(&fd);
}

int run_link_connect(const char *id, struct md_err *err)
{
    struct sockaddr_un address;
    MD_AUTO_FD fd = open_socket(err);

    name_socket(id, &address);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return md_err_sys(err, "cannot connect to \"%s\"", address.sun_path);
    return md_fd_take(&fd);
}

void run_link_remove(const char *id)
{
    char path[sizeof(FOLDER) + 66];
    struct sockaddr_un address;

    name_socket(id, &address);
    (void)unlink(address.sun_path);
    snprintf(path, sizeof(path), FOLDER "/%.64s", id);
    (void)rmdir(path);
}
