/* SPDX-License-Identifier: Apache-2.0 */
/* The network process: takes the coordinator's orders and moves all transfers. */
#include "pull/network.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "pull/fetch.h"
#include "pull/served.h"
#include "pull/tags.h"

/* A credential that the coordinator has handed over. */
struct known {
    struct pull_account account;
    struct known *next;
};

/* All of the process's state. */
struct network {
    int socket;
    struct pull_settings settings;
    struct pull_http *http;
    struct known *accounts;
    struct pull_repository *repositories; /* the current one first; their tokens stay good */
    struct pull_fetching fetching[PULL_RINGS];
};

/* The coordinator is gone, or cannot be told: there is nobody to work for. */
static _Noreturn void leave(struct network *network)
{
    for (size_t i = 0; i < PULL_RINGS; i++) {
        if (network->fetching[i].transfer) {
            pull_ring_end(network->fetching[i].ring, PULL_RING_BROKEN);
        }
    }
    /* Nothing is buffered, and freeing it all would only take time. */
    _exit(0);
}

static void send_or_leave(struct network *network, const struct pull_message *message)
{
    struct md_err err = { 0 };

    if (pull_wire_send(network->socket, message, NULL, 0, &err) < 0) {
        leave(network);
    }
}

static void send_failed(struct network *network, uint32_t ring, const struct md_err *err)
{
    struct pull_message message = { .tag = PULL_FAILED, .ring = ring, .err = *err };

    if (ring < PULL_RINGS) {
        pull_ring_end(network->fetching[ring].ring, PULL_RING_BROKEN);
    }
    send_or_leave(network, &message);
}

/* What the coordinator has found for a repository; the newest counts. */
static void take_account(struct network *network, struct pull_account *account)
{
    struct known *known = md_xmalloc(sizeof(*known));

    *known = (struct known){ .account = *account, .next = network->accounts };
    network->accounts = known;
    explicit_bzero(account, sizeof(*account));
}

/* The credential for the very registry and repository that are asked at place. */
static const struct pull_credential *find_credential(const struct network *network,
                                                     const struct pull_registry *place)
{
    static const struct pull_credential none;
    const char *registry = pull_account_canonical(place->host);

    for (const struct known *known = network->accounts; known; known = known->next) {
        if (strcmp(pull_account_canonical(known->account.registry), registry) == 0 &&
            strcmp(known->account.repository, place->repository) == 0) {
            return &known->account.credential;
        }
    }
    return &none;
}

/* Tell who asks to the registry itself, the last place, and to no mirror on another host. */
static void trust(const struct network *network, const struct pull_repository *repository)
{
    const char *own = repository->places[repository->count - 1]->host;

    for (size_t i = 0; i < repository->count; i++) {
        struct pull_registry *place = repository->places[i];

        if (strcmp(place->host, own) == 0) {
            pull_registry_trust(place, find_credential(network, place));
        }
    }
}

/* The repository of ref becomes the current one, with the tokens it had. */
static struct pull_repository *choose_repository(struct network *network,
                                                 const struct md_ref *ref, struct md_err *err)
{
    struct pull_repository **link = &network->repositories;
    struct pull_repository *repository;

    while (*link && !pull_repository_serves(*link, ref)) {
        link = &(*link)->next;
    }
    repository = *link;
    if (repository) {
        *link = repository->next;
        pull_repository_turn(repository, ref);
    } else {
        repository = pull_repository_open(network->http, ref, err);
    }
    if (repository) {
        trust(network, repository);
        repository->next = network->repositories;
        network->repositories = repository;
    }
    return repository;
}

static void resolve(struct network *network, const struct pull_resolve *order)
{
    struct md_err err = { 0 };
    struct pull_repository *repository = choose_repository(network, &order->ref, &err);
    struct pull_served served = { 0 };

    pull_http_set_patience(network->http, &order->patience);
    if (repository) {
        served = pull_served_by(repository);
    }
    if (!repository || pull_resolve(&served.origin, order, network->socket, &err) < 0) {
        send_failed(network, PULL_RINGS, &err);
    }
}

static void list_tags(struct network *network, const struct pull_resolve *order)
{
    struct md_err err = { 0 };
    struct pull_repository *repository = choose_repository(network, &order->ref, &err);

    pull_http_set_patience(network->http, &order->patience);
    /* The registry itself: a mirror need not know all. */
    if (!repository ||
        pull_tags_send(repository->places[repository->count - 1], network->socket, &err) < 0) {
        send_failed(network, PULL_RINGS, &err);
    }
}

static int begin_fetch(struct network *network, const struct pull_message *message,
                       struct md_err *err)
{
    struct pull_fetching *fetching = &network->fetching[message->fetch.ring];

    if (message->tag == PULL_FETCH_URL) {
        return pull_fetch_begin_url(fetching, network->http, &message->fetch, err);
    }
    if (!network->repositories) {
        return md_err_set(err, MD_ERR_FORMAT, "FETCH before RESOLVE");
    }
    return pull_fetch_begin(fetching, network->repositories, &message->fetch, err);
}

static void fetch(struct network *network, const struct pull_message *message)
{
    uint32_t ring = message->fetch.ring;
    struct md_err err = { 0 };

    if (ring >= PULL_RINGS || network->fetching[ring].transfer) {
        md_err_set(&err, MD_ERR_FORMAT, "FETCH into a ring that is not free");
        send_failed(network, PULL_RINGS, &err);
    } else if (begin_fetch(network, message, &err) < 0) {
        send_failed(network, ring, &err);
    }
}

static void take_order(struct network *network)
{
    struct pull_message message;
    struct md_err err = { 0 };
    int fds[PULL_MESSAGE_FDS];
    int got = pull_wire_receive(network->socket, &message, fds, &err);

    if (got <= 0) {
        leave(network);
    }
    for (size_t i = 0; i < PULL_MESSAGE_FDS; i++) {
        md_fd_close(&fds[i]);
    }
    if (message.tag == PULL_CREDENTIAL) {
        take_account(network, &message.account);
    } else if (message.tag == PULL_RESOLVE) {
        resolve(network, &message.resolve);
    } else if (message.tag == PULL_TAGS) {
        list_tags(network, &message.resolve);
    } else if (message.tag == PULL_FETCH || message.tag == PULL_FETCH_URL) {
        fetch(network, &message);
    } else {
        leave(network);
    }
}

static void advance(struct network *network, uint32_t ring)
{
    struct pull_message message = { .tag = PULL_FETCHED, .ring = ring };
    struct pull_fetching *fetching = &network->fetching[ring];
    struct md_err err = { 0 };

    switch (pull_fetch_advance(fetching, &message.fetched, &err)) {
    case PULL_UNDER_WAY:
        break;
    case PULL_GAVE_UP:
        send_failed(network, ring, &err);
        break;
    case PULL_ANSWERED:
        pull_ring_end(fetching->ring, PULL_RING_WHOLE);
        send_or_leave(network, &message);
        break;
    }
}

/* Move every layer on. Returns for how many ms nothing is to be done; -1: until an event. */
static int advance_all(struct network *network)
{
    int shortest = -1;

    for (uint32_t i = 0; i < PULL_RINGS; i++) {
        struct pull_fetching *fetching = &network->fetching[i];
        int wait_ms;

        if (fetching->transfer) {
            advance(network, i);
        }
        if (!fetching->transfer) {
            continue;
        }
        wait_ms = pull_transfer_wait_ms(fetching->transfer);
        if (wait_ms >= 0 && (shortest < 0 || wait_ms < shortest)) {
            shortest = wait_ms;
        }
    }
    return shortest;
}

_Noreturn void pull_network_main(int socket, struct pull_ring *rings)
{
    struct network network = { .socket = socket };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct md_err err = { 0 };

    /* A registry that hangs up is an error to report, not our end. */
    sigaction(SIGPIPE, &ignore, NULL);
    for (size_t i = 0; i < PULL_RINGS; i++) {
        network.fetching[i].ring = &rings[i];
    }
    pull_settings_read(&network.settings);
    network.http = pull_http_open(socket, &network.settings, &err);
    if (!network.http) {
        send_failed(&network, PULL_RINGS, &err);
        leave(&network);
    }
    for (;;) {
        int wait_ms = advance_all(&network);
        enum pull_event event = pull_http_step(network.http, PULL_WATCH_MESSAGES, wait_ms);

        if (event == PULL_EVENT_GONE) {
            leave(&network);
        }
        if (event == PULL_EVENT_MESSAGE) {
            take_order(&network);
        }
    }
}
