/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between the processes of a pull. What arrives is checked for its form here, once:
 * the network process may have been taken over by what a registry sent it.
 */
#include "pull/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

int pull_wire_pair(int *ours, int *theirs, struct md_err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return md_err_sys(err, "cannot make a socket pair");
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

/* Room for the descriptors of one message, aligned as the kernel wants it: cmsg(3). */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(PULL_MESSAGE_FDS * sizeof(int))];
};

static void attach(struct msghdr *header, union control *control, const int *fds, int count)
{
    size_t len = (size_t)count * sizeof(int);
    struct cmsghdr *message;

    memset(control, 0, sizeof(*control));
    header->msg_control = control->bytes;
    header->msg_controllen = CMSG_SPACE(len);
    message = CMSG_FIRSTHDR(header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(message), fds, len);
}

int pull_wire_send(int socket, const struct pull_message *message, const int *fds, int count,
                   struct md_err *err)
{
    struct iovec piece = { (void *)message, sizeof(*message) };
    struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1 };
    union control control;
    ssize_t sent;

    if (count < 0 || count > PULL_MESSAGE_FDS)
        return md_err_set(err, MD_ERR_LIMIT, "%d descriptors in one message", count);
    if (count > 0)
        attach(&header, &control, fds, count);
    do
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? md_err_sys(err, "cannot send a message") : 0;
}

/* Take over the descriptors of a message; more than there is room for are closed by the kernel,
 * which then says MSG_CTRUNC. */
static void detach(struct msghdr *header, int fds[PULL_MESSAGE_FDS])
{
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    size_t len;

    if (!message || message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_RIGHTS)
        return;
    len = message->cmsg_len - CMSG_LEN(0);
    if (len <= PULL_MESSAGE_FDS * sizeof(int))
        memcpy(fds, CMSG_DATA(message), len);
}

/* Digests become names of files: all or nothing. */
static bool digest_fits(struct md_digest *digest)
{
    struct md_digest parsed;
    struct md_err err = { 0 };

    if (digest->alg == 0) {
        *digest = (struct md_digest){ 0 };
        return true;
    }
    return memchr(digest->text, '\0', sizeof(digest->text)) &&
           md_digest_parse(digest->text, &parsed, &err) == 0 && parsed.alg == digest->alg;
}

#define END_TEXT(array) ((array)[sizeof(array) - 1] = '\0')

static bool resolve_fits(struct pull_resolve *resolve)
{
    END_TEXT(resolve->ref.registry);
    END_TEXT(resolve->ref.repository);
    END_TEXT(resolve->ref.tag);
    END_TEXT(resolve->platform.os);
    END_TEXT(resolve->platform.architecture);
    END_TEXT(resolve->platform.variant);
    return digest_fits(&resolve->ref.digest) && digest_fits(&resolve->known);
}

static bool account_fits(struct pull_account *account)
{
    END_TEXT(account->registry);
    END_TEXT(account->repository);
    END_TEXT(account->credential.user);
    END_TEXT(account->credential.secret);
    END_TEXT(account->credential.realm_host);
    return (unsigned)account->credential.kind <= PULL_CREDENTIAL_IDENTITY;
}

static bool content_fits(struct pull_message *message)
{
    switch (message->tag) {
    case PULL_RESOLVE:
    case PULL_TAGS:
        return resolve_fits(&message->resolve);
    case PULL_FETCH:
    case PULL_FETCH_URL:
        END_TEXT(message->fetch.url);
        return message->fetch.ring < PULL_RINGS && message->fetch.offset >= 0 &&
               digest_fits(&message->fetch.blob.digest);
    case PULL_SOURCE:
        return (unsigned)message->source.wanted <= PULL_LOCAL_DOCKER;
    case PULL_CHOICE:
        END_TEXT(message->choice.name);
        return true;
    case PULL_CHOICES:
        return (unsigned)message->kind <= PULL_LOCAL_DOCKER;
    case PULL_UNPACK:
        return message->unpack.ring <= PULL_RINGS && message->unpack.kept >= 0 &&
               digest_fits(&message->unpack.promise.digest) &&
               digest_fits(&message->unpack.promise.diff_id);
    case PULL_UP_TO_DATE:
    case PULL_RESOLVED:
        return digest_fits(&message->resolved.served) &&
               digest_fits(&message->resolved.manifest) &&
               digest_fits(&message->resolved.config);
    case PULL_DOCUMENT:
        return (unsigned)message->document < PULL_DOCUMENTS;
    case PULL_LAYER:
        return digest_fits(&message->layer.layer.blob.digest) &&
               digest_fits(&message->layer.diff_id);
    case PULL_UNPACKED:
        return digest_fits(&message->unpacked.diff_id);
    case PULL_FAILED:
        END_TEXT(message->err.text);
        return (unsigned)message->err.kind <= MD_ERR_SYSTEM && message->err.kind != MD_ERR_NONE;
    case PULL_CREDENTIAL:
        return account_fits(&message->account);
    case PULL_FETCHED:
        END_TEXT(message->fetched.from);
        return true;
    case PULL_MERGE:
    case PULL_MERGED:
    case PULL_TAG_LIST:
        return true;
    }
    return false; /* no tag of ours */
}

static void close_all(int fds[PULL_MESSAGE_FDS])
{
    for (int i = 0; i < PULL_MESSAGE_FDS; i++)
        md_fd_close(&fds[i]);
}

int pull_wire_receive(int socket, struct pull_message *message, int fds[PULL_MESSAGE_FDS],
                      struct md_err *err)
{
    struct iovec piece = { message, sizeof(*message) };
    union control control;
    struct msghdr header = { .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    ssize_t len;

    for (int i = 0; i < PULL_MESSAGE_FDS; i++)
        fds[i] = -1;
    do
        len = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len < 0 && errno != ECONNRESET)
        return md_err_sys(err, "cannot receive a message");
    if (len <= 0)
        return 0;
    detach(&header, fds);
    if (len != (ssize_t)sizeof(*message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        message->ring > PULL_RINGS || !content_fits(message)) {
        close_all(fds);
        return md_err_set(err, MD_ERR_FORMAT, "a message that makes no sense");
    }
    return 1;
}
