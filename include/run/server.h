/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of a supervisor: who started it and stays to see the output, and who attaches
 * later. A client that does not read makes the container wait, so that nothing is lost, but no
 * longer than RUN_CLIENT_PATIENCE_MS: then it is dropped, unless it is the leader of a
 * container in the foreground. Its buffer is the kernel's of its socket; there is none here.
 */
#ifndef MD_RUN_SERVER_H
#define MD_RUN_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "run/link.h"

#define RUN_CLIENTS_MAX 16
#define RUN_CLIENT_PATIENCE_MS 5000
#define RUN_IDLE_MS 1000

struct run_client {
    int fd;           /* -1: free */
    unsigned streams; /* bits */
    bool starter;     /* the end of its input closes the program's stdin */
    bool behind;      /* what was written last has not reached it */
    int64_t since_ms; /* behind: since when; CLOCK_MONOTONIC */
};

/* Zero-initialise, then run_server_clear(). */
struct run_server {
    int listener;       /* -1: none */
    int leader;         /* index of the client whose loss ends the container, or -1 */
    void (*idle)(void); /* called when nothing has happened for RUN_IDLE_MS; or NULL */
    struct run_client clients[RUN_CLIENTS_MAX];
};

void run_server_init(struct run_server *server);
void run_server_clear(struct run_server *server);

/* Take over fd as a client. A full house closes it. Returns its index, or -1. */
int run_server_add(struct run_server *server, int fd, unsigned streams);

/* Whoever waits at the listener becomes a client; it says what it wants by HELLO. */
void run_server_accept(struct run_server *server);

/* Close a client. */
void run_server_drop(struct run_server *server, size_t index);

/* Send bytes of a stream (1 or 2) to who wants them and is not behind. */
void run_server_output(struct run_server *server, int stream, const void *bytes, size_t len);

/* The same once more to those that were behind; drops who has been for too long. */
void run_server_catch_up(struct run_server *server, int stream, const void *bytes, size_t len);

bool run_server_is_behind(const struct run_server *server);

/* Milliseconds until somebody has been behind for too long; -1: nobody is. */
int run_server_patience(const struct run_server *server);

/* Tell all. */
void run_server_started(struct run_server *server);
void run_server_failed(struct run_server *server, const struct md_err *err);

/* Tell all, and let them go. */
void run_server_ended(struct run_server *server, const struct run_link_end *end);

#endif
