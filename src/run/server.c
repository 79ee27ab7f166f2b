/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of a supervisor. */
#include "run/server.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"

/* How long who has to hear of the end may take to make room for it. */
#define GOODBYE_MS 1000

void run_server_init(struct run_server *server)
{
    *server = (struct run_server){ .listener = -1, .leader = -1 };
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++)
        server->clients[i].fd = -1;
}

void run_server_clear(struct run_server *server)
{
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++)
        md_fd_close(&server->clients[i].fd);
    md_fd_close(&server->listener);
    server->leader = -1;
}

int run_server_add(struct run_server *server, int fd, unsigned streams)
{
    for (int i = 0; i < RUN_CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0)
            continue;
        server->clients[i] = (struct run_client){ .fd = fd, .streams = streams };
        return i;
    }
    md_fd_close(&fd);
    return -1;
}

void run_server_accept(struct run_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0)
        run_server_add(server, fd, 0);
}

void run_server_drop(struct run_server *server, size_t index)
{
    struct run_client *client = &server->clients[index];

    md_fd_close(&client->fd);
    *client = (struct run_client){ .fd = -1 };
    if (server->leader == (int)index)
        server->leader = -1;
}

/* One client gets its share; whoever has gone is found out by who reads from it. */
static void send_to(struct run_client *client, int stream, const void *bytes, size_t len)
{
    enum run_link_tag tag = stream == 2 ? RUN_LINK_ERR : RUN_LINK_OUT;
    bool was_behind = client->behind;

    client->behind = run_link_send(client->fd, tag, bytes, len) < 0 && errno == EAGAIN;
    if (client->behind && !was_behind)
        client->since_ms = md_now_ms();
}

static bool wants(const struct run_client *client, int stream)
{
    return client->fd >= 0 && (client->streams & RUN_STREAM(stream));
}

void run_server_output(struct run_server *server, int stream, const void *bytes, size_t len)
{
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++) {
        if (wants(&server->clients[i], stream))
            send_to(&server->clients[i], stream, bytes, len);
    }
}

void run_server_catch_up(struct run_server *server, int stream, const void *bytes, size_t len)
{
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++) {
        struct run_client *client = &server->clients[i];

        if (client->fd < 0 || !client->behind)
            continue;
        send_to(client, stream, bytes, len);
        if (client->behind && server->leader != (int)i &&
            md_now_ms() - client->since_ms >= RUN_CLIENT_PATIENCE_MS)
            run_server_drop(server, i);
    }
}

bool run_server_is_behind(const struct run_server *server)
{
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0 && server->clients[i].behind)
            return true;
    }
    return false;
}

int run_server_patience(const struct run_server *server)
{
    int64_t least = -1;

    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++) {
        const struct run_client *client = &server->clients[i];
        int64_t left;

        if (client->fd < 0 || !client->behind || server->leader == (int)i)
            continue;
        left = client->since_ms + RUN_CLIENT_PATIENCE_MS - md_now_ms();
        left = left < 0 ? 0 : left;
        least = least < 0 || left < least ? left : least;
    }
    return (int)least;
}

/* News that must not get lost: a moment is waited for a client whose socket is full. */
static void tell(int fd, enum run_link_tag tag, const void *payload, size_t len)
{
    struct pollfd room = { .fd = fd, .events = POLLOUT };

    if (run_link_send(fd, tag, payload, len) < 0 && errno == EAGAIN &&
        poll(&room, 1, GOODBYE_MS) > 0 && run_link_send(fd, tag, payload, len) < 0)
        return; /* it will see that we have gone */
}

static void tell_all(struct run_server *server, enum run_link_tag tag, const void *payload,
                     size_t len)
{
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0)
            tell(server->clients[i].fd, tag, payload, len);
    }
}

void run_server_started(struct run_server *server)
{
    tell_all(server, RUN_LINK_STARTED, NULL, 0);
}

void run_server_failed(struct run_server *server, const struct md_err *err)
{
    tell_all(server, RUN_LINK_FAILED, err, sizeof(*err));
}

void run_server_ended(struct run_server *server, const struct run_link_end *end)
{
    tell_all(server, RUN_LINK_ENDED, end, sizeof(*end));
    for (size_t i = 0; i < RUN_CLIENTS_MAX; i++)
        run_server_drop(server, i);
}
